"""Turns a preparation into arrays and JSON, and makes one from them without trusting them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np

from treadle.choices import DateOrder, DecimalMark
from treadle.errors import CorruptFile, InvalidInput
from treadle.maths.dtypes import ArrayMapping, Arrays
from treadle.messages import quoted, shortened
from treadle.strict_text import ParsedTable
from treadle.tables.column_use import ColumnUse, Role
from treadle.tables.names import shown
from treadle.tables.preparation.categories import CategoryFeature
from treadle.tables.preparation.counts import ColumnCounts, Counts
from treadle.tables.preparation.dates import DateFeature
from treadle.tables.preparation.feature import Feature
from treadle.tables.preparation.numbers import NumberFeature
from treadle.tables.preparation.preparation import Preparation
from treadle.tables.preparation.robust import RobustScale
from treadle.tables.preparation.stored import check_keys, field, texts
from treadle.tables.reading import Reading

FEATURES: dict[str, type[Feature]] = {
    "number": NumberFeature,
    "category": CategoryFeature,
    "date": DateFeature,
}
ARRAYS = ("medians", "scales")


def to_saved(preparation: Preparation) -> tuple[Arrays, dict[str, object]]:
    """Return the arrays of a preparation and the rest of it, ready for JSON.

    The arrays are ``medians`` and ``scales``, float64 of shape (n_numbers + n_plain,).

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import from_saved, prepare, read_table, to_saved
    >>> table = read_table(pd.DataFrame({"area": [50.0, 80.0], "price": [1.0, 2.0]}))
    >>> arrays, described = to_saved(prepare(table, "price"))
    >>> from_saved(arrays, described).transform(table).X.astype(float).round(3).tolist()
    [[-0.949], [0.949]]
    """
    reading = preparation.reading
    return {"medians": preparation.scale.medians, "scales": preparation.scale.scales}, {
        "features": [feature.to_dict() for feature in preparation.features],
        "unused": dict(preparation.unused),
        "reading": {
            "decimal": reading.decimal or "",
            "text": sorted(reading.text),
            "dates": dict(reading.dates),
        },
        "columns": [use.to_dict() for use in preparation.columns],
        "training_counts": preparation.training_counts.to_dict(),
    }


def from_saved(arrays: ArrayMapping, described: object, what: str = "the preparation") -> Preparation:
    """Make the preparation that ``to_saved`` took apart.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``medians`` and ``scales``, and no other.
    described : object
        As JSON is parsed.
    what : str
        How errors call it.

    Raises
    ------
    CorruptFile
        If they do not describe one.

    Examples
    --------
    >>> from treadle.tables import from_saved
    >>> from_saved({}, {"features": []})
    Traceback (most recent call last):
    treadle.errors.CorruptFile: the preparation is damaged: an object of features, unused, ...
    """
    try:
        return _made(arrays, described)
    except InvalidInput as error:
        raise CorruptFile(
            f"{what} is damaged: {shortened(str(error), 300)}; restore it from a copy, or train again"
        ) from error


def _made(arrays: ArrayMapping, described: object) -> Preparation:
    parsed = check_keys(described, "features", "unused", "reading", "columns", "training_counts")
    features = tuple(_feature(each) for each in field(parsed, "features", list))
    names = [feature.name for feature in features]
    if not names or len(set(names)) < len(names):
        raise InvalidInput("one feature or more is needed, each of a name of its own")
    unused = _named_texts(field(parsed, "unused", dict), "unused")
    if both := sorted(unused.keys() & set(names)):
        raise InvalidInput(f"the column {shown(both[0])} cannot be used and unused")
    n_scaled = sum(len(each.number_names) + len(each.plain_names) for each in features)
    return Preparation(
        features,
        _scale(arrays, n_scaled),
        unused,
        _reading(field(parsed, "reading", dict)),
        tuple(_use(each) for each in field(parsed, "columns", list)),
        _counts(field(parsed, "training_counts", dict)),
    )


def _feature(described: object) -> Feature:
    kind = described.get("kind") if isinstance(described, dict) else None
    if not isinstance(kind, str) or kind not in FEATURES:
        raise InvalidInput(f"a feature is of kind {', '.join(FEATURES)}; got {quoted(described, 60)}")
    assert isinstance(described, dict)
    feature = FEATURES[kind].from_dict(described)
    check_keys(described, *feature.to_dict())
    return feature


def _scale(arrays: ArrayMapping, n: int) -> RobustScale:
    found = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
    wanted = dict.fromkeys(ARRAYS, ("float64", (n,)))
    if found != wanted:
        raise InvalidInput(f"arrays {quoted(wanted)} are needed; got {quoted(found)}")
    medians, scales = (np.array(arrays[name]) for name in ARRAYS)
    if not (np.isfinite(medians).all() and np.isfinite(scales).all() and (scales >= 0).all()):
        raise InvalidInput("medians must be finite, and scales finite and at least 0")
    return RobustScale(medians, scales)


def _reading(described: ParsedTable) -> Reading:
    parsed = check_keys(described, "decimal", "text", "dates")
    marks: dict[str, DecimalMark | None] = {"": None} | {mark: mark for mark in get_args(DecimalMark)}
    orders: dict[str, DateOrder] = {order: order for order in get_args(DateOrder)}
    mark = field(parsed, "decimal", str)
    dates = _named_texts(field(parsed, "dates", dict), "dates")
    if mark not in marks or not set(dates.values()) <= orders.keys():
        raise InvalidInput(f"a reading has a decimal mark and orders of dates; got {quoted(parsed, 60)}")
    return Reading(
        marks[mark], frozenset(texts(parsed, "text")), {name: orders[order] for name, order in dates.items()}
    )


def _use(described: object) -> ColumnUse:
    parsed = check_keys(described, "name", "role", "kind", "reason", "note", "levels", "reference")
    roles: dict[str, Role] = {role: role for role in get_args(Role)}
    role = field(parsed, "role", str)
    if role not in roles or parsed["reference"] is not None:
        raise InvalidInput(f"a column is {', '.join(roles)}; got {quoted(parsed, 60)}")
    name, kind, reason, note = (field(parsed, key, str) for key in ("name", "kind", "reason", "note"))
    return ColumnUse(name, roles[role], kind, reason, note, texts(parsed, "levels"))


def _counts(described: ParsedTable) -> Counts:
    parsed = check_keys(described, "n_rows", "columns", "newly_missing")
    columns = {}
    for name, each in field(parsed, "columns", dict).items():
        one = check_keys(each, "missing", "infinite", "unknown", "words", "example")
        missing, infinite, unknown, words = (
            field(one, key, int) for key in ("missing", "infinite", "unknown", "words")
        )
        if min(missing, infinite, unknown, words) < 0:
            raise InvalidInput(f"counts must be at least 0; got {quoted(one, 60)}")
        columns[name] = ColumnCounts(missing, infinite, unknown, words, field(one, "example", str))
    n_rows = field(parsed, "n_rows", int)
    if n_rows < 1:
        raise InvalidInput(f"the training must have had rows; got {n_rows}")
    return Counts(n_rows, columns, frozenset(texts(parsed, "newly_missing")))


def _named_texts(values: Mapping[str, object], what: str) -> dict[str, str]:
    if not all(type(value) is str for value in values.values()):
        raise InvalidInput(f"{what!r} must be texts by name; got {quoted(values, 60)}")
    return {name: str(value) for name, value in values.items()}
