"""The room of the softmax: probabilities of logits, their Jacobian, the loss's gradient, and overflow.

The numbers are ``treadle.maths.softmax``'s and ``treadle.maths.losses``'; the formula that overflows is
written out here, since the library has none that does.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from treadle.maths.derivative_check import check_derivative
from treadle.maths.losses import cross_entropy, cross_entropy_gradient
from treadle.maths.softmax import log_softmax, softmax, softmax_jacobian
from treadle.server.rooms.softmax_python import python_of

LARGEST = 1000.0  # of a logit
FORMATS = (np.float16, np.float32, np.float64)

Logit = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Answer = dict[str, Any]  # JSON
Vector = NDArray[np.floating]


class SoftmaxQuestion(BaseModel):
    """Logits, what is added to all of them, the temperature they are divided by, and the true class."""

    model_config = ConfigDict(strict=True, extra="forbid")

    logits: Annotated[list[Logit], Field(min_length=2, max_length=6)]
    shift: Logit = 0.0
    temperature: Annotated[float, Field(ge=0.05, le=20, allow_inf_nan=False)] = 1.0
    target: Annotated[int, Field(ge=0, le=5)] = 0

    @model_validator(mode="after")
    def _has_the_class(self) -> SoftmaxQuestion:
        if self.target >= len(self.logits):
            raise ValueError(f"the classes are 0 to {len(self.logits) - 1}; got the target {self.target}")
        return self


def answer_softmax(question: SoftmaxQuestion) -> Answer:
    """Compute probabilities and derivatives at z / T, by z; and both formulas in each format."""
    z, T = np.array(question.logits) + question.shift, question.temperature
    y = softmax(z / T)
    jacobian = softmax_jacobian(z / T) / T
    # Where differences of e to the z are least rough: the same derivatives, as only distances count.
    report = check_derivative(softmax, softmax_jacobian, (z - z.max()) / T)
    return {
        "z": z.tolist(),
        "probabilities": y.tolist(),
        "log_probabilities": log_softmax(z / T).tolist(),
        "jacobian": jacobian.tolist(),
        "loss": cross_entropy([z / T], [question.target]),
        "gradient": (cross_entropy_gradient([z / T], [question.target])[0] / T).tolist(),
        "check": {
            "passed": report.passed,
            "error": report.largest_relative_error,
            "tolerance": report.tolerance,
        },
        "formats": [_in_format(z / T, y, dtype) for dtype in FORMATS],
        "python": python_of(question.logits, question.shift, T, question.target),
    }


@np.errstate(all="ignore")
def _in_format(z: NDArray[np.float64], exact: Vector, dtype: type[np.floating]) -> Answer:
    """Compute the softmax as it is written, and less the largest logit, in one format throughout."""
    rounded = z.astype(dtype)
    naive = np.exp(rounded) / np.exp(rounded).sum()
    shifted = np.exp(rounded - rounded.max())
    stable = shifted / shifted.sum()
    return {
        "name": np.dtype(dtype).name,
        "most": float(np.log(np.finfo(dtype).max)),
        "exponentials": _numbers(np.exp(rounded)),
        "naive": _numbers(naive),
        "stable": _numbers(stable),
        "naive_fails": not np.isfinite(naive).all(),
        "stable_error": float(np.abs(stable - exact).max()),
    }


def _numbers(values: Vector) -> list[float | str]:
    """Give numbers as they are, and inf and nan, which JSON has not, as text."""
    return [float(v) if np.isfinite(v) else str(v) for v in values]
