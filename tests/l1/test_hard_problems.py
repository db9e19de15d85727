"""Degenerate and badly scaled regressions: certified optima, or refusals; never silently wrong."""

from dataclasses import replace

import numpy as np
import pytest

from tests.l1.linear_programs import contaminated, highs_optimum, objective
from treadle import LADRegressor
from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1 import ChunkRows
from treadle.l1.dense.refinement import candidate_of
from treadle.l1.dense.solve import solve
from treadle.l1.dense.vertex_search import exactly

N, D = 200, 4
rng = np.random.default_rng(5)
X, Y = contaminated(N, D, 1)
LINE = X @ np.arange(1, D + 1.0) + 2
SOME = rng.integers(0, N // 4, N)


def with_entries(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


PROBLEMS = {
    "counts on dummies": (np.eye(D + 1)[rng.integers(0, D + 1, N)][:, 1:], rng.poisson(2, N).astype(float)),
    "dummies that sum to 1": (np.eye(D)[rng.integers(0, D, N)], rng.poisson(2, N).astype(float)),
    "small integers": (rng.integers(0, 3, (N, D)).astype(float), rng.integers(0, 4, N).astype(float)),
    "duplicate rows": (X[SOME], Y[SOME]),
    "duplicate columns": (np.column_stack([X, X[:, :1], X[:, 1] + X[:, 0]]), Y),
    "a column of zeros": (np.column_stack([X, np.zeros(N)]), Y),
    "constant columns": (np.column_stack([np.full(N, 3.0), X]), Y),
    "constant y": (X, np.full(N, 7.0)),
    "y of zeros": (X, np.zeros(N)),
    "exactly linear y": (X, LINE),
    "y linear in most rows": (X, np.where(rng.random(N) < 0.6, LINE, Y)),
    "columns from 1e-8 to 1e8": (X * np.logspace(-8, 8, D), Y),
    "y times 1e-9": (X, Y * 1e-9),
    "y times 1e12": (X, Y * 1e12),
    "an outlier of 1e15": (X, with_entries(Y, 3, 1e15)),
    "a leverage row of 1e9": (with_entries(X, 5, X[5] * 1e9), Y),
    "an entry of 1e9": (with_entries(X, (5, 1), 1e9), Y),
    "a rare dummy": (with_entries(X * np.array([0, 1, 1, 1]), (7, 0), 1.0), Y),
    "years": (X * 1e-3 + 2000, Y),
    "sorted": (X[np.argsort(Y)], np.sort(Y)),
    "fewer rows than columns": (rng.normal(size=(3, 5)), rng.normal(size=3)),
    "one row": (rng.normal(size=(1, 2)), rng.normal(size=1)),
    "float32": (X.astype(np.float32), Y.astype(np.float32)),
    "Fortran order": (np.asfortranarray(X), Y),
}
# HiGHS's own tolerances do not hold there.
BEYOND_HIGHS = {
    "columns from 1e-8 to 1e8",
    "y times 1e12",
    "an outlier of 1e15",
    "a leverage row of 1e9",
    "an entry of 1e9",
}
OPTIONS = {
    "median": {},
    ".05": {"quantile": 0.05},
    ".95, weights": {"quantile": 0.95, "weighted": True},
    "weights": {"weighted": True},
    "no intercept": {"fit_intercept": False},
    "penalty": {"alpha": 0.1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_hard_problem_is_solved_and_certified(problem, options):
    X, y = PROBLEMS[problem]
    options = dict(options)
    weight = None
    if options.pop("weighted", False):
        draws = np.random.default_rng(2)
        weight = draws.integers(0, 3, len(y)) * draws.random(len(y))
        weight[0] = 1
    solution = solve(X, y, sample_weight=weight, **options)
    report = solution.certificate.verify(X, y, weight)
    assert report, report
    chosen = {k: v for k, v in options.items() if k in ("quantile", "alpha")}
    own = objective(X, y, solution.coef, solution.intercept, weight=weight, **chosen)
    scale = float(np.abs(y).max())
    # A residual is a difference of numbers as large as these.
    rounding = 32 * np.finfo(float).eps * (scale + float((np.abs(X) @ np.abs(solution.coef)).max()))
    assert abs(solution.objective - own) <= 1e-10 * own + rounding * len(y) ** 0.5
    if problem not in BEYOND_HIGHS:
        # In units in which HiGHS's absolute tolerances are small.
        unit = scale if scale > 0 else 1.0
        best = unit * highs_optimum(X, y / unit, weight=weight, **options)
        assert own <= best + 1e-9 * (best + scale)


@pytest.mark.parametrize(
    "problem", ["counts on dummies", "an outlier of 1e15", "a leverage row of 1e9", "a rare dummy"]
)
def test_a_hard_problem_of_many_rows_goes_through_levels_and_screens(problem):
    X, y = contaminated(9000, 5, 3)
    draws = np.random.default_rng(4)
    if problem == "counts on dummies":
        X, y = np.eye(6)[draws.integers(0, 6, len(y))][:, 1:], draws.poisson(2, len(y)).astype(float)
    elif problem == "an outlier of 1e15":
        y[17] = 1e15
    elif problem == "a leverage row of 1e9":
        X[17] *= 1e9
    else:
        X[:, 0] = 0
        X[17, 0] = 1
    solution = solve(X, y)
    report = solution.certificate.verify(X, y)
    assert report, report


def heavy_tailed(n, d, rng):
    return rng.standard_t(1.2, size=(n, d))


def with_long_rows(n, d, rng):
    X = rng.normal(size=(n, d))
    X[rng.random(n) < 0.003] *= 1e4
    return X


@pytest.mark.parametrize(("n", "d"), [(1000, 20), (9000, 20)])
@pytest.mark.parametrize("columns", [heavy_tailed, with_long_rows])
@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_rows_of_very_different_lengths(n, d, columns, quantile):
    draws = np.random.default_rng(n)
    X = columns(n, d, draws)
    y = np.round(X @ draws.normal(size=d) + draws.normal(size=n), 1)
    solution = solve(X, y, quantile=quantile)
    report = solution.certificate.verify(X, y)
    assert report, report
    assert solution.n_iter < {1000: 20, 9000: 45}[n]  # astray, one interior point alone may take 100 steps
    if n <= 1000:
        assert solution.objective <= highs_optimum(X, y, quantile) * (1 + 1e-9)


GROUPS = np.tile([0.0, 1.0], 20_000)[:, None]
BALANCED = {
    "nothing, half zeros and half ones": (np.zeros((20_000, 1)), np.repeat([0.0, 1.0], 10_000)),
    "nothing, a quarter of each": (np.zeros((20_000, 1)), np.repeat([1.0, 2, 3, 4], 5000)),
    "two groups, half zeros and half ones": (GROUPS, np.repeat([0.0, 1.0], 20_000)),
    "two groups, coins": (GROUPS, np.random.default_rng(1).integers(0, 2, 40_000) * 1.0),
    "nothing, coins": (np.zeros((40_000, 1)), np.random.default_rng(2).integers(0, 2, 40_000) * 1.0),
}


@pytest.mark.parametrize("quantile", [0.25, 0.5])
@pytest.mark.parametrize("problem", BALANCED)
def test_few_values_in_equal_parts(problem, quantile):
    X, y = BALANCED[problem]
    solution = solve(X, y, quantile=quantile)
    report = solution.certificate.verify(X, y)
    assert report, report
    assert solution.n_passes < 20


@pytest.mark.parametrize("size", [1e160, 1e-160])
@pytest.mark.parametrize("what", ["weights", "targets"])
def test_sizes_near_the_range_of_a_double(size, what):
    X, y = contaminated(6000, 2)
    weight = np.full(len(y), size) if what == "weights" else None
    y = y * size if what == "targets" else y
    try:
        solution = solve(X, y, sample_weight=weight)
    except CertificateFailed as refusal:
        assert "scale or drop" in str(refusal)
    else:
        assert solution.certificate.verify(X, y, weight)


def test_nothing_to_fit_says_no_more_than_its_error(capfd):
    with pytest.raises(InvalidInput, match="nothing to fit"):
        solve(np.zeros((50, 2)), np.arange(50.0), fit_intercept=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_columns", [1, 5])
@pytest.mark.parametrize("y_of", ["coins", "rare counts"])
def test_ties_in_most_rows_of_a_long_table(y_of, n_columns, seed):
    draws = np.random.default_rng(seed)
    X = np.eye(n_columns)[draws.integers(0, n_columns, 9000)]
    y = ((draws.random(9000) < 0.49) if y_of == "coins" else draws.poisson(0.3, 9000)).astype(float)
    solution = solve(X, y)
    assert solution.certificate.verify(X, y)
    cells = [y[column == 1] for column in X.T]
    least = sum(np.abs(cell - np.median(cell)).sum() for cell in cells)
    assert solution.objective == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("options", [{"quantile": 0.1, "alpha": 1.0}, {"quantile": 0.01}, {}])
def test_a_column_of_one_row_and_rows_of_zeros_in_a_long_table(options):
    draws = np.random.default_rng([3, 7])
    X, y = contaminated(9000, 10, 3)
    rare = np.column_stack([X, np.arange(9000) == 5])
    assert solve(rare, y, **options).certificate.verify(rare, y)
    counts = draws.integers(0, 3, (9000, 1)).astype(float)
    assert solve(counts, y, fit_intercept=False, **options).certificate.verify(counts, y)


@pytest.mark.parametrize("seed", [2, 3])
def test_a_column_of_one_row_under_a_penalty_with_weights(seed):
    X, y = contaminated(4500, 3, 23)
    rare = np.column_stack([X, np.arange(4500) == 5])
    weight = np.random.default_rng(seed).integers(0, 3, 4500).astype(float)
    weight[5] = 2
    solution = solve(rare, y, alpha=1.0, fit_intercept=False, sample_weight=weight)
    assert solution.certificate.verify(rare, y, weight)


@pytest.mark.parametrize("n", [200, 9000])
def test_dual_values_of_a_solver_are_not_believed(n, monkeypatch):
    def wrong(*arguments):
        vertex = exactly(*arguments)
        away = np.argmax(np.abs(vertex.r))
        vertex.u[away] = -vertex.u[away]
        return vertex

    monkeypatch.setattr("treadle.l1.dense.vertex_search.exactly", wrong)
    X, y = contaminated(n, 3, 1)
    assert solve(X, y).certificate.verify(X, y)


@pytest.mark.parametrize("n", [200, 70_000])
def test_a_vertex_that_is_not_optimal_is_mended(n, monkeypatch):
    """Planted: two rows of the basis are others. Small tables pivot exactly, large ones proof by proof."""
    X, y = contaminated(n, 3, 1)
    right = solve(X, y)

    def wrong(*arguments):
        found = candidate_of(*arguments)
        r = np.abs(y - X @ found.coef - found.intercept)
        r[found.basis] = np.inf
        basis = found.basis.copy()
        basis[:2] = np.argsort(r)[:2]
        return replace(found, basis=basis, sure=False)

    monkeypatch.setattr("treadle.l1.dense.solve.candidate_of", wrong)
    mended = solve(X, y)
    assert mended.certificate.verify(X, y)
    np.testing.assert_array_equal(mended.coef, right.coef)


def test_rows_at_the_end_of_the_range_of_a_double_are_solved():
    hard = with_entries(X[:5], 3, X[3] * 1e16)
    assert solve(hard, Y[:5], alpha=0.01).certificate.verify(hard, Y[:5])


def test_columns_of_zeros_without_an_intercept_are_refused():
    with pytest.raises(InvalidInput, match="every column of X is zero"):
        solve(np.zeros((5, 2)), np.arange(5.0), fit_intercept=False)


@pytest.mark.parametrize("n", [60, 6000])
def test_an_optimum_says_whether_it_is_the_only_one(n):
    even = np.arange(n, dtype=float)[:, None]
    # The median of an even number of different values is an interval.
    assert solve(np.zeros((n, 1)) + even * 0, even[:, 0], fit_intercept=True).certificate.unique is False
    X, y = contaminated(n, 3)
    assert solve(X, y).certificate.unique is True
    assert solve(np.column_stack([X, X[:, 0]]), y).certificate.unique is False


def test_ties_at_a_bound_are_decided_by_a_linear_program():
    # 0, 1, 1, 2: the median is 1 alone, though a dual value of the basis can be at its bound.
    assert (
        solve(np.zeros((4, 1)), np.array([0.0, 1, 1, 2])).certificate.unique is False
    )  # the column of zeros
    assert solve(np.ones((4, 1)), np.array([0.0, 1, 1, 2]), fit_intercept=False).certificate.unique is True
    assert solve(np.ones((4, 1)), np.array([0.0, 1, 2, 2]), fit_intercept=False).certificate.unique is False


@pytest.mark.parametrize(("n", "d", "quantile"), [(6000, 12, 0.5), (6000, 12, 0.25), (20_000, 5, 0.5)])
def test_many_rows_being_ties_is_proved_optimal(n, d, quantile):
    # Answers in whole numbers: the screen folds rows whose residual is zero at the optimum.
    rng = np.random.default_rng(n)
    X = np.round(rng.normal(size=(n, d)))
    y = np.round(X[:, -1] + rng.standard_t(2, size=n))
    chunks = ChunkRows([(X[start : start + 999], y[start : start + 999]) for start in range(0, n, 999)])
    for fitted in (LADRegressor(quantile).fit(X, y), LADRegressor(quantile).fit(chunks)):
        assert fitted.certificate_.verify(X, y)
        assert len(fitted.certificate_.rows) > n / 6
