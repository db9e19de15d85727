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

from tests.attacks.loaders import FAMILIES, PLANTED

ROOT = Path(__file__).parents[2]
N_CASES = int(os.environ.get("TREADLE_FUZZ_CASES", "2000"))


def run(n_cases, *families, seconds=20):
    """What ``fuzz.py`` says of each family."""
    command = [sys.executable, "-m", "tests.attacks.fuzz", str(n_cases), *families]
    environment = os.environ | {"TREADLE_FUZZ_SECONDS": str(seconds)}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment, cwd=ROOT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-2000:]
    return {known["family"]: known for known in lines}


@pytest.fixture(scope="module")
def found():
    return run(N_CASES)


@pytest.fixture(scope="module")
def found_in_planted():
    return run(3 * len(PLANTED), *(family.name for family in PLANTED), seconds=1)


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
def test_the_fuzz_sees_a_fault_that_was_planted(found_in_planted, fault, what):
    known = found_in_planted[fault]
    assert known["n_failures"] > 0
    assert any(re.search(what, failure) for failure in known["failures"]), known["failures"]
