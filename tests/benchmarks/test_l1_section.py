"""The L1 section of the benchmark, on few rows, with the programs that the tests have."""

import pytest

from treadle.hardware.native.extension import is_built


@pytest.fixture
def settings():
    from settings import Settings

    return Settings(1, 1, 0, 300, None, "", None)


def test_a_trial_measures_everyone_and_prints_a_table(settings, monkeypatch):
    from sections import l1

    monkeypatch.setattr(
        l1,
        "RIVALS",
        {"treadle_lad": None, "statsmodels_quantreg": None, "sklearn_quantile": 10, "floor": None},
    )
    record = l1.measure(settings)
    text = l1.page(record)
    assert "### 300 rows, 10 features" in text
    assert "Left out, as a minute or more a fit: sklearn_quantile." in text
    (contest,) = record["contests"]
    ours, statsmodels, floor = contest["fits"]
    assert ours["objective"] <= statsmodels["objective"] * (1 + 1e-10)
    assert floor["objective"] is None
    assert not is_built() or len(ours["seconds"]) == 1


def test_an_objective_above_the_least_is_a_foul(settings, monkeypatch):
    from sections import Foul, l1

    def play(contestants, rounds):
        objectives = [2.0, 1.0]
        return [
            ({"name": "a", "versions": {}}, [{"objective": o, "seconds": 1.0, "megabytes": None}] * 2)
            for o in objectives
        ]

    monkeypatch.setattr(l1, "play", play)
    with pytest.raises(Foul, match=r"treadle's objective at 300 x 10 is 2.0, above the least, 1.0"):
        l1.measure(settings)
