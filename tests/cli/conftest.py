import pytest

from treadle.cli import run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run on the digits, which no test may change."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert run(["train", "digits", "--hidden", "32", "--epochs", "15", "--out", str(folder)]) == 0
    return folder
