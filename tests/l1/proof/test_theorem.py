"""What a certificate proves, against an oracle that tries every basis in rational numbers."""

import os
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from tests.l1 import exact_oracle
from tests.l1.linear_programs import contaminated
from treadle.errors import InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.proof import basis_system, claimed_basis, theorem
from treadle.l1.proof.certificate import Certificate
from treadle.l1.sources import sparse_rows
from treadle.l1.sources.rows import ArrayRows

# make soak sets it; half of the hundreds of tables here would do to see a false proof.
N_TABLES = max(40, int(os.environ.get("TREADLE_FUZZ_CASES", "2000")) // 50)


def checked(X, y, options, exact):
    """The fit, after its certificate was held against the oracle; whether it was proved."""
    solution = solve(X, y, **options)
    certificate = solution.certificate
    weight = options.get("sample_weight")
    found = certificate.verify(X, y, weight, exact=exact)
    kept = [j for j in range(X.shape[1]) if j not in (*found.left_out, *found.dependent)]
    best = exact_oracle.least(
        X[:, kept].tolist(),
        y,
        weight,
        options["quantile"],
        options.get("alpha", 0.0),
        options["fit_intercept"],
    )
    w = [Fraction(float(v)) for v in certificate.coef]
    centre = [Fraction(float(m)) for m in certificate.centre]
    b = Fraction(certificate.centre_intercept) - sum(m * v for m, v in zip(centre, w, strict=True))
    f = exact_oracle.objective(X, y, w, b, weight, options["quantile"], options.get("alpha", 0.0))
    if found.gap_bound < np.inf:
        assert Fraction(found.gap_bound) >= f - best
        assert Fraction(found.gap_bound) >= abs(Fraction(certificate.primal) - best)
    low, high = found.least_bounds
    assert Fraction(low) <= best
    if found:
        assert best <= Fraction(high)
        assert found.least is None or found.least == best
    return bool(found), found


@pytest.mark.parametrize("kind", exact_oracle.KINDS)
def test_no_certificate_proves_what_is_false_and_few_prove_nothing(kind):
    unproved = []
    for seed in range(N_TABLES):
        X, y, options = exact_oracle.table(kind, np.random.default_rng([seed, len(kind)]))
        if not np.isfinite(X).all() or (not options["fit_intercept"] and not X.any()):
            continue
        proved, found = checked(X, y, options, exact=bool(seed % 2))
        # Coefficients that no double can hold are the only reason.
        if not proved and "beyond all doubles" not in str(found.flaw):
            unproved.append((seed, found.flaw))
    assert not unproved


def test_time_stamps_that_misled_doubles_are_fitted():
    for start in (1e12, 1e15):
        X = start + np.arange(5.0)[:, None]
        solution = solve(X, np.arange(5.0))
        assert solution.objective == 0 and solution.coef[0] == 1 and solution.intercept == -start
        found = solution.certificate.verify(X, np.arange(5.0), exact=True)
        assert found and found.least == 0 and found.gap_bound == 0


def test_spans_of_traces_in_nanoseconds_reach_what_their_difference_does():
    rng = np.random.default_rng(0)
    start = np.sort(rng.integers(0, 10**15, 500)) + 1_700_000_000_000_000_000
    X = np.column_stack([start, start + rng.integers(1000, 10**6, 500)]).astype(float)
    span = X[:, 1] - X[:, 0]
    y = 3e-3 * span + rng.standard_t(2, 500) + 5
    solution = solve(X, y)
    assert solution.certificate.verify(X, y)
    assert solution.objective <= solve(np.column_stack([X[:, 0], span]), y).objective * (1 + 1e-9)


@pytest.fixture(scope="module")
def fitted():
    X, y = contaminated(3000, 4)
    return X, y, solve(X, y).certificate


def planted(certificate, **changes):
    return replace(certificate, **changes)


def test_two_last_places_of_one_coefficient_are_seen(fitted):
    X, y, certificate = fitted
    coef = certificate.coef.copy()
    coef[2] += 2 * np.spacing(coef[2])
    found = planted(certificate, coef=coef).verify(X, y)
    assert not found and found.flaw.startswith("coefficient 2 is ")
    assert "NOT PROVED OPTIMAL" in str(found) and 0 < found.gap_bound < 1e-9
    moved = planted(certificate, centre_intercept=certificate.centre_intercept * (1 + 1e-15))
    assert moved.verify(X, y).flaw.startswith("the intercept is ")


def test_one_row_of_the_basis_is_seen(fitted):
    X, y, certificate = fitted
    r = np.abs(y - X @ certificate.coef - certificate.intercept)
    r[certificate.basis] = np.inf
    basis = certificate.basis.copy()
    basis[0] = r.argmin()
    found = planted(certificate, basis=basis).verify(X, y)
    assert not found and "outside" in found.flaw
    # Of the vertex that it names the coefficients are some way off; the bound on the gap holds for these.
    assert found.gap_bound >= 0


def test_one_sign_is_seen(fitted):
    X, y, certificate = fitted
    side = certificate.side.copy()
    far = int(np.abs(y).argmax())
    side[far] = -side[far]
    found = planted(certificate, side=side).verify(X, y)
    assert not found and found.flaw == "1 rows are not on the side of zero that was said"


def test_u_of_one_tie_is_seen():
    X, y = np.zeros((4, 1)), np.array([0.0, 1.0, 1.0, 2.0])
    certificate = solve(X, y).certificate
    assert certificate.verify(X, y)
    ties = np.setdiff1d([1, 2], certificate.basis)
    assert certificate.rows.tolist() == ties.tolist()
    for u in (0.25, -0.99, 1.0):  # u of the basis becomes -u, in its box: as good a proof
        assert planted(certificate, values=np.array([u])).verify(X, y)
    found = planted(certificate, values=np.array([1.001])).verify(X, y)
    assert not found and found.flaw == f"u of row {ties[0]} is 1.001, outside [-1, 1]"
    y = np.array([0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0])  # the median is the third of three ties
    certificate = solve(np.zeros((7, 1)), y).certificate
    assert certificate.verify(np.zeros((7, 1)), y)
    wrong = planted(certificate, values=np.full(2, 1.0))
    assert "outside" in wrong.verify(np.zeros((7, 1)), y).flaw


def test_what_is_not_optimal_has_a_bound_on_its_gap():
    X, y = contaminated(200, 2)
    certificate = solve(X, y).certificate
    other = planted(certificate, basis=np.array([0, 1, 2]))
    found = other.verify(X, y)
    assert not found
    assert 0 <= found.gap_bound < np.inf
    assert "smaller by more than" in found.theorem
    assert found.least_bounds[0] <= certificate.primal


def test_dependent_columns_are_proved_to_be_so():
    rng = np.random.default_rng(0)
    X = np.eye(4)[rng.integers(0, 4, 300)]
    y = rng.normal(size=300)
    certificate = solve(X, y).certificate
    found = certificate.verify(X, y)
    assert found and len(found.dependent) == 1 and found.left_out == ()
    assert "dependent features     " in str(found)
    # To rounding only: a tenth and seven tenths of others, each product rounded.
    X = rng.normal(size=(300, 2))
    X = np.column_stack([X, 0.1 * X[:, 0] + 0.7 * X[:, 1]])
    found = solve(X, y).certificate.verify(X, y)
    assert found and found.dependent == () and found.left_out == (2,)
    assert "whose coefficients of features 2 are 0" in found.theorem


def test_a_dependence_that_one_row_breaks_is_not_proved():
    rng = np.random.default_rng(0)
    X = np.eye(3)[rng.integers(0, 3, 300)]
    y = rng.normal(size=300)
    certificate = solve(X, y).certificate
    X[17] += 2.0**-40
    assert certificate.verify(X, y).dependent == ()


def test_the_theorem_reads_as_a_sentence(fitted):
    X, y, certificate = fitted
    found = certificate.verify(X, y)
    assert found.theorem.startswith(
        "On these 3000 rows, every number taken as exactly what it is, no coefficients have a smaller sum of "
        "absolute residuals than the optimum, and the ones reported are it, rounded"
    )
    assert str(found).splitlines()[0] == "optimal: 3000 rows, enclosures and exact sums"
    assert (
        str(certificate.verify(X, y, exact=True)).splitlines()[0] == "optimal: 3000 rows, rational arithmetic"
    )


def test_certificates_that_are_not_finite_or_do_not_fit_are_refused(fitted):
    *_, certificate = fitted
    with pytest.raises(InvalidInput, match="holds finite numbers only"):
        planted(certificate, primal=np.inf)
    with pytest.raises(InvalidInput, match="holds finite numbers only"):
        planted(certificate, coef=certificate.coef * np.nan)
    with pytest.raises(
        InvalidInput, match="quantile is between 0 and 1, its alpha and its objective at least 0"
    ):
        planted(certificate, quantile=1.5)
    with pytest.raises(InvalidInput, match="as many numbers in its centre and origin"):
        planted(certificate, centre=np.zeros(3))
    with pytest.raises(InvalidInput, match="different numbers, none below 0"):
        planted(certificate, basis=certificate.basis * 0)
    with pytest.raises(InvalidInput, match="leaves out are from 0 to 3, with a coefficient of 0"):
        planted(certificate, left_out=np.array([1]))


def test_a_basis_that_there_is_not_proves_nothing(fitted):
    X, y, certificate = fitted
    basis = certificate.basis.copy()
    basis[0] = 3000
    found = planted(certificate, basis=basis).verify(X, y)
    assert not found and found.flaw == "the basis names rows that there are not"
    found = planted(certificate, basis=basis[1:]).verify(X, y)
    assert found.flaw == "4 rows of the basis do not determine 5 coefficients"
    assert found.gap_bound == np.inf


def test_data_that_are_not_finite_are_refused(fitted):
    X, y, certificate = fitted
    X = X.copy()
    X[certificate.basis[0], 1] = np.nan
    with pytest.raises(InvalidInput, match="holds a value that is not a finite number"):
        certificate.verify(X, y)


def claimed(**changes):
    """A certificate of one feature, of nothing; with changes."""
    D = len(changes.get("coef", np.zeros(1)))
    parts = {
        "coef": np.zeros(D),
        "intercept": 0.0,
        "quantile": 0.5,
        "alpha": 0.0,
        "fit_intercept": False,
        "primal": 0.0,
        "dual": 0.0,
        "basis": np.array([0]),
        "rows": np.empty(0, np.int64),
        "values": np.empty(0),
        "side": None,
        "unique": None,
        "centre": np.zeros(D),
        "centre_intercept": 0.0,
        "origin": np.zeros(D, np.int64),
        "left_out": np.empty(0, np.int64),
    }
    return Certificate(**(parts | changes))


def test_a_combination_left_out_under_a_penalty_is_not_proved_away():
    """y = 5 x costs less as half of 10 x."""
    X = np.column_stack([np.arange(1.0, 9), 10 * np.arange(1.0, 9)])
    y = 5 * X[:, 0] + np.arange(8) % 3
    alone = solve(X[:, :1], y, alpha=0.01, fit_intercept=False).certificate
    certificate = claimed(
        coef=np.append(alone.coef, 0.0),
        alpha=0.01,
        primal=alone.primal,
        basis=alone.basis,
        rows=alone.rows,
        values=alone.values,
        left_out=np.array([1]),
    )
    found = certificate.verify(X, y)
    assert found and found.dependent == () and found.left_out == (1,)
    assert "whose coefficients of features 1 are 0" in found.theorem
    assert solve(X, y, alpha=0.01, fit_intercept=False).objective < alone.primal * 0.95


def test_without_an_intercept_there_is_nothing_to_measure_from():
    for changes in (
        {"centre": np.ones(1)},
        {"origin": np.ones(1, np.int64)},
        {"centre_intercept": 1.0},
        {"intercept": 1.0},
    ):
        with pytest.raises(InvalidInput, match="without an intercept a certificate measures X from 0"):
            claimed(**changes)


def test_certificates_of_other_types_are_refused():
    for name, value in (
        ("basis", np.array([0.0])),
        ("basis", [0]),
        ("rows", np.zeros((0, 1), np.int64)),
        ("origin", np.zeros(1)),
        ("left_out", np.array([0.0])),
        ("side", np.ones((3, 1), np.int8)),
    ):
        with pytest.raises(InvalidInput, match=f"a certificate's {name} is a vector of integers; got "):
            claimed(**{name: value})
    with pytest.raises(
        InvalidInput, match="a certificate's coef, centre and values are vectors; got the shapes"
    ):
        claimed(coef=np.zeros((1, 1)))


def test_data_that_are_no_numbers_or_not_of_the_basis_are_refused(fitted):
    X, y, certificate = fitted
    with pytest.raises(
        InvalidInput, match="X, y and sample_weight are numbers, as they were fitted; could not"
    ):
        certificate.verify(X, ["a"] * 3000)
    with pytest.raises(InvalidInput, match="there are no dual values of this basis for these data: "):
        planted(certificate, basis=np.array([0, 1])).dual_vector(X, y)
    with pytest.raises(
        InvalidInput, match="the certificate is of 3000 rows of 4 features; got 3000 rows of 1"
    ):
        certificate.dual_vector(X[:, :1], y)


def test_an_objective_planted_too_low_is_within_the_bound_of_nothing_less():
    X, y = contaminated(50, 2)
    certificate = solve(X, y).certificate
    for basis in (certificate.basis, np.array([0, 1, 2])):
        found = planted(certificate, basis=basis, primal=0.0).verify(X, y)
        assert Fraction(found.gap_bound) >= Fraction(certificate.dual)
        assert found.least_bounds[1] >= certificate.dual
    found = planted(certificate, basis=np.array([0, 1]), primal=0.0).verify(X, y)
    assert found.gap_bound == np.inf and found.least_bounds == (0.0, np.inf)


def test_an_intercept_at_zero_that_is_not_that_at_the_centre_is_seen(fitted):
    X, y, certificate = fitted
    found = planted(certificate, intercept=7.0).verify(X, y)
    assert not found and found.flaw.startswith("the intercept at zero is 7.0, and ")
    X = X + 1e9
    certificate = solve(X, y).certificate
    assert certificate.centre.any() and certificate.verify(X, y)
    off = planted(certificate, intercept=np.nextafter(certificate.intercept, np.inf))
    assert off.verify(X, y).flaw.startswith("the intercept at zero is ")


def test_more_open_rows_than_are_kept_have_a_bound_that_holds(monkeypatch):
    """Of all of them the sign is a guess, in blocks of which none is kept."""
    monkeypatch.setattr(theorem, "MOST_OPEN", 0)
    X = np.arange(12.0)[:, None] % 4
    y = np.array([0.0, 1.0, 2.0, 3.0] * 2 + [5.0, 1.0, 2.0, 9.0])
    best = exact_oracle.least(X.tolist(), y.tolist())
    for basis in ([0, 1], [8, 11], [1, 8]):
        certificate = planted(solve(X, y).certificate, basis=np.array(basis))
        found = certificate.verify(X, y)
        w, b = [Fraction(v) for v in certificate.coef.tolist()], Fraction(certificate.intercept)
        gap = exact_oracle.objective(X, y, w, b) - best
        assert Fraction(found.least_bounds[0]) <= best and Fraction(found.gap_bound) >= gap
        assert not found
    assert re.fullmatch(r"the sign of \d+ residuals is not decided", found.flaw)


def test_a_loss_beyond_all_doubles_bounds_nothing():
    X, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, -1e308, 1e308])
    certificate = claimed(coef=np.array([1e308]), primal=1.0)
    found = certificate.verify(X, y, np.full(3, 1e300))
    assert not found and found.gap_bound == np.inf and found.least_bounds[1] == np.inf


