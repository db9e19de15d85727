"""Small files of every format that treadle loads, whole: the fuzz spoils them."""

import gzip
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import feather
from pyarrow import parquet as pq
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

import treadle
from treadle.training.checkpoint import Checkpoint
from treadle.training.history import EpochRecord, History

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, 0.0, -2.0] + RNG.normal(size=40)
LABELS = np.where(Y > 0.5, "high", np.where(Y < -0.5, "low", "middle"))


def models(folder: Path) -> list[Path]:
    paths = []
    for i, options in enumerate(({}, {"batch_norm": True, "input_scale": 0.5}, {"mirror_width": 2})):
        network = treadle.Network((4, 3, 2), **options)
        paths.append(folder / f"model{i}.safetensors")
        model = treadle.Model(treadle.Parameters.initialise(network), ("cat", "dog"), (2, 2))
        treadle.save_model(paths[-1], model)
    return paths


def checkpoints(folder: Path) -> list[Path]:
    state = {name: np.linspace(-1, 1, 9) for name in ("parameters", "m", "v")}
    state |= {"statistics": np.zeros(2), "step": np.array(7)}
    records = [EpochRecord(i, 0.5 / i, 0.6, 0.7, 1e-3, 2.5) for i in (1, 2, 3)]
    Checkpoint(state, History(records)).save(folder / "checkpoint.safetensors")
    return [folder / "checkpoint.safetensors"]


def estimators(folder: Path) -> list[Path]:
    options: Any = {"hidden_layer_sizes": 3, "max_iter": 2, "engine": "numpy"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        incremental = treadle.MLPClassifier(**options, random_state=np.random.RandomState(1))
        for _ in range(2):
            incremental.partial_fit(X, LABELS, classes=["high", "low", "middle"])
        fitted = [
            treadle.MLPClassifier(**options, batch_norm=True, random_state=0)
            .fit(X, LABELS)
            .calibrate(X, LABELS),
            treadle.MLPRegressor(**options, solver="sgd", random_state=0).fit(X, Y, X_val=X, y_val=Y),
            incremental,
            treadle.LADRegressor().fit(X, Y),
            treadle.LADRegressor(alpha=0.1).fit(X, Y),
            treadle.BoxRegressor(partition="tree").fit(X, Y),
            treadle.BoxRegressor(4).fit(X[:, :1], Y),
        ]
    paths = [folder / f"estimator{i}.safetensors" for i in range(len(fitted))]
    for path, estimator in zip(paths, fitted, strict=True):
        estimator.save(path)
    return paths


def boxes(folder: Path) -> list[Path]:
    built = [
        treadle.approximate("sin(x)*y", [(-1, 1), (0, 2)], n_boxes=(3, 4)),
        treadle.approximate("sin(x)*y", [(-1, 1), (0, 2)], n_boxes=9, partition="adaptive"),
        treadle.approximate("sin(x)", (-1, 1), n_boxes=9, order=1),
        treadle.approximate("sin(x)", (-1, 1), n_boxes=9, activation="sigmoid"),
    ]
    paths = [folder / f"boxes{i}.safetensors" for i in range(len(built))]
    for path, network in zip(paths, built, strict=True):
        network.save(path)
    return paths


def trees(folder: Path) -> list[Path]:
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, LABELS)
    paths = [folder / "tree.safetensors", folder / "forest.safetensors"]
    treadle.from_tree(DecisionTreeRegressor(max_leaf_nodes=4).fit(X, Y)).save(paths[0])
    treadle.from_tree(forest).save(paths[1])
    return paths


def archives(folder: Path) -> list[Path]:
    arrays = {
        "X_train": RNG.integers(0, 256, (8, 4), dtype=np.uint8), "y_train": np.arange(8) % 2,
        "X_test": RNG.integers(0, 256, (4, 4), dtype=np.uint8), "y_test": np.arange(4) % 2,
    }  # fmt: skip
    names = {"y_train": np.array(["a", "b"] * 4), "y_test": np.array(["b", "a"] * 2)}
    np.savez(folder / "plain.npz", **arrays)
    np.savez_compressed(folder / "packed.npz", **arrays | names)
    return [folder / "plain.npz", folder / "packed.npz"]


