"""The time of a tied fit, from one of a few rows."""

import numpy as np
import pytest

from treadle.l1.inference import expected_time
from treadle.l1.inference.expected_time import seconds_of_a_tied_fit


def rows(n):
    rng = np.random.default_rng(0)
    return np.column_stack([np.ones(n), rng.integers(0, 2, n)]), (rng.random(n) < 0.4).astype(float)


@pytest.mark.parametrize(("n", "step"), [(40, 2), (79, 3), (20 * 8, 8), (20 * 50, 8)])
def test_it_grows_with_the_square_of_the_rows_left_out(monkeypatch, n, step):
    seen, clock = [], iter([100.0, 100.25])
    monkeypatch.setattr(expected_time, "SAMPLE", 20)
    monkeypatch.setattr(expected_time, "MOST", 8)
    monkeypatch.setattr(expected_time, "solve", lambda Z, y, **options: seen.append((len(Z), len(y))))
    monkeypatch.setattr(expected_time.time, "perf_counter", lambda: next(clock))
    assert seconds_of_a_tied_fit(*rows(n), 0.5) == 0.25 * step**2
    assert seen == [(-(-n // step),) * 2]


def test_the_time_of_a_tied_fit_is_that_of_a_few_rows():
    Z, y = rows(3 * expected_time.SAMPLE)
    assert 0 < seconds_of_a_tied_fit(Z, y, 0.5) < 60
    assert seconds_of_a_tied_fit(Z[:300], y[:300], 0.5) == 0


def test_rows_that_cannot_be_fitted_have_no_time():
    Z, y = rows(3 * expected_time.SAMPLE)
    assert seconds_of_a_tied_fit(np.full_like(Z, np.nan), y, 0.5) == 0
