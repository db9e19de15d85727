"""Computes standard errors, intervals and a table of an L1 or quantile regression.

The estimates are in ``covariances``, ``bootstrap`` and ``rank_inversion``; here they are chosen by name, and
put together as statsmodels prints them. Inference needs X in memory, dense and of full rank, and makes one
copy of it in float64. Rows with weights c are taken as (c x, c y), as R's quantreg does: the weights are
known scales, not counts. A penalised fit has no standard errors here, since the penalty's bias is not covered
by any.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from treadle.data.progress import SLOW, Progress, duration
from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1.dense.coordinates import column_scales
from treadle.l1.dense.solve import solve
from treadle.l1.inference.bootstrap import DRAWS, bootstrap_covariance
from treadle.l1.inference.covariances import (
    ROUNDING,
    Covariance,
    conditional_densities,
    iid_covariance,
    kernel_covariance,
    nid_covariance,
    robust_covariance,
)
from treadle.l1.inference.expected_time import seconds_of_a_tied_fit
from treadle.l1.inference.rank_inversion import rank_intervals
from treadle.l1.inference.tied_targets import heavy_ties
from treadle.l1.proof.pinball import best_constant, pinball_loss
from treadle.maths.sample_means import checked_weights

METHODS = {
    "nid": "difference quotient for each row (Hendricks-Koenker)",
    "iid": "difference quotient of the residuals (Koenker-Bassett)",
    "kernel": "kernel density of the residuals",
    "robust": "kernel density of the residuals (Greene)",
    "rank": "inversion of a rank-score test",
    "rank_nid": "inversion of a rank-score test, rows weighed by density",
    "pairs": "bootstrap of rows",
    "weighted": "bootstrap of weights",
}
INTERCEPT = "intercept"
SUBTRACTED = 4 * float(np.finfo(np.float64).eps)  # what a residual has lost, relative to what it is of


@dataclass(frozen=True)
class Inference:
    """The uncertainty of P coefficients; ``str`` of it is the table.

    Attributes
    ----------
    names : tuple of str
        "intercept" first, where there is one.
    coef : ndarray of shape (P,)
    standard_errors : ndarray of shape (P,)
        NaN for the rank inversion, which has none.
    intervals : ndarray of shape (P, 2)
        Of that ``level``.
    covariance : ndarray of shape (P, P)
        NaN for the rank inversion.
    level, quantile : float
    method : str
        A key of ``METHODS``.
    bandwidth, sparsity : float
        As the method has them, else NaN.
    n_rows, df_residual : int
        N, and N - P.
    loss : float
        The sum of weighted losses 2 rho: the sum of absolute residuals at the median.
    pseudo_r1 : float
        1 - loss / (loss of the best constant): R1 of Koenker and Machado (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1 import infer
    >>> x = np.arange(40.0)
    >>> found = infer(x[:, None], 3 * x + np.cos(7 * x), method="iid")
    >>> found.names, found.df_residual, bool(found.p_values[1] < 0.001)
    (('intercept', 'x1'), 38, True)
    """

    names: tuple[str, ...]
    coef: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    intervals: NDArray[np.float64]
    covariance: NDArray[np.float64]
    level: float
    quantile: float
    method: str
    bandwidth: float
    sparsity: float
    n_rows: int
    df_residual: int
    loss: float
    pseudo_r1: float

    @property
    def t_values(self) -> NDArray[np.float64]:
        """The coefficients in units of their standard errors."""
        return self.coef / self.standard_errors

    @property
    def p_values(self) -> NDArray[np.float64]:
        """The two-sided p-values of coefficients of 0.

        They are of Student's t with N - P degrees of freedom.
        """
        return np.asarray(2 * stdtr(self.df_residual, -np.abs(self.t_values)))

    def __str__(self) -> str:
        tail = (1 - self.level) / 2
        ends = (f"[{tail:.3g}", f"{1 - tail:.3g}]")
        facts = [
            ("Quantile", f"{self.quantile:.6g}", "Pseudo R1", _number(self.pseudo_r1)),
            ("Observations", str(self.n_rows), "Sum of losses", f"{self.loss:.8g}"),
            ("Df residuals", str(self.df_residual), "Bandwidth", _number(self.bandwidth)),
            ("Df model", str(len(self.coef) - (INTERCEPT in self.names)), "Sparsity", _number(self.sparsity)),
        ]
        width = max(10, *map(len, self.names))
        header = ("coef", "std err", "t", "P>|t|", *ends)
        rule = width + 12 * 4 + 9 + 11 - 2
        lines = [
            f"{'L1' if self.quantile == 0.5 else 'Quantile'} regression".center(rule).rstrip(),
            "=" * rule,
        ]
        half = rule // 2
        lines += [
            f"{a + ':':<16}{b:>{half - 18}}  {c + ':':<16}{d:>{rule - half - 16}}" for a, b, c, d in facts
        ]
        lines += [
            f"{'Errors by:':<16}{METHODS[self.method]}",
            "=" * rule,
            _row("", header, width),
            "-" * rule,
        ]
        for i, name in enumerate(self.names):
            values = (self.coef[i], self.standard_errors[i], self.t_values[i])
            cells = [*(_number(value) for value in values), _probability(self.p_values[i])]
            lines.append(_row(name, [*cells, *(_number(end) for end in self.intervals[i])], width))
        return "\n".join([*lines, "=" * rule])


def _row(name: str, cells: Sequence[str], width: int) -> str:
    widths = (12, 11, 10, 9, 12, 12)
    return f"{name:<{width}}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))


def _number(value: float) -> str:
    """Format a number in at most ten characters; a dash for none."""
    if math.isnan(value):
        return "-"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def _probability(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def infer(
    X: ArrayLike,
    y: ArrayLike,
    *,
    quantile: float = 0.5,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    coef: NDArray[np.float64] | None = None,
    method: str = "nid",
    level: float = 0.95,
    bandwidth: str = "hall_sheather",
    n_bootstrap: int = 200,
    random_state: int = 0,
    names: Sequence[str] | None = None,
    progress: bool = True,
) -> Inference:
    """Compute standard errors and confidence intervals of the coefficients.

    Parameters
    ----------
    X : array_like of shape (N, D)
        Dense; with the intercept's ones, if any, of full rank, and with fewer columns than rows.
    y : array_like of shape (N,)
    quantile : float in (0, 1), default=0.5
    sample_weight : array_like of shape (N,), optional
        Rows of weight 0 do not count.
    fit_intercept : bool, default=True
    coef : ndarray of shape (P,), optional
        An optimum that is known, the intercept first; else it is computed.
    method : str, default="nid"
        nid: errors whose spread may depend on X, from two more fits, beside the quantile. iid: equally spread
        errors. kernel and robust: as statsmodels' ``vcov="iid"`` and ``vcov="robust"``. rank: inversion of a
        rank-score test, 2 P more fits where there are many rows; rank_nid: where the spread may depend on X,
        with nid's two besides. pairs, weighted: bootstraps, ``n_bootstrap`` more fits.
    level : float in (0, 1), default=0.95
        Of the intervals; standard errors do not depend on it, as in R's quantreg.
    bandwidth : {"hall_sheather", "bofinger", "chamberlain"}, default="hall_sheather"
        For the methods that estimate a density.
    n_bootstrap : int, default=200
    random_state : int, default=0
        Of the bootstrap.
    names : sequence of D str, optional
        x1, x2 ... if there are none.
    progress : bool, default=True
        What takes longer than some seconds says so on standard error, beforehand, with a bar on a terminal.

    Returns
    -------
    Inference

    Raises
    ------
    InvalidInput
        If an option is not as above, X is not of full rank, or a density cannot be estimated.

    Warns
    -----
    InferenceWarning
        If y ties heavily at the quantile, the densities of nid leave next to nothing of some coefficients, or
        the slope of iid is one of several.

    Notes
    -----
    Simulated (benchmarks/results/l1_coverage.md, 60 tables a case and 10 for bootstraps, so that most figures
    are known to 2 % and the bootstraps' to 5 %), fewer than 93 % of the intervals of 95 % hold the truth:

    - of 25 rows, by nid and rank (92 %), iid, pairs and weighted (90 %);
    - where ten rows are ten thousand times as long as the others, by iid (92 %);
    - of heavily tied y, by rank (88 %) and rank_nid (89 %), which refuse a tenth of such tables besides;
    - at the quantile .05 of 60 rows, by iid (73 %), kernel (76 %), nid (81 %), robust (87 %) and weighted
      (88 %); of 300 rows, by weighted (85 %), kernel (88 %), pairs (90 %), nid and robust (91 %) and iid
      (92 %). There rank and rank_nid cover 95 %.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1 import infer
    >>> x = np.arange(40.0)
    >>> found = infer(x[:, None], 3 * x + np.cos(7 * x), method="iid")
    >>> low, high = found.intervals[1]
    >>> bool(low < 3 < high and high - low < 0.2)
    True
    """
    _check_options(method, level, quantile)
    Z, target, scale = _design(X, y, sample_weight, fit_intercept)
    N, P = Z.shape
    labels = _labels(names, P, fit_intercept)
    # Columns of one size, by powers of two, which round nothing: w are coefficients of the scaled ones.
    units = column_scales(Z)
    Z *= units
    _refuse_deficient(Z, labels)
    fitted = solve(Z, target, quantile=quantile, fit_intercept=False).coef if coef is None else None
    w = np.asarray(coef, np.float64) / units if fitted is None else fitted
    r, sizes = _residuals(Z, target, w)
    say = Progress(progress)
    if _warn_of_ties(target / scale, r / scale, quantile):
        n_fits = {"nid": 2, "rank": 2 * P, "rank_nid": 2 * P + 2} | dict.fromkeys(DRAWS, n_bootstrap)
        _announce_tied_fits(Z, r, quantile, method, n_fits.get(method, 0), say)
    loss = pinball_loss(r, quantile)
    constant = best_constant(target / scale, quantile, scale)
    of_constant = pinball_loss(target - scale * constant, quantile)
    # From here on, residuals take the place of targets: the digits of a large offset are left behind.
    sample = _Sample(Z, target, w, r, sizes, quantile)
    if method in ("rank", "rank_nid"):
        estimate, intervals = _inverted(sample, level, bandwidth if method == "rank_nid" else None, say)
    else:
        estimate = _covariance(sample, method, bandwidth, n_bootstrap, random_state, say)
        _refuse_no_error(estimate.matrix, labels, method)
        half = stdtrit(N - P, (1 + level) / 2) * np.sqrt(np.diag(estimate.matrix))
        intervals = np.column_stack([w - half, w + half])
    with np.errstate(over="ignore"):  # a square of a unit may be infinite
        covariance = estimate.matrix * np.outer(units, units)
    return Inference(
        names=labels,
        coef=w * units,
        standard_errors=np.sqrt(np.diag(estimate.matrix)) * units,
        intervals=intervals * units[:, None],
        covariance=covariance,
        level=level,
        quantile=quantile,
        method=method,
        bandwidth=estimate.bandwidth,
        sparsity=estimate.sparsity,
        n_rows=N,
        df_residual=N - P,
        loss=loss,
        pseudo_r1=1 - loss / of_constant if of_constant > 0 else math.nan,
    )


def _check_options(method: str, level: float, quantile: float) -> None:
    if method not in METHODS:
        raise InvalidInput(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if not 0 < level < 1:
        raise InvalidInput(f"level must be between 0 and 1, such as 0.95; got {level!r}")
    if not 0 < quantile < 1:
        raise InvalidInput(f"quantile must be between 0 and 1, both excluded; got {quantile!r}")


def _labels(names: Sequence[str] | None, size: int, fit_intercept: bool) -> tuple[str, ...]:
    """Name the coefficients, the intercept first."""
    n_features = size - fit_intercept
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(n_features))
    if len(labels) != n_features:
        raise InvalidInput(f"names must be one for each of the {n_features} features; got {len(labels)}")
    return (INTERCEPT, *labels) if fit_intercept else labels


def _residuals(
    Z: NDArray[np.float64], target: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute residuals, and the sizes of their sums.

    They are 0 where they are rounding, as on rows that are interpolated.
    """
    r = target - Z @ w
    sizes = np.abs(Z) @ np.abs(w)
    r[np.abs(r) <= ROUNDING * (np.abs(target) + sizes)] = 0.0
    return r, sizes


@dataclass(frozen=True)
class _Sample:
    """The data of intervals: scaled rows, fit w, residuals and sizes.

    Sizes are those of what the residuals sum up.
    """

    Z: NDArray[np.float64]
    y: NDArray[np.float64]
    w: NDArray[np.float64]
    r: NDArray[np.float64]
    sizes: NDArray[np.float64]
    quantile: float


def _inverted(
    sample: _Sample, level: float, bandwidth: str | None, progress: Progress
) -> tuple[Covariance, NDArray[np.float64]]:
    """Compute intervals by inverting a rank test.

    Densities are by a bandwidth, or as if all were equal.
    """
    Z, r, quantile, size = sample.Z, sample.r, sample.quantile, len(sample.w)
    f, h = None, math.nan
    if bandwidth is not None:
        f, h = conditional_densities(Z, r, ROUNDING * sample.sizes, quantile, bandwidth, progress)
    subtracted = SUBTRACTED * (np.abs(sample.y) + sample.sizes)
    ends = sample.w[:, None] + rank_intervals(Z, r, quantile, level, f, subtracted, progress)
    return Covariance(np.full((size, size), math.nan), h, math.nan), ends


def _covariance(
    sample: _Sample, method: str, bandwidth: str, n_bootstrap: int, seed: int, progress: Progress
) -> Covariance:
    Z, y, r, quantile = sample.Z, sample.y, sample.r, sample.quantile
    if method in DRAWS:
        return bootstrap_covariance(Z, r, quantile, method, n_bootstrap, seed, progress)
    match method:
        case "iid":
            return iid_covariance(Z, r, quantile, bandwidth)
        case "kernel":
            return kernel_covariance(Z, y, r, quantile, bandwidth)
        case "robust":
            return robust_covariance(Z, y, r, quantile, bandwidth)
        case _:
            return nid_covariance(Z, r, ROUNDING * sample.sizes, quantile, bandwidth, progress)


def _announce_tied_fits(
    Z: NDArray[np.float64],
    r: NDArray[np.float64],
    quantile: float,
    method: str,
    n_fits: int,
    progress: Progress,
) -> None:
    """Announce that fits of heavily tied rows will take long."""
    if not (n_fits and progress.enabled):
        return
    seconds = seconds_of_a_tied_fit(Z, r, quantile)
    if n_fits * seconds > SLOW:
        progress.note(
            f"method={method!r} takes {n_fits} fits, and y ties so often that each may take "
            f"{duration(seconds)}, {duration(n_fits * seconds)} in all; Ctrl-C stops them, and what was "
            "fitted stays as it is"
        )


def _warn_of_ties(y: NDArray[np.float64], r: NDArray[np.float64], quantile: float) -> bool:
    """Warn of heavy ties; return whether there are any."""
    ties = heavy_ties(y, r, quantile)
    if ties is not None:
        warnings.warn(
            f"{ties.n_rows} of {len(y)} rows have y = {ties.value:.6g}, near the quantile, and a bandwidth "
            f"takes in {ties.n_allowed:.0f}: standard errors and intervals are for errors with a density, "
            "and may be far too small with ties like these",
            InferenceWarning,
            stacklevel=3,
        )
    return ties is not None


def _refuse_no_error(covariance: NDArray[np.float64], labels: Sequence[str], method: str) -> None:
    """Raise InvalidInput where a standard error is zero.

    Then what it was estimated from does not vary at all.
    """
    zero = np.flatnonzero(~(np.diag(covariance) > 0))
    if len(zero):
        raise InvalidInput(
            f"method={method!r} gives {labels[zero[0]]!r} a standard error of 0, since too many rows tie or "
            "lie on the fit: no interval says how sure it is; take another method, or more rows"
        )


def _design(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, fit_intercept: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return weighted rows and targets, and the weights other than 0.

    The intercept's column is first.
    """
    features, target = np.asarray(X), np.asarray(y, np.float64)
    if features.ndim != 2 or features.dtype.kind not in "biuf" or target.shape != features.shape[:1]:
        raise InvalidInput(
            "inference needs dense numbers, X of shape (N, D) and y of shape (N,); got "
            f"{features.dtype} {features.shape} and {target.shape}"
        )
    N, D = features.shape
    if D + fit_intercept >= N:
        raise InvalidInput(
            f"inference needs more rows than coefficients; got {N} rows and {D + fit_intercept} coefficients"
        )
    Z = np.ones((N, D + fit_intercept), order="F")
    Z[:, int(fit_intercept) :] = features
    if not (np.isfinite(Z).all() and np.isfinite(target).all()):
        raise InvalidInput(
            "inference needs finite numbers; X or y holds NaN or infinity: fill or drop those rows"
        )
    scale = checked_weights(sample_weight, (N,))
    if scale is None:
        return Z, target, np.ones(N)
    kept = scale > 0
    return scale[kept, None] * Z[kept], scale[kept] * target[kept], scale[kept]


def _refuse_deficient(Z: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Raise InvalidInput where a column depends on those before it.

    The message has the column's name.
    """
    lengths = np.sqrt((Z**2).sum(axis=0))
    R = np.linalg.qr(Z / np.where(lengths > 0, lengths, 1.0), mode="r")
    tolerance = max(Z.shape) * np.finfo(float).eps
    dependent = [name for name, size in zip(labels, np.abs(np.diag(R)), strict=True) if not size > tolerance]
    if dependent or len(R) < len(labels):
        raise InvalidInput(
            f"the column {(dependent or [labels[-1]])[0]!r} is a combination of those before it: its "
            "coefficient has no standard error; leave it out"
        )
