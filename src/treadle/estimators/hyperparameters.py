"""The allowed values of each hyper-parameter, under scikit-learn's names, and their check.

One table for all: an estimator checks those that it has, used by the chosen solver or not, before it looks at
the data. Where scikit-learn has the parameter, the message is scikit-learn's, word for word. Whether a value
suits the data is not checked here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeGuard, get_args

import numpy as np

from treadle.choices import (
    ColumnKind,
    EngineName,
    EstimatorPrecisionName,
    LearningRateName,
    RegressionLossName,
    RegressorPartitionName,
    SolverName,
)
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.messages import quoted
from treadle.whole_numbers import is_whole

# The schedules that plan the whole course of a fit from its beginning.
PLANNED_RATES = ("cosine", "one_cycle")


@dataclass(frozen=True)
class Allowed:
    """The set of allowed values: in words, and as a predicate.

    The predicate takes anything at all.
    """

    words: str
    holds: Callable[[object], bool]


def check_hyperparameters(estimator_name: str, values: Mapping[str, object]) -> None:
    """Raise InvalidInput for the first value that is not allowed.

    Names outside of the table are passed over.

    Parameters
    ----------
    estimator_name : str
        Whose they are, for the message.
    values : mapping
        From the name of a hyper-parameter to its value.
    """
    for name, value in values.items():
        allowed = HYPERPARAMETERS.get(name)
        if allowed is not None and not allowed.holds(value):
            raise InvalidInput(
                f"The {name!r} parameter of {estimator_name} must be {allowed.words}. "
                f"Got {quoted(value)} instead."
            )


def is_number(value: object) -> TypeGuard[float]:
    """Say whether a value is a finite real number in float64's range.

    True and False are none.
    """
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # 10**400
        return False


def is_sequence(value: object) -> bool:
    """Say whether a value is a list, tuple or one-dimensional array.

    Text is none.
    """
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


# Any: whatever a user gives, which ``is_sequence`` lets us go through.
def is_one_or_several(value: Any, holds: Callable[[object], bool]) -> bool:
    """Say whether a value, or each of a sequence, fulfils the predicate."""
    return all(map(holds, value)) if is_sequence(value) else holds(value)


def _one_of(names: Sequence[str]) -> Allowed:
    return Allowed(_among(names), lambda v: isinstance(v, str) and v in names)


def _among(names: Sequence[str]) -> str:
    return f"a str among {{{', '.join(map(repr, names))}}}"


def _number(interval: str, holds: Callable[[float], bool]) -> Allowed:
    return Allowed(f"a float in the range {interval}", lambda v: is_number(v) and holds(v))


def _each_layer(allowed: Allowed) -> Allowed:
    words = f"{allowed.words}, or a sequence of such, one for each hidden layer"
    return Allowed(words, lambda v: is_one_or_several(v, allowed.holds))


def _is_class_weight(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(is_number(weight) and weight >= 0 for weight in value.values())
    return value is None or (isinstance(value, str) and value == "balanced")


def _are_column_kinds(value: object) -> bool:
    if isinstance(value, Mapping):
        kinds = get_args(ColumnKind)
        return all(isinstance(name, str) and kind in kinds for name, kind in value.items())
    return value is None


def _is_verbose(value: object) -> bool:
    return isinstance(value, bool | np.bool_) or (is_whole(value) and value >= 0)


_POSITIVE = _number("(0.0, inf)", lambda v: v > 0)
_NOT_NEGATIVE = _number("[0.0, inf)", lambda v: v >= 0)
_FADING = _number("[0.0, 1.0)", lambda v: 0 <= v < 1)
_COUNT = Allowed("an int in the range [1, inf)", lambda v: is_whole(v) and v >= 1)
_COUNT_OR_AUTO = Allowed(
    f"a str among {{'auto'}} or {_COUNT.words}",
    lambda v: _COUNT.holds(v) or (isinstance(v, str) and v == "auto"),
)
_YES_OR_NO = Allowed(
    "an instance of 'bool' or an instance of 'numpy.bool'", lambda v: isinstance(v, bool | np.bool_)
)

HYPERPARAMETERS: dict[str, Allowed] = {
    "loss": _one_of(get_args(RegressionLossName)),
    "huber_delta": _POSITIVE,
    # What is in the sequence is for the network to check.
    "hidden_layer_sizes": Allowed(
        f"an array-like or {_COUNT.words}", lambda v: is_sequence(v) or _COUNT.holds(v)
    ),
    "activation": _each_layer(_one_of(sorted(ACTIVATIONS))),
    "solver": _one_of(get_args(SolverName)),
    "alpha": _NOT_NEGATIVE,
    "n_epochs": _COUNT,
    "max_rows": _COUNT,
    "batch_size": _COUNT_OR_AUTO,
    "learning_rate": _one_of(get_args(LearningRateName)),
    "learning_rate_init": _POSITIVE,
    "power_t": _NOT_NEGATIVE,
    "max_iter": _COUNT,
    "shuffle": _YES_OR_NO,
    "random_state": Allowed(
        "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or None",
        lambda v: v is None or isinstance(v, np.random.RandomState) or (is_whole(v) and 0 <= v < 2**32),
    ),
    "tol": _NOT_NEGATIVE,
    "verbose": Allowed(f"an int in the range [0, inf), {_YES_OR_NO.words}", _is_verbose),
    "warm_start": _YES_OR_NO,
    "momentum": _number("[0.0, 1.0]", lambda v: 0 <= v <= 1),
    "nesterovs_momentum": _YES_OR_NO,
    "early_stopping": _YES_OR_NO,
    "validation_fraction": _FADING,
    "beta_1": _FADING,
    "beta_2": _FADING,
    "epsilon": _POSITIVE,
    "n_iter_no_change": Allowed(
        f"{_COUNT.words} or a float among {{inf}}",
        lambda v: _COUNT.holds(v) or (isinstance(v, float) and v == math.inf),
    ),
    "max_fun": _COUNT,
    "scoring": Allowed(
        "None, 'loss', the name of a scorer of scikit-learn, or a callable",
        lambda v: v is None or isinstance(v, str) or callable(v),
    ),
    "dropout": _each_layer(_FADING),
    "batch_norm": _each_layer(_YES_OR_NO),
    "label_smoothing": _FADING,
    "class_weight": Allowed(
        "None, 'balanced', or a mapping from class labels to numbers of at least 0", _is_class_weight
    ),
    "columns": Allowed(
        f"None, or a mapping from names of columns to {_among(get_args(ColumnKind))}", _are_column_kinds
    ),
    "weight_decay": _NOT_NEGATIVE,
    "input_scale": Allowed("a finite number other than 0", lambda v: is_number(v) and v != 0),
    "engine": _one_of(get_args(EngineName)),
    "precision": _one_of(get_args(EstimatorPrecisionName)),
    "n_threads": Allowed(f"None or {_COUNT.words}", lambda v: v is None or _COUNT.holds(v)),
    "quantile": _number("(0.0, 1.0)", lambda v: 0 < v < 1),
    "fit_intercept": _YES_OR_NO,
    "n_boxes": _COUNT_OR_AUTO,
    "partition": _one_of(get_args(RegressorPartitionName)),
    "order": Allowed("an int among {0, 1}", lambda v: is_whole(v) and v in (0, 1)),
}
