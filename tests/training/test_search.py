"""L-BFGS-B an iteration at a time: SciPy's own iterates; errors come out, and its thread ends."""

import threading

import numpy as np
import pytest
from scipy.optimize import minimize

from treadle.training.search import Search


def rosenbrock(x):
    value = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    return value, np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])


START = np.array([-1.2, 1.0])


def iterates(search):
    found = []
    while (iterate := search.advance()) is not None:
        found.append(iterate)
    return found


def test_iterates_are_scipys_to_the_bit():
    expected = []
    whole = minimize(
        rosenbrock,
        START,
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: expected.append(
            (intermediate_result.x.copy(), intermediate_result.fun)
        ),
    )
    search = Search(rosenbrock, START, {})
    found = iterates(search)
    assert len(found) == len(expected) == whole.nit
    for one, (x, loss) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.x, x)
        assert one.loss == loss
    result = search.result(stop=False)
    np.testing.assert_array_equal(result.x, whole.x)
    assert result.nfev == whole.nfev
    assert search.advance() is None


def test_it_works_only_when_it_is_asked_for_an_iteration():
    calls = []
    search = Search(lambda x: calls.append(x) or rosenbrock(x), START, {})
    assert not calls
    search.advance()
    n = len(calls)
    search.advance()
    assert len(calls) > n
    search.close()


def test_a_stop_ends_it_where_it_is():
    search = Search(rosenbrock, START, {})
    first, second = search.advance(), search.advance()
    assert search.advance(stop=True) is None
    result = search.result(stop=True)
    np.testing.assert_array_equal(result.x, second.x)
    assert result.nit == 2 and first.loss > second.loss


def test_what_the_objective_raises_is_raised_each_time():
    def fails(x):
        raise ZeroDivisionError("planted")

    search = Search(fails, START, {})
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="planted"):
            search.advance()


@pytest.mark.parametrize("n_iterations", [0, 1, 3])
def test_a_closed_search_leaves_no_thread(n_iterations):
    before = threading.active_count()
    search = Search(rosenbrock, START, {})
    for _ in range(n_iterations):
        search.advance()
    search.close()
    assert threading.active_count() == before


def test_the_callers_handling_of_floating_point_errors_holds():
    def divides(x):
        return float(np.float64(1) / (x @ x * 0)), x

    with np.errstate(divide="raise"):
        search = Search(divides, START, {})
        with pytest.raises(FloatingPointError):
            search.advance()
