"""``treadle report`` as a person calls it."""

import shutil

from treadle.cli import run


def test_report_writes_pictures_and_page_anew(trained, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "run")
    names = ["report.html", "curves.png", "confusion.png", "predictions.png"]
    for name in names:
        (folder / name).unlink()
    assert run(["report", str(folder)]) == 0
    assert f"report  {folder}/report.html" in capsys.readouterr().out
    assert all((folder / name).stat().st_size > 1000 for name in names)