def test_dual_values_beyond_all_doubles_are_outside():
    X, y = np.array([[1e-300], [1e300], [3.0]]), np.array([0.0, 1.0, 1.0])
    assert "outside [-1, 1]" in claimed().verify(X, y).flaw


def test_ties_of_weights_whose_bounds_overflow_are_decided():
    X, y, weight = np.zeros((4, 1)), np.array([0.0, 1.0, 1.0, 2.0]), np.full(4, 1.7e308)
    certificate = planted(solve(X, y).certificate, quantile=0.9, basis=np.array([3]))
    certificate = planted(certificate, centre_intercept=2.0, intercept=2.0)
    assert certificate.verify(X, y, weight)
    tied = planted(certificate, basis=np.array([1]), rows=np.array([2]), values=np.array([1e308]))
    assert not tied.verify(X, y, weight)


def test_exact_is_said_only_where_all_systems_were(monkeypatch):
    X, y = contaminated(300, 6)
    certificate = solve(X, y).certificate
    assert certificate.verify(X, y, exact=True).exact
    for module in (claimed_basis, basis_system):
        monkeypatch.setattr(module, "most_unknowns", lambda: 3)
    found = certificate.verify(X, y, exact=True)
    assert found and not found.exact


def test_sparse_blocks_are_joined_and_a_centre_takes_dense_rows(monkeypatch):
    monkeypatch.setattr(sparse_rows, "STORED_PER_BLOCK", 16)
    X = np.random.default_rng(0).integers(0, 2, (60, 3)).astype(float)
    y = np.arange(60.0) % 7
    assert solve(X, y).certificate.verify(sparse.csr_array(X), y)
    X = 1e15 + np.arange(5.0)[:, None]
    certificate = solve(X, np.arange(5.0)).certificate
    with pytest.raises(InvalidInput, match=r"from a centre, which sparse rows are not; pass X.toarray\(\)"):
        certificate.verify(sparse.csr_array(X), np.arange(5.0))
    moved = certificate.with_origin(np.array([1]))
    for other in (sparse.csr_array(X), ArrayRows(X, np.arange(5.0))):
        with pytest.raises(InvalidInput, match="columns of integers or time stamps, less an origin; got"):
            moved.verify(other, np.arange(5.0))


