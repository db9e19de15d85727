import numpy as np
import pytest

from treadle import InvalidInput, MLPRegressor
from treadle.estimators.mlp import training_rows as module
from treadle.estimators.mlp.training_rows import (
    TrainingRows,
    rows_that_weigh,
    split,
    validated_rows_and_targets,
)


def parts(n, rows=None, labels=None, fraction=0.25, seed=0, strictly=False):
    return split(n, rows, labels, fraction, seed, strictly=strictly)


@pytest.mark.parametrize("labels", [None, np.arange(40) % 3])
def test_every_row_is_in_one_part_in_ascending_order(labels):
    kept, held_out = parts(40, labels=labels)
    assert len(held_out) == 10
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(40))
    for part in (kept, held_out):
        np.testing.assert_array_equal(part, np.sort(part))
        assert part.dtype == np.int64


def test_the_parts_follow_the_seed():
    assert parts(40)[1].tolist() == parts(40)[1].tolist() != parts(40, seed=1)[1].tolist()
    with_labels = [parts(40, labels=np.arange(40) % 3, seed=seed)[1].tolist() for seed in (0, 0, 1)]
    assert with_labels[0] == with_labels[1] != with_labels[2]


@pytest.mark.parametrize("counts", [(30, 10), (33, 5, 2), (7, 7, 7, 7, 7, 5), (2, 38)])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.8])
def test_both_parts_have_each_class_in_proportion(counts, fraction):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    kept, held_out = parts(40, labels=labels, fraction=fraction)
    assert len(held_out) == np.ceil(fraction * 40)
    if len(counts) <= min(len(kept), len(held_out)):
        found = np.bincount(labels[held_out], minlength=len(counts))
        assert np.abs(found - np.array(counts) * len(held_out) / 40).max() < 1


def test_only_the_rows_given_are_divided():
    rows = np.arange(3, 40, 3)
    kept, held_out = parts(40, rows, np.arange(40) % 2)
    assert set(kept) | set(held_out) == set(rows) and not set(kept) & set(held_out)


def test_classes_of_one_row_are_divided_at_random_or_refused_in_scikit_learns_words():
    labels = np.array([0] * 19 + [1])
    assert len(parts(20, labels=labels)[1]) == 5
    with pytest.raises(ValueError, match=r"least populated classes in y have only 1 member.*: \['True'\]"):
        parts(20, labels=labels, strictly=True)


@pytest.mark.parametrize("fraction", [0.0, 0.01])
def test_fewer_than_two_rows_are_no_validation_set(fraction):
    with pytest.raises(
        InvalidInput, match=r"The validation set is too small\. Increase 'validation_fraction'"
    ):
        parts(40, fraction=fraction)


@pytest.mark.parametrize("strictly", [False, True])
def test_too_small_a_validation_set_says_of_how_many_rows_and_classes(strictly):
    with pytest.raises(InvalidInput, match=r"would have 1 of n_samples=1$"):
        parts(1, strictly=strictly)
    with pytest.raises(InvalidInput, match=r"1 of n_samples=3, in which the number of classes is 1$"):
        parts(3, labels=np.zeros(3), strictly=strictly)


def test_all_rows_cannot_be_held_out():
    with pytest.raises(
        InvalidInput, match=r"validation_fraction=0\.99 leaves none of the 40 rows to train on"
    ):
        parts(40, fraction=0.99)


def test_weights_of_zero_leave_rows_out():
    assert rows_that_weigh(None) is None
    assert rows_that_weigh(np.array([0.5, 2])) is None
    assert rows_that_weigh(np.array([0, 2, 0.0, 1])).tolist() == [1, 3]
    X, weights = np.zeros((4, 1)), np.array([0, 2, 0.0, 1])
    rows = TrainingRows(X, X, weights, weights, rows_that_weigh(weights))
    assert (rows.n_rows, rows.total_weight) == (2, 3.0)
    assert (TrainingRows(X, X).n_rows, TrainingRows(X, X).total_weight) == (4, 4.0)


class TestPlainRowsAndTargets:
    """Those that scikit-learn's validation is not asked about."""

    @pytest.fixture(autouse=True)
    def validated(self, monkeypatch):
        seen = []
        validate = module.validate_data
        monkeypatch.setattr(
            module,
            "validate_data",
            lambda *arguments, **options: seen.append(1) or validate(*arguments, **options),
        )
        return seen

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
    @pytest.mark.parametrize("target", [np.int64, np.float32, np.float64, bool])
    def test_come_back_as_they_are(self, dtype, target, validated):
        X, y = (20 * np.eye(6, 4)).astype(dtype), np.arange(6).astype(target)
        estimator = MLPRegressor()
        estimator.feature_names_in_ = ["of", "an", "earlier", "fit"]
        found = validated_rows_and_targets(estimator, X, y, reset=True)
        assert found[0] is X and found[1] is y and not validated
        assert estimator.n_features_in_ == 4 and not hasattr(estimator, "feature_names_in_")
        assert validated_rows_and_targets(estimator, X, y, reset=False)[0] is X and not validated
        by_scikit_learn = validated_rows_and_targets(MLPRegressor(), X.tolist(), y.tolist(), reset=True)
        np.testing.assert_array_equal(by_scikit_learn[0], X)
        np.testing.assert_array_equal(by_scikit_learn[1], y)
        assert len(validated) == 1

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
            (lambda X, y: (X, np.where(y == 2, np.nan, y)), "Input y contains NaN"),
            (lambda X, y: (X, np.where(y == 2, np.inf, y)), "Input y contains infinity"),
            (lambda X, y: (X, y.astype(complex)), "Complex data not supported"),
            (lambda X, y: (np.where(X == 1, np.nan, X), y), "Input X contains NaN"),
            (lambda X, y: (X[:, :0], y), r"0 feature\(s\)"),
            (lambda X, y: (X[:0], y[:0]), r"0 sample\(s\)"),
            (lambda X, y: (X[0], y), "Expected 2D array, got 1D array instead"),
        ],
    )
    def test_that_are_not_so_are_refused_in_scikit_learns_words(self, spoil, message):
        X, y = spoil(np.eye(6, 4), np.arange(6.0))
        with pytest.raises(ValueError, match=message):
            validated_rows_and_targets(MLPRegressor(), X, y, reset=True)

    def test_of_another_width_are_refused_where_the_width_is_known(self):
        estimator = MLPRegressor()
        validated_rows_and_targets(estimator, np.eye(6, 4), np.arange(6.0), reset=True)
        with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 4 features"):
            validated_rows_and_targets(estimator, np.eye(6, 3), np.arange(6.0), reset=False)

    def test_whose_sums_overflow_are_asked_about(self, validated):
        X, y = np.full((6, 4), 1e308), np.arange(6.0)
        assert validated_rows_and_targets(MLPRegressor(), X, y, reset=True)[0] is X and validated
