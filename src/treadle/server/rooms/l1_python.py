"""Writes the L1 room's state as a program that computes its numbers."""

from __future__ import annotations

from collections.abc import Sequence

PER_LINE = 4  # points in a line of the program

BEGINNING = """\
# The L1 room of treadle lab, as it stands: pip install treadle
import numpy as np

from treadle import LADRegressor
from treadle.l1 import optimal_lines
from treadle.report.l1_comparison import least_squares

points = np.array([
{points}
])
x, y = points.T
X = points[:, :1]
"""

LINES = """
# The line of each quantile: the first is the one whose pulls are shown. 0.5 is the L1 line.
lines = {{quantile: LADRegressor(quantile).fit(X, y) for quantile in {quantiles}}}
for quantile, model in lines.items():
    print(f"quantile {{quantile}}: {{float(model.intercept_)}} + {{float(model.coef_[0])}} x")
    print(model.certificate_.verify(X, y))

# What each point pulls, and the three sums of the proof.
model = lines[{first}]
u = model.certificate_.dual_vector(X, y)
print("u:", u.tolist())
print(f"sum of u {{u.sum():.3g}}, of u x {{u @ x:.3g}}, of u y {{u @ y}}, which is {{model.objective_}}")
"""

OPTIMAL = """
# All lines that are as good, as the corners of a convex set: intercept and slope, exactly.
optimal = optimal_lines(model.certificate_, x, y)
for intercept, slope in optimal:
    print(f"optimal: {float(intercept)} + {float(slope)} x")
"""

LEAST_SQUARES = """
# Least squares.
slope, intercept = least_squares(X, y, fit_intercept=True)
print(f"least squares: {intercept} + {slope} x")
"""

OWN = """
# Your line.
residuals = y - ({intercept!r} + {slope!r} * x)
own_loss = 2 * np.sum(np.where(residuals > 0, model.quantile, model.quantile - 1) * residuals)
print(f"your line: {{own_loss}}, which is {{own_loss - model.objective_}} above the least")
"""


def python_of(
    points: Sequence[Sequence[float]], quantiles: Sequence[float], own: tuple[float, float] | None
) -> str:
    """Write the program: fits, proofs, pulls, and if there is one the person's line.

    Of that, ``own`` is intercept and slope.
    """
    shown = [f"[{x!r}, {y!r}]," for x, y in points]
    rows = [" ".join(shown[i : i + PER_LINE]) for i in range(0, len(shown), PER_LINE)]
    distinct = list(dict.fromkeys(quantiles))
    parts = [
        BEGINNING.format(points="\n".join(f"    {row}" for row in rows)),
        LINES.format(quantiles=distinct, first=distinct[0]),
        OPTIMAL if len({x for x, _ in points}) > 1 else "",
        LEAST_SQUARES,
    ]
    if own is not None:
        parts.append(OWN.format(intercept=own[0], slope=own[1]))
    program = "".join(parts)
    return program if parts[2] else program.replace("from treadle.l1 import optimal_lines\n", "")
