"""Records what R's quantreg says of small tables, and holds treadle.l1.infer against it.

    python benchmarks/l1_quantreg.py [--figures tests/l1/inference/quantreg.json]
                                     [--out benchmarks/results/l1_quantreg.md]

It needs ``Rscript`` with the package quantreg (Debian: r-base-core, r-cran-quantreg); tables of carData, MASS
and AER are compared where those packages are. The figures, and the whole numbers of the tables that were made
up, are a fixture of the tests, which need no R. Of published data the figures alone are kept.

For each table and quantile: standard errors by ``summary.rq`` with se="nid" and "iid", and 90 % intervals by
``rq.fit.br`` (ci=TRUE), with iid=TRUE (rank) and FALSE (rank_nid).
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from treadle.errors import RunError, TreadleError
from treadle.l1.inference.inference import infer

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
METHODS = ("nid", "iid", "rank", "rank_nid")
SAME = 1e-6  # of a figure, relative: what two programs in double agree to
R_TABLES = {
    "Prestige": ("carData", "na.omit(carData::Prestige[, 1:4])", "prestige", "education,income,women"),
    "Boston": ("MASS", "MASS::Boston", "medv", "crim,rm,black,lstat,nox,dis,tax"),
    "NMES1988": (
        "AER",
        "within({data('NMES1988', package = 'AER'); NMES1988}, male <- as.numeric(gender == 'male'))",
        "visits",
        "hospital,chronic,male,school",
    ),
}
R_SCRIPT = r"""
suppressMessages(library(quantreg))
arguments <- commandArgs(TRUE)
folder <- arguments[1]
taus <- as.numeric(strsplit(arguments[2], ",")[[1]])
say <- function(...) cat(paste(..., sep = "\t"), "\n", sep = "")
say("version", as.character(getRversion()), as.character(packageVersion("quantreg")))
numbers <- function(values) paste(format(values, digits = 15, trim = TRUE), collapse = ",")
attempt <- function(name, tau, method, figure) {
  said <- character()
  values <- tryCatch(
    withCallingHandlers(figure(), warning = function(w) {
      said <<- c(said, conditionMessage(w))
      invokeRestart("muffleWarning")
    }),
    error = function(e) { said <<- c(said, conditionMessage(e)); NA })
  say("figure", name, tau, method, numbers(as.vector(values)), paste(said, collapse = "; "))
}
for (path in list.files(folder, "\\.csv$", full.names = TRUE)) {
  name <- sub("\\.csv$", "", basename(path))
  table <- read.csv(path)
  y <- table$y
  x <- as.matrix(table[names(table) != "y"])
  z <- cbind(1, x)
  for (tau in taus) {
    attempt(name, tau, "coef", function() rq.fit.br(z, y, tau = tau)$coefficients)
    for (se in c("nid", "iid"))
      attempt(name, tau, se, function() summary(rq(y ~ x, tau = tau), se = se)$coefficients[, 2])
    for (iid in c(TRUE, FALSE))
      attempt(name, tau, if (iid) "rank" else "rank_nid", function() {
        ends <- rq.fit.br(z, y, tau = tau, ci = TRUE, iid = iid)$coefficients[, 2:3]
        ifelse(abs(ends) > 1e300, sign(ends) * Inf, ends)
      })
  }
}
"""


def made_up() -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Small tables that tie, have one far y, or a few long rows."""
    rng = np.random.default_rng(300)
    long = np.round(rng.standard_normal((300, 2)), 3)
    long[:10] *= 1e4
    tables = {
        "far": (np.arange(12.0)[:, None], np.array([0, 3, 1, 6, 2, 7, 9, 5, 11, 8, 1e12, 13])),
        "tied_12": (
            np.array([[3, 0, 2, 0, 1, 1, 0, 1, 1, 2, 1, 1], [1, 1, 2, 3, 3, 3, 0, 3, 2, 2, 3, 0]], float).T,
            np.array([3.0, 1, 2, 0, 0, 3, 2, 0, 1, 1, 0, 4]),
        ),
        "long": (long, np.round(rng.standard_normal(300), 3)),
        "tied_7": (np.array([[1.0], [2], [0], [1], [2], [2], [4]]), np.array([0.0, 0, 3, 5, 0, 4, 0])),
    }
    for n, d in ((20, 1), (40, 2), (60, 3), (120, 2)):
        rng = np.random.default_rng(n)
        X = rng.integers(0, 6, (n, d)).astype(float)
        tables[f"whole_{n}"] = (X, X.sum(axis=1) + rng.integers(0, 12, n))
        X = np.round(rng.standard_normal((n, d)), 3)
        tables[f"smooth_{n}"] = (X, np.round(X.sum(axis=1) + (1 + X[:, 0] ** 2) * rng.standard_t(3, n), 3))
    return tables


def published() -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Engel's data, as they are, with one far y and with a large offset; and stackloss."""
    import statsmodels.api as sm

    engel = sm.datasets.engel.load_pandas().data
    stackloss = sm.datasets.stackloss.load_pandas().data.to_numpy(float)
    X, y = engel[["income"]].to_numpy(float), engel["foodexp"].to_numpy(float)
    far, farther, between = y.copy(), y.copy(), y.copy()
    far[58], farther[58] = 1e12, 1e13  # above the fits of nid, and of the median
    between[57] = 1e12  # below one of them before
    return {
        "engel": (X, y),
        "engel_between": (X, between),
        "engel_far": (X, far),
        "engel_farther": (X, farther),
        "engel_offset": (X, y + 1e12),
        "stackloss": (stackloss[:, 1:], stackloss[:, 0]),
    }


