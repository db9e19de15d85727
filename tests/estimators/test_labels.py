"""Labels of dtype object and of pandas' and polars' own types: accepted, or refused with what to do."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.estimators.mlp.mlp_cases import bits
from treadle import InvalidInput, MLPClassifier, load
from treadle.estimators.labels import plain_labels

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 3))
K = np.arange(60) % 3
TEXTS = np.array(["a", "b", "c"])
BIG = 2**53 + K  # as float64 two of the three would be one


def fitted(y, **options):
    return MLPClassifier(**{"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0} | options).fit(X, y)


@pytest.mark.parametrize(
    ("y", "same"),
    [
        (K.astype(object), K),
        (np.array([np.int32(k) for k in K], dtype=object), K),
        (K.astype(float).astype(object), K.astype(float)),
        (np.array([1, 2.0, 3], dtype=object)[K], np.array([1.0, 2.0, 3.0])[K]),
        ((K > 0).astype(object), K > 0),
        (TEXTS[K].astype(object), TEXTS[K]),
        (TEXTS.astype(np.dtypes.StringDType())[K], TEXTS[K]),
        (BIG.astype(object), BIG),
        (pd.Series(K, dtype=object), K),
        (pd.DataFrame({"y": K})["y"].astype(object), K),
        (pd.Series(K, dtype="Int64"), K),
        (pd.Series(BIG, dtype="Int64"), BIG),
        (pd.Series(K, dtype="Float64"), K.astype(float)),
        (pd.Series(K > 0, dtype="boolean"), K > 0),
        (pd.Series(K).astype("category"), K),
        (pd.Series(K > 0).astype("category"), K > 0),
        (pd.Series(TEXTS[K]).astype("category"), TEXTS[K]),
        (pd.Series(TEXTS[K], dtype="string"), TEXTS[K]),
        (pl.Series(K), K),
        (pl.Series(TEXTS[K]), TEXTS[K]),
    ],
    ids=lambda value: f"{type(value).__module__.split('.')[0]} {value.dtype}",
)
def test_labels_of_any_container_train_as_plain_ones_do(y, same, tmp_path):
    ours, plain = fitted(y), fitted(same)
    assert bits(ours) == bits(plain)
    assert ours.classes_.tolist() == plain.classes_.tolist()
    assert ours.classes_.dtype.kind in (plain.classes_.dtype.kind, "O")
    assert ours.predict(X).tolist() == plain.predict(X).tolist()
    assert ours.score(X, y) == plain.score(X, same) == np.mean(ours.predict(X) == same)
    ours.save(tmp_path / "it.safetensors")
    assert load(tmp_path / "it.safetensors").classes_.tolist() == plain.classes_.tolist()


def test_every_door_for_labels_takes_them():
    y, classes = K.astype(object), np.arange(3).astype(object)
    partly = MLPClassifier(hidden_layer_sizes=4, random_state=0)
    partly.partial_fit(X, y, classes=classes).partial_fit(X, y, X_val=X, y_val=y, classes=classes)
    plain = MLPClassifier(hidden_layer_sizes=4, random_state=0)
    plain.partial_fit(X, K, classes=[0, 1, 2]).partial_fit(X, K)
    assert bits(partly) == bits(plain)
    assert partly.classes_.dtype == np.int64
    mixed = np.where(np.arange(60) % 4 == 0, (K + 1) % 3, K)
    assert (
        fitted(y, max_iter=300).calibrate(X, mixed.astype(object)).temperature_
        == fitted(K, max_iter=300).calibrate(X, mixed).temperature_
    )
    assert bits(fitted(y, early_stopping=True)) == bits(fitted(K, early_stopping=True))
    with_own = MLPClassifier(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(X, y, X_val=X, y_val=y)
    assert len(with_own.validation_scores_) == 3


def test_an_indicator_matrix_of_objects_is_several_labels_a_row():
    Y = np.stack([K > 0, K > 1], axis=1)
    assert bits(fitted(Y.astype(object))) == bits(fitted(Y))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "b", 2.5], r"all texts, all whole numbers or all booleans; y holds some of type float and int"),
        ([1, "1", 2], r"some of type int and str: make them texts, with y\.astype\(str\) say"),
        ([0, True, 2], r"some of type bool and int"),
        ([Decimal(0), Decimal(1), Decimal(2)], r"some of type Decimal"),
        ([datetime.date(2020, 1, d) for d in (1, 2, 3)], r"some of type date"),
        ([1, None, 2], r"y has no label in row 1: it holds None; leave such rows out"),
        ([1, np.nan, 2], r"y has no label in row 1: it holds nan"),
        (["a", "b", None], r"y has no label in row 2: it holds None"),
        ([1, 2, pd.NA], r"y has no label in row 2: it holds <NA>"),
        ([2**70, 1, 3], r"within 64 bits; y holds one of 71 bits: make them texts"),
        ([0.5, 1.5, 2.5], r"Unknown label type: continuous"),
    ],
)
def test_labels_that_are_none_are_refused_with_what_to_do(labels, message):
    y = np.empty(3, dtype=object)
    y[:] = labels
    with pytest.raises(ValueError, match=message):
        fitted(y[K])


def test_missing_labels_of_pandas_are_refused():
    with pytest.raises(ValueError, match=r"Input y contains NaN"):
        fitted(pd.Series([0, None, 2], dtype="Int64")[K])
    with pytest.raises(InvalidInput, match=r"y has no label in row 1: it holds nan"):
        fitted(pd.Series(["a", None, "b"])[K].astype("category"))


def test_a_row_of_a_matrix_is_named_and_what_is_plain_is_not_touched():
    with pytest.raises(InvalidInput, match=r"y has no label in row 1: it holds None"):
        plain_labels(np.array([[0, 1], [1, None]], dtype=object))
    for y in ([1, 2, 3], K, None, [[1], [2, 3]]):
        assert plain_labels(y) is y
