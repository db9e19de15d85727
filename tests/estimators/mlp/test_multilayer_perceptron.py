"""Rows as people keep them: frames, Arrow tables, memory maps, sparse matrices, bytes; and what are none."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from tests.estimators.mlp.mlp_cases import bits, blobs, plane
from treadle import InvalidInput, MLPClassifier, MLPRegressor
from treadle.engines.numpy_engine import NumpyEngine
from treadle.estimators.mlp import fitting

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = list("abcd")


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 3, "batch_size": 7} | options
    )


@pytest.fixture
def trained_on(monkeypatch):
    """The rows that each training loop was given."""
    seen = []

    def spy(engine, problem, *others, **options):
        seen.append(problem.X)
        return loop(engine, problem, *others, **options)

    loop = fitting.TrainingLoop
    monkeypatch.setattr(fitting, "TrainingLoop", spy)
    return seen


def table_of(library, X, y):
    """X as a table with names, and y as text, as that library has them."""
    module = pytest.importorskip(library.split()[0])
    columns = dict(zip(NAMES, X.T, strict=True))
    words = np.array(["cat", "dog", "eel"])[y]
    match library:
        case "pandas":
            return module.DataFrame(columns), module.Series(words)
        case "pandas categories":
            return module.DataFrame(columns), module.Series(words, dtype="category")
        case "polars":
            return module.DataFrame(columns), module.Series(words)
        case "pyarrow":
            return module.table(columns), module.array(words)
        case _:
            return module.table(columns), module.chunked_array([words[:20], words[20:]])


@pytest.mark.parametrize("library", ["pandas", "pandas categories", "polars", "pyarrow", "pyarrow in chunks"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_give_what_their_numbers_give_and_keep_their_names(library, dtype):
    X, y = blobs(dtype=dtype)
    table, words = table_of(library, X, y)
    fitted = classifier().fit(table, words)
    assert bits(fitted) == bits(classifier().fit(X, y))
    assert fitted.coefs_[0].dtype == dtype
    assert set(fitted.predict(table)) <= {"cat", "dog", "eel"}
    assert fitted.score(table, words) == fitted.score(table, np.asarray(words))
    assert list(fitted.feature_names_in_) == NAMES
    with pytest.warns(
        UserWarning, match="X does not have valid feature names, but MLPClassifier was fitted with"
    ):
        fitted.predict(X)


def test_tables_of_targets_go_with_tables_of_rows():
    polars = pytest.importorskip("polars")
    X, y = plane(n_outputs=2)
    fitted = MLPRegressor(hidden_layer_sizes=5, max_iter=2, random_state=0).fit(
        polars.DataFrame(dict(zip(NAMES, X.T, strict=True))), polars.DataFrame({"u": y[:, 0], "v": y[:, 1]})
    )
    assert fitted.n_outputs_ == 2
    assert bits(fitted) == bits(MLPRegressor(hidden_layer_sizes=5, max_iter=2, random_state=0).fit(X, y))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_memory_map_is_trained_on_where_it_lies(tmp_path, trained_on, dtype):
    X, y = blobs()
    np.save(tmp_path / "X.npy", (20 * (X + 6)).astype(dtype))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = classifier(input_scale=0.01, early_stopping=True, validation_fraction=0.3).fit(mapped, y)
    assert np.shares_memory(trained_on[0], mapped) and trained_on[0].dtype == dtype
    assert bits(fitted) == bits(
        classifier(input_scale=0.01, early_stopping=True, validation_fraction=0.3).fit(np.array(mapped), y)
    )
    assert fitted.predict(mapped).shape == (60,)


@pytest.mark.parametrize("layout", ["csr_array", "csr_matrix", "csc_array", "coo_array", "lil_array"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_sparse_rows_give_what_dense_rows_give(layout, solver, dtype):
    X, y = load_digits(return_X_y=True)
    X, y = X[:200].astype(dtype), y[:200]
    options = {"solver": solver, "input_scale": 1 / 16, "batch_size": 50, "early_stopping": True}
    sparse = getattr(scipy.sparse, layout)(X)
    by_sparse, by_dense = classifier(**options).fit(sparse, y), classifier(**options).fit(X, y)
    np.testing.assert_allclose(by_sparse.loss_curve_, by_dense.loss_curve_, rtol=2e-5)
    found, expected = by_sparse.predict_proba(sparse), by_dense.predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-3 if solver == "lbfgs" else 2e-5)
    assert by_sparse.validation_scores_ == by_dense.validation_scores_


def test_sparse_rows_are_trained_on_as_they_are(trained_on):
    X, y = blobs(dtype=np.float32)
    sparse = scipy.sparse.csr_array(X)
    classifier(early_stopping=True, validation_fraction=0.3).fit(sparse, y)
    classifier().partial_fit(sparse, y, classes=[0, 1, 2])
    for seen in trained_on:
        assert seen.format == "csr" and np.shares_memory(seen.data, sparse.data)


def test_wide_text_like_rows_train_without_a_dense_copy_of_them():
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((3000, 20_000), density=0.001, format="csr", rng=rng, dtype=np.float32)
    y = np.asarray(X[:, :2000].sum(axis=1) > X[:, 2000:4000].sum(axis=1)).astype(int)
    fitted = classifier(max_iter=2, batch_size=500).fit(X, y)
    assert fitted.score(X, y) > 0.6


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X * np.nan, y), "Input X contains NaN"),
        (lambda X, y: (X * np.inf, y), "Input X contains (NaN|infinity)"),
        (lambda X, y: (X[:, :0], y), r"0 feature\(s\) \(shape=\(60, 0\)\) while a minimum of 1 is required"),
        (lambda X, y: (X[:0], y[:0]), r"0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1 is required"),
        (lambda X, y: (X, y[:-1]), "Found input variables with inconsistent numbers of samples"),
        (lambda X, y: (X[0], y), "Expected 2D array, got 1D array instead"),
        (lambda X, y: (X[:, :, None], y), "Found array with dim 3"),
        (lambda X, y: (X.astype(complex), y), "Complex data not supported"),
        (lambda X, y: (X.astype(str), np.repeat("a", 60)), None),
        (lambda X, y: ([["a", "b"]] * 60, y), r"row 0 \(from 0\), column 0 is the text 'a'"),
    ],
)
def test_rows_that_are_none_are_refused_in_scikit_learns_words(spoil, message):
    X, y = spoil(*blobs())
    if message is None:
        assert classifier().fit(X, y).n_features_in_ == 4  # numbers as text are numbers
        return
    for estimator in (classifier(), MLPRegressor(max_iter=2)):
        with pytest.raises(ValueError, match=message), np.errstate(invalid="ignore"):
            estimator.fit(X, y)


def test_weights_that_are_none_are_refused():
    X, y = blobs()
    for weights in (np.zeros(60), -np.ones(60), np.full(60, np.nan), np.ones(59), np.ones((60, 1))):
        with pytest.raises(ValueError, match="sample_weight"):
            classifier().fit(X, y, weights)
    with pytest.raises(
        InvalidInput, match="sample_weight must have a weight for each of the 60 rows; got shape"
    ):
        classifier().partial_fit(X, y, np.ones(3), classes=[0, 1, 2])


# --- warnings


class Listening:
    """A callback of scikit-learn's kind, whose wrapper is then around the fit."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...


