import numpy as np
import pytest

from treadle import InvalidInput
from treadle.estimators.mlp.training_rows import TrainingRows, rows_that_weigh, split


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
