import numpy as np
import pytest
from linear_programs import contaminated

from treadle.errors import InvalidInput
from treadle.l1.proof.certificate import Certificate
from treadle.l1.solve import solve


@pytest.fixture(scope="module")
def fitted():
    X, y = contaminated(3000, 4)
    return X, y, solve(X, y)


def planted(certificate, **changes):
    from dataclasses import replace

    return replace(certificate, **changes)


def test_a_certificate_verifies_and_prints(fitted):
    X, y, solution = fitted
    report = solution.certificate.verify(X, y)
    assert report
    assert str(report).startswith("optimal: 3000 rows, checked in extended precision\n")
    assert report.tolerance == tolerance_for(3000, 4)
    assert abs(report.primal - report.dual) <= 1e-12 * report.primal


def test_a_certificate_prints_in_a_few_lines(fitted):
    *_, solution = fitted
    certificate = solution.certificate
    assert str(certificate) == repr(certificate)
    assert len(str(certificate).splitlines()) == 9
    assert f"primal objective       {certificate.primal:.12g}\n" in str(certificate)
    assert "the only optimum" in str(certificate)
    assert type(solution.objective) is type(certificate.dual) is type(solution.intercept) is float


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1.0])
def test_coefficients_that_are_moved_fail(fitted, size):
    X, y, solution = fitted
    moved = planted(solution.certificate, coef=solution.coef + size * np.array([0, 1, 0, 0]))
    report = moved.verify(X, y)
    assert not report
    assert "NOT PROVED OPTIMAL" in str(report)


def test_dual_values_that_are_moved_fail(fitted):
    X, y, solution = fitted
    certificate = solution.certificate
    assert not planted(certificate, values=certificate.values + 1e-6).verify(X, y)
    assert not planted(certificate, side=-certificate.side).verify(X, y)
    out = certificate.values.copy()
    out[0] = 1.5
    assert planted(certificate, values=out).verify(X, y).box_excess >= 0.24


def test_what_is_not_a_number_fails(fitted):
    X, y, solution = fitted
    assert not planted(solution.certificate, coef=solution.coef * np.nan).verify(X, y)


def test_other_data_fail_or_are_refused(fitted):
    X, y, solution = fitted
    assert not solution.certificate.verify(X, y + X[:, 0] ** 2)
    with pytest.raises(
        InvalidInput, match=r"3000 rows of 4 features; got 2000 rows of 4: pass what was fitted"
    ):
        solution.certificate.verify(X[:2000], y[:2000])


def test_the_dual_vector_is_feasible_and_its_objective_the_primal(fitted):
    X, y, solution = fitted
    u = solution.certificate.dual_vector(X, y)
    assert np.abs(u).max() <= 1
    np.testing.assert_allclose(X.T @ u, 0, atol=1e-9)
    assert abs(u @ y - solution.objective) <= 1e-10 * solution.objective


def test_without_sides_the_dual_vector_comes_from_residuals(fitted):
    X, y, solution = fitted
    bare = planted(solution.certificate, side=None)
    np.testing.assert_array_equal(bare.dual_vector(X, y), solution.certificate.dual_vector(X, y))
    assert bare.verify(X, y)
