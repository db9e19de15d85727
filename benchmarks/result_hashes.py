"""SHA-256 of the results of some 300 fits: ``python result_hashes.py [OUT]``, a line each, ``HASH NAME``.

Run before code is moved and after, on one machine, and compared by ``diff``, it says whether a bit of any
result changed. Through public names alone. BLAS has a hand in some bits: other processors have other hashes.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treadle

Result = tuple[str, Any]

ACTIVATIONS = ("identity", "relu", "tanh", "logistic", "gelu", "silu")
ENGINES = ("native", "numpy", "torch")
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "dropout": {"dropout": 0.2},
    "batch_norm": {"batch_norm": True},
    "weight_decay": {"weight_decay": 0.01},
    "no_alpha": {"alpha": 0.0},
    "no_shuffle": {"shuffle": False},
    "early_stopping": {"early_stopping": True},
    "inverse_scaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    "plain_sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "lbfgs": {"solver": "lbfgs"},
    "scaled": {"input_scale": 1 / 16},
    "one_thread": {"n_threads": 1},
    "small_batches": {"batch_size": 7},
}


def hash_of(result: Any) -> str:
    """Of an array's dtype, shape and bytes; of text; of a sequence or a mapping of such."""
    digest = hashlib.sha256()
    for part in _parts(result):
        digest.update(part)
    return digest.hexdigest()


