"""Spoiled files and formulas, some thousand of them, at every loader: an error in words, or the same content.

TREADLE_FUZZ_CASES says how many in all; ``make soak`` takes 300 000.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.loaders import FAMILIES

ROOT = Path(__file__).parents[2]
N_CASES = int(os.environ.get("TREADLE_FUZZ_CASES", "2000"))


@pytest.fixture(scope="module")
def found():
    """What ``fuzz.py`` says of each family, and of each planted fault."""
    command = [sys.executable, "-m", "tests.attacks.fuzz", str(N_CASES)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=ROOT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-2000:]
    return {known["family"]: known for known in lines}


@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_a_spoiled_file_is_refused_in_words_or_is_as_it_was(found, family):
    known = found[family]
    print(known)
    assert known["n_failures"] == 0, (known["n_failures"], known["failures"])
    assert known["cases"] == N_CASES // len(FAMILIES)
    assert known["refused"] + known["taken"] == known["cases"]
    assert known["refused"] > 0


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("believes", "Wrong: 'content changed, and nobody said so'"),
        ("raises", "KeyError: "),
        ("swells", r"took \d+ MB|ended the process|MemoryError"),
        ("waits", "ended the process by signal SIGALRM"),
        ("babbles", "its message of 5000 characters is none"),
    ],
)
def test_the_fuzz_sees_a_fault_that_was_planted(found, fault, what):
    known = found[fault]
    assert known["n_failures"] > 0
    assert any(re.search(what, failure) for failure in known["failures"]), known["failures"]
