"""The page of a run on a table: every section, every text escaped, no request, no script."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from tests.estimators.tables.table_cases import houses
from treadle.report.table_report import write_table_report
from treadle.report.table_scores import scores_of
from treadle.runs.table_config import TableConfig
from treadle.runs.table_data import read_table_data
from treadle.runs.table_run import TableRun

SECTIONS = ["columns", "rivals", "curves", "test", "importance", "worst", "doubts", "making"]
EVIL = "<script>alert(1)</script>"


class Outline(HTMLParser):
    """The tags, their ids, and the text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.text, self.open = [], [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        self.text += data


def page_of(folder, frame, target, **options):
    path = folder / "t.csv"
    frame.to_csv(path, index=False)
    config = TableConfig(
        str(path), target=target, **{"hidden": (8,), "epochs": 3, "batch_size": 16} | options
    )
    data = read_table_data(config)
    run = TableRun.create(folder / "run", config, {"engine": "numpy"})
    model = run.train(data)
    write_table_report(run, model, data, scores_of(model, data.test), {"training": 1.0})
    html = run.report_path.read_text("utf-8")
    outline = Outline()
    outline.feed(html)
    return html, outline


def frame_of(n_rows=120):
    frame, price = houses(n_rows)
    return frame.assign(**{EVIL: np.arange(n_rows) * 1.5}, price=price, id=range(1, n_rows + 1))


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (("price",), ["Test RMSE", "the mean", "ridge regression", "price: residuals"]),
        (("price", "area"), ["Test RMSE of price", "Test RMSE of area", "area: calibration"]),
        (("garden",), ["Test accuracy", "ROC", "Precision and recall", "logistic regression"]),
        (("state",), ["Test accuracy", "the most frequent class", "restored"]),
    ],
)
def test_every_section_is_there(tmp_path, target, wanted):
    html, outline = page_of(tmp_path, frame_of(), target)
    assert outline.ids == SECTIONS
    for words in (*wanted, "HistGradientBoosting", "an identifier", "Partial dependence"):
        assert words in outline.text, words
    assert "script" not in outline.tags and EVIL in outline.text and EVIL not in html
    assert not re.search(r"(src|href)=\"(?!#)", html)
    assert html.count("<svg") >= 2 + 1  # curves, test rows


def test_leaks_and_drift_are_said(tmp_path):
    frame = frame_of().drop(columns=EVIL)
    frame["told"] = frame["price"] + 0.01 * np.arange(len(frame))
    _, outline = page_of(tmp_path, frame, ("price",), split="time:sold")
    assert "told: alone it explains 98 % or more" in " ".join(outline.text.split())
    drift = outline.text[outline.text.index("distributed otherwise") :]
    assert "sold" in drift


def test_rows_without_a_target_and_replaced_cells_are_counted(tmp_path):
    frame = frame_of()
    frame.loc[:4, "price"] = None
    _, outline = page_of(tmp_path, frame, ("price",))
    text = " ".join(outline.text.split())
    assert "5 rows without a target were left out" in text
    assert re.search(r"Training: 'area': \d+ of \d+ cells are missing", text)


def test_worst_rows_are_numbered_as_in_the_file(tmp_path):
    frame = frame_of()
    frame.loc[77, "price"] = 1e5
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        html, _ = page_of(folder, frame, ("price",), seed=seed, epochs=1)
        if '<th scope="row">78</th><td>100000</td>' in html:
            return
    raise AssertionError("row 78 was in no test")


def test_a_target_that_is_always_predicted_right_has_no_worst_rows(tmp_path):
    frame = pd.DataFrame({"x": np.arange(200) % 2, "y": np.where(np.arange(200) % 2, "odd", "even")})
    frame["x"] = frame["x"] * 2.5
    _, outline = page_of(tmp_path, frame, ("y",), epochs=20)
    assert "There are none: every test row is predicted right." in outline.text
