"""Checks an engine's gradients against finite differences and another engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.engines.engine import Engine
from treadle.engines.objective import Objective
from treadle.engines.rows import Rows
from treadle.errors import InvalidInput
from treadle.maths.derivative_check import DerivativeReport, check_derivative
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Network, Parameters

# Two float64 engines sum in different orders: a few thousand roundings of 1.1e-16, of either sign.
REFERENCE_TOLERANCE = 1e-12


@dataclass(frozen=True)
class GradientReport:
    """The result of the check for one parameter array.

    Parameters
    ----------
    name : str
        As in ``Parameters.trainable``.
    shape : tuple of int
    finite_differences : DerivativeReport
    reference_error : float or None
        Largest difference from the reference engine's gradient, relative to the largest entry of it; None
        where there was no reference.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Objective, Parameters, check_gradients, select_engine
    >>> parameters, X = Parameters.zeros(Network((1, 2)), np.float64), np.ones((1, 1))
    >>> wrong = Parameters.zeros(parameters.network, np.float64)
    >>> engine, y = select_engine("numpy").engine, np.array([0])
    >>> for r in check_gradients(engine, parameters, X, y, objective=Objective(), gradients=wrong):
    ...     print(r.name, r.shape, r.passed)
    weights.0 (1, 2) False
    biases.0 (2,) False
    """

    name: str
    shape: tuple[int, ...]
    finite_differences: DerivativeReport
    reference_error: float | None

    @property
    def passed(self) -> bool:
        """Whether every comparison is within its tolerance; a NaN is not."""
        agrees = self.reference_error is None or self.reference_error <= REFERENCE_TOLERANCE
        return self.finite_differences.passed and agrees


def check_gradients(
    engine: Engine,
    parameters: Parameters,
    X: Rows,
    y: Numbers,
    sample_weight: Numbers | None = None,
    *,
    objective: Objective,
    noise_key: tuple[int, int] | None = None,
    reference: Engine | None = None,
    gradients: Parameters | None = None,
) -> list[GradientReport]:
    """Compare an objective's gradient with central differences, for every parameter.

    The objective is that of one batch.

    Parameters
    ----------
    engine : Engine
    parameters : Parameters, float64
        Where the gradient is taken. It takes two evaluations of the objective for each of them.
    X, y, sample_weight, objective, noise_key
        As in ``Engine.loss_and_gradients``.
    reference : Engine, optional
        Another engine to compare with, PyTorch's automatic differentiation say.
    gradients : Parameters, optional
        Check these in place of the engine's own.

    Returns
    -------
    list of GradientReport
        One for each parameter array, in the order of ``Parameters.trainable``.

    Raises
    ------
    InvalidInput
        If the parameters are not float64: finite differences of float32 tell little.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Objective, Parameters, check_gradients, select_engine
    >>> parameters = Parameters.initialise(Network((2, 3, 2), "tanh"), dtype=np.float64)
    >>> X, y, engine = np.array([[1.0, 2.0]]), np.array([0]), select_engine("numpy").engine
    >>> all(report.passed for report in check_gradients(engine, parameters, X, y, objective=Objective()))
    True
    """
    if parameters.dtype != np.float64:
        raise InvalidInput(f"a gradient check needs float64 parameters; got {parameters.dtype}")
    network = parameters.network

    def objective_of(flat: Floats) -> float:
        at = Parameters(network, flat)
        return engine.loss_and_gradients(at, X, y, sample_weight, objective=objective, noise_key=noise_key)[0]

    def gradient_by(other: Engine) -> Parameters:
        return other.loss_and_gradients(
            parameters, X, y, sample_weight, objective=objective, noise_key=noise_key
        )[1]

    checked = gradients or gradient_by(engine)
    expected = dict(gradient_by(reference).trainable()) if reference else {}
    reports = []
    for name, gradient in checked.trainable():
        report = check_derivative(
            _along(objective_of, parameters, name), _constant(gradient), dict(parameters.named())[name]
        )
        error = _relative_error(gradient, expected[name]) if expected else None
        reports.append(GradientReport(name, gradient.shape, report, error))
    return reports


def _along(
    objective_of: Callable[[Floats], float], parameters: Parameters, name: str
) -> Callable[[ArrayLike], float]:
    """Return the objective as a function of one array, all others fixed."""

    def f(array: ArrayLike) -> float:
        at = parameters.copy()
        dict(at.named())[name][...] = array
        return objective_of(at.flat)

    return f


def _constant(gradient: Floats) -> Callable[[object], Floats]:
    return lambda _at: gradient


def _relative_error(actual: Floats, expected: Floats) -> float:
    size = max(float(np.abs(expected).max()), float(np.finfo(np.float64).tiny))
    return float(np.abs(actual - expected).max()) / size


def random_batch(
    network: Network, n_rows: int, seed: int
) -> tuple[NDArray[np.float64], Numbers, NDArray[np.float64]]:
    """Draw X, y and sample weights to check gradients on.

    Inputs are normal, codes of categories uniform, and targets suit the output.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, network.sizes[0]))
    if (stage := network.input_stage) is not None and stage.category_counts:
        X[:, stage.n_copied :] = rng.integers(
            stage.category_counts, size=(n_rows, len(stage.category_counts))
        )
    return X, random_targets(network, n_rows, rng), rng.uniform(0.5, 2.0, n_rows)


def random_targets(network: Network, n_rows: int, rng: np.random.Generator) -> Numbers:
    """Draw targets that suit the network's output.

    They are labels (N,); or (N, K) zeros and ones, counts or normal numbers.
    """
    shape = (n_rows, network.sizes[-1])
    match network.output:
        case "softmax":
            return rng.integers(network.sizes[-1], size=n_rows)
        case "logistic":
            return rng.integers(2, size=shape).astype(np.float64)
        case "exp":
            return rng.poisson(2, size=shape).astype(np.float64)
        case _:
            return rng.normal(size=shape)
