"""A fitted network's predictor, made once and held for as long as it is the right one.

It is held beside the attributes that a user may write (``coefs_`` and the like), and goes by them: arrays
written into show in the next prediction, and arrays put in their place are no longer those that it holds. It
is no part of an estimator's state: nothing of it is pickled, copied or saved.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from operator import is_
from typing import Any

import numpy as np

from treadle.engines.predictor import Predictor
from treadle.engines.selection import select_engine
from treadle.errors import InvalidInput
from treadle.estimators.mlp.fitted import norms_of, parameters_of
from treadle.hardware.native.extension import SIMD
from treadle.maths.dtypes import Floats
from treadle.network import Parameters


class Compiled:
    """Parameters, and what predicts with them once it has been asked for.

    Parameters
    ----------
    parameters : Parameters
        Those that the estimator's attributes are views of.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._norms = norms_of(parameters)
        self._made: tuple[str, int | None, str | None, Predictor] | None = None

    def is_shown_by(self, attributes: Mapping[str, Any]) -> bool:
        """Whether these attributes of an estimator still are the arrays held here."""
        held, shown = self._norms, attributes.get("batch_norm_")
        return (
            attributes["network_"] is self._parameters.network
            and _are(attributes["coefs_"], self._parameters.weights)
            and _are(attributes["intercepts_"], self._parameters.biases)
            and (shown is None if held is None else _are_norms(shown, held))
        )

    def predictor(self, engine: str, n_threads: int | None) -> Predictor:
        """Of the engine of that name, which is chosen anew where the arguments or TREADLE_SIMD are others.

        Raises
        ------
        EngineUnavailable
            If the engine asked for cannot serve here.
        """
        kernels, made = os.environ.get(SIMD), self._made
        # By identity: True, which no number of threads may be, equals 1.
        if made is not None and made[0] is engine and made[1] is n_threads and made[2] == kernels:
            return made[3]
        parameters = self._parameters
        chosen = select_engine(
            engine, dtype=parameters.dtype, n_threads=n_threads, network=parameters.network
        ).engine
        predictor = chosen.predictor(self._parameters)
        self._made = (engine, n_threads, kernels, predictor)  # at once: other threads read it
        return predictor


def laid_out(attributes: Mapping[str, Any]) -> Parameters | None:
    """The parameters that attributes show, in one new array; None where they are not as a fit leaves them.

    What was pickled or copied has arrays that lie apart. Those of a memory map stay on the disk.
    """
    try:
        network, norms = attributes["network_"], attributes.get("batch_norm_")
        coefs, intercepts = attributes["coefs_"], attributes["intercepts_"]
        arrays = [*coefs, *intercepts, *(a for some in (norms or {}).values() for a in some)]
        if {type(array) for array in arrays} != {np.ndarray} or len({a.dtype for a in arrays}) != 1:
            return None
        return parameters_of(network, coefs, intercepts, norms)
    except (AttributeError, InvalidInput, KeyError, TypeError):
        return None


def _are_norms(shown: Any, held: Mapping[str, list[Floats]]) -> bool:
    return type(shown) is dict and all(_are(shown.get(name), arrays) for name, arrays in held.items())


def _are(shown: Any, held: tuple[Floats, ...] | list[Floats]) -> bool:
    """Whether the list has these very arrays."""
    return type(shown) is list and len(shown) == len(held) and all(map(is_, shown, held))
