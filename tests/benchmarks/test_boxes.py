"""The section of boxes, small, and its check that everyone computes the function."""

import sys

import pytest

from tests.benchmarks.one_run import run_benchmark


def test_a_trial_of_boxes_prints_its_table():
    ran = run_benchmark("--rounds", "1", "--rows", "64", "--threads", "1", "--sections", "boxes")
    assert ran.returncode == 0, ran.stderr
    assert "## Boxes: 640 of them, 6,400 points" in ran.stdout
    for name in ("treadle, approximate", "NumPy, searchsorted", "NumPy, interp", "DecisionTreeRegressor"):
        assert f"| {name}" in ran.stdout or name in ran.stdout


def test_a_way_that_is_off_is_a_foul(monkeypatch):
    from sections import Foul, boxes
    from settings import Settings

    def play(contestants, rounds):
        answer = {"build": 1.0, "predict": 1.0, "error": 0.5}
        return [({"name": c.task.way, "versions": {}}, [answer] * (rounds + 1)) for c in contestants]

    monkeypatch.setattr(sys.modules["sections.boxes"], "play", play)
    settings = Settings(1, 1, 0, 64, None, native_kernels="", no_bfloat16=None)
    with pytest.raises(Foul, match=r"treadle is off by 0.5, where boxes are by 0.02"):
        boxes.measure(settings)
