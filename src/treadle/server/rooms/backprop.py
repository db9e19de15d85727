"""The room of back-propagation: a small network, equation by equation, and each gradient checked.

The steps are ``treadle.engines.equation_steps``', held against the NumPy engine's gradients; the finite
differences are ``check_derivative``'s, of the engine's loss.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from treadle.maths.derivative_check import check_derivative
from treadle.network import Network, Parameters
from treadle.server.rooms.backprop_python import python_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from treadle.engines.engine import Engine
    from treadle.engines.objective import Objective
    from treadle.maths.dtypes import Floats

MOST_ROWS = 4

Number = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
Units = Annotated[int, Field(ge=1, le=4)]
Sizes = Annotated[list[Units], Field(min_length=2, max_length=4)]
HiddenActivation = Literal["tanh", "relu", "logistic", "gelu", "silu"]
ErrorName = Literal["no_target", "no_mean", "no_derivative", "sums_for_outputs", "mean_of_rows"]
Answer = dict[str, Any]  # JSON


class DrawQuestion(BaseModel):
    """The size of a network, and a seed to draw its parameters and its rows from."""

    model_config = ConfigDict(strict=True, extra="forbid")

    sizes: Sizes
    n_rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 1
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class BackpropQuestion(BaseModel):
    """A network with its parameters, a batch, and perhaps an error to plant."""

    model_config = ConfigDict(strict=True, extra="forbid")

    sizes: Sizes
    activation: HiddenActivation = "tanh"
    l2: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    parameters: Annotated[list[Number], Field(max_length=100)]
    X: Annotated[
        list[Annotated[list[Number], Field(min_length=1, max_length=4)]],
        Field(min_length=1, max_length=MOST_ROWS),
    ]
    labels: Annotated[list[Annotated[int, Field(ge=0, le=3)]], Field(min_length=1, max_length=MOST_ROWS)]
    error: ErrorName | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> BackpropQuestion:
        D, K = self.sizes[0], self.sizes[-1]
        P = Network(tuple(self.sizes)).n_parameters
        if K < 2:
            raise ValueError(f"the last layer has a unit for each of two or more classes; got {K}")
        if len(self.parameters) != P:
            raise ValueError(f"a network of {self.sizes} has {P} parameters; got {len(self.parameters)}")
        if any(len(row) != D for row in self.X):
            raise ValueError(f"each row of X has a number for each of the {D} inputs")
        if len(self.labels) != len(self.X):
            raise ValueError(f"there is a label for each of the {len(self.X)} rows; got {len(self.labels)}")
        if max(self.labels) >= K:
            raise ValueError(f"the labels of {K} classes are 0 to {K - 1}; got {max(self.labels)}")
        return self


def answer_draw(question: DrawQuestion) -> Answer:
    """Draw parameters, rows and labels, rounded so that one can calculate with them by hand."""
    network = Network(tuple(question.sizes))
    rng = np.random.default_rng(question.seed)
    parameters = Parameters.initialise(network, "glorot", rng, np.float64)
    rows = rng.normal(size=(question.n_rows, network.sizes[0]))
    return {
        "parameters": [round(value, 1) + 0.0 for value in parameters.flat.tolist()],
        "X": [[round(value, 1) + 0.0 for value in row] for row in rows.tolist()],
        "labels": [i % network.sizes[-1] for i in range(question.n_rows)],
    }


def answer_backprop(question: BackpropQuestion) -> Answer:
    """Take every step, and check every gradient."""
    from treadle.engines.equation_steps import Equations
    from treadle.engines.numpy_engine import NumpyEngine
    from treadle.engines.objective import Objective
    from treadle.maths.activations import ACTIVATIONS
    from treadle.maths.softmax import softmax
    from treadle.server.rooms.planted_errors import ERRORS

    network = Network(tuple(question.sizes), question.activation)
    parameters = Parameters(network, np.array(question.parameters, np.float64))
    X, labels = np.array(question.X, np.float64), np.array(question.labels)
    objective = Objective(l2=question.l2)
    planted = None if question.error is None else ERRORS[question.error]
    equations = Equations() if planted is None else planted.equations()
    engine = NumpyEngine()
    with engine.session():
        steps = equations.steps(parameters, X, labels, objective=objective)
        _, gradients = engine.loss_and_gradients(parameters, X, labels, objective=objective)
        checks = _checks(engine, parameters, X, labels, objective, steps.gradients)
    slope = ACTIVATIONS[question.activation].derivative
    return {
        "weights": _lists(parameters.weights),
        "biases": _lists(parameters.biases),
        "inputs": steps.inputs.tolist(),
        "z": _lists(steps.z),
        "h": _lists(steps.h),
        "probabilities": softmax(steps.h[-1]).tolist(),
        "targets": np.eye(network.sizes[-1])[labels].tolist(),
        "row_losses": [objective.data_loss(steps.h[-1][n : n + 1], labels[n : n + 1]) for n in range(len(X))],
        "loss": steps.loss,
        "penalty": steps.loss - objective.data_loss(steps.h[-1], labels),
        "d": _lists(steps.d),
        "slopes": [slope(z).tolist() for z in steps.z[:-1]],
        "weight_gradients": _lists(steps.gradients.weights),
        "bias_gradients": _lists(steps.gradients.biases),
        "engine_difference": float(np.abs(gradients.flat - steps.gradients.flat).max()),
        "checks": checks,
        "wrong_equation": None if planted is None else {"number": planted.number, "says": planted.says},
        "python": python_of(
            question.sizes,
            question.activation,
            question.parameters,
            question.X,
            question.labels,
            question.l2,
            planted,
        ),
    }


def _checks(
    engine: Engine,
    parameters: Parameters,
    X: NDArray[np.float64],
    labels: NDArray[np.int64],
    objective: Objective,
    gradients: Parameters,
) -> list[Answer]:
    """Check each entry of each array, in C order, as ``check_gradients`` checks arrays."""
    at = parameters.copy()

    def loss_at(k: int, value: float) -> float:
        at.flat[k] = value
        loss = engine.loss_and_gradients(at, X, labels, objective=objective)[0]
        at.flat[k] = parameters.flat[k]
        return loss

    def gradient_at(k: int, _at: object) -> float:
        return float(gradients.flat[k])

    found = []
    for block in parameters.network.blocks:
        reports = [
            check_derivative(partial(loss_at, k), partial(gradient_at, k), parameters.flat[k])
            for k in range(block.where.start, block.where.stop)
        ]
        found.append(
            {
                "name": block.name,
                "shape": list(block.shape),
                "passed": all(report.passed for report in reports),
                "tolerance": reports[0].tolerance,
                "entries": [
                    {
                        "gradient": report.analytic,
                        "difference": _finite(report.numeric),
                        "error": _finite(report.largest_relative_error),
                        "passed": report.passed,
                    }
                    for report in reports
                ],
            }
        )
    return found


def _lists(arrays: tuple[Floats, ...] | list[Floats]) -> list[list[Any]]:
    return [array.tolist() for array in arrays]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
