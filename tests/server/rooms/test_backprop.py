"""The back-propagation room's answers: each number is the library's, and the copied program reproduces it."""

from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from treadle import Network, Objective, Parameters, check_gradients, cross_entropy, select_engine
from treadle.server.rooms.backprop import (
    BackpropQuestion,
    DrawQuestion,
    ErrorName,
    answer_backprop,
    answer_draw,
)
from treadle.server.rooms.planted_errors import ERRORS

ENGINE = select_engine("numpy").engine
# Which arrays an error in an equation spoils, of a network with one hidden layer: how one finds it.
SPOILS = {
    5: {"weights.0", "biases.0", "weights.1", "biases.1"},
    6: {"weights.0", "biases.0"},
    7: {"weights.1"},
    8: {"biases.0", "biases.1"},
}


def question(sizes=(2, 3, 2), n_rows=3, seed=0, **parts):
    drawn = answer_draw(DrawQuestion(sizes=list(sizes), n_rows=n_rows, seed=seed))
    return BackpropQuestion(sizes=list(sizes), **(drawn | parts))


def library(asked):
    """The same problem, as one sets it up without the lab."""
    network = Network(tuple(asked.sizes), asked.activation)
    parameters = Parameters(network, np.array(asked.parameters))
    return parameters, np.array(asked.X), np.array(asked.labels), Objective(l2=asked.l2)


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "gelu", "silu"])
@pytest.mark.parametrize("sizes", [(1, 2, 2), (2, 3, 2), (4, 4, 4, 4), (3, 2)])
def test_the_numbers_are_the_engines(activation, sizes):
    asked = question(sizes, activation=activation, l2=0.1)
    answer = answer_backprop(asked)
    parameters, X, labels, objective = library(asked)
    loss, gradients = ENGINE.loss_and_gradients(parameters, X, labels, objective=objective)
    assert abs(answer["loss"] - loss) <= 1e-14 * loss
    assert answer["engine_difference"] <= 1e-15
    for k in range(len(sizes) - 1):
        np.testing.assert_allclose(answer["weight_gradients"][k], gradients.weights[k], atol=1e-15)
        np.testing.assert_allclose(answer["bias_gradients"][k], gradients.biases[k], atol=1e-15)
        assert answer["weights"][k] == parameters.weights[k].tolist()
    np.testing.assert_allclose(answer["h"][-1], ENGINE.logits(parameters, X), atol=1e-14)
    logits = np.array(answer["h"][-1])
    assert abs(np.mean(answer["row_losses"]) - cross_entropy(logits, labels)) <= 1e-14
    np.testing.assert_allclose(np.sum(answer["probabilities"], axis=1), 1, atol=1e-15)
    np.testing.assert_allclose(
        np.array(answer["d"][-1]),
        (np.array(answer["probabilities"]) - np.array(answer["targets"])) / len(X),
        atol=1e-16,
    )


@pytest.mark.parametrize("error", [None, *ERRORS])
def test_each_entry_is_checked_as_the_library_checks_arrays(error):
    asked = question(error=error)
    answer = answer_backprop(asked)
    parameters, X, labels, objective = library(asked)
    flat = [np.ravel(g) for g in answer["weight_gradients"]] + [np.ravel(g) for g in answer["bias_gradients"]]
    gradients = Parameters(parameters.network, np.concatenate(flat))
    reports = {
        report.name: report
        for report in check_gradients(ENGINE, parameters, X, labels, objective=objective, gradients=gradients)
    }
    for check in answer["checks"]:
        report = reports[check["name"]]
        assert (check["passed"], tuple(check["shape"])) == (report.passed, report.shape)
        worst = max(entry["error"] for entry in check["entries"])
        assert worst == report.finite_differences.largest_relative_error
        assert check["tolerance"] == report.finite_differences.tolerance


@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_found_where_it_tells_its_equation(error):
    answer = answer_backprop(question(error=error))
    wrong = {check["name"] for check in answer["checks"] if not check["passed"]}
    assert wrong == SPOILS[ERRORS[error].number]
    assert answer["wrong_equation"] == {"number": ERRORS[error].number, "says": ERRORS[error].says}
    assert answer["engine_difference"] > 1e-3


