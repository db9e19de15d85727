"""Computations at once: results in order, errors apart, and a stop that waits for all."""

import threading
import time

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.hardware.at_once import is_among_others, run_at_once, stop_if_asked
from treadle.hardware.processors import usable_threads


@pytest.mark.parametrize("n_threads", [1, 2, 9])
def test_outcomes_are_in_the_order_of_the_computations(n_threads):
    def computation(i):
        time.sleep(0.01 * (5 - i))
        return i * i

    outcomes = run_at_once([lambda i=i: computation(i) for i in range(5)], n_threads)
    assert [outcome.result for outcome in outcomes] == [0, 1, 4, 9, 16]
    assert run_at_once([], n_threads) == []


def test_an_error_is_an_outcome_and_the_others_have_theirs():
    outcomes = run_at_once([lambda: 1 / 0, lambda: 7], 2)
    assert isinstance(outcomes[0].error, ZeroDivisionError) and outcomes[0].result is None
    assert outcomes[1].error is None and outcomes[1].result == 7


def test_what_is_no_exception_stops_the_others_and_is_raised_when_they_have_ended():
    ended = []

    def until_stopped():
        try:
            while True:
                stop_if_asked()
                time.sleep(0.001)
        finally:
            time.sleep(0.05)
            ended.append(1)

    def interrupt():
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run_at_once([until_stopped, until_stopped, interrupt, lambda: ended.append(2)], 3)
    assert ended.count(1) == 2 and threading.active_count() == before


def test_a_stop_reaches_the_computations_of_a_computation():
    def until_stopped():
        while True:
            stop_if_asked()
            time.sleep(0.001)

    def interrupt():
        time.sleep(0.1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_at_once([lambda: run_at_once([until_stopped] * 2, 2), interrupt], 2)


def test_each_has_a_context_of_its_own():
    assert not is_among_others()
    stop_if_asked()  # nobody can have asked

    def look(i):
        np.seterr(over="raise" if i else "ignore")
        time.sleep(0.01)
        return is_among_others(), np.geterr()["over"], usable_threads().n

    with np.errstate(over="warn"):
        found = [outcome.result for outcome in run_at_once([lambda i=i: look(i) for i in range(3)], 3)]
        assert np.geterr()["over"] == "warn"
    assert found == [(True, "ignore", 1), (True, "raise", 1), (True, "raise", 1)]
    assert not is_among_others()


@pytest.mark.parametrize("n_threads", [0, -3, 2.0, True, "2"])
def test_a_number_of_threads_is_a_positive_integer(n_threads):
    with pytest.raises(InvalidInput, match="n_threads must be an integer of at least 1, or None; got"):
        run_at_once([], n_threads)
