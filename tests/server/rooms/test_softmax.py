"""The softmax room's answers: each number is the library's, and the copied program reproduces it."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

import treadle
from treadle.server.rooms.softmax import SoftmaxQuestion, answer_softmax


def answered(logits, **parts):
    return answer_softmax(SoftmaxQuestion(logits=logits, **parts))


@pytest.mark.parametrize(("shift", "T"), [(0.0, 1.0), (97.0, 0.5), (800.0, 1.0), (0.0, 0.05), (3.0, 20.0)])
def test_the_numbers_are_the_librarys(shift, T):
    logits = [2.0, 1.0, 0.1, -3.0]
    answer = answered(logits, shift=shift, temperature=T, target=2)
    z = (np.array(logits) + shift) / T
    weights = [math.exp((a - 2.0) / T) for a in logits]  # by hand, less the largest
    by_hand = np.array(weights) / math.fsum(weights)
    np.testing.assert_allclose(answer["probabilities"], by_hand, rtol=1e-12, atol=1e-15)
    assert answer["probabilities"] == treadle.softmax(z).tolist()
    assert answer["log_probabilities"] == treadle.log_softmax(z).tolist()
    y = np.array(answer["probabilities"])
    np.testing.assert_allclose(answer["jacobian"], (np.diag(y) - np.outer(y, y)) / T, atol=1e-14)
    np.testing.assert_allclose(answer["gradient"], (y - [0, 0, 1, 0]) / T, atol=1e-14)
    assert answer["loss"] == treadle.cross_entropy([z], [2])
    assert answer["check"]["passed"] is True
    np.testing.assert_allclose(np.sum(answer["jacobian"], axis=0), 0, atol=1e-14)


def test_the_derivatives_are_measured_wherever_one_goes():
    rng = np.random.default_rng(0)
    for _ in range(60):
        answer = answered(
            rng.uniform(-10, 10, int(rng.integers(2, 7))).round(1).tolist(),
            shift=float(rng.integers(0, 800)),
            temperature=float(10 ** rng.uniform(-1.3, 1.3)),
        )
        assert answer["check"]["passed"] is True


@pytest.mark.parametrize(
    ("shift", "failing"),
    [
        (0, []),
        (8, []),
        (12, ["float16"]),
        (90, ["float16", "float32"]),
        (720, ["float16", "float32", "float64"]),
    ],
)
def test_the_formula_as_written_fails_where_the_format_ends(shift, failing):
    answer = answered([2.0, 1.0, 0.1], shift=float(shift))
    assert [one["name"] for one in answer["formats"] if one["naive_fails"]] == failing
    for one in answer["formats"]:
        assert all(isinstance(value, float) for value in one["stable"])
        assert (("nan" in one["naive"]) or ("inf" in one["exponentials"])) == one["naive_fails"]
        if one["name"] != "float16":  # whose logits near 700 are rounded to halves
            assert one["stable_error"] <= 1e-4
    assert [round(one["most"], 2) for one in answer["formats"]] == [11.09, 88.72, 709.78]


@pytest.mark.parametrize("shift", [0.0, 95.0])
def test_the_copied_program_reproduces_every_number(shift, capsys):
    answer = answered([2.0, 1.0, 0.1], shift=shift, temperature=0.5, target=1)
    names = {}
    exec(compile(answer["python"], "copied", "exec"), names)  # as a person runs it
    assert "derivative check passed" in capsys.readouterr().out
    assert names["y"].tolist() == answer["probabilities"]
    assert names["jacobian"].tolist() == answer["jacobian"]
    assert names["gradient"].tolist() == answer["gradient"]
    assert names["loss"] == answer["loss"]
    assert names["report"].largest_relative_error == answer["check"]["error"]
    for one in answer["formats"]:
        for kind in ("naive", "stable"):
            values = names[kind][one["name"]]
            assert [float(v) if np.isfinite(v) else str(v) for v in values] == one[kind]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"logits": [1.0]}, "at least 2 items"),
        ({"logits": [1.0] * 7}, "at most 6 items"),
        ({"logits": [1.0, 2.0], "target": 2}, "the classes are 0 to 1; got the target 2"),
        ({"logits": [1.0, 2.0], "temperature": 0.0}, "greater than or equal to 0.05"),
        ({"logits": [1.0, 2000.0]}, "less than or equal to 1000"),
    ],
)
def test_what_is_no_question_is_refused(parts, message):
    with pytest.raises(ValidationError, match=message):
        SoftmaxQuestion(**parts)