def interrupt(training):
    raise KeyboardInterrupt


@pytest.mark.parametrize("listened_to", [False, True])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 1}, "Maximum iterations"),
        ({"max_iter": 1, "solver": "lbfgs"}, "lbfgs failed to converge"),
        ({"batch_size": 1000, "learning_rate": "cosine"}, "Got `batch_size` less than 1"),
        ({"callbacks": interrupt, "max_iter": 9}, "Training interrupted by user"),
    ],
)
def test_warnings_are_of_the_line_that_called_fit(options, message, listened_to):
    X, y = blobs()
    made = MLPClassifier(4, random_state=0, **options)
    if listened_to:
        pytest.importorskip("sklearn.callback")
        made.set_callbacks(Listening())
    with pytest.warns(UserWarning, match=message) as caught:
        made.fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
    line = caught[0].lineno
    assert Path(__file__).read_text("utf-8").splitlines()[line - 1].strip() == "made.fit(X, y)"


def test_warnings_are_of_the_line_that_called_partial_fit_and_calibrate():
    X, y = blobs()
    made = MLPClassifier(4, random_state=0, batch_size=1000)
    with pytest.warns(UserWarning, match="Got `batch_size`") as caught:
        made.partial_fit(X, y, classes=[0, 1, 2])
    assert caught[0].filename == __file__
    made.coefs_[-1][:] = 0
    made.intercepts_[-1][:] = 0
    with pytest.warns(UserWarning, match="no temperature from") as caught:
        made.calibrate(X, y)
    assert caught[0].filename == __file__


def test_ctrl_c_keeps_the_iterations_of_lbfgs_too(monkeypatch):
    X, y = blobs()
    gradients = NumpyEngine.batch_gradients
    calls = []

    def interrupting(engine, problem):
        compute = gradients(engine, problem)

        def counted(*arguments):
            calls.append(arguments)
            if len(calls) == 8:
                raise KeyboardInterrupt
            return compute(*arguments)

        return counted

    monkeypatch.setattr(NumpyEngine, "batch_gradients", interrupting)
    made = MLPClassifier(4, random_state=0, engine="numpy", solver="lbfgs")
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        made.fit(X, y)
    assert len(made.loss_curve_) == made.n_iter_ >= 1 and made.loss_ == made.loss_curve_[-1]
    monkeypatch.undo()
    options = {"engine": "numpy", "solver": "lbfgs", "max_iter": made.n_iter_}
    with pytest.warns(ConvergenceWarning):
        assert bits(made) == bits(MLPClassifier(4, random_state=0, **options).fit(X, y))
