import json
import re

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from treadle.errors import InvalidInput
from treadle.report.evaluation import Evaluation


def random_evaluation(n_samples=500, n_classes=5, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_samples, n_classes))
    y_true = rng.integers(n_classes, size=n_samples)
    logits[np.arange(n_samples), y_true] += 1
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = [f"class {k}" for k in range(n_classes)]
    return Evaluation(y_true, probabilities.astype(dtype), names, 1.25)


def one_hot(predicted, n_classes):
    return np.eye(n_classes)[predicted]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_agree_with_scikit_learn(dtype):
    evaluation = random_evaluation(dtype=dtype)
    y, predicted = evaluation.y_true, evaluation.probabilities.argmax(axis=1)
    assert evaluation.accuracy == accuracy_score(y, predicted)
    np.testing.assert_array_equal(evaluation.confusion, confusion_matrix(y, predicted))
    precision, recall, f1, support = precision_recall_fscore_support(y, predicted)
    scores = evaluation.per_class
    np.testing.assert_allclose([s.precision for s in scores], precision, rtol=1e-14)
    np.testing.assert_allclose([s.recall for s in scores], recall, rtol=1e-14)
    np.testing.assert_allclose([s.f1 for s in scores], f1, rtol=1e-14)
    assert [s.support for s in scores] == support.tolist()
    expected_macro = precision_recall_fscore_support(y, predicted, average="macro")[:3]
    macro = evaluation.macro
    np.testing.assert_allclose([macro.precision, macro.recall, macro.f1], expected_macro, rtol=1e-14)
    assert macro.support == 500


def test_classes_never_predicted_or_never_present_score_zero_as_scikit_learn_may_be_told():
    y = np.array([0, 0, 1, 1])
    predicted = np.array([0, 0, 0, 2])  # 1 is never predicted, 2 never present, 3 neither
    evaluation = Evaluation(y, one_hot(predicted, 4), list("abcd"), 0.0)
    expected = precision_recall_fscore_support(y, predicted, labels=range(4), zero_division=0)
    scores = evaluation.per_class
    np.testing.assert_allclose(
        [(s.precision, s.recall, s.f1, s.support) for s in scores], np.array(expected).T
    )
    assert scores[1].precision == scores[2].recall == scores[3].f1 == 0
    assert evaluation.confusion.shape == (4, 4)


def test_interval_is_wilsons():
    for n_right, n_samples in [(0, 7), (3, 7), (7, 7), (8902, 10000)]:
        predicted = (np.arange(n_samples) >= n_right).astype(int)
        evaluation = Evaluation(np.zeros(n_samples, int), one_hot(predicted, 2), ["a", "b"], 0.1)
        expected = binomtest(n_right, n_samples).proportion_ci(method="wilson")
        np.testing.assert_allclose(evaluation.accuracy_interval, expected, rtol=1e-12, atol=1e-15)


def test_calibration_matches_the_definition_bin_by_bin():
    evaluation = random_evaluation(seed=3)
    calibration = evaluation.calibration(10)
    confidence = evaluation.probabilities.max(axis=1)
    right = evaluation.probabilities.argmax(axis=1) == evaluation.y_true
    ece = 0.0
    for b in range(10):
        inside = (confidence > calibration.edges[b]) & (confidence <= calibration.edges[b + 1])
        assert calibration.count[b] == inside.sum()
        if inside.any():
            np.testing.assert_allclose(calibration.confidence[b], confidence[inside].mean(), rtol=1e-13)
            np.testing.assert_allclose(calibration.accuracy[b], right[inside].mean(), rtol=1e-13)
            ece += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
        else:
            assert np.isnan(calibration.accuracy[b]) and np.isnan(calibration.confidence[b])
    assert calibration.ece == pytest.approx(ece, rel=1e-12)
    assert calibration.count.sum() == evaluation.n_samples


def test_ece_of_a_known_case():
    # Four answers at 0.8, three of them right, and one certain and wrong: 4/5 * 0.05 + 1/5 * 1.
    probabilities = np.array([[0.8, 0.2]] * 4 + [[1.0, 0.0]])
    evaluation = Evaluation(np.array([0, 0, 0, 1, 1]), probabilities, ["a", "b"], 0.1)
    assert evaluation.calibration().ece == pytest.approx(0.24, rel=1e-12)
    assert evaluation.calibration(1).ece == pytest.approx(abs(3 / 5 - 4.2 / 5), rel=1e-12)


