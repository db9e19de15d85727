import numpy as np
import pytest

from tests.l1.linear_programs import contaminated
from treadle.errors import InvalidInput
from treadle.l1.dense.solve import solve


@pytest.fixture(scope="module")
def fitted():
    X, y = contaminated(3000, 4)
    return X, y, solve(X, y)


def planted(certificate, **changes):
    from dataclasses import replace

    return replace(certificate, **changes)


def test_a_certificate_prints_in_a_few_lines(fitted):
    *_, solution = fitted
    certificate = solution.certificate
    assert str(certificate) == repr(certificate)
    assert len(str(certificate).splitlines()) == 7
    assert f"primal objective       {certificate.primal:.12g}\n" in str(certificate)
    assert "the only optimum" in str(certificate)
    assert type(solution.objective) is type(certificate.dual) is type(solution.intercept) is float
    assert abs(certificate.gap) <= 1e-12 * certificate.primal


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1.0])
def test_coefficients_that_are_moved_fail(fitted, size):
    X, y, solution = fitted
    moved = planted(solution.certificate, coef=solution.coef + size * np.array([0, 1, 0, 0]))
    report = moved.verify(X, y)
    assert not report and report.flaw.startswith("coefficient 1 is ")
    assert report.coef_error[1] >= size * (1 - 1e-6)


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


def test_the_dual_vector_of_weights_ties_and_a_quantile_is_feasible():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 3, (200, 2)).astype(float), rng.integers(0, 4, 200).astype(float)
    weight = rng.choice([0.0, 1.0, 2.5], 200)
    solution = solve(X, y, quantile=0.3, sample_weight=weight)
    u = solution.certificate.dual_vector(X, y, weight)
    assert (u >= -2 * 0.7 * weight - 1e-12).all() and (u <= 2 * 0.3 * weight + 1e-12).all()
    np.testing.assert_allclose(X.T @ u, 0, atol=1e-9)
    assert abs(u @ y - solution.objective) <= 1e-10 * solution.objective


def test_without_sides_the_same_is_proved(fitted):
    X, y, solution = fitted
    bare = planted(solution.certificate, side=None)
    np.testing.assert_array_equal(bare.dual_vector(X, y), solution.certificate.dual_vector(X, y))
    assert bare.verify(X, y)