def from_r(folder: Path) -> None:
    """Writes the tables of R's packages, where they are, to the folder."""
    for name, (package, frame, target, features) in R_TABLES.items():
        columns = ",".join(f"'{column}'" for column in features.split(","))
        code = (
            f"if (requireNamespace('{package}', quietly = TRUE)) {{ d <- {frame}; "
            f"write.csv(cbind(y = d[['{target}']], d[, c({columns})]), '{folder / name}.csv', "
            "row.names = FALSE) }"
        )
        subprocess.run(["Rscript", "-e", code], check=True, stdout=subprocess.DEVNULL)


def recorded(folder: Path) -> tuple[str, dict[str, dict[str, dict[str, Any]]]]:
    """R's versions, and its figures by table, quantile and method."""
    quantiles = ",".join(map(str, QUANTILES))
    run = subprocess.run(
        ["Rscript", "-", str(folder), quantiles], input=R_SCRIPT, capture_output=True, text=True
    )
    if run.returncode:
        raise RunError(f"Rscript failed: {run.stderr.strip()[-400:]}; it needs R's package quantreg")
    version, figures = "", {}
    for line in run.stdout.splitlines():
        kind, *fields = line.split("\t")
        if kind == "version":
            version = f"R {fields[0]}, quantreg {fields[1]}"
            continue
        name, tau, method, values, said = fields
        numbers = [None if text == "NA" else float(text) for text in values.split(",")]
        figure = {"values": [None if v is None or math.isnan(v) else v for v in numbers]}
        figures.setdefault(name, {}).setdefault(tau, {})[method] = figure | ({"says": said} if said else {})
    return version, figures


def ours(X: Any, y: Any, tau: float, method: str) -> tuple[np.ndarray[Any, Any] | None, str]:
    """The same figures by treadle, and what it warns of or why it refuses."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = infer(X, y, quantile=tau, method=method, level=0.9)
        except TreadleError as error:
            return None, f"refused: {error}"
    says = "; ".join(str(warning.message) for warning in caught)
    return (found.intervals.T.ravel() if "rank" in method else found.standard_errors), says


def comparisons(
    tables: dict[str, tuple[Any, Any]], figures: dict[str, dict[str, dict[str, Any]]]
) -> Iterator[tuple[str, str, str, float, str, str]]:
    """Table, quantile, method, largest relative difference, what R says and what treadle says."""
    for name, by_tau in figures.items():
        X, y = tables[name]
        for tau, by_method in by_tau.items():
            for method in METHODS:
                theirs = np.array([math.nan if v is None else v for v in by_method[method]["values"]])
                found, says = ours(X, y, float(tau), method)
                difference = math.nan
                if found is not None and len(theirs) == len(found) and not np.isnan(theirs).any():
                    with np.errstate(invalid="ignore"):
                        parts = np.abs(found - theirs) / np.maximum(np.abs(theirs), 1e-9)
                    difference = float(np.where(found == theirs, 0.0, parts).max())
                yield name, tau, method, difference, by_method[method].get("says", ""), says


def report(version: str, rows: list[tuple[str, str, str, float, str, str]]) -> str:
    lines = [
        f"""# treadle.l1.infer beside R's quantreg

{version}; {len(rows)} comparisons, of each the largest relative difference of its figures. Two programs agree
where it is at most {SAME:g}; all others are listed. By `python benchmarks/l1_quantreg.py`.

| table | """
        + " | ".join(f"{method}: agree" for method in METHODS)
        + " |",
        "| :-- |" + " --: |" * len(METHODS),
    ]
    for name in dict.fromkeys(row[0] for row in rows):
        cells = []
        for method in METHODS:
            some = [row for row in rows if row[0] == name and row[2] == method]
            cells.append(f"{sum(row[3] <= SAME for row in some)} of {len(some)}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| table | quantile | method | difference | R says | treadle says |", "| :-- " * 6 + "|"]
    for name, tau, method, difference, r_says, says in rows:
        if not difference <= SAME:
            shown = "-" if math.isnan(difference) else f"{difference:.2g}"
            lines.append(f"| {name} | {tau} | {method} | {shown} | {r_says[:80]} | {says[:120]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    invented = made_up()
    tables = invented | published()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table, (X, y) in tables.items():
            header = ",".join(["y", *(f"x{j}" for j in range(X.shape[1]))])
            np.savetxt(
                folder / f"{table}.csv",
                np.column_stack([y, X]),
                "%.17g",
                delimiter=",",
                header=header,
                comments="",
            )
        from_r(folder)
        for table in R_TABLES:
            if (folder / f"{table}.csv").exists():
                values = np.loadtxt(folder / f"{table}.csv", delimiter=",", skiprows=1)
                tables[table] = (values[:, 1:], values[:, 0])
        version, figures = recorded(folder)
    if options.figures:
        kept = {
            "by": version,
            "tables": {table: {"X": X.tolist(), "y": y.tolist()} for table, (X, y) in invented.items()},
            "figures": figures,
        }
        options.figures.write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")
    rows = []
    for row in comparisons(tables, figures):
        rows.append(row)
        if not row[3] <= SAME:
            print(*row, file=sys.stderr, sep="\t", flush=True)
    text = report(version, rows)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