def test_a_confidence_rounded_above_one_is_in_the_last_bin():
    probabilities = np.array([[1 + 2**-23, 0]], dtype=np.float32)
    calibration = Evaluation(np.array([0]), probabilities, ["a", "b"], 0.0).calibration()
    assert calibration.count[-1] == 1


def test_mistakes_come_most_confident_first_and_equals_in_order():
    probabilities = np.array([[0.7, 0.3], [0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])
    evaluation = Evaluation(np.array([1, 0, 1, 1, 1]), probabilities, ["a", "b"], 0.1)
    assert evaluation.most_confident_mistakes(10).tolist() == [4, 0, 3, 2]
    assert evaluation.most_confident_mistakes(2).tolist() == [4, 0]
    assert evaluation.most_confident_mistakes(0).tolist() == []


def test_dictionary_survives_json_with_its_numbers():
    evaluation = random_evaluation()
    back = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert back["accuracy"] == evaluation.accuracy
    assert back["loss"] == 1.25
    assert back["confusion"] == evaluation.confusion.tolist()
    assert back["per_class"][2]["name"] == "class 2"
    assert back["per_class"][2]["f1"] == evaluation.per_class[2].f1
    assert back["macro"]["support"] == back["n_samples"] == 500


GOOD = {
    "y_true": np.array([0, 1]),
    "probabilities": np.array([[0.75, 0.25], [0.5, 0.5]]),
    "class_names": ["a", "b"],
    "loss": 0.5,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": np.ones((2, 1))}, "at least 2 classes; got 1"),
        ({"probabilities": np.ones(2)}, "shape (N, K), a row a sample; got float64 of shape (2,)"),
        (
            {"probabilities": np.ones((2, 2), int)},
            "float32 or float64 of shape (N, K), a row a sample; got int64",
        ),
        ({"probabilities": np.empty((0, 2)), "y_true": np.empty(0, int)}, "an empty set cannot be evaluated"),
        ({"probabilities": np.array([[0.5, 0.5], [np.nan, 1]])}, "got nan in row 1, column 0"),
        ({"probabilities": np.array([[0.5, 0.5], [-0.5, 1.5]])}, "got -0.5 in row 1, column 0"),
        ({"probabilities": np.array([[0.5, 0.5], [0.5, 0.4]])}, "row 1 has 0.9: were logits given"),
        ({"y_true": np.array([0.0, 1.0])}, "got float64 of shape (2,)"),
        ({"y_true": np.array([0, 1, 1])}, "integers of shape (2,)"),
        ({"y_true": np.array([0, 2])}, "class indices from 0 to 1; got 2 in row 1"),
        ({"y_true": np.array([-1, 1])}, "class indices from 0 to 1; got -1 in row 0"),
        ({"class_names": ["a"]}, "class_names must be 2 names"),
        ({"class_names": "ab"}, "class_names must be 2 names"),
        ({"loss": float("nan")}, "loss must be finite; got nan"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(change, message):
    Evaluation(**GOOD)
    with pytest.raises(InvalidInput, match=re.escape(message)):
        Evaluation(**GOOD | change)


def test_wrong_counts_are_refused():
    evaluation = Evaluation(**GOOD)
    with pytest.raises(InvalidInput, match="n_bins must be at least 1; got 0"):
        evaluation.calibration(0)
    with pytest.raises(InvalidInput, match="number of mistakes must be at least 0; got -1"):
        evaluation.most_confident_mistakes(-1)


def test_sums_may_differ_from_one_by_float32_rounding_only():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (2000, 1000)).astype(np.float32)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = [str(k) for k in range(1000)]
    Evaluation(np.zeros(2000, int), probabilities, names, 1.0)
    with pytest.raises(InvalidInput, match="must have sum 1"):
        Evaluation(np.zeros(2000, int), probabilities * np.float32(1.001), names, 1.0)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75]])
    evaluation = Evaluation(np.array([0, 0, 1]), probabilities, ["a", "b"], 0.1)
    assert evaluation.calibration(4).count.tolist() == [0, 1, 2, 0]
