"""Every loader of files and of formulas, the files to spoil, and what a loaded thing has to be good for."""

import json
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

import treadle
from tests.attacks.files_to_spoil import (
    LABELS,
    X,
    Y,
    archives,
    boxes,
    checkpoints,
    estimators,
    feather_tables,
    idx_files,
    images,
    models,
    npy_files,
    parquet_files,
    parquet_tables,
    text_tables,
    trees,
)
from tests.attacks.mutations import spoiled_arrays, spoiled_bytes, spoiled_json, spoiled_text
from treadle.data.idx import read_idx
from treadle.data.images import read_image
from treadle.errors import TreadleError
from treadle.export.safetensors_file import safetensors_bytes
from treadle.l1 import NpyRows, ParquetRows
from treadle.runs.config import RunConfig, config_toml, read_config_file
from treadle.runs.run import Run
from treadle.tables import build_design, read_table
from treadle.training.checkpoint import Checkpoint


class Wrong(AssertionError):
    """What was loaded is neither refused nor what it has to be."""


def check(holds: Any, what: str) -> None:
    """``assert`` with an exception of its own, which no loader catches."""
    if not holds:
        raise Wrong(what)


@dataclass(frozen=True)
class Family:
    """One loader.

    Parameters
    ----------
    name : str
    cases : callable
        From a folder to a function that spoils and loads once, drawing from a generator: it returns whether
        the loader took it, raises a ``TreadleError`` where it refused, and anything else where it failed.
    """

    name: str
    cases: Callable[[Path], Callable[[random.Random], bool]]


def of_bytes(
    files: Callable[[Path], list[Path]],
    load: Callable[[Path], Any],
    content: Callable[[Any], Any],
    *,
    exact: Callable[[Path], bool] = lambda path: True,
) -> Callable[[Path], Callable[[random.Random], bool]]:
    """Spoil bytes. Where the format has a check sum, what is loaded all the same must be what was saved."""

    def cases(folder: Path) -> Callable[[random.Random], bool]:
        paths = files(folder)
        whole = {path: path.read_bytes() for path in paths}
        contents = {path: content(load(path)) for path in paths}

        def case(rng: random.Random) -> bool:
            path = rng.choice(paths)
            target = folder / f"spoiled{''.join(path.suffixes)}"
            target.write_bytes(spoiled_bytes(whole[path], rng, list(whole.values())))
            found = content(load(target))
            check(not exact(path) or found == contents[path], "content changed, and nobody said so")
            return True

        return case

    return cases


def of_json(
    files: Callable[[Path], list[Path]], load: Callable[[Path], Any], use: Callable[[Any], None]
) -> Callable[[Path], Callable[[random.Random], bool]]:
    """Spoil the JSON or the arrays of a safetensors file, and give it the right check sum, as a foe would."""

    def cases(folder: Path) -> Callable[[random.Random], bool]:
        held = []
        for path in files(folder):
            with safe_open(path, "numpy") as file:
                metadata = json.loads(file.metadata()["treadle"])
                held.append(({name: file.get_tensor(name) for name in file.keys()}, metadata))  # noqa: SIM118
            del metadata["sha256"]

        def case(rng: random.Random) -> bool:
            arrays, metadata = rng.choice(held)
            if rng.random() < 0.6:
                metadata = spoiled_json(metadata, rng)
            else:
                arrays = spoiled_arrays(arrays, rng)
            target = folder / "spoiled.safetensors"
            target.write_bytes(safetensors_bytes(arrays, metadata))
            use(load(target))
            return True

        return case

    return cases


# What a loaded thing has to be good for


def saved_again(folder: Path, thing: Any) -> bytes:
    """The bytes of a thing that has ``save``: equal things give equal ones."""
    thing.save(folder / "again")
    return (folder / "again").read_bytes()


def model_bytes(folder: Path, model: Any) -> bytes:
    treadle.save_model(folder / "again", model)
    return (folder / "again").read_bytes()


def use_model(model: Any) -> None:
    rows = np.ones((2, model.network.sizes[0]), np.float32)
    logits = treadle.select_engine("numpy").engine.logits(model.parameters, rows)
    check(logits.shape == (2, model.network.sizes[-1]), f"logits of shape {logits.shape}")


def use_network(network: Any) -> None:
    n = network.n_dims if isinstance(network, treadle.BoxNetwork) else network.n_features_in_
    values = network.predict(np.linspace(-3, 3, 5 * n).reshape(5, n))
    check(len(values) == 5, f"values of shape {np.shape(values)}")
    network.layers()


