"""The L1 room's answers: each number is the library's, and the copied program reproduces it."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from treadle import LADRegressor
from treadle.report.l1_comparison import compare
from treadle.server.rooms.l1 import L1Question, answer_l1

CUP = [[1.0, 7.0], [3.0, 3.0], [5.0, 3.0], [7.0, 7.0]]


def cloud(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, n).round(2)
    return np.column_stack([x, (1 + 0.5 * x + rng.standard_t(2, n)).round(2)]).tolist()


def answered(points, **parts):
    return answer_l1(L1Question(points=points, **parts))


@pytest.mark.parametrize("quantiles", [[0.5], [0.8, 0.5], [0.5, 0.1, 0.2, 0.9]])
def test_lines_and_proofs_are_the_estimators(quantiles):
    points = cloud()
    x, y = np.array(points).T
    answer = answered(points, quantiles=quantiles)
    for line, quantile in zip(answer["lines"], quantiles, strict=True):
        model = LADRegressor(quantile).fit(x[:, None], y)
        proof = model.certificate_.verify(x[:, None], y)
        assert (line["intercept"], line["slope"]) == (model.intercept_, model.coef_[0])
        assert (line["objective"], line["proved"], line["flaw"]) == (model.objective_, True, None)
        assert (line["gap_bound"], line["least_bounds"]) == (proof.gap_bound, list(proof.least_bounds))
        assert line["theorem"] == proof.theorem
    first = LADRegressor(quantiles[0]).fit(x[:, None], y)
    assert answer["pulls"]["u"] == first.certificate_.dual_vector(x[:, None], y).tolist()
    np.testing.assert_allclose(answer["pulls"]["residuals"], y - first.predict(x[:, None]), atol=1e-14)
    squares = answer["least_squares"]
    expected = compare(first, x[:, None], y)
    np.testing.assert_allclose(np.polyfit(x, y, 1), [squares["slope"], squares["intercept"]], rtol=1e-10)
    assert abs(squares["loss"] - expected.least_squares_loss) <= 1e-12 * expected.least_squares_loss


@pytest.mark.parametrize("quantile", [0.5, 0.8])
def test_the_three_sums_are_the_proof(quantile):
    """In their boxes, in balance, and worth the objective: weak duality, by hand."""
    points = cloud(seed=3)
    pulls = answered(points, quantiles=[quantile])["pulls"]
    low, high = pulls["box"]
    assert (low, high) == (-2 * (1 - quantile), 2 * quantile)
    assert all(low <= u <= high for u in pulls["u"])
    assert abs(pulls["sums"]["u"]) <= 1e-13
    assert abs(pulls["sums"]["ux"]) <= 1e-12
    residuals = np.array(pulls["residuals"])
    loss = np.sum(np.where(residuals > 0, high, low) * residuals)
    assert math.isclose(pulls["sums"]["uy"], loss, rel_tol=1e-13)
    for i, (u, r) in enumerate(zip(pulls["u"], residuals, strict=True)):
        if i in pulls["on_the_line"]:
            assert abs(r) <= 1e-14
        else:
            assert u == (high if r > 0 else low)


def test_an_outlier_in_the_sky_moves_nothing():
    points = cloud()
    at = max(range(len(points)), key=lambda i: answered(points)["pulls"]["residuals"][i])
    before = answered(points)
    points[at][1] = 1e9
    after = answered(points)
    assert before["lines"][0]["slope"] == after["lines"][0]["slope"]
    assert before["lines"][0]["intercept"] == after["lines"][0]["intercept"]
    assert before["pulls"]["u"] == after["pulls"]["u"]
    assert abs(after["least_squares"]["intercept"] - before["least_squares"]["intercept"]) > 1e6


def test_all_best_lines_are_given():
    answer = answered(CUP)
    assert answer["lines"][0]["unique"] is False
    assert sorted(answer["optimal"]) == [[0, 1], [3, 0], [7, 0], [8, -1]]
    assert len(answered(cloud())["optimal"]) == 1


def test_points_above_one_another_have_no_slope():
    answer = answered([[2.0, 1.0], [2.0, 3.0], [2.0, 8.0]])
    assert answer["optimal"] is None
    assert answer["lines"][0]["slope"] == 0
    assert answer["lines"][0]["proved"] is True
    assert "optimal_lines" not in answer["python"]


@pytest.mark.parametrize(
    ("intercept", "slope", "loss", "proved"),
    [(7.0, 0.0, 8, True), (5.0, 0.0, 8, False), (0.0, 0.0, 20, False)],
)
def test_a_line_of_ones_own_is_held_against_the_proof(intercept, slope, loss, proved):
    own = answered(CUP, own={"intercept": intercept, "slope": slope})["own"]
    assert (own["loss"], own["above_the_least"], own["proved"]) == (loss, loss - 8, proved)
    if not proved:
        assert own["flaw"] == f"the intercept is {intercept!r}, and 7.0 at the optimum"


def test_no_line_of_ones_own_is_better():
    points = cloud(seed=5)
    best = answered(points)["lines"][0]
    rng = np.random.default_rng(1)
    for _ in range(40):
        own = {
            "intercept": best["intercept"] + float(rng.normal(scale=0.1)),
            "slope": best["slope"] + float(rng.normal(scale=0.02)),
        }
        found = answered(points, own=own)["own"]
        assert found["above_the_least"] > 0
        assert found["proved"] is False


@pytest.mark.parametrize(
    ("points", "parts"),
    [
        (cloud(23), {"quantiles": [0.5], "own": {"intercept": 1.5, "slope": 0.25}}),
        (CUP, {"quantiles": [0.8, 0.5]}),
        ([[2.0, 1.0], [2.0, 3.0]], {}),
    ],
)
def test_the_copied_program_reproduces_every_number(points, parts, capsys):
    answer = answered(points, **parts)
    names = {}
    exec(compile(answer["python"], "copied", "exec"), names)  # as a person runs it
    printed = capsys.readouterr().out
    for line in answer["lines"]:
        model = names["lines"][line["quantile"]]
        assert (model.intercept_, model.coef_[0]) == (line["intercept"], line["slope"])
        assert model.objective_ == line["objective"]
        assert f"{line['intercept']} + {line['slope']} x" in printed
    assert names["u"].tolist() == answer["pulls"]["u"]
    assert answer["proof"] in printed
    if answer["optimal"] is not None:
        assert [[float(b), float(w)] for b, w in names["optimal"]] == answer["optimal"]
    squares = answer["least_squares"]
    assert [names["intercept"], names["slope"]] == [squares["intercept"], squares["slope"]]
    if answer["own"] is not None:
        assert names["own_loss"] == answer["own"]["loss"]


def test_a_question_is_what_it_says_or_none():
    with pytest.raises(ValidationError, match="points"):
        L1Question(points=[[0.0, 1.0]])
    with pytest.raises(ValidationError, match="quantiles"):
        L1Question(points=CUP, quantiles=[])
    with pytest.raises(ValidationError, match="quantiles"):
        L1Question(points=CUP, quantiles=[0.5] * 12)
