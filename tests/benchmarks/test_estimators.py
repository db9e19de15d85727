"""The estimators' benchmark: a trial of all of it, its verdicts and its data."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_a_trial_prints_the_page_and_writes_nothing():
    before = {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")}
    ran = subprocess.run(
        [sys.executable, str(BENCHMARKS / "estimators.py"), "--quick"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "A trial, smaller than the standard run." in ran.stdout
    assert "| iris | 150 x 4 | accuracy |" in ran.stdout
    assert "| iris, 150 x 4 | float64 |" in ran.stdout
    assert "| 1 000 x 20 | float64 |" in ran.stdout
    assert "| 2000 x 784 | uint8 | 2 |" in ran.stdout
    assert {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")} == before


def test_the_ten_data_sets_are_whole():
    from public_data import DATA_SETS

    sets = [load() for load in DATA_SETS.values()]
    assert len(sets) == 10 == len({data.name for data in sets})
    for data in sets:
        assert data.X.ndim == 2 and len(data.X) == len(data.y)
        assert np.isfinite(data.X).all() and np.isfinite(data.y).all()
        assert (len(np.unique(data.y)) <= 10) == data.classifies


@pytest.mark.parametrize(
    ("ours", "word"),
    [([0.9, 0.91, 0.92], "the same within noise"), ([0.8, 0.81, 0.81], "below"), ([1, 1.01, 1], "above")],
)
def test_a_verdict_needs_a_difference_beyond_the_spread(ours, word):
    from estimators import Contest, verdict

    assert verdict(Contest("it", [0.91, 0.90, 0.92], ours))[1] == word


def test_a_copy_of_the_data_would_be_seen(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system has no /proc")
    code = (BENCHMARKS / "fit_memory.py").read_text()
    greedy = code.replace(".fit(X, y)\n    return", ".fit(X.astype('float32'), y)\n    return")
    assert greedy != code
    (tmp_path / "greedy.py").write_text(greedy)
    taken = []
    for path in (BENCHMARKS / "fit_memory.py", tmp_path / "greedy.py"):
        command = [sys.executable, str(path), "uint8", "20000", "784"]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        taken.append(json.loads(ran.stdout)["fit_mb"])
    assert taken[1] - taken[0] >= 40  # 60 MB of float32