def use_estimator(estimator: Any) -> None:
    if estimator.n_features_in_ > 1000:
        return  # a file may say so at no cost, and nobody has such rows
    rows = np.resize(X, (len(X), estimator.n_features_in_))
    check(len(estimator.predict(rows)) == len(rows), "predictions of another length")
    if isinstance(estimator, treadle.LADRegressor):
        str(estimator.certificate_.verify(rows, Y))
        if estimator.alpha == 0:
            str(estimator.summary(rows, Y))
    elif isinstance(estimator, treadle.MLPClassifier | treadle.MLPRegressor):
        if estimator.solver != "lbfgs":
            classifies = isinstance(estimator, treadle.MLPClassifier)
            estimator.partial_fit(rows, LABELS if classifies else Y)
            estimator.predict(rows)
        str(estimator.history_)


def run_contents(path: Path) -> Any:
    """The history and the model of the run that a file is of."""
    run = Run.open(path.parent)
    return config_toml(run.config, {}), run.history().to_csv(), model_bytes(path.parent.parent, run.model())


def runs(folder: Path) -> Callable[[random.Random], bool]:
    """Spoil one of a run's files; those that have check sums are exact."""
    run = folder / "run"
    run.mkdir()
    (run / "config.toml").write_text(config_toml(RunConfig("digits", hidden=(3,)), {"treadle": "0.1"}))
    (run / "checkpoint.safetensors").write_bytes(checkpoints(folder)[0].read_bytes())
    (run / "model.safetensors").write_bytes(models(folder)[0].read_bytes())
    whole = {path: path.read_bytes() for path in run.iterdir()}
    before = run_contents(run / "config.toml")

    def case(rng: random.Random) -> bool:
        path = rng.choice(sorted(whole))
        path.write_bytes(spoiled_bytes(whole[path], rng, list(whole.values())))
        try:
            after = run_contents(path)
        finally:
            path.write_bytes(whole[path])
        check(after[path.suffix == ".toml" :] == before[path.suffix == ".toml" :], "a run changed")
        return True

    return case


def configurations(folder: Path) -> Callable[[random.Random], bool]:
    texts = [
        config_toml(RunConfig("digits", hidden=(16, 8), dropout=0.2), {"treadle": "0.1", "processor": "any"}),
        'data = "a.npz"\nrecipe = "fast"\nseed = 3\n[environment]\nengine = "numpy"\n',
    ]
    path = folder / "config.toml"

    def case(rng: random.Random) -> bool:
        text = spoiled_text(rng.choice(texts), rng, texts)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        values, environment = read_config_file(path)
        config = RunConfig(**values)
        # What is taken is written into the run's folder, and read again when the run goes on.
        path.write_bytes(config_toml(config, environment).encode("utf-8", "surrogatepass"))
        check(RunConfig(**read_config_file(path)[0]) == config, "a configuration changed")
        return True

    return case


def formulas(folder: Path) -> Callable[[random.Random], bool]:
    texts = [
        *(
            "sin(3*x) + 0.5*cos(7*x)",
            "where(x > 0.5, exp(-x**2), tanh(x))",
            "1/(1 + exp(-10*x))",
            "sqrt(abs(x))",
        ),
        *(
            "log1p(x*x)*floor(3*x)",
            "min(x, 1 - x)/max(2, x)",
            "x**3 - 2*x**2 + 1e308*x",
            "cos(1e308*x) + arctan(x)",
        ),
        *("2 < x <= 3 and not x == 1", "0*(1e308*x*x)", "tanh(1e308*x - 1e308*x*2)", "e**x - pi"),
    ]

    def case(rng: random.Random) -> bool:
        text = spoiled_text(rng.choice(texts), rng, texts)
        expression = treadle.read_expression(text)
        d = expression.n_dims
        lower = np.array([[rng.choice((-1.0, 0.0, 1e-300, 0.5, -1e3)) for _ in range(d)]])
        upper = lower + rng.choice((1.0, 2.0, 1e-6, 1e6))
        low, high = (float(bound[0]) for bound in expression.range(lower, upper))
        if np.isfinite(low) and np.isfinite(high):
            shares = np.vstack([np.random.default_rng(0).random((30, d)), np.zeros(d), np.ones(d)])
            points = np.clip(lower + shares * (upper - lower), lower, upper)
            with np.errstate(all="ignore"):
                values = expression(points[:, 0] if d == 1 else points)
            check(((values >= low) & (values <= high)).all(), f"{text!r} leaves its proved range")
        if d == 1 and rng.random() < 0.2:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                treadle.approximate(text, (float(lower[0, 0]), float(upper[0, 0])), n_boxes=4)
        return True

    return case


