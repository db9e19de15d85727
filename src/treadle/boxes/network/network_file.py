"""A box network as a file of safetensors, read without trusting it.

Arrays: ``heights``, float64; of a grid ``edges.0``, ``edges.1`` and so on, of a tree of cuts ``bounds``,
``axis``, ``threshold`` and ``children`` (``treadle.boxes.cells.split_tree``). The metadata says the rest:
what the units are, and what is proved. Equal networks give equal bytes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import numpy as np

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.proof.bounds import ErrorBound
from treadle.choices import BoxBoundName, BoxNormName
from treadle.errors import InvalidInput
from treadle.export.container import Container
from treadle.export.safetensors_file import read_safetensors
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.strict_text import ParsedTable

FILE = Container("a box network", 1, ("boxes",), section="boxes", again="build the network again")
_TREE = ("bounds", "axis", "threshold", "children")


def described(boxes: Boxes) -> tuple[Arrays, dict[str, object]]:
    """Return a box network's arrays, and all else as JSON can hold it."""
    partition = boxes.partition
    arrays: Arrays = {"heights": boxes.heights}
    if isinstance(partition, SplitTree):
        arrays |= {name: np.ascontiguousarray(getattr(partition, name)) for name in _TREE}
    else:
        arrays |= {f"edges.{i}": axis for i, axis in enumerate(partition.edges)}
    return arrays, {
        "order": boxes.order,
        "activation": boxes.activation,
        "steepness": boxes.steepness,
        "outside": boxes.outside,
        "n_ghost_boxes": boxes.n_ghost_boxes,
        "error_bound": _or_none(boxes.error_bound.value),
        "error_bound_kind": boxes.error_bound.kind,
        "error_bound_theorem": boxes.error_bound.theorem,
        "norm": boxes.error_bound.norm,
        "error_estimate": _or_none(boxes.error_estimate),
        "n_boxes_lower_bound": boxes.n_boxes_lower_bound,
    }


def from_description(arrays: Arrays, metadata: ParsedTable) -> Boxes:
    """Check arrays and metadata from anywhere, and make the record they describe.

    They are what ``described`` returned.

    Raises
    ------
    InvalidInput
        If they do not describe one; it says why.
    """
    n_ghost, estimate = metadata.get("n_ghost_boxes"), metadata.get("error_estimate")
    steepness, order = metadata.get("steepness"), metadata.get("order")
    fewest = metadata.get("n_boxes_lower_bound")
    for name, value in (("order", order), ("n_ghost_boxes", n_ghost), ("n_boxes_lower_bound", fewest)):
        if not (type(value) is int and value >= 0) and not (value is None and name == "n_boxes_lower_bound"):
            raise InvalidInput(f"{name} must be a whole number of at least 0; it is {quoted(value)}")
    for name, value in (("steepness", steepness), ("error_estimate", estimate)):
        if value is not None and not (type(value) is float and math.isfinite(value) and value >= 0):
            raise InvalidInput(
                f"{name} must be a finite number of at least 0, or null; it is {quoted(value)}"
            )
    texts = {name: metadata.get(name) for name in ("activation", "outside")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InvalidInput(f"{name} must be a text; it is {quoted(value)}")
    partition = _partition(dict(arrays))
    heights = arrays["heights"]
    if heights.dtype != np.float64:
        raise InvalidInput(f"heights must be float64; they are {heights.dtype}")
    return Boxes(
        partition,
        heights,
        order=int(order or 0),
        activation=texts["activation"],  # type: ignore[arg-type]
        steepness=steepness,
        outside=texts["outside"],  # type: ignore[arg-type]
        n_ghost_boxes=int(n_ghost or 0),
        error_bound=_bound(metadata),
        error_estimate=math.nan if estimate is None else estimate,
        n_boxes_lower_bound=fewest,
    )


def _partition(arrays: Arrays) -> Partition:
    heights = arrays.pop("heights", None)
    if heights is None:
        raise InvalidInput(f"there must be an array 'heights'; there are {sorted(arrays)}")
    if sorted(arrays) == sorted(_TREE):
        axis, children = arrays["axis"], arrays["children"]
        floats = (arrays["bounds"], arrays["threshold"])
        if any(a.dtype != np.int64 for a in (axis, children)) or any(a.dtype != np.float64 for a in floats):
            raise InvalidInput("axis and children must be int64, bounds and threshold float64")
        return SplitTree(arrays["bounds"], axis, arrays["threshold"], children)
    names = [f"edges.{i}" for i in range(len(arrays))]
    if sorted(arrays) != sorted(names) or any(array.dtype != np.float64 for array in arrays.values()):
        raise InvalidInput(
            f"beside 'heights' there must be the float64 arrays edges.0, edges.1 and so on, or {_TREE}; "
            f"there are {sorted(arrays)}"
        )
    return Grid([arrays[name] for name in names])


def _bound(metadata: ParsedTable) -> ErrorBound:
    # Any: of a file.
    value: Any = metadata.get("error_bound")
    kind: Any = metadata.get("error_bound_kind")
    theorem, norm = metadata.get("error_bound_theorem"), metadata.get("norm")
    proved = kind != "none"
    is_bound = type(value) is float and math.isfinite(value) and value >= 0
    if (
        kind not in get_args(BoxBoundName)
        or norm not in get_args(BoxNormName)
        or not isinstance(theorem, str)
    ):
        raise InvalidInput(
            "error_bound_kind, norm and error_bound_theorem must be names that treadle has; they are "
            f"{quoted(kind)}, {quoted(norm)} and {quoted(theorem)}"
        )
    if (proved and not is_bound) or (not proved and value is not None):
        raise InvalidInput(
            "error_bound must be a finite number of at least 0 where one is proved, else null; it is "
            f"{quoted(value)} of kind {quoted(kind)}"
        )
    return ErrorBound(value if proved else math.nan, kind, theorem, norm)  # type: ignore[arg-type]


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def save_boxes(path: str | Path, boxes: Boxes) -> None:
    """Write the file whole or not at all.

    Parameters
    ----------
    path : str or Path
    boxes : Boxes

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full.
    """
    arrays, metadata = described(boxes)
    FILE.write(path, arrays, {"boxes": metadata})


def boxes_from(path: str | Path, arrays: Arrays, metadata: ParsedTable) -> Boxes:
    """The box network of a file that ``read_safetensors`` read.

    Raises
    ------
    CorruptFile
        If it holds no box network, or that does not fit together.
    """
    FILE.check(path, metadata)
    with FILE.describing(path):
        return from_description(arrays, metadata["boxes"])


def load_boxes(path: str | Path) -> Boxes:
    """Read what ``save_boxes`` wrote.

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
    return boxes_from(path, *read_safetensors(path))