@pytest.mark.parametrize("error", [None, *ERRORS])
@pytest.mark.parametrize("sizes", [(2, 3, 2), (2, 3, 3, 2)])
def test_the_copied_program_reproduces_every_number(error, sizes, capsys):
    asked = question(sizes, error=error, activation="silu", l2=0.1)
    answer = answer_backprop(asked)
    names = {}
    exec(compile(answer["python"], "copied", "exec"), names)  # as a person runs it
    printed = capsys.readouterr().out
    assert f"loss: {names['loss']}" in printed
    assert abs(names["loss"] - answer["loss"]) <= 1e-14
    for k in range(len(sizes) - 1):
        np.testing.assert_allclose(names["z"][k + 1], answer["z"][k], atol=1e-15)
        np.testing.assert_allclose(names["a"][k + 1], answer["h"][k], atol=1e-15)
        np.testing.assert_allclose(names["derivatives"][k], answer["d"][k], atol=1e-15)
        np.testing.assert_allclose(names["weight_gradients"][k], answer["weight_gradients"][k], atol=1e-15)
        np.testing.assert_allclose(names["bias_gradients"][k], answer["bias_gradients"][k], atol=1e-15)
    np.testing.assert_allclose(names["p"], answer["probabilities"], atol=1e-15)
    # The program's checks go by arrays as the answer's do, weights and biases in turn.
    verdicts = {check["name"]: check["passed"] for check in answer["checks"]}
    assert {report.name: report.passed for report in names["reports"]} == verdicts
    entries = {check["name"]: check["entries"] for check in answer["checks"]}
    flat = [entry["difference"] for block in names["network"].blocks for entry in entries[block.name]]
    assert names["differences"].tolist() == flat
    assert answer["python"].count("the planted error") == (0 if error is None else 1)


def test_a_unit_that_sleeps_has_no_gradient():
    parameters = [0.5, -9, 0.3, 0.2, -9, 0.4, *[0.1] * 11]
    asked = question(n_rows=1, activation="relu", parameters=parameters, X=[[1, 0.5]], labels=[0])
    answer = answer_backprop(asked)
    assert [row[1] for row in answer["weight_gradients"][0]] == [0, 0]
    assert all(check["passed"] for check in answer["checks"])


def test_at_a_kink_there_is_no_measured_number():
    parameters = [*[0.0] * 6, 0.5, -0.4, 0.3, 0.2, 0.1, 0.6, *[0.0] * 5]
    asked = question(n_rows=1, activation="relu", parameters=parameters, X=[[1, 0.5]], labels=[0])
    answer = answer_backprop(asked)
    first = answer["checks"][0]["entries"][0]
    assert (first["difference"], first["error"], first["passed"]) == (None, None, False)


def test_every_error_can_be_asked_for():
    assert get_args(ErrorName) == tuple(ERRORS)


def test_drawn_numbers_are_short_and_repeat():
    one, other = (answer_draw(DrawQuestion(sizes=[3, 4, 3], n_rows=4, seed=seed)) for seed in (1, 2))
    assert one == answer_draw(DrawQuestion(sizes=[3, 4, 3], n_rows=4, seed=1))
    assert one["parameters"] != other["parameters"]
    assert one["labels"] == [0, 1, 2, 0]
    assert all(
        round(value, 1) == value for value in one["parameters"] + [value for row in one["X"] for value in row]
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"sizes": [2, 3, 1]}, "the last layer has a unit for each of two or more classes; got 1"),
        ({"parameters": [0.0] * 16}, r"a network of \[2, 3, 2\] has 17 parameters; got 16"),
        ({"X": [[1.0], [2.0], [3.0]]}, "each row of X has a number for each of the 2 inputs"),
        ({"labels": [0, 1]}, "there is a label for each of the 3 rows; got 2"),
        ({"labels": [0, 1, 2]}, "the labels of 2 classes are 0 to 1; got 2"),
        ({"sizes": [2, 5, 2]}, "less than or equal to 4"),
        ({"activation": "identity"}, "activation"),
        ({"error": "other"}, "error"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    with pytest.raises(ValidationError, match=message):
        BackpropQuestion(**(question().model_dump() | parts))
