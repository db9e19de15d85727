"""``treadle lad``: fits a column under the L1 norm, and certifies the optimum."""

from __future__ import annotations

import csv
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import cyclopts

from treadle.choices import BandwidthName, DecimalMark, IntervalsName
from treadle.cli.columns import columns_as_dict, print_columns, warn_of_left_out
from treadle.cli.terminal import print_json, print_result, print_table, progress_console, warn
from treadle.errors import CorruptFile, InferenceWarning, InvalidInput, RunError
from treadle.messages import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from treadle.estimators.lad import LADRegressor
    from treadle.l1.inference.inference import Inference
    from treadle.l1.proof.verification import Verification
    from treadle.l1.sources.integer_columns import Matrix
    from treadle.report.l1_comparison import L1Comparison
    from treadle.tables import Design, Table

app = cyclopts.App(name="lad")


@app.default
def lad(
    table: Path,
    /,
    *more_features: str,
    target: str | None = None,
    features: list[str] | None = None,
    formula: str | None = None,
    decimal: DecimalMark | None = None,
    encoding: str | None = None,
    quantile: float = 0.5,
    alpha: float = 0.0,
    no_intercept: bool = False,
    intervals: IntervalsName | None = None,
    level: float = 0.95,
    bandwidth: BandwidthName = "hall_sheather",
    rows: int = 5,
    plot: Path | None = None,
    save: Path | None = None,
    json: bool = False,
) -> int:
    """Fit a column of a table under the L1 norm; prove the optimum.

    The other columns, or those that --features names, are the features.

    treadle lad engel.csv --target foodexp --features income --plot engel.png

    The table is CSV (plain or gzipped, names in its first line), Parquet,
    Feather or JSON lines. Text becomes dummies against its first level. What
    each column was taken for is printed below the fit, and what was left out.

    treadle lad houses.csv --formula "log(price) ~ area + C(city)"

    The fit has the least sum of absolute residuals there is; the certificate
    proves it. Rows are counted from 1, names not among them.

    Parameters
    ----------
    table
        File with the table.
    more_features
        Further names for --features, which may stand with blanks between.
    target
        Column to explain; or say --formula.
    features
        Columns to explain it by, commas between, names with commas in quotes: '"area, m2",rooms'. Left out:
        all others.
    formula
        Target and features as a formula: log(price) ~ area + C(city). It needs: pip install
        'treadle[formula]'.
    decimal
        Decimal mark of the numbers, a point or a comma. Left out: what the cells say.
    encoding
        Of a text file that is not in UTF-8, such as cp1252.
    quantile
        Which quantile of the target to fit; 0.5 is the median, the L1 norm.
    alpha
        Weight of an L1 penalty, as in scikit-learn's QuantileRegressor.
    no_intercept
        Fit without a constant.
    intervals
        How confidence intervals are computed. nid, the default: for errors whose spread may depend on the
        features. iid, kernel, robust: for equal spreads. rank, rank_nid: by inverting a test. pairs,
        weighted: bootstraps. none: there are none.
    level
        Probability with which an interval covers its coefficient.
    bandwidth
        For intervals by a density.
    rows
        How many of the rows with the largest residuals to show.
    plot
        File for a picture of the fit: .png, .svg or .pdf.
    save
        File for the model, which treadle.load reads.
    json
        Print the result as JSON.
    """
    from treadle.estimators.lad import LADRegressor
    from treadle.report.l1_comparison import compare

    _check_options(rows, quantile, alpha, level, plot)
    data, design = _read(
        table, target, _names(features, more_features), formula, no_intercept, decimal, encoding
    )
    y, chosen, target = design.y, design.names, design.target
    X: Matrix = design.X if design.exact_X is None else design.exact_X
    exact_y = y if design.exact_y is None else design.exact_y
    if features is None and formula is None:
        warn_of_left_out(design.columns)
    model = LADRegressor(quantile, alpha=alpha, fit_intercept=design.fit_intercept).fit(X, exact_y)
    inference = _inference(model, X, y, chosen, intervals, level, bandwidth)
    comparison = compare(model, X, y)
    proof = model.certificate_.verify(X, exact_y)
    if plot is not None:
        from treadle.report.figures import save_figure
        from treadle.report.l1_figures import draw_l1_fit

        figure = draw_l1_fit(model, design.X, y, comparison, chosen, target)
        _write("plot", plot, lambda: save_figure(figure, plot))
    if save is not None:
        _write("save", save, lambda: model.save(save))
    coefs = _coefficients(model, chosen)
    if json:
        largest = _largest(y, comparison, rows)
        print_json(
            _as_dict(model, coefs, inference, comparison, proof, largest)
            | {"centre": _centre(model, chosen)}
            | columns_as_dict(data, design.target, design.columns)
        )
    else:
        _print(coefs, target, y, inference, comparison, rows)
        _print_centre(_centre(model, chosen))
        print_result(str(proof))
        print_columns(data, design.columns)
        for what, path in (("picture", plot), ("model", save)):
            if path is not None:
                print_result(f"{what:<7}  {path}")
    return 0 if proof else 1


