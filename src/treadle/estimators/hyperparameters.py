"""What each hyper-parameter of an estimator may be, under scikit-learn's names, and the check of it.

One table for all: an estimator checks those that it has, used by the chosen solver or not, before it looks at
the data. Whether a value suits the data is not checked here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from treadle.engines.selection import ENGINES
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS

LEARNING_RATES = ("constant", "invscaling", "adaptive", "one_cycle", "cosine")
SOLVERS = ("adam", "sgd")


@dataclass(frozen=True)
class Allowed:
    """The set of allowed values: in words, and as a predicate that takes anything at all."""

    words: str
    holds: Callable[[Any], bool]


def check_hyperparameters(values: Mapping[str, Any]) -> None:
    """Raise InvalidInput for the first value that is not allowed; names outside of the table are passed over.

    Parameters
    ----------
    values : mapping
        From the name of a hyper-parameter to its value.
    """
    for name, value in values.items():
        allowed = HYPERPARAMETERS.get(name)
        if allowed is not None and not allowed.holds(value):
            raise InvalidInput(f"{name} must be {allowed.words}; got {value!r}")


def is_integer(value: Any) -> bool:
    """A whole number of Python or NumPy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """A finite real number of Python or NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_layer_sizes(value: Any) -> bool:
    """A positive integer, or a sequence or 1-D array of them; an empty one is no hidden layer."""
    if isinstance(value, Sequence | np.ndarray) and np.ndim(value) == 1:
        return all(is_integer(size) and size >= 1 for size in value)
    return is_integer(value) and value >= 1


def _one_of(names: Sequence[str]) -> Allowed:
    return Allowed("one of " + ", ".join(names), lambda v: isinstance(v, str) and v in names)


_POSITIVE = Allowed("a finite number above 0", lambda v: is_number(v) and v > 0)
_NOT_NEGATIVE = Allowed("a finite number, at least 0", lambda v: is_number(v) and v >= 0)
_COUNT = Allowed("an integer, at least 1", lambda v: is_integer(v) and v >= 1)
_FADING = Allowed("a number, at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1)
_FRACTION = Allowed("a number above 0 and below 1", lambda v: is_number(v) and 0 < v < 1)
_YES_OR_NO = Allowed("True or False", lambda v: isinstance(v, bool | np.bool_))

HYPERPARAMETERS: dict[str, Allowed] = {
    "hidden_layer_sizes": Allowed("a positive integer or a sequence of them", is_layer_sizes),
    "activation": _one_of(tuple(ACTIVATIONS)),
    "solver": _one_of(SOLVERS),
    "alpha": _NOT_NEGATIVE,
    "batch_size": Allowed(
        "'auto', or an integer, at least 1", lambda v: _COUNT.holds(v) or (isinstance(v, str) and v == "auto")
    ),
    "learning_rate": _one_of(LEARNING_RATES),
    "learning_rate_init": _POSITIVE,
    "power_t": _NOT_NEGATIVE,
    "max_iter": _COUNT,
    "random_state": Allowed(
        "None, a numpy.random.RandomState, or an integer from 0 to 2**32 - 1",
        lambda v: v is None or isinstance(v, np.random.RandomState) or (is_integer(v) and 0 <= v < 2**32),
    ),
    "tol": _NOT_NEGATIVE,
    "momentum": _FADING,
    "nesterovs_momentum": _YES_OR_NO,
    "early_stopping": _YES_OR_NO,
    "validation_fraction": _FRACTION,
    "beta_1": _FADING,
    "beta_2": _FADING,
    "epsilon": _POSITIVE,
    "n_iter_no_change": Allowed(
        "an integer, at least 1, or infinity",
        lambda v: _COUNT.holds(v) or (isinstance(v, float) and v == math.inf),
    ),
    "dropout": _FADING,
    "label_smoothing": _FADING,
    "input_scale": Allowed("a finite number other than 0", lambda v: is_number(v) and v != 0),
    "engine": _one_of(ENGINES),
    "quantile": _FRACTION,
    "fit_intercept": _YES_OR_NO,
}
