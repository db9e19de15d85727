"""Wheels that ``make wheel`` built, which most runs of the tests have none of."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def dist():
    folder = ROOT / "dist"
    if not list(folder.glob("treadle-*.whl")):
        pytest.skip("no wheel was built: make wheel does that, in some minutes")
    return folder
