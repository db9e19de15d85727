"""The room of L1 regression: lines through points, what each point pulls, and what is proved.

The question is checked here; every number of the answer is the solver's that ``LADRegressor`` calls, its
certificate's, or ``treadle.report.l1_comparison``'s. The estimator itself would load scikit-learn, which
takes as long as all else that the lab needs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from treadle.server.rooms.l1_python import python_of

if TYPE_CHECKING:
    from treadle.l1.proof.certificate import Certificate
    from treadle.l1.proof.solution import Solution
    from treadle.l1.proof.verification import Verification

MOST_POINTS, MOST_LINES = 500, 11
LARGEST = 1e9  # of a coordinate

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]
Quantile = Annotated[float, Field(ge=0.01, le=0.99, allow_inf_nan=False)]
Slope = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class OwnLine(BaseModel):
    """A line that a person drew, to be held against the proof."""

    model_config = ConfigDict(strict=True, extra="forbid")

    intercept: Slope
    slope: Slope


class L1Question(BaseModel):
    """Points, the quantiles whose lines are wanted, and perhaps a line of one's own.

    The first quantile is the one whose pulls and optimal lines are given.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    points: Annotated[list[Point], Field(min_length=2, max_length=MOST_POINTS)]
    quantiles: Annotated[list[Quantile], Field(min_length=1, max_length=MOST_LINES)] = [0.5]
    own: OwnLine | None = None


Answer = dict[str, Any]  # JSON
Vector = NDArray[np.float64]


def answer_l1(question: L1Question) -> Answer:
    """Fit every line, prove each, and give the first one's pulls."""
    # Loaded by the first answer, and meanwhile by ``treadle.server.serving``, not before the page is served.
    from treadle.l1.dense.solve import solve

    x, y = np.array(question.points, np.float64).T.copy()
    X = x[:, None]
    found = [solve(X, y, quantile=quantile) for quantile in question.quantiles]
    proofs = [solution.certificate.verify(X, y) for solution in found]
    first = found[0].certificate
    return {
        "lines": [_line(solution, proof) for solution, proof in zip(found, proofs, strict=True)],
        "pulls": _pulls(first, x, y),
        "optimal": _optimal(first, x, y),
        "proof": str(proofs[0]),
        "least_squares": _least_squares(x, y, first.quantile),
        "own": None if question.own is None else _own(first, question.own, x, y),
        "python": python_of(
            question.points,
            question.quantiles,
            None if question.own is None else (question.own.intercept, question.own.slope),
        ),
    }


def _line(solution: Solution, proof: Verification) -> Answer:
    return {
        "quantile": proof.quantile,
        "intercept": solution.intercept,
        "slope": float(solution.coef[0]),
        "objective": solution.objective,
        "proved": proof.optimal,
        "theorem": proof.theorem,
        "flaw": proof.flaw,
        "gap_bound": _finite(proof.gap_bound),
        "least_bounds": [_finite(bound) for bound in proof.least_bounds],
        "unique": solution.certificate.unique,
    }


def _pulls(certificate: Certificate, x: Vector, y: Vector) -> Answer:
    """Give u of each point, the ends of its box, and the three sums that make the proof."""
    from treadle.l1.proof.pinball import dual_bounds

    u = certificate.dual_vector(x[:, None], y)
    fitted = (x - certificate.centre[0]) * certificate.coef[0] + certificate.centre_intercept
    low, high = dual_bounds(np.ones(1), certificate.quantile)
    return {
        "u": u.tolist(),
        "box": [float(low[0]), float(high[0])],
        "on_the_line": certificate.basis.tolist(),
        "residuals": (y - fitted).tolist(),
        "sums": {"u": math.fsum(u), "ux": math.fsum(u * x), "uy": math.fsum(u * y)},
    }


def _optimal(certificate: Certificate, x: Vector, y: Vector) -> list[list[float]] | None:
    """Give intercept and slope of each corner of the set of optimal lines; None if any slope will do."""
    from treadle.l1.proof.optimal_lines import optimal_lines

    if x.min() == x.max():
        return None
    if certificate.unique:
        return [[certificate.intercept, float(certificate.coef[0])]]
    return [[float(b), float(w)] for b, w in optimal_lines(certificate, x, y)]


def _least_squares(x: Vector, y: Vector, quantile: float) -> Answer:
    from treadle.l1.proof.pinball import pinball_loss
    from treadle.report.l1_comparison import least_squares

    slope, intercept = least_squares(x[:, None], y, fit_intercept=True).tolist()
    loss = pinball_loss(y - (x * slope + intercept), quantile)
    return {"intercept": intercept, "slope": slope, "loss": loss}


def _own(certificate: Certificate, own: OwnLine, x: Vector, y: Vector) -> Answer:
    """Give the loss of a person's line, and what the proof says of a certificate that claims it."""
    from treadle.l1.proof.pinball import pinball_loss

    loss = pinball_loss(y - (own.intercept + own.slope * x), certificate.quantile)
    forged = replace(
        certificate,
        coef=np.array([own.slope]),
        intercept=own.intercept,
        centre_intercept=own.intercept + own.slope * float(certificate.centre[0]),
        primal=loss,
    )
    said = forged.verify(x[:, None], y)
    above = loss - certificate.primal
    return {"loss": loss, "above_the_least": above, "proved": said.optimal, "flaw": said.flaw}


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
