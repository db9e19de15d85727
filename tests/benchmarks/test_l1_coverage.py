"""A small run of the coverage simulation: 95 % intervals cover from 92 to 98 %, halved ones do not."""

from dataclasses import replace

import pytest


@pytest.fixture
def simulation():
    import l1_coverage

    return l1_coverage


@pytest.mark.parametrize(("method", "case"), [("nid", 0), ("nid", 1), ("nid", 2), ("iid", 0)])
def test_intervals_cover_as_often_as_they_say(simulation, method, case):
    found = simulation.coverage(simulation.CASES[case]._replace(n_rows=300), method, repeats=150, seed=1)
    assert 0.92 <= found.share <= 0.98
    assert 0 < found.error <= 0.02 and found.refused == 0


def test_intervals_of_half_the_width_are_found_out(simulation, monkeypatch):
    infer = simulation.infer

    def halved(*arguments, **options):
        found = infer(*arguments, **options)
        return replace(found, intervals=(found.intervals + found.coef[:, None]) / 2)

    monkeypatch.setattr(simulation, "infer", halved)
    assert simulation.coverage(simulation.CASES[0], "nid", repeats=50, seed=1).share < 0.85


@pytest.mark.filterwarnings("ignore::treadle.errors.InferenceWarning")
def test_the_table_has_a_row_for_each_case_and_a_column_for_each_method(simulation, monkeypatch):
    monkeypatch.setattr(simulation, "N_BOOTSTRAP", 2)
    monkeypatch.setattr(simulation, "CASES", [case._replace(n_rows=30) for case in simulation.CASES[:2]])
    head, _, *rows = simulation.table(repeats=2, seed=0).splitlines()
    assert all(f" {method} " in head for method in simulation.METHODS)
    assert [row.count("|") for row in rows] == [head.count("|")] * 2