def _check_options(rows: int, quantile: float, alpha: float, level: float, plot: Path | None) -> None:
    """Refuse impossible options before the table is read."""
    if rows < 0:
        raise InvalidInput(f"--rows must be at least 0; got {rows}")
    if not 0 < quantile < 1:
        raise InvalidInput(f"--quantile must be between 0 and 1, such as 0.5; got {quantile:g}")
    if not 0 <= alpha < math.inf:
        raise InvalidInput(f"--alpha must be a finite number, at least 0; got {alpha:g}")
    if not 0 < level < 1:
        raise InvalidInput(f"--level must be between 0 and 1, such as 0.95; got {level}")
    if plot is not None:
        from treadle.report.figures import picture_format

        picture_format(plot)


def _names(features: list[str] | None, more: tuple[str, ...]) -> list[str] | None:
    """Return the features by name; names with commas are in quotes."""
    if features is None:
        if more:
            raise InvalidInput(
                f"one table is fitted, and after it came {more[0]!r}; name columns with --features, or put a "
                "name with blanks in quotes"
            )
        return None
    texts = [*features, *more]
    names = [name.strip() for text in texts for name in next(csv.reader([text], skipinitialspace=True), [""])]
    if not all(names):
        raise InvalidInput(f"--features must be names of columns, commas between; got {','.join(texts)!r}")
    return names


def _read(
    path: Path,
    target: str | None,
    features: list[str] | None,
    formula: str | None,
    no_intercept: bool,
    decimal: DecimalMark | None,
    encoding: str | None,
) -> tuple[Table, Design]:
    """Read the table, and build the design to fit.

    A damaged table is a wrong call, as any other that cannot be used.
    """
    from treadle.tables import build_design, build_formula_design, read_table

    if (target is None) == (formula is None):
        raise InvalidInput(
            "say what to fit with either --target NAME or --formula 'NAME ~ A + B'; got "
            + ("neither" if target is None else "both")
        )
    if formula is not None and (features is not None or no_intercept):
        raise InvalidInput(
            "a formula says which features there are, and - 1 in it that there is no intercept: leave out "
            "--features and --no-intercept"
        )
    if features is not None and target in features:
        raise InvalidInput(f"the target {target!r} cannot be a feature as well: leave it out of --features")
    columns = None if target is None or features is None else [target, *features]
    try:
        data = read_table(path, columns, decimal=decimal, encoding=encoding)
    except CorruptFile as error:
        raise InvalidInput(str(error)) from error
    if formula is not None:
        return data, build_formula_design(data, formula)
    assert target is not None
    return data, build_design(data, target, features, fit_intercept=not no_intercept)


def _write(option: str, path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}; name another file with --{option}") from error


def _inference(
    model: LADRegressor,
    X: Matrix,
    y: NDArray[np.float64],
    names: list[str],
    method: str | None,
    level: float,
    bandwidth: str,
) -> Inference | None:
    """Infer by the method named, or by nid; None for ``none``.

    Where no method was named and nid cannot be used: None, and a warning that says why.
    """
    if method == "none":
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InferenceWarning)
        try:
            found = model.summary(X, y, method=method or "nid", level=level, bandwidth=bandwidth, names=names)
        except InvalidInput as error:
            if method is not None:
                raise
            warn(progress_console(), f"no confidence intervals: {error}")
            return None
    for warning in caught:
        warn(progress_console(), str(warning.message))
    return found


def _coefficients(model: LADRegressor, names: list[str]) -> dict[str, float]:
    """Return the coefficients by name, the intercept first if there is one."""
    named = dict(zip(names, model.coef_.tolist(), strict=True))
    if not model.fit_intercept:
        return named
    # Where columns are far from zero the intercept there is a number that nobody could use.
    away = bool(model.certificate_.centre.any() or model.certificate_.origin.any())
    name = "(intercept at centre)" if away else "(intercept)"
    return {name: model.certificate_.centre_intercept if away else float(model.intercept_)} | named


def _centre(model: LADRegressor, names: list[str]) -> dict[str, float | int]:
    """Return the columns' centres by name, where they are not zero.

    Of whole numbers beyond 2^53 they are exact.
    """
    certificate = model.certificate_
    both = zip(names, certificate.centre.tolist(), certificate.origin.tolist(), strict=True)
    return {name: int(m) + start if start else m for name, m, start in both if m or start}