def _parts(result: Any) -> Iterator[bytes]:
    if isinstance(result, dict):
        for name, value in sorted(result.items()):
            yield name.encode()
            yield from _parts(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from _parts(value)
    elif isinstance(result, str):
        yield result.encode()
    elif sp.issparse(result):
        yield from _parts([result.data, result.indices, result.indptr])
    else:
        array = np.ascontiguousarray(result)
        yield f"{array.dtype} {array.shape}".encode()
        yield repr(array.tolist()).encode() if array.dtype == object else array.tobytes()


def or_refusal(result: Callable[[], Any]) -> Any:
    """What it gives, or the message with which treadle refuses."""
    try:
        return result()
    except treadle.TreadleError as error:
        return str(error)


def table(seed: int, n: int, d: int, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows whose residuals are heavy of tail, tied, or (time stamps) far from zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    if kind == "ties":
        X = np.round(X)
    if kind == "far":
        X[:, 0] = 1.7e18 + 1e9 * np.arange(n)
    y = X[:, -1] + rng.standard_t(2, size=n)
    return X, np.round(y) if kind == "ties" else y


def of_fit(fitted: treadle.LADRegressor, X: Any) -> dict[str, Any]:
    """All that a fit of least absolute deviations says."""
    certificate = fitted.certificate_
    said = {"coef": fitted.coef_, "intercept": fitted.intercept_, "predicted": fitted.predict(X)}
    for name in ("basis", "rows", "values", "side", "primal", "dual", "centre", "centre_intercept"):
        said[name] = getattr(certificate, name)
    return {name: value for name, value in said.items() if value is not None}


def dense_lad() -> Iterator[Result]:
    """Dense tables: sizes, ties, offsets, quantiles, penalties, weights, no intercept."""
    for kind, (n, d) in product(("plain", "ties", "far"), ((30, 1), (400, 5), (6000, 12), (60_000, 4))):
        X, y = table(n, n, d, kind)
        weight = np.random.default_rng(1).integers(0, 4, n).astype(float)
        for quantile in (0.5, 0.1):
            name = f"lad {kind} {n}x{d} tau {quantile}"
            yield name, of_fit(treadle.LADRegressor(quantile).fit(X, y), X)
            yield f"{name} weighted", of_fit(treadle.LADRegressor(quantile).fit(X, y, weight), X)
        if kind != "far":
            yield f"{name} penalty", of_fit(treadle.LADRegressor(alpha=0.02).fit(X, y), X)
            yield f"{name} no intercept", of_fit(treadle.LADRegressor(fit_intercept=False).fit(X, y), X)
    X, y = table(5, 250, 3, "plain")
    for method in ("nid", "iid", "kernel", "robust", "rank", "rank_nid", "pairs", "weighted"):
        yield f"lad summary {method}", str(treadle.LADRegressor().fit(X, y).summary(X, y, method=method))
    process = treadle.l1.quantile_process(X, y, (0.1, 0.5, 0.9))
    yield "quantile process", [process.quantiles, process.coefs, process.intercepts]


def sparse_lad() -> Iterator[Result]:
    """Sparse tables: of dummies, of few numbers, with ties and quantiles."""
    rng = np.random.default_rng(3)
    for n, d, density in ((300, 20, 0.2), (4000, 60, 0.05), (20_000, 300, 0.01)):
        X = sp.random_array((n, d), density=density, format="csr", rng=rng)
        dummies = sp.csr_array((np.ones(n), (np.arange(n), rng.integers(0, d, n))), shape=(n, d))
        y = rng.standard_t(2, size=n)
        for quantile, (name, matrix) in product((0.5, 0.2), (("sparse", X), ("dummies", dummies))):
            fitted = treadle.LADRegressor(quantile, fit_intercept=name == "sparse").fit(matrix, y)
            yield f"lad {name} {n}x{d} tau {quantile}", of_fit(fitted, matrix)


def streamed_lad(folder: Path) -> Iterator[Result]:
    """Rows in chunks, in .npy and in Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind, n, d in (("plain", 5000, 6), ("ties", 5000, 6), ("plain", 70_000, 4)):
        X, y = table(n, n, d, kind)
        chunks = [(X[start : start + 1024], y[start : start + 1024]) for start in range(0, n, 1024)]
        np.save(folder / "X.npy", X)
        np.save(folder / "y.npy", y)
        columns = {f"x{j}": X[:, j] for j in range(d)} | {"y": y}
        pq.write_table(pa.table(columns), folder / "rows.parquet")
        rows = {
            "chunks": treadle.l1.ChunkRows(chunks),
            "npy": treadle.l1.NpyRows(folder / "X.npy", folder / "y.npy"),
            "parquet": treadle.l1.ParquetRows(folder / "rows.parquet", target="y"),
        }
        for (name, source), quantile in product(rows.items(), (0.5, 0.25)):
            yield (
                f"lad {name} {kind} {n}x{d} tau {quantile}",
                of_fit(treadle.LADRegressor(quantile).fit(source), X),
            )


def of_perceptron(model: Any, X: Any) -> list[Any]:
    """Its weights, its curve and what it predicts."""
    said = [*model.coefs_, *model.intercepts_, np.asarray(model.loss_), model.predict(X)]
    if hasattr(model, "predict_proba"):
        said.append(model.predict_proba(X))
    return said


def fitted_perceptron(model: Any, X: Any, y: Any) -> list[Any]:
    """The same of one that is fitted here."""
    return of_perceptron(model.fit(X, y), X)


def perceptrons() -> Iterator[Result]:
    """Classifiers and regressors: each engine, activation, option, dtype, and training continued."""
    digits, labels = load_digits(return_X_y=True)
    diabetes, progression = load_diabetes(return_X_y=True)
    binary = (labels > 4).astype(int)
    short: dict[str, Any] = {"hidden_layer_sizes": (32, 16), "max_iter": 3, "random_state": 0}
    for engine, dtype in product(ENGINES, ("float32", "float64")):
        of_engine = {**short, "engine": engine}
        X, Z = digits.astype(dtype), diabetes.astype(dtype)
        for activation in ACTIVATIONS:
            model = treadle.MLPClassifier(**of_engine, activation=activation)
            yield f"classifier {engine} {dtype} {activation}", of_perceptron(model.fit(X, labels), X)
            model = treadle.MLPRegressor(**of_engine, activation=activation)
            yield f"regressor {engine} {dtype} {activation}", of_perceptron(model.fit(Z, progression), Z)
        for name, options in OPTIONS.items():
            model = treadle.MLPClassifier(**of_engine | options)
            said = or_refusal(partial(fitted_perceptron, model, X, labels))
            yield f"classifier {engine} {dtype} {name}", said
        for loss in ("squared_error", "absolute_error", "huber", "poisson"):
            model = treadle.MLPRegressor(**of_engine, loss=loss)
            yield f"regressor {engine} {dtype} {loss}", of_perceptron(model.fit(Z, progression), Z)
        for name, options in {
            "smoothing": {"label_smoothing": 0.1},
            "balanced": {"class_weight": "balanced"},
        }.items():
            model = treadle.MLPClassifier(**of_engine, **options)
            yield f"classifier {engine} {dtype} {name}", of_perceptron(model.fit(X, labels), X)
        model = treadle.MLPClassifier(**of_engine)
        yield f"classifier {engine} {dtype} two classes", of_perceptron(model.fit(X, binary), X)
        weights = 1.0 + np.arange(len(X)) % 3
        yield f"classifier {engine} {dtype} weighted", of_perceptron(model.fit(X, labels, weights), X)
        model = treadle.MLPClassifier(**of_engine, warm_start=True).fit(X, labels)
        yield f"classifier {engine} {dtype} warm", of_perceptron(model.fit(X, labels), X)
        model = treadle.MLPClassifier(**of_engine)
        for half in (slice(None, 900), slice(900, None)):
            model.partial_fit(X[half], labels[half], classes=np.arange(10))
        yield f"classifier {engine} {dtype} in parts", of_perceptron(model, X)
        model.calibrate(X[:500], labels[:500])
        yield f"classifier {engine} {dtype} calibrated", of_perceptron(model, X)
    model = treadle.MLPRegressor(**short).fit(diabetes, np.column_stack([progression, diabetes[:, 0]]))
    yield "regressor two targets", of_perceptron(model, diabetes)


def of_boxes(f: Any, domain: Any, X: NDArray[Any], **options: Any) -> list[Any]:
    """A network's bound, its size, its values and, where it has them, its layers."""
    network = treadle.approximate(f, domain, **options)
    layers = or_refusal(lambda: [[layer.weights, layer.biases] for layer in network.layers()])
    return [network.error_bound_, network.n_boxes_, network.predict(X), layers]


def boxes() -> Iterator[Result]:
    """Formulas and functions, in one dimension and two, of every partition, order and norm."""
    line, plane = np.linspace(-1.1, 1.1, 777)[:, None], np.random.default_rng(0).uniform(-1.1, 1.1, (777, 2))
    formulas = {"sin(3*x) + 0.5*cos(7*x)": 1e-3, "abs(x)**1.5": 1e-3, "exp(-x**2) * tanh(4*x)": 1e-3}
    for (formula, eps), partition, order, norm in product(
        formulas.items(), ("uniform", "adaptive", "optimal"), (0, 1), ("sup", "l2")
    ):
        options: dict[str, Any] = {"eps": eps, "partition": partition, "order": order, "norm": norm}
        said = or_refusal(partial(of_boxes, formula, (-1, 1), line, **options))
        yield f"boxes {formula} {partition} {order} {norm}", said
    for activation, steepness, outside in product(
        ("step", "sigmoid", "relu"), (None, 400.0), ("clamped", "zero")
    ):
        options = {"activation": activation, "steepness": steepness, "outside": outside, "n_boxes": 64}
        said = or_refusal(partial(of_boxes, "sin(3*x)", (-1, 1), line, **options))
        yield f"boxes {activation} {steepness} {outside}", said
    square = ((-1, 1), (-1, 1))
    for partition, order in (("uniform", 0), ("adaptive", 0), ("uniform", 1)):
        options = {"partition": partition, "order": order, "n_boxes": 900}
        yield f"boxes plane {partition} {order}", of_boxes("sin(2*x)*cos(y)", square, plane, **options)
    knowledge: tuple[dict[str, Any], ...] = ({"lipschitz": 4.0}, {"modulus": (4.0, 0.5)}, {})
    for known in knowledge:
        said = of_boxes(lambda x: np.sin(3 * x), (-1, 1), line, n_boxes=50, **known)
        yield f"boxes callable {sorted(known)}", said


def boxes_from_data() -> Iterator[Result]:
    """Box regressors of every partition and order, and networks out of trees."""
    rng = np.random.default_rng(2)
    X = rng.uniform(-1, 1, (600, 3))
    y = np.sin(4 * X[:, 0]) + X[:, 1] ** 2 + rng.normal(scale=0.1, size=600)
    for (partition, order), n_boxes, d in product(
        product(("uniform", "quantile", "adaptive", "optimal"), (0, 1)), ("auto", 12), (1, 3)
    ):
        some = X[:, :d]
        regressor = treadle.BoxRegressor(n_boxes, partition=partition, order=order)
        said = or_refusal(lambda regressor=regressor, some=some: regressor.fit(some, y).predict(some))
        yield f"box regressor {partition} {order} {n_boxes} {d}", said
    for tree in (
        DecisionTreeRegressor(max_depth=5, random_state=0),
        DecisionTreeClassifier(max_depth=5, random_state=0),
        RandomForestRegressor(8, max_depth=4, random_state=0),
        GradientBoostingRegressor(n_estimators=20, random_state=0),
        GradientBoostingRegressor(n_estimators=20, max_depth=1, random_state=0),
        HistGradientBoostingRegressor(max_iter=20, random_state=0),
    ):
        network = treadle.from_tree(tree.fit(X, y > 0 if isinstance(tree, DecisionTreeClassifier) else y))
        layers = [[layer.weights, layer.biases] for layer in network.layers()]
        name = f"trees {type(tree).__name__} {getattr(tree, 'max_depth', None)}"
        yield name, [network.predict(X), layers]


def results(folder: Path) -> Iterable[Result]:
    """All of them, in one order."""
    for part in (dense_lad(), sparse_lad(), streamed_lad(folder), perceptrons(), boxes(), boxes_from_data()):
        yield from part


def main() -> None:
    """Write each line as soon as it is known."""
    warnings.simplefilter("ignore")
    with (
        tempfile.TemporaryDirectory() as folder,
        open(sys.argv[1], "w") if len(sys.argv) > 1 else sys.stdout as out,  # noqa: PTH123
    ):
        for name, result in results(Path(folder)):
            print(hash_of(result), name, file=out, flush=True)


if __name__ == "__main__":
    main()
