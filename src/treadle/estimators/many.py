"""Fits at once: members of an ensemble, folds, candidates of a search; each as by its own ``fit``.

It fits nothing itself. Whatever has scikit-learn's ``fit`` will do; treadle's own let go of the interpreter's
lock, so that time falls with the number of processors.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context, get_config

from treadle.errors import InvalidInput
from treadle.hardware.at_once import raise_failures, refuse_shared, run_at_once
from treadle.messages import Said, postponed_warnings, quoted, warn_caller
from treadle.training.callbacks import Callback

# What changes while it is used: two fits that share one would draw, or write, in the order of the day.
CHANGING = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, Callback)


def fit_many(
    estimators: Iterable[Any],
    X: Any = None,
    y: Any = None,
    sample_weight: ArrayLike | None = None,
    *,
    n_threads: int | None = None,
) -> list[Any]:
    """Fit independent estimators at once, to the bits that each has by itself.

    Parameters
    ----------
    estimators : iterable of estimators, or of tuples
        Each is fitted where it is, as ``estimator.fit(X, y)`` does. With tuples (estimator, X, y) or
        (estimator, X, y, sample_weight) each has data of its own, and X is left out here.
    X, y, sample_weight
        Of all of them.
    n_threads : int >= 1, or None
        How many fit at a time, each on one processor. None: as many as there are processors for this process;
        where there are more than fits, a fit may use several. An estimator's own ``n_threads`` holds
        nevertheless.

    Returns
    -------
    list of estimators
        In the order given, fitted.

    Raises
    ------
    InvalidInput
        If two entries are one estimator, or share a random generator or a callback; if data are missing, or
        given twice; if n_threads is no positive integer.
    FitsFailed
        If some fits failed, once all others have ended: those are fitted. It says which, and why.

    Warns
    -----
    What treadle's own fits warn of, in their order, once all have ended, and before FitsFailed. Estimators of
    other packages warn meanwhile, from their threads.

    Notes
    -----
    Ctrl-C stops all of them, at the end of a step or of an epoch, and is raised when they have ended.
    ``random_state=None`` draws a seed from NumPy's global generator in each fit, in no particular order.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from treadle import MLPClassifier, fit_many
    >>> X, y = load_iris(return_X_y=True)
    >>> options = {"learning_rate": "one_cycle", "learning_rate_init": 0.03, "max_iter": 40}
    >>> members = fit_many([MLPClassifier(8, random_state=seed, **options) for seed in range(5)], X, y)
    >>> votes = sum(member.predict_proba(X) for member in members)
    >>> bool((votes.argmax(axis=1) == y).mean() > 0.9)
    True
    """
    fits = [_fit_of(entry, X, y, sample_weight) for entry in estimators]
    refuse_shared(
        "estimators",
        [_changing_parts(estimator) for estimator, _data in fits],
        "give each its own, with sklearn.base.clone, or integers as random_state",
    )
    config = get_config()
    said: list[Said] = [[] for _ in fits]
    outcomes = run_at_once([partial(_fit, config, *fit) for fit in zip(fits, said, strict=True)], n_threads)
    try:
        for of_fit in said:
            for message, category in of_fit:
                warn_caller(message, category)
    finally:  # a warning may be an error
        raise_failures("fits", "are fitted", outcomes, lambda i: quoted(fits[i][0]))
    return [fit[0] for fit in fits]


def _fit_of(entry: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, tuple[Any, ...]]:
    """An estimator, and what its ``fit`` is given."""
    if isinstance(entry, tuple):
        if X is not None or y is not None or sample_weight is not None:
            raise InvalidInput(
                "estimators with data of their own, as tuples, need no X, y or sample_weight beside them; "
                "got both: leave one of the two out"
            )
        if not 2 <= len(entry) <= 4:
            raise InvalidInput(
                "a tuple must be (estimator, X, y) or (estimator, X, y, sample_weight); got one of "
                f"{len(entry)} entries"
            )
        estimator, X, *others = entry
        y, sample_weight, *_ = (*others, None, None)
    else:
        estimator = entry
    if not hasattr(estimator, "fit"):
        raise InvalidInput(
            "estimators must have a method fit, or be tuples that begin with one that has; got "
            f"{quoted(entry)}"
        )
    if X is None:
        raise InvalidInput(f"X is missing: give it beside the estimators, or with each; got {quoted(entry)}")
    return estimator, (X, y) if sample_weight is None else (X, y, sample_weight)


def _fit(config: dict[str, Any], fit: tuple[Any, tuple[Any, ...]], said: Said) -> None:
    """Fit as the caller's thread would, and keep what there is to warn of."""
    estimator, data = fit
    with config_context(**config), postponed_warnings(said):
        estimator.fit(*data)


def _changing_parts(estimator: Any) -> list[Any]:
    """The estimator, and what it holds that a fit changes."""
    values = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    entries = [entry for value in values for entry in (value if isinstance(value, list | tuple) else [value])]
    nested = [value for value in values if hasattr(value, "fit")]
    return [estimator, *nested, *(entry for entry in entries if isinstance(entry, CHANGING))]
