"""A small run of the coverage simulation: 95 % intervals cover from 93 to 97 %, halved ones do not."""

from dataclasses import replace

import pytest


@pytest.fixture
def simulation():
    import l1_coverage

    return l1_coverage


@pytest.mark.parametrize(
    ("method", "errors"),
    [
        ("nid", "normal"),
        ("nid", "t, 3 degrees of freedom"),
        ("nid", "spread grows with x1"),
        ("iid", "normal"),
    ],
)
def test_intervals_cover_as_often_as_they_say(simulation, method, errors):
    share, error = simulation.coverage(method, errors, n_rows=300, repeats=150, seed=1)
    assert 0.93 <= share <= 0.97
    assert 0 < error <= 0.02


def test_intervals_of_half_the_width_are_found_out(simulation, monkeypatch):
    infer = simulation.infer

    def halved(*arguments, **options):
        found = infer(*arguments, **options)
        return replace(found, intervals=(found.intervals + found.coef[:, None]) / 2)

    monkeypatch.setattr(simulation, "infer", halved)
    assert simulation.coverage("nid", "normal", n_rows=300, repeats=50, seed=1)[0] < 0.85


def test_the_table_has_a_row_for_each_method_and_the_errors_that_it_allows(simulation, monkeypatch):
    monkeypatch.setattr(simulation, "N_BOOTSTRAP", 2)
    rows = simulation.table([30], repeats=2, seed=0).splitlines()[2:]
    assert len(rows) == 8 * 2 + len(simulation.ALLOWS_UNEQUAL)
    assert sum(simulation.UNEQUAL in row for row in rows) == len(simulation.ALLOWS_UNEQUAL)
