"""``treadle boxes`` as a person calls it."""

import json

import numpy as np
import pytest
from PIL import Image

from treadle.cli import run
from treadle.cli.boxes import _rounded_up

WAVES = "sin(3*x) + 0.5*cos(7*x)"


def printed(capsys, *arguments):
    code = run(["boxes", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_count_the_units_and_the_proved_error_are_printed(capsys):
    code, out, _ = printed(capsys, WAVES, "--bounds", "-2", "2", "--eps", "0.01")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["Lipschitz"] == "6.435"
    assert lines["boxes"] == "1287  (uniform, order 0)"
    assert lines["hidden"] == "units    1286, or 2574 with two a box  (step)"
    assert 0.0095 <= float(lines["proved"].split()[2]) <= 0.01


def test_json_holds_the_same_and_more(capsys):
    code, out, _ = printed(capsys, WAVES, "--bounds", "-2", "2", "--eps", "0.01", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["n_boxes"], found["n_hidden_units"]) == (1287, [1286])
    assert 0.0095 <= found["error_sampled"] <= found["error_bound"] <= 0.01
    assert found["bounds"] == [[-2.0, 2.0]]
    assert found["why_not_proved"] is None


def test_partitions_orders_and_activations(capsys):
    def boxes(*arguments):
        code, out, _ = printed(capsys, WAVES, "--bounds", "-2", "2", *arguments, "--json")
        assert code == 0
        return json.loads(out)

    assert boxes("--eps", "0.01", "--partition", "optimal")["n_boxes"] <= 530
    assert boxes("--eps", "0.01", "--partition", "adaptive")["n_boxes"] < 1000
    assert boxes("--eps", "0.01", "--order", "1")["n_boxes"] < 100
    smooth = boxes("--n-boxes", "128", "--activation", "sigmoid", "--steepness", "128")
    assert smooth["error_sampled"] <= 0.008 < 0.09 <= boxes("--n-boxes", "128")["error_sampled"]
    assert smooth["smoothing_bound"] > 0
    _, out, _ = printed(capsys, WAVES, "--bounds", "-2", "2", "--n-boxes", "64", "--activation", "sigmoid")
    assert "in the norm of L1, against steps" in out


def test_several_dimensions(capsys):
    code, out, _ = printed(capsys, "x*y", "--bounds", "0", "1", "-1", "1", "--n-boxes", "8", "4")
    assert code == 0
    assert "x in [0, 1], y in [-1, 1]" in out
    assert "boxes           32 " in out


def test_a_jump_has_no_lipschitz_constant_but_its_boxes_a_proof(capsys):
    text = "where(x < 0.5, 0, 1)"
    code, out, _ = printed(capsys, text, "--bounds", "0", "1", "--eps", "0.01", "--partition", "adaptive")
    assert code == 0
    assert "Lipschitz       none" in out
    assert "boxes           2 " in out


def test_a_command_without_a_proof_says_so_in_its_own_words(capsys):
    arguments = ["where(x < 0.3, 0, 1)", "--bounds", "-2", "2", "--eps", "0.1", "--order", "1"]
    code, out, err = printed(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "proved error    none, for the formula's slopes are not bounded, as at a jump: take order 0" in out
    assert "sampled error   0  (it may be greater between the samples)" in out
    _, out, err = printed(capsys, *arguments, "--json")
    found = json.loads(out)
    assert (found["error_bound"], err) == (None, "")
    assert found["why_not_proved"].startswith("the formula's slopes are not bounded")


def test_the_onnx_file_gives_what_predict_gives(capsys, tmp_path):
    import onnxruntime

    from treadle.boxes.approximate import approximate

    file = tmp_path / "net.onnx"
    code, out, _ = printed(capsys, WAVES, "--bounds", "-2", "2", "--n-boxes", "50", "--export", str(file))
    assert code == 0
    assert f"ONNX            {file}" in out
    x = np.linspace(-2, 2, 301)[:, None]
    (given,) = onnxruntime.InferenceSession(file).run(None, {"X": x})
    expected = approximate(WAVES, (-2, 2), n_boxes=50).predict(x)
    np.testing.assert_array_equal(given[:, 0], expected)


@pytest.mark.parametrize(("text", "bounds"), [(WAVES, ["-2", "2"]), ("sin(3*x)*y", ["0", "1", "0", "2"])])
def test_pictures_are_written(capsys, tmp_path, text, bounds):
    file = tmp_path / "sheet.png"
    code, out, _ = printed(capsys, text, "--bounds", *bounds, "--n-boxes", "100", "--plot", str(file))
    assert code == 0
    assert f"pictures        {file}" in out
    with Image.open(file) as picture:
        assert picture.size[0] == 1980


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x", "--bounds", "0", "--eps", "1"], "--bounds takes two numbers for each variable"),
        (["x", "--bounds", "0", "1"], "give eps or n_boxes"),
        (["x", "--bounds", "1", "0", "--eps", "1"], "the lower below the upper"),
        (["x*y*z", *["--bounds", "0", "1", "0", "1", "--eps", "1"]], "Give bounds for each dimension"),
        (["foo(x)", "--bounds", "0", "1", "--eps", "1"], 'no function foo: ">>foo<<(x)", at character 1'),
        (["1/x", "--bounds", "-1", "1", "--eps", "1"], "the divisor must not reach 0"),
        (["x", "--bounds", "0", "1", "--eps", "0.1", "--form", "index"], "name a file with --export"),
        (["x*y*z", "--bounds", *"010101", "--n-boxes", "8", "--plot", "p.png"], "one or two variables"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = printed(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed_of_a_bound_is_not_below_it():
    for value in np.random.default_rng(0).uniform(0, 10, 200) * 10.0 ** np.arange(-100, 100):
        assert value <= float(_rounded_up(float(value))) <= value * (1 + 2e-5)