def _shown(number: float | int) -> str:
    return str(number) if isinstance(number, int) else f"{number:.17g}"


def _print_centre(centre: dict[str, float | int]) -> None:
    """Print the point at which the intercept is taken, if not zero."""
    if centre:
        print_result("centre: " + ", ".join(f"{visible(name)} = {_shown(m)}" for name, m in centre.items()))
        print_result("")


class _Row(TypedDict):
    row: int
    target: float
    fitted: float
    residual: float
    outlier: bool


def _print(
    coefs: dict[str, float],
    target: str,
    y: NDArray[np.float64],
    inference: Inference | None,
    comparison: L1Comparison,
    n_shown: int,
) -> None:
    """Print everything but the proof."""
    columns = [list(coefs), [f"{w:.7g}" for w in coefs.values()]]
    header = ["", "coefficient"]
    if inference is not None:
        percent = f"{100 * inference.level:.4g} %"
        if not any(map(math.isnan, inference.standard_errors)):  # the inversion of a test has none
            header.append("std err")
            columns.append([f"{error:.4g}" for error in inference.standard_errors])
        header += [f"{percent} from", "to"]
        columns += [[f"{end:.7g}" for end in ends] for ends in inference.intervals.T]
    print_table(header, list(zip(*columns, strict=True)), align="<" + ">" * (len(header) - 1))
    print_result("")
    median = comparison.quantile == 0.5
    fits = [
        ("L1" if median else f"quantile {comparison.quantile:g}", comparison.loss, comparison.r1),
        ("least squares", comparison.least_squares_loss, comparison.least_squares_r1),
    ]
    print_table(
        ("", "sum of |residual|" if median else "sum of 2 rho", "R1"),
        [(name, f"{loss:.9g}", "-" if math.isnan(r1) else f"{r1:.4f}") for name, loss, r1 in fits],
        align="<>>",
    )
    if not median:
        tau = comparison.quantile
        print_result(f"rho, of a residual r, is {tau:g} r above the fit and {tau - 1:.10g} r below it")
    print_result("")
    if n_shown:
        print_table(
            ("row", target, "fitted", "residual", ""),
            [
                (
                    str(row["row"]),
                    *(f"{row[key]:.7g}" for key in ("target", "fitted", "residual")),
                    "outlier" if row["outlier"] else "",
                )
                for row in _largest(y, comparison, n_shown)
            ],
            align=">>>><",
        )
    print_result(f"{len(comparison.outliers)} outliers among {len(y)} rows")
    print_result("")


def _largest(y: NDArray[np.float64], comparison: L1Comparison, n: int) -> list[_Row]:
    """The rows with the largest residuals, counted from 1."""
    outliers = set(comparison.outliers.tolist())
    return [
        {
            "row": i + 1,
            "target": float(y[i]),
            "fitted": float(comparison.fitted[i]),
            "residual": float(comparison.residuals[i]),
            "outlier": i in outliers,
        }
        for i in comparison.largest(n).tolist()
    ]


def _as_dict(
    model: LADRegressor,
    coefs: dict[str, float],
    inference: Inference | None,
    comparison: L1Comparison,
    proof: Verification,
    largest: list[_Row],
) -> dict[str, object]:
    intervals = None
    if inference is not None:
        intervals = {
            "method": inference.method,
            "level": inference.level,
            "bandwidth": inference.bandwidth,
            "sparsity": inference.sparsity,
            "standard_errors": dict(zip(coefs, inference.standard_errors.tolist(), strict=True)),
            "intervals": dict(zip(coefs, inference.intervals.tolist(), strict=True)),
        }
    return {
        "rows": len(comparison.residuals),
        "quantile": model.quantile,
        "alpha": model.alpha,
        "coefficients": coefs,
        "inference": intervals,
        "loss": comparison.loss,
        "r1": comparison.r1,
        "least_squares": {
            "coefficients": dict(zip(coefs, _intercept_first(model, comparison), strict=True)),
            "loss": comparison.least_squares_loss,
            "r1": comparison.least_squares_r1,
        },
        "largest_residuals": largest,
        "n_outliers": len(comparison.outliers),
        "certificate": {
            "optimal": bool(proof),
            "theorem": proof.theorem,
            "flaw": proof.flaw,
            "unique": model.certificate_.unique,
            "objective": proof.objective,
            "least_bounds": proof.least_bounds,
            "gap_bound": proof.gap_bound,
            "coef_error": dict(
                zip(list(coefs)[-len(proof.coef_error) :], proof.coef_error.tolist(), strict=True)
            ),
        },
    }


def _intercept_first(model: LADRegressor, comparison: L1Comparison) -> list[float]:
    *coefs, intercept = comparison.least_squares.tolist()
    return [intercept, *coefs] if model.fit_intercept else coefs