def idx_files(folder: Path) -> list[Path]:
    paths = []
    for code, dtype, shape in ((0x08, ">u1", (5, 3, 4)), (0x0E, ">f8", (6,)), (0x0B, ">i2", (2, 3))):
        values = RNG.integers(0, 100, shape).astype(dtype)
        data = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + values.tobytes()
        for name, content in ((f"{code}.idx", data), (f"{code}.idx.gz", gzip.compress(data, mtime=0))):
            paths.append(folder / name)
            paths[-1].write_bytes(content)
    return paths


def images(folder: Path) -> list[Path]:
    colours = Image.fromarray(RNG.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    deep = Image.fromarray(RNG.integers(0, 65536, (20, 24), dtype=np.uint16))
    paths = []
    formats = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "AVIF")
    Image.init()
    for name, image, options in (
        *((name, colours, {}) for name in formats if name in Image.SAVE),
        *(("PNG", deep, {}), ("TIFF", deep, {}), ("TIFF", colours, {"compression": "tiff_lzw"})),
        *(("TIFF", colours, {"compression": "tiff_adobe_deflate"}), ("PNG", colours.convert("P"), {})),
    ):
        data = BytesIO()
        image.save(data, name, **options)
        paths.append(folder / f"image{len(paths)}.{name.lower()}")
        paths[-1].write_bytes(data.getvalue())
    return paths


def npy_files(folder: Path) -> list[Path]:
    table = np.column_stack([X, Y])
    for i, array in enumerate(
        (table, table.astype(np.float32), np.asfortranarray(table), (9 * table).astype(int))
    ):
        np.save(folder / f"rows{i}.npy", array)
    return [folder / f"rows{i}.npy" for i in range(4)]


def parquet_files(folder: Path) -> list[Path]:
    table = pa.table({"a": X[:, 0], "b": X[:, 1], "n": np.arange(40), "y": Y, "text": LABELS})
    options: Any = {"write_page_checksum": True, "row_group_size": 16}
    pq.write_table(table, folder / "snappy.parquet", **options)
    pq.write_table(table, folder / "plain.parquet", **options, compression="none", use_dictionary=False)
    return [folder / "snappy.parquet", folder / "plain.parquet"]


N_ROWS = 40
COLUMNS = {
    "y": np.linspace(0, 9, N_ROWS),
    "n": np.arange(N_ROWS),
    "b": np.arange(N_ROWS) % 2 == 0,
    "s": ["Köln", 'a "b", c', "x;y", "靴"] * (N_ROWS // 4),
    "d": np.arange("2021-01-01", "2021-02-10", dtype="datetime64[D]"),
    "w": [f"{i},{i:03d}.5" for i in range(1, N_ROWS + 1)],
}


def text_tables(folder: Path) -> list[Path]:
    frame = pa.table(COLUMNS).to_pandas()
    commas, semicolons, tabs = (frame.to_csv(index=False, sep=mark).encode() for mark in ",;\t")
    contents = {
        "commas.csv": commas,
        "semicolons.csv": semicolons,
        "utf16.csv": tabs.decode().encode("utf-16"),
        "packed.csv.gz": gzip.compress(commas, mtime=0),
        "lines.jsonl": frame.to_json(orient="records", lines=True, date_format="iso").encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def parquet_tables(folder: Path) -> list[Path]:
    table = pa.table(COLUMNS)
    pq.write_table(table, folder / "plain.parquet", compression="none")
    pq.write_table(table, folder / "checked.parquet", write_page_checksum=True)
    options: Any = {"use_dictionary": False, "compression": "snappy", "data_page_version": "2.0"}
    pq.write_table(table, folder / "pages2.parquet", **options)
    return [folder / f"{name}.parquet" for name in ("plain", "checked", "pages2")]


def feather_tables(folder: Path) -> list[Path]:
    codes = pa.array(COLUMNS["s"]).dictionary_encode()
    views = pa.array(COLUMNS["s"]).cast(pa.string_view())
    table = pa.table({**COLUMNS, "c": codes, "v": views, "l": [[1], None] * (N_ROWS // 2)})
    for compression in ("uncompressed", "lz4", "zstd"):
        feather.write_feather(table, folder / f"{compression}.feather", compression=compression)
    return [folder / f"{name}.feather" for name in ("uncompressed", "lz4", "zstd")]
