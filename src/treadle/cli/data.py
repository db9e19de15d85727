"""``treadle data``: lists, fetches and describes data sets."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_json, print_result, print_table

app = cyclopts.App(name="data", help="List the data sets known by name, fetch one, or look into any.")


@app.command(name="list")
def list_known(*, json: bool = False) -> int:
    """List the data sets known by name, and whether each is on this machine.

    treadle data list

    Parameters
    ----------
    json
        Print one JSON document instead of a table.
    """
    from treadle.data.digits import NAME as DIGITS
    from treadle.data.fashion_mnist import NAME as FASHION_MNIST
    from treadle.data.fashion_mnist import nearest_place

    near = nearest_place()
    known = [
        {
            "name": FASHION_MNIST,
            "content": "60000 + 10000 images of clothes, 28 x 28, 10 classes",
            "available": near is not None,
            "where": near or "to be downloaded, 31 MB",
        },
        {
            "name": DIGITS,
            "content": "1442 + 355 images of digits, 8 x 8, 10 classes",
            "available": True,
            "where": "scikit-learn",
        },
    ]
    if json:
        print_json(known)
        return 0
    rows = [[str(item["name"]), str(item["content"]), str(item["where"])] for item in known]
    print_table(["name", "content (train + test)", "where"], rows, align="<<<")
    print_result(
        "\nAlso: a folder with the four IDX files of MNIST's layout, or a .npz file with X_train, y_train,"
    )
    print_result("X_test, y_test. treadle data info NAME-OR-PATH looks into one.")
    return 0


@app.command
def fetch(name: str, /, *, folder: Path | None = None, json: bool = False) -> int:
    """Get a data set known by name onto this machine, and check it.

    treadle data fetch fashion-mnist --folder ~/Downloads

    Parameters
    ----------
    name
        As treadle data list shows it.
    folder
        Look here for the files of fashion-mnist first; what is found is kept in the cache.
    json
        Print one JSON document instead of a line.
    """
    from treadle.data import NAMES, load_data
    from treadle.data.fashion_mnist import NAME as FASHION_MNIST
    from treadle.data.fashion_mnist import nearest_place
    from treadle.errors import DataUnavailable, InvalidInput

    if name not in NAMES:
        raise InvalidInput(f"only a data set known by name can be fetched: {', '.join(NAMES)}; got {name!r}")
    dataset = load_data(name, folder=folder)
    if name == FASHION_MNIST and nearest_place() is None:
        raise DataUnavailable(
            f"{name} could be had, from {dataset.source}, but not kept: the note above says why, "
            "and TREADLE_CACHE can name another folder"
        )
    if json:
        print_json({"name": dataset.name, "source": dataset.source, "checksum": dataset.checksum})
    else:
        print_result(f"{dataset.name} is here, whole: from {dataset.source}")
    return 0


@app.command
def info(data: str, /, *, json: bool = False) -> int:
    """Show a data set's shapes, values, class counts, source and checksum.

    treadle data info fashion-mnist

    Parameters
    ----------
    data
        fashion-mnist, digits, a folder with four IDX files, or a .npz file.
    json
        Print one JSON document instead of text.
    """
    import numpy as np

    from treadle.data import load_data

    dataset = load_data(data)
    n_classes = len(dataset.class_names)
    train_counts = np.bincount(dataset.y_train, minlength=n_classes).tolist()
    test_counts = np.bincount(dataset.y_test, minlength=n_classes).tolist()
    facts: dict[str, object] = {
        "name": dataset.name,
        "source": dataset.source,
        "train": list(dataset.X_train.shape),
        "test": list(dataset.X_test.shape),
        "dtype": dataset.X_train.dtype.name,
        "image_shape": dataset.image_shape,
        "minimum": min(dataset.X_train.min().item(), dataset.X_test.min().item()),
        "maximum": max(dataset.X_train.max().item(), dataset.X_test.max().item()),
        "scale": dataset.scale,
        "checksum": dataset.checksum,
    }
    classes = list(zip(dataset.class_names, train_counts, test_counts, strict=True))
    if json:
        print_json(facts | {"classes": [{"name": c, "train": n, "test": m} for c, n, m in classes]})
        return 0
    shape = dataset.image_shape
    what = f"images of {shape[0]} x {shape[1]}" if shape else f"rows of {dataset.X_train.shape[1]}"
    lines = {
        "name": dataset.name,
        "source": dataset.source,
        "train": f"{len(dataset.X_train)} {what}",
        "test": f"{len(dataset.X_test)} {what}",
        "values": f"{facts['dtype']}, {facts['minimum']:g} to {facts['maximum']:g}, "
        f"times {dataset.scale:g} in the network",
        "sha256": dataset.checksum,
    }
    for label, text in lines.items():
        print_result(f"{label:<8}{text}")
    print_result("")
    rows = [[str(k), name, str(n), str(m)] for k, (name, n, m) in enumerate(classes)]
    print_table(["class", "name", "train", "test"], rows, align="><>>")
    return 0
