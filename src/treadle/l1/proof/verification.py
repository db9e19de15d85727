"""The result of ``Certificate.verify``: a theorem, in words and in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The proof about some coefficients; true if they are the optimum.

    Every number of the data is taken as exactly the double that it is; "optimum" is the vertex of the
    certificate's basis, a vector of rational numbers.

    Attributes
    ----------
    optimal : bool
        The vertex is proved optimal, and each coefficient is one of the two doubles about the vertex's.
    flaw : str or None
        What could not be proved, None if nothing.
    objective : float
        The objective that was reported.
    least_bounds : (float, float)
        The least objective there is lies between these.
    gap_bound : float
        The objective of the coefficients, and the one reported, are at most so much from the least. Infinite
        without a basis, which of a sparse X of more than 2000 columns is not always found.
    coef_error : ndarray of shape (D,)
        How far each coefficient is from the vertex's, at most.
    intercept_error : float
        The same of the intercept, at the centre.
    exact : bool
        Whether systems were solved in rational arithmetic, without enclosures.
    least : Fraction or None
        The least objective itself, where it was computed.
    n_rows, n_ties, n_open : int
        Rows; those off the basis with a residual of exactly zero; those whose sign took integers.
    rounded : bool
        Whether numbers that were given are no doubles (integers whose distances are beyond 2^53): what is
        proved is then proved of the doubles next to them.
    dependent, left_out : tuple of int
        Features proved to be combinations of the others; features left out because they are, to rounding:
        what is proved is then proved among coefficients that are 0 there.
    """

    optimal: bool
    flaw: str | None
    objective: float
    least_bounds: tuple[float, float]
    gap_bound: float
    coef_error: NDArray[np.float64]
    intercept_error: float
    exact: bool
    least: Fraction | None
    n_rows: int
    n_ties: int
    n_open: int
    quantile: float
    alpha: float
    fit_intercept: bool
    rounded: bool = False
    dependent: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.optimal

    @property
    def theorem(self) -> str:
        """State what is proved in one sentence."""
        what = "sum of absolute residuals" if self.quantile == 0.5 else f"sum of losses at {self.quantile:g}"
        if self.alpha:
            what += " with the penalty"
        among = f" whose coefficients of features {_numbers(self.left_out)} are 0" if self.left_out else ""
        taken = "the double next to it" if self.rounded else "exactly what it is"
        rows = f"these {self.n_rows} rows, every number taken as {taken}"
        if not self.optimal:
            gap = at_most(self.gap_bound)
            return f"On {rows}, no coefficients{among} have a {what} smaller by more than {gap}."
        return (
            f"On {rows}, no coefficients{among} have a smaller {what} than the optimum, and the ones "
            f"reported are it, rounded: their {what} is at most {at_most(self.gap_bound)} above the least."
        )

    def __str__(self) -> str:
        how = "rational arithmetic" if self.exact else "enclosures and exact sums"
        low, high = self.least_bounds
        worst = float(np.max(self.coef_error, initial=self.intercept_error))
        verdict = "optimal" if self.optimal else "NOT PROVED OPTIMAL"
        lines = [
            f"{verdict}: {self.n_rows} rows, {how}",
            f"  least objective        {_between(low, high)}",
            f"  objective reported     {self.objective:.12g}, at most {at_most(self.gap_bound)} from it",
            f"  coefficients           within {at_most(worst)} of the exact vertex",
            f"  signs of residuals     {self.n_rows - self.n_open} by their size, {self.n_open} in integers"
            + (f" ({self.n_ties} ties)" if self.n_ties else ""),
        ]
        if self.dependent:
            lines.append(f"  dependent features     {_numbers(self.dependent)}, proved")
        if self.left_out:
            lines.append(
                f"  left out               features {_numbers(self.left_out)}, dependent to rounding"
            )
        if self.flaw is not None:
            lines.append(f"  what is missing        {self.flaw}")
        return "\n".join([*lines, *_wrapped(self.theorem)])


def _numbers(features: tuple[int, ...]) -> str:
    shown = ", ".join(str(j) for j in features[:8])
    return shown + (f" and {len(features) - 8} more" if len(features) > 8 else "")


def at_most(value: float, digits: int = 3) -> str:
    """Print a number with few digits, rounded up, so that it stays proved."""
    if not math.isfinite(value):
        return f"{value:g}"
    context = Context(prec=digits, rounding=ROUND_CEILING)
    return f"{float(context.create_decimal(Decimal(value))):.{digits}g}"


def _between(low: float, high: float) -> str:
    if f"{low:.12g}" == f"{high:.12g}":
        return f"{high:.12g}"
    below, above = at_most(-low, 12), at_most(high, 12)
    return f"{below[1:] if below.startswith('-') else '0'} to {above}"


def _wrapped(sentence: str) -> list[str]:
    import textwrap

    return textwrap.wrap(sentence, 100, initial_indent="  ", subsequent_indent="  ")