def test_numbers_that_are_no_doubles_are_said_to_be_rounded():
    X, y = np.array([[0], [2**60 + 1], [5], [7]]), np.array([0.0, 1.0, 2.0, 4.0])
    certificate = solve(X.astype(float), y).certificate
    found = certificate.verify(X, y)
    assert found.rounded and "every number taken as the double next to it" in found.theorem
    assert not certificate.verify(X.astype(float), y).rounded
    assert certificate.verify(X.astype(float), np.array([0, 1, 2, 2**53 + 1])).rounded
    assert certificate.verify(sparse.csr_array(X), y).rounded


def test_a_left_out_column_that_is_not_finite_is_refused():
    X, y = contaminated(50, 3)
    X[:, 2] = X[:, 0]
    certificate = solve(X, y).certificate
    X[7, 2] = np.nan
    for left_out in (certificate.left_out, None):
        with pytest.raises(InvalidInput, match="row 7 of X holds a value that is not a finite number"):
            planted(certificate, left_out=left_out, basis=np.array([7, 8, 9])).verify(X, y)
    X[7, 2] = X[7, 0]
    y[7] = np.inf
    with pytest.raises(InvalidInput, match="row 7 of y holds a value that is not a finite number"):
        certificate.verify(X, y)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0.0, 4.0, 0.0, 3.0], [0.0, 2.0, 3.0, 1.0]),
        ([0.0, 0.0, -2.0, -3.0, 0.0], [1.0, 0.0, 5.0, 1.0, 3.0]),
        ([0.0, 28.0, 0.0, 0.0, 14.0], [3.0, 5.0, 0.0, 1.0, 1.0]),
    ],
)
def test_a_coefficient_of_zero_is_reported_as_zero(x, y):
    """In twice the precision of a double it may seem to be 6e-33, to the last place."""
    X, y = np.array(x)[:, None], np.array(y)
    solution = solve(X, y, quantile=0.25)
    assert solution.intercept == 0 and solution.certificate.verify(X, y)
