"""Checks a derivative against numbers: central differences, or the complex step.

The check finds wrong derivatives; it cannot prove one right, for it sees only the point and the coordinates
that it was given. It does not smooth over kinks: central differences look at both sides, and where their
slopes differ, as for ReLU at 0, there is no derivative and no claim of one passes. No tolerance is widened by
what was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.choices import DifferenceName
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Inexact, as_inexact, as_real, is_complex
from treadle.whole_numbers import is_whole

METHODS = get_args(DifferenceName)

# A tolerance beyond this would let errors pass that a reader sees at a glance.
_LARGEST_DERIVED_TOLERANCE = 0.1


@dataclass(frozen=True)
class DerivativeReport:
    """The result of ``check_derivative``; true where the check passed.

    Parameters
    ----------
    largest_relative_error : float
        ``|analytic - numeric| / max(|analytic|, |numeric|, floor)`` where it is largest; NaN if one is NaN.
    where : tuple of int
        Index of that entry in ``df(x)``.
    analytic, numeric : float
        Both derivatives there; numeric is NaN at a kink.
    tolerance : float
        What the error may be.
    tolerance_reason : str
        How the tolerance came about.
    method : {"central", "complex"}
    step : float
        As in ``check_derivative``.
    n_checked, n_entries : int
        Entries of ``df(x)`` compared, and entries that it has.

    Examples
    --------
    >>> from treadle import check_derivative
    >>> report = check_derivative(lambda x: x**2, lambda x: 3 * x, 2.0)
    >>> report.passed, report.analytic, round(report.numeric, 6)
    (False, 6.0, 4.0)
    """

    largest_relative_error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float
    tolerance: float
    tolerance_reason: str
    method: str
    step: float
    n_checked: int
    n_entries: int

    @property
    def passed(self) -> bool:
        """Whether the largest error is within the tolerance; a NaN is not."""
        return self.largest_relative_error <= self.tolerance

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        place = f"df(x)[{', '.join(map(str, self.where))}]" if self.where else "df(x)"
        numeric = "central difference" if self.method == "central" else "complex step"
        scale = " max(1, |x|)" if self.method == "central" else ""
        no_number = "  (f has a kink there, or is not finite)" if math.isnan(self.numeric) else ""
        return "\n".join(
            (
                f"derivative check {'passed' if self.passed else 'FAILED'}",
                f"  largest relative error  {self.largest_relative_error:<9.2g} at {place}",
                f"  tolerance               {self.tolerance:<9.2g} {self.tolerance_reason}",
                f"  analytic                {self.analytic: .15g}",
                f"  {numeric:<22}  {self.numeric: .15g}{no_number}",
                f"  step                    {self.step:.2g}{scale}",
                f"  entries compared        {self.n_checked} of {self.n_entries}",
            )
        )


def check_derivative(
    f: Callable[[Inexact], ArrayLike],
    df: Callable[[Inexact], ArrayLike],
    x: ArrayLike,
    *,
    method: str = "central",
    step: float | None = None,
    tolerance: float | None = None,
    n_coordinates: int | None = None,
    random_state: int | np.random.Generator = 0,
) -> DerivativeReport:
    """Compare ``df(x)`` with numerical derivatives of f, one coordinate at a time.

    ``central`` takes ``(f(x + h e_j) - f(x - h e_j)) / 2h`` with ``h = step * max(1, |x_j|)``. Its rounding
    error is about ``eps |f| / h``, its truncation error ``h^2 |f'''| / 6``. Hence the default step
    ``cbrt(eps)``, which balances them; the default tolerance ``50 (eps / step + step^2 + eps of df)``, right
    for f whose third derivative is not much larger than f and f'; and the floor ``max |f| / max(1, |x_j|)``
    of what errors are relative to: a derivative far below it drowns in the rounding of f. Where the slopes of
    the two sides differ by more than the root of the step, and not by much less at a quarter of it, there is
    a kink: the numeric derivative is NaN, and the check fails.

    ``complex`` takes ``Im f(x + i h e_j) / h`` with ``h = step``, by default 1e-20 (Squire and Trapp 1998).
    Nothing is subtracted, so nothing cancels: the default tolerance is ``1000 eps``, the floor the largest
    derivative in absolute value. f must be analytic, compute with complex numbers, and not conjugate; kinks
    go unseen.

    Parameters
    ----------
    f : callable
        Maps an array like x to a scalar or an array, real for a real argument.
    df : callable
        Maps x to the derivative, of shape ``f(x).shape + x.shape``: the gradient of a scalar f, else the
        Jacobian. For a function that works element by element, check its sum against its derivative.
    x : array_like of any shape, real
        Finite. Taken in float64, float32 too, so that the check is one of the mathematics. If f or df
        returns float32, the eps above are those of float32.
    method : {"central", "complex"}
        Complex is exact to rounding, central needs nothing of f but its values.
    step : float, optional
        Positive, without unit: relative to ``max(1, |x_j|)`` for central, absolute for complex.
    tolerance : float, optional
        Positive: the largest relative error that passes.
    n_coordinates : int, optional
        Check this many coordinates of x, drawn without replacement; all of them by default, or where x has
        no more.
    random_state : int or Generator
        Draws those coordinates.

    Returns
    -------
    DerivativeReport
        Print it, or use it as a truth value.

    Raises
    ------
    InvalidInput
        If x is empty, complex or not finite; if f(x) is empty or complex; if df(x) is complex or has another
        shape; if f returns real numbers for complex ones; if an option is not as above, or the step is so
        large or small that its tolerance would be 0.1 or more.

    Examples
    --------
    >>> from treadle import check_derivative
    >>> check_derivative(lambda x: x**3, lambda x: 3 * x**2, 2.0).passed
    True
    >>> check_derivative(lambda x: x**3, lambda x: 2 * x**2, 2.0).passed
    False
    """
    _check_options(method, step, tolerance, n_coordinates)
    x = _checked_point(x)
    value = as_real("f(x)", f(x.copy()))
    if value.size == 0:
        raise InvalidInput(f"f(x) must have an entry to differentiate; got shape {value.shape}")
    derivative = as_real("df(x)", df(x.copy()))
    if derivative.shape != value.shape + x.shape:
        raise InvalidInput(
            f"df(x) must have shape {value.shape + x.shape}, that of f(x) and then that of x; "
            f"got {derivative.shape}"
        )
    if step is None:
        step = float(np.cbrt(_eps(value))) if method == "central" else 1e-20
    if tolerance is None:
        tolerance, reason = _derived_tolerance(method, step, value, derivative)
    else:
        reason = "as asked for"

    coordinates = np.arange(x.size)
    if n_coordinates is not None and n_coordinates < x.size:
        coordinates = np.random.default_rng(random_state).choice(x.size, n_coordinates, replace=False)
    floor: Inexact | float
    # One row for each coordinate checked, one column for each entry of f(x).
    analytic = derivative.reshape(-1, x.size)[:, coordinates].T
    with np.errstate(all="ignore"):
        if method == "central":
            columns = [_central_difference(f, x, value, j, step) for j in coordinates]
            numeric = np.stack([slope for slope, _ in columns])
            floor = np.array([[floor] for _, floor in columns])
        else:
            numeric = np.stack([_complex_step(f, x, j, step) for j in coordinates])
            floor = _largest_finite(analytic)
        size = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        error = np.abs(analytic - numeric) / np.maximum(size, np.finfo(np.float64).tiny)
    # The first NaN is the largest to argmax.
    row, column = (int(i) for i in np.unravel_index(np.argmax(error), error.shape))
    where = np.unravel_index(column * x.size + coordinates[row], derivative.shape)
    return DerivativeReport(
        largest_relative_error=float(error[row, column]),
        where=tuple(int(i) for i in where),
        analytic=float(analytic[row, column]),
        numeric=float(numeric[row, column]),
        tolerance=float(tolerance),
        tolerance_reason=reason,
        method=method,
        step=float(step),
        n_checked=error.size,
        n_entries=derivative.size,
    )


def _check_options(
    method: str, step: float | None, tolerance: float | None, n_coordinates: int | None
) -> None:
    if method not in METHODS:
        raise InvalidInput(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    for name, option in (("step", step), ("tolerance", tolerance)):
        if option is not None and not (option > 0 and math.isfinite(option)):
            raise InvalidInput(f"{name} must be positive and finite; got {option!r}")
    if n_coordinates is not None and not (is_whole(n_coordinates) and n_coordinates >= 1):
        raise InvalidInput(f"n_coordinates must be an integer of at least 1; got {n_coordinates!r}")


def _checked_point(x: ArrayLike) -> NDArray[np.float64]:
    point = as_inexact("x", x)
    if is_complex(point) or point.size == 0 or not np.isfinite(point).all():
        raise InvalidInput(
            f"x must be real, finite and not empty; got {point.dtype} of shape {point.shape}, "
            f"{np.count_nonzero(~np.isfinite(point))} of them not finite"
        )
    return point.astype(np.float64)


# Any: NumPy's types refuse complex numbers here.
def _eps(array: NDArray[Any]) -> float:
    return float(np.finfo(array.dtype).eps)


def _derived_tolerance(method: str, step: float, value: Inexact, derivative: Inexact) -> tuple[float, str]:
    if method == "complex":
        eps = max(_eps(value), _eps(derivative))
        return 1000 * eps, f"1000 eps, with eps = {eps:.2g} of f or df (rounding only)"
    tolerance = 50 * (_eps(value) / step + step**2 + _eps(derivative))
    if not tolerance < _LARGEST_DERIVED_TOLERANCE:
        raise InvalidInput(
            f"a step of {step!r} would need a tolerance of {tolerance:.2g}, which tells nothing; "
            f"try {np.cbrt(_eps(value)):.1g}, the default, or give a tolerance"
        )
    return tolerance, (
        f"50 (eps / step + step^2 + eps of df), with eps = {_eps(value):.2g} of f (rounding, truncation)"
    )


def _central_difference(
    f: Callable[[Inexact], ArrayLike], x: NDArray[np.float64], value: Inexact, j: np.intp, step: float
) -> tuple[Inexact, float]:
    """Compute f's slope along coordinate j, and the floor of errors.

    The slope of every entry is NaN at a kink; errors are relative to the floor at least.
    """
    scale = max(1.0, abs(x.flat[j]))
    before, slope, after, largest = _slopes(f, x, value, j, step * scale)
    floor = largest / scale
    # For a smooth f the two sides differ by h f'', which vanishes with h; at a kink they go on to differ.
    # What rounding alone may bring about is no suspect.
    bend = np.abs(after - before)
    rounding = 1000 * _eps(value) / step * floor
    suspect = bend > np.maximum(math.sqrt(step) * np.maximum(np.abs(before), np.abs(after)), rounding)
    if suspect.any():
        before, _, after, _ = _slopes(f, x, value, j, step * scale / 4)
        slope[suspect & (np.abs(after - before) > bend / 2)] = math.nan
    return slope, floor


def _slopes(
    f: Callable[[Inexact], ArrayLike], x: NDArray[np.float64], value: Inexact, j: np.intp, h: float
) -> tuple[Inexact, Inexact, Inexact, float]:
    """Compute f's slopes before, around and after x_j, and the largest |f|.

    Slopes are flat arrays.
    """
    points = []
    for signed_h in (-h, h):
        point = x.copy()
        point.flat[j] += signed_h
        # x + h as rounded is exact: it is the distance covered that counts, not h.
        points.append((point.flat[j], np.asarray(f(point), dtype=np.float64).ravel()))
    (x_below, f_below), (x_above, f_above) = points
    middle = value.astype(np.float64).ravel()
    return (
        (middle - f_below) / (x.flat[j] - x_below),
        (f_above - f_below) / (x_above - x_below),
        (f_above - middle) / (x_above - x.flat[j]),
        max(_largest_finite(array) for array in (f_below, middle, f_above)),
    )


def _complex_step(f: Callable[[Inexact], ArrayLike], x: Inexact, j: np.intp, step: float) -> Inexact:
    z = x.astype(np.complex128)
    z.flat[j] += 1j * step
    value = np.asarray(f(z))
    if not is_complex(value):
        raise InvalidInput(
            f"f must return complex numbers for complex ones; got dtype {value.dtype}: it is not analytic, "
            "or drops the imaginary part; use method='central'"
        )
    return np.ravel(value.imag / step)


def _largest_finite(array: Inexact) -> float:
    """Return the largest absolute finite entry, 0 where there are none."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
