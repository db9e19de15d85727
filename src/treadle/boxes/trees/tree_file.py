"""Saves trees as safetensors files, and checks all that a file says.

The arrays are those of ``Trees``, with 0 in the place of a leaf's edge, and ``bias``. The metadata's entry
``trees`` says how many features there are, what the outputs are, and the classes with their type.

A file from elsewhere is refused unless it describes trees: each node is the child of one node at most, which
comes before it, so that walks end, and a network has no more leaves than the file has nodes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from treadle.boxes.trees.trees import Trees, TreeSum
from treadle.errors import InvalidInput
from treadle.export.container import Container
from treadle.export.safetensors_file import read_safetensors
from treadle.export.text_arrays import text_array
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.strict_text import ParsedTable

FILE = Container("a network of trees", 1, ("trees",), section="trees", again="make it from the model again")
GIVES = ("prediction", "probabilities", "decision function", "logarithm of the prediction")
MOST_FEATURES = 10_000_000  # the sparse first layer has a number for each: a file says them at no cost

_TYPES: dict[str, DTypeLike] = {
    **dict.fromkeys(("features", "left", "right", "roots"), np.int64),
    **dict.fromkeys(("edges", "values", "bias"), np.float64),
}
_NUMBERS = tuple(
    np.dtype(kind).name
    for kind in (*np.typecodes["AllInteger"], *"efd")  # of classes, beside bool and texts
)


def described(summed: TreeSum) -> tuple[Arrays, dict[str, object]]:
    """Return a sum of trees as arrays, and all else for JSON.

    Raises
    ------
    InvalidInput
        If the classes are of a type that no file holds, or there are more than 1e7 features.
    """
    _check_n_features(int(summed.n_features_in_))
    held = {name: getattr(summed.trees, name) for name in _TYPES if name != "bias"}
    held |= {"edges": np.where(summed.trees.features < 0, 0.0, summed.trees.edges), "bias": summed.bias}
    arrays = {name: np.ascontiguousarray(array, dtype=_TYPES[name]) for name, array in held.items()}
    return arrays, {
        "n_features_in": int(summed.n_features_in_),
        "gives": summed.gives,
        "classes": None if summed.classes_ is None else _plain_classes(summed.classes_),
    }


def _check_n_features(n_features: object) -> int:
    if type(n_features) is not int or not 1 <= n_features <= MOST_FEATURES:
        raise InvalidInput(
            f"n_features_in must be a whole number from 1 to {MOST_FEATURES}; it is {quoted(n_features)}"
        )
    return n_features


def _plain_classes(classes: NDArray[np.generic]) -> dict[str, object]:
    values = classes.tolist()
    name = classes.dtype.name
    if classes.dtype.kind == "U" or (classes.dtype == object and all(type(v) is str for v in values)):
        name = "object" if classes.dtype == object else "str"
    elif name not in (*_NUMBERS, "bool"):
        raise InvalidInput(
            f"classes must be numbers, truth values or texts to be saved; they are {classes.dtype}, such as "
            f"{values[0]!r}: fit the model with other labels"
        )
    return {"type": name, "values": values}


def from_description(arrays: Arrays, metadata: ParsedTable) -> TreeSum:
    """Check arrays and metadata from anywhere, and make the trees they describe.

    They are what ``described`` returned.

    Raises
    ------
    InvalidInput
        If they do not describe one; it says why.
    """
    n_features, gives = metadata.get("n_features_in"), metadata.get("gives")
    n_features = _check_n_features(n_features)
    if gives not in GIVES:
        raise InvalidInput(f"gives must be one of {GIVES}; it is {quoted(gives)}")
    if {name: array.dtype for name, array in arrays.items()} != _TYPES:
        raise InvalidInput(
            f"the arrays must be {', '.join(sorted(_TYPES))}, int64 of whole numbers and float64 of others; "
            f"they are {', '.join(f'{name} ({arrays[name].dtype})' for name in sorted(arrays))}"
        )
    bias = arrays["bias"]
    trees = Trees(**{name: array for name, array in arrays.items() if name != "bias"})
    n_nodes, n_outputs = trees.features.size, bias.size
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("features", "edges", "left", "right"), (n_nodes,))
    shapes |= {"roots": (trees.roots.size,), "values": (n_nodes, n_outputs), "bias": (n_outputs,)}
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong or n_outputs < 1:
        name = (wrong or ["bias"])[0]
        raise InvalidInput(
            f"{name} must be of shape {shapes[name]}, with one output at least; it is {arrays[name].shape}"
        )
    _check_nodes(trees, n_features)
    edges = np.where(trees.features < 0, np.nan, trees.edges)
    checked = Trees(trees.features, edges, trees.left, trees.right, trees.values, trees.roots)
    classes = _classes(metadata.get("classes"), n_outputs)
    return TreeSum(checked, bias, n_features, gives, classes)


def _check_nodes(trees: Trees, n_features: int) -> None:
    n_nodes = trees.features.size
    leaf, own = trees.features == -1, np.arange(n_nodes)
    if not ((trees.features >= -1) & (trees.features < n_features)).all():
        raise InvalidInput(f"features must lie in -1 .. {n_features - 1}")
    if not (np.abs(trees.edges) < np.finfo(np.float64).max).all() or trees.edges[leaf].any():
        raise InvalidInput("edges must be below the greatest float64 in size, and 0 for leaves")
    if not ((trees.left == own) & (trees.right == own))[leaf].all():
        raise InvalidInput("a leaf must be its own children")
    children = np.concatenate([trees.left[~leaf], trees.right[~leaf]])
    if not ((children > np.tile(own[~leaf], 2)) & (children < n_nodes)).all():
        raise InvalidInput("the children of a node must be nodes after it")
    named = np.concatenate([children, trees.roots])
    if not ((named >= 0) & (named < n_nodes)).all() or np.unique(named).size < named.size:
        raise InvalidInput("each node must be one root, or the child of one node, at most")


def _classes(held: object, n_outputs: int) -> NDArray[np.generic] | None:
    if held is None:
        return None
    kind, values = (held.get("type"), held.get("values")) if isinstance(held, dict) else (None, None)
    types = {"str": str, "object": str, "bool": bool} | dict.fromkeys(_NUMBERS, int)
    types |= {name: float for name in _NUMBERS if name.startswith("float")}
    if not isinstance(kind, str) or kind not in types or not isinstance(values, list):
        raise InvalidInput(f"classes must have a type, one of {', '.join(types)}, and a list of values")
    if any(type(value) is not types[kind] for value in values):
        raise InvalidInput(f"classes of type {kind} must be such values; they are {quoted(values[:5])}")
    if len(values) not in ((1, 2) if n_outputs == 1 else (n_outputs,)):
        raise InvalidInput(f"classes must be as many as the outputs, {n_outputs}; they are {len(values)}")
    try:
        return text_array(values) if kind == "str" else np.array(values, dtype=kind)
    except OverflowError as error:
        raise InvalidInput(f"classes must fit into {kind}; {error}") from error


def save_trees(path: str | Path, summed: TreeSum) -> None:
    """Write the file whole or not at all.

    Parameters
    ----------
    path : str or Path
    summed : TreeSum

    Raises
    ------
    InvalidInput
        If the classes are of a type that no file holds.
    OSError
        If the folder cannot be written or the disk is full.
    """
    arrays, metadata = described(summed)
    FILE.write(path, arrays, {"trees": metadata})


def trees_from(path: str | Path, arrays: Arrays, metadata: ParsedTable) -> TreeSum:
    """The trees of a file that ``read_safetensors`` read.

    Raises
    ------
    CorruptFile
        If it holds no trees, or these do not fit together.
    """
    FILE.check(path, metadata)
    with FILE.describing(path):
        return from_description(arrays, metadata["trees"])


def load_trees(path: str | Path) -> TreeSum:
    """Read what ``save_trees`` wrote.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OSError
        If the file cannot be opened.
    CorruptFile
        If it is not such a file, or does not fit together.
    """
    return trees_from(path, *read_safetensors(path))