def loaded_image(path: Path) -> bytes:
    image = read_image(path)
    check(image.shape == (28, 28) and image.dtype == np.uint8, f"an image of {image.shape}")
    return image.tobytes()


def chunks_of(rows: Any) -> Iterator[bytes]:
    total = 0
    for chunk in rows.chunks():
        total += len(chunk)
        check(chunk.X.shape == (len(chunk), rows.n_features), f"a chunk of shape {chunk.X.shape}")
        yield chunk.X.tobytes() + chunk.y.tobytes()
    check(total == rows.n_rows, f"{total} rows, where {rows.n_rows} were promised")


def loaded_table(path: Path) -> bytes:
    table = read_table(path)
    X = build_design(table, "y").X
    check(len(X) <= len(table), f"{len(X)} rows of {len(table)}")
    return X.tobytes()


def loaded_npy(path: Path) -> bytes:
    return b"".join(chunks_of(NpyRows(path, -1)))


def loaded_parquet(path: Path) -> bytes:
    return b"".join(chunks_of(ParquetRows(path, "y")))


def never(path: Path) -> bool:
    return False


def is_png(path: Path) -> bool:
    return path.suffix == ".png"


def is_gzip(path: Path) -> bool:
    return path.suffix == ".gz"


def saving(files: Any, load: Any) -> Any:
    """Spoiled bytes of what has ``save``."""

    def cases(folder: Path) -> Callable[[random.Random], bool]:
        return of_bytes(files, load, partial(saved_again, folder))(folder)

    return cases


def model_cases(folder: Path) -> Callable[[random.Random], bool]:
    return of_bytes(models, treadle.load_model, partial(model_bytes, folder))(folder)


FAMILIES = (
    Family("models", model_cases),
    Family("models by hand", of_json(models, treadle.load_model, use_model)),
    Family("checkpoints", saving(checkpoints, Checkpoint.load)),
    Family("checkpoints by hand", of_json(checkpoints, Checkpoint.load, lambda c: c.history.to_csv())),
    Family("runs", runs),
    Family("configurations", configurations),
    Family("estimators", saving(estimators, treadle.load)),
    Family("estimators by hand", of_json(estimators, treadle.load, use_estimator)),
    Family("box networks", saving(boxes, treadle.BoxNetwork.load)),
    Family("box networks by hand", of_json(boxes, treadle.load, use_network)),
    Family("trees", saving(trees, treadle.TreeNetwork.load)),
    Family("trees by hand", of_json(trees, treadle.load, use_network)),
    Family(
        "npz", of_bytes(archives, treadle.load_data, lambda d: (d.checksum, d.class_names, d.image_shape))
    ),
    Family(
        "idx", of_bytes(idx_files, read_idx, lambda v: (v.dtype.str, v.shape, v.tobytes()), exact=is_gzip)
    ),
    Family("images", of_bytes(images, loaded_image, bytes, exact=is_png)),
    Family("npy rows", of_bytes(npy_files, loaded_npy, bytes, exact=never)),
    Family("parquet rows", of_bytes(parquet_files, loaded_parquet, bytes, exact=never)),
    Family("tables of text", of_bytes(text_tables, loaded_table, bytes, exact=is_gzip)),
    Family("tables in Parquet", of_bytes(parquet_tables, loaded_table, bytes, exact=never)),
    Family("tables in Feather", of_bytes(feather_tables, loaded_table, bytes, exact=never)),
    Family("formulas", formulas),
)


# Loaders with a fault each, which the fuzz has to see


def planted(fault: Callable[[bytes], Any]) -> Callable[[Path], Callable[[random.Random], bool]]:
    def files(folder: Path) -> list[Path]:
        (folder / "planted").write_bytes(bytes(range(100)))
        return [folder / "planted"]

    return of_bytes(files, lambda path: fault(path.read_bytes()), lambda content: content)


def believes(data: bytes) -> bytes:
    return data


def raises(data: bytes) -> bytes:
    return data if data == bytes(range(100)) else {}[data]


def swells(data: bytes) -> bytes:
    if data != bytes(range(100)):
        np.ones(60_000_000)
        raise TreadleError("too late")
    return data


def waits(data: bytes) -> bytes:
    while data != bytes(range(100)):
        pass
    return data


def babbles(data: bytes) -> bytes:
    if data != bytes(range(100)):
        error = TreadleError()
        error.__class__ = type("Long", (TreadleError,), {"__str__": lambda self: "\x1b" * 5000})
        raise error
    return data


PLANTED = tuple(
    Family(fault.__name__, planted(fault)) for fault in (believes, raises, swells, waits, babbles)
)
