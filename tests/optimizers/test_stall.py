import math

import pytest

from treadle.optimizers.stall import Stall


def stalls(figures, tol=0.1, n_iter_no_change=2):
    stall = Stall(tol, n_iter_no_change)
    return [stall.add(figure) for figure in figures]


def test_more_than_so_many_epochs_without_improvement_are_a_stall():
    assert stalls([5, 5, 5, 5]) == [False, False, False, True]


def test_the_count_starts_anew_after_a_stall():
    assert stalls([5, 5, 5, 5, 5, 5, 5]) == [False] * 3 + [True] + [False] * 2 + [True]


def test_the_count_starts_anew_after_an_improvement():
    assert stalls([5, 5, 5, 4, 4, 4, 4]) == [False] * 6 + [True]


def test_an_improvement_of_less_than_tol_does_not_count_but_is_the_new_best():
    stall = Stall(0.1, 10)
    for figure in (5, 4.95):
        stall.add(figure)
    assert stall.improved
    assert stall.best == 4.95
    stall.add(4.95)
    assert not stall.improved


def test_an_infinite_patience_never_stalls():
    assert not any(stalls([5.0] * 50, n_iter_no_change=math.inf))


@pytest.mark.parametrize("nothing", [math.inf, math.nan])
def test_what_is_not_finite_improves_nothing_from_the_first_epoch_on(nothing):
    assert stalls([nothing] * 7) == [False, False, True] * 2 + [False]
    assert stalls([nothing, 5, 4, nothing, nothing, nothing]) == [False] * 5 + [True]
    stall = Stall(0.1, 2)
    assert not stall.add(nothing) and not stall.improved and stall.best == math.inf


def test_a_count_goes_on_by_other_limits():
    first = Stall(0.0, 10)
    for figure in (5, 5, 4.9, 4.9, 4.8):
        first.add(figure)
    other = first.with_limits(1.0, 2)
    assert other.best == 4.8 and other.n_to_next == 3
    assert [other.add(4.7) for _ in range(3)] == [False, False, True]
    assert [first.add(4.9) for _ in range(11)] == [False] * 10 + [True]  # it keeps its own
    for _ in range(5):
        first.add(4.9)
    fewer = first.with_limits(0.0, 2)
    assert fewer.n_to_next == 1 and fewer.add(4.9)  # five epochs are more than two already


def test_no_stall_comes_before_the_next_that_is_possible():
    for figures in ([5, 5, 5, 5, 5, 4, 4, 4, 4], [5, 4, 3, 3, 3, 3, 3], [1, 2, 0, 0.95, 1, 1]):
        stall, happened = Stall(0.1, 2), stalls(figures)
        for i, figure in enumerate(figures):
            n = stall.n_to_next
            assert n >= 1 and not any(happened[i : i + n - 1])
            stall.add(figure)
        all_worse = Stall(0.1, 2)
        all_worse.add(0)
        assert [all_worse.add(1) for _ in range(int(all_worse.n_to_next))] == [False, False, True]
    assert Stall(0.0, math.inf).n_to_next == math.inf
