import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.report.report_cases import NAMES, make_evaluation, make_history, make_inputs
from treadle.errors import InvalidInput
from treadle.report.report import render_report, write_report
from treadle.training.history import History

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """The page as a browser reads it: its tags with their attributes, and its text; fails on a loose tag."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == [], f"not closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def with_class(self, name):
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]


def page(**changes):
    return Page(render_report(make_inputs(**changes)))


def test_headline_shows_the_numbers():
    found = page().text
    low, high = make_evaluation().accuracy_interval
    assert "40 of 60 test samples in 4 classes" in found
    assert "Test accuracy 66.67 %" in found
    assert f"95 % interval {100 * low:.2f} % to {100 * high:.2f} %" in found
    assert "Test loss 0.4321" in found
    assert "Epochs 5" in found
    assert "Training time 7.5 s" in found
    assert "Parameters 12,345" in found


def test_parameters_are_left_out_where_the_configuration_does_not_say():
    assert "Parameters" not in page(configuration={"epochs": 5}).text


def test_page_loads_nothing_runs_nothing_and_says_so_to_the_browser():
    html = render_report(make_inputs())
    found = Page(html)
    assert re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[\w+/=]+", "", html)) is None
    assert not found.all("script") and not found.all("link") and not found.all("iframe")
    assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)
    (policy,) = [a["content"] for a in found.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert all(a["src"].startswith("data:image/png;base64,") for a in found.all("img"))
    assert {a["href"][1:] for a in found.all("a")} <= {a.get("id") for a in found.all("section")}


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def test_hostile_texts_are_escaped_everywhere():
    names = (HOSTILE, "</style>", "{{ 7 * 7 }}", "a\x00\u202eb")
    html = render_report(
        make_inputs(
            title=HOSTILE,
            evaluation=make_evaluation(names),
            configuration={HOSTILE: HOSTILE, "nested": {HOSTILE: [HOSTILE]}},
            environment={HOSTILE: HOSTILE},
            timings={HOSTILE: 1.0},
        )
    )
    found = Page(html)
    assert not found.all("script")
    assert all(a["src"].startswith("data:") and "onerror" not in a for a in found.all("img"))
    assert html.count("</style>") == 1
    assert "49" not in re.findall(r"<th[^>]*>([^<]*)</th>", html) and "{{ 7 * 7 }}" in found.text
    assert "\x00" not in html and "\u202e" not in html
    assert found.text.count("<script>alert('x')</script>") >= 6


def test_curves_answer_to_the_pointer_with_every_epochs_values():
    history = make_history(7)
    found = page(history=history)
    assert len(found.with_class("band")) >= 2 * 7
    for record in history:
        assert (
            f"epoch {record.epoch} train {record.train_loss:.4f} test {record.held_out_loss:.4f}"
            in found.text
        )
        assert f"epoch {record.epoch} test {100 * record.held_out_score:.2f} %" in found.text
    assert ".stop:hover .found" in render_report(make_inputs())
    labels = [a["aria-label"] for a in found.all("svg") if "aria-label" in a]
    assert "Loss by epoch: lowest 0.4000, epoch 6" in labels
    assert "Test accuracy by epoch: highest 90.00 %, epoch 6" in labels


def test_confusion_matrix_has_every_count_and_frames_the_diagonal():
    html = render_report(make_inputs())
    (matrix,) = re.findall(r'<table class="matrix">.*?</table>', html, re.DOTALL)
    cells = re.findall(r'<td( class="\w+")? style="--s:([\d.]+)">([^<]*)</td>', matrix)
    counts = [0 if text == "·" else int(text) for _, _, text in cells]
    assert counts == make_evaluation().confusion.ravel().tolist()
    assert [i for i, (kind, _, _) in enumerate(cells) if "hit" in kind] == [0, 5, 10, 15]
    assert all(0 <= float(strength) <= 1 for _, strength, _ in cells)
    assert max(float(s) for kind, s, _ in cells if "hit" not in kind) == 1


def test_samples_right_and_wrong_differ_in_words():
    found = page()
    assert "✓ Trouser right" in found.text
    assert "✗ Pullover wrong, true class Trouser" in found.text
    assert len(found.with_class("verdict")) == 6 + 6 + 12
    assert all(a["alt"].startswith("Test sample ") for a in found.all("img"))


def test_mistakes_come_most_confident_first():
    html = render_report(make_inputs())
    (section,) = re.findall(r'<section id="mistakes">.*?</section>', html, re.DOTALL)
    shown = [int(number) for number in re.findall(r"Test sample (\d+):", section)]
    assert shown == make_evaluation().most_confident_mistakes(12).tolist()


def test_classes_calibration_settings_versions_and_timings_are_told():
    evaluation = make_evaluation()
    found = page().text
    for scores in evaluation.per_class:
        ratios = [f"{100 * ratio:.1f} %" for ratio in (scores.precision, scores.recall, scores.f1)]
        assert f"{scores.name} {' '.join(ratios)} {scores.support}" in found
    assert f"The expected calibration error is {100 * evaluation.calibration().ece:.2f} %" in found
    assert "hidden 256, 128 optimizer.name adam optimizer.beta 0.9 parameters 12345" in found
    assert "numpy 2.4.0 engine numpy (asked for)" in found
    assert "load data 21 ms training 75.2 s evaluation 1 h 02 min" in found


def test_settings_are_written_for_people():
    found = page(
        configuration={"resume": None, "shuffle": True, "invert": False, "hidden": ()}, timings={"a": 125}
    ).text
    assert "resume none shuffle yes invert no hidden none" in found
    assert "a 2 min 05 s" in found


def test_two_classes_and_one_epoch_and_no_mistakes():
    evaluation = make_evaluation(("no", "yes"), n_wrong=0)
    found = page(evaluation=evaluation, history=make_history(1))
    assert "Test accuracy 100.00 %" in found.text
    assert "No sample was taken for another class." in found.text
    assert "No sample was classified wrong." in found.text
    assert "There are none: every test sample was classified right." in found.text
    assert "epoch 1 train 1.0000 test 0.4000" in found.text


def test_nothing_right():
    assert "No sample was classified right." in page(evaluation=make_evaluation(n_wrong=60)).text


def test_rows_that_are_no_images_have_no_pictures():
    found = page(image_shape=None)
    assert not found.all("img")
    assert len(found.with_class("bare")) == 6 + 6 + 12
    assert "wrong, true class Trouser · no. " in found.text


def test_without_test_columns_only_the_train_loss_is_drawn():
    found = page(history=make_history(4, test=False))
    labels = [a["aria-label"] for a in found.all("svg") if "aria-label" in a]
    assert [label for label in labels if "by epoch" in label] == [
        "Loss by epoch: train loss 0.2500 after epoch 4"
    ]
    assert "epoch 4 train 0.2500" in found.text
    assert "nan" not in found.text


def test_many_classes_are_told_by_their_confusions_and_the_page_stays_small():
    names = tuple(f"class {k}" for k in range(200))
    inputs = make_inputs(
        evaluation=make_evaluation(names, n_samples=2000, n_wrong=600), history=make_history(3000)
    )
    html = render_report(inputs)
    assert '<table class="matrix">' not in html
    assert "Most frequent confusions" in Page(html).text
    assert len(html) < 1_000_000


def test_float_images_share_one_scale_of_grey():
    X = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)
    assert len(page(X_test=X).all("img")) == 24


def test_written_report_is_the_rendered_one(tmp_path):
    inputs = make_inputs()
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, inputs)
    assert path.read_text(encoding="utf-8") == render_report(inputs)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"history": History()}, "a history of at least one epoch; train before reporting"),
        ({"X_test": np.zeros((59, 20))}, "the 60 rows that were evaluated; got an array of shape (59, 20)"),
        ({"image_shape": (5, 5)}, "as many pixels as X_test has columns, 20; got (5, 5)"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        make_inputs(**changes)


def test_names_are_those_of_the_classes():
    found = page().text
    assert all(name in found for name in NAMES)
