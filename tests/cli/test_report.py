"""``treadle report`` as a person calls it."""

import pytest

from treadle.cli import run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run on the digits."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert run(["train", "digits", "--hidden", "32", "--epochs", "15", "--out", str(folder)]) == 0
    return folder


def test_report_writes_pictures_and_page_anew(trained, capsys):
    names = ["report.html", "curves.png", "confusion.png", "predictions.png"]
    for name in names:
        (trained / name).unlink()
    assert run(["report", str(trained)]) == 0
    assert f"report  {trained}/report.html" in capsys.readouterr().out
    assert all((trained / name).stat().st_size > 1000 for name in names)
