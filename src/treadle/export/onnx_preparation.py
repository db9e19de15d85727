"""Prepares the columns of a table by ONNX operators, as ``treadle.tables.Preparation`` does.

The graph has an input (N, 1) for each column that is used, of the column's name:

- numbers: float64, NaN where missing;
- categories: strings as the table's cells are written, whole numbers without a point, ``true`` and ``false``;
  one that is empty is missing;
- dates: int64, microseconds since 1970, the least number of 64 bits where missing.

Everything is computed in float64 and int64 by the equations of ``treadle.tables.preparation``, and rounded to
float32 at the end. Beside the operators of opset 20 it takes LabelEncoder, of ``ai.onnx.ml``, the only one
that looks texts up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.maths.dtypes import Arrays
from treadle.tables.preparation.categories import CategoryFeature
from treadle.tables.preparation.cells import DAY, LATEST, NO_MOMENT
from treadle.tables.preparation.dates import CIRCLES, MINUTE, DateFeature
from treadle.tables.preparation.feature import Feature
from treadle.tables.preparation.numbers import NumberFeature
from treadle.tables.preparation.preparation import Preparation
from treadle.tables.preparation.robust import BOUND, LARGEST_SCALED

if TYPE_CHECKING:
    import onnx

LABELS = "ai.onnx.ml"
LABELS_OPSET = 3  # the opset of that domain from which LabelEncoder takes texts to integers
FLOAT, INT64, STRING, DOUBLE = 1, 7, 8, 11  # TensorProto's types


@dataclass
class PreparationNodes:
    """The part of a graph that makes the matrix of a network.

    Attributes
    ----------
    output : str
        The name of the matrix (N, D), float32.
    inputs : list of onnx.ValueInfoProto
    nodes : list of onnx.NodeProto
    constants : dict of str to ndarray
    """

    output: str
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: Arrays = field(default_factory=dict)


def preparation_nodes(
    helper: ModuleType, preparation: Preparation, prefix: str = "prepare/"
) -> PreparationNodes:
    """Make the nodes from a table's columns to the matrix of a network.

    Parameters
    ----------
    helper : module
        ``onnx.helper``.
    preparation : Preparation
    prefix : str, default="prepare/"
        With which the names begin of all that is not an input: no column's may.

    Returns
    -------
    PreparationNodes
        A model of them imports ``LABELS`` in the version ``LABELS_OPSET``.
    """
    return _Builder(helper, preparation, prefix).built()


class _Builder:
    """Gathers nodes; each method returns the name of its result."""

    def __init__(self, helper: ModuleType, preparation: Preparation, prefix: str) -> None:
        self._helper, self._preparation, self._prefix = helper, preparation, prefix
        self._made = PreparationNodes(f"{prefix}X")
        self._numbers: list[str] = []
        self._plain: list[str] = []
        self._codes: list[str] = []

    def built(self) -> PreparationNodes:
        for feature in self._preparation.features:
            self._add(feature)
        parts = [*([self._scaled()] if self._numbers or self._plain else []), *self._codes]
        self._node("Concat", parts, self._made.output, axis=1)
        return self._made

    def _add(self, feature: Feature) -> None:
        if isinstance(feature, NumberFeature):
            self._number(feature)
        elif isinstance(feature, CategoryFeature):
            self._category(feature)
        elif isinstance(feature, DateFeature):
            self._date(feature)

    def _number(self, feature: NumberFeature) -> None:
        x = self._input(feature.name, DOUBLE)
        self._numbers.append(x)
        if feature.has_indicator:
            self._plain.append(self._cast(self._op("IsNaN", x), DOUBLE))

    def _category(self, feature: CategoryFeature) -> None:
        text = self._input(feature.name, STRING)
        codes = self._op(
            "LabelEncoder",
            text,
            domain=LABELS,
            keys_strings=list(feature.levels),
            values_int64s=list(range(1, len(feature.levels) + 1)),
            default_int64=0,
        )
        if feature.category_count:
            self._codes.append(self._cast(codes, FLOAT))
        else:
            self._plain.append(self._rows_of(feature.indicators, codes))

    def _date(self, feature: DateFeature) -> None:
        given = self._input(feature.name, INT64)
        missing = self._op("Equal", given, self._integer(NO_MOMENT))
        within = self._op("Clip", given, self._integer(-LATEST), self._integer(LATEST))
        moments = self._op("Where", missing, self._integer(feature.origin), within)
        found = self._calendar(moments)
        for part in feature.parts:
            if part == "elapsed":
                since = self._cast(self._op("Sub", moments, self._integer(feature.origin)), DOUBLE)
                cells = self._op("Div", since, self._double(DAY))
            elif part == "year":
                cells = self._cast(found[part], DOUBLE)
            else:
                cells = self._rows_of(CIRCLES[part], found[part])
            self._numbers.append(self._op("Where", missing, self._double(np.nan), cells))
        if feature.has_indicator:
            self._plain.append(self._cast(missing, DOUBLE))

    def _calendar(self, moments: str) -> dict[str, str]:
        """Compute year, month, day of the week and minute of the day from microseconds.

        Days become years and months by the algorithm ``civil_from_days`` of Howard Hinnant
        (https://howardhinnant.github.io/date_algorithms.html), whose years begin in March; its numbers are
        those of days in 400 years, 100, 4 and one.
        """

        def op(operator: str, x: str, y: str | int) -> str:
            return self._op(operator, x, self._integer(y) if isinstance(y, int) else y)

        of_day = op("Mod", moments, DAY)  # of the sign of the divisor: at least 0
        days = op("Div", op("Sub", moments, of_day), DAY)
        shifted = op("Add", days, 719_468)
        day = op("Mod", shifted, 146_097)
        era = op("Div", op("Sub", shifted, day), 146_097)
        leaps = op("Sub", op("Sub", op("Div", day, 36_524), op("Div", day, 1460)), op("Div", day, 146_096))
        year = op("Div", op("Add", day, leaps), 365)  # of the 400
        before = op("Sub", op("Add", op("Mul", year, 365), op("Div", year, 4)), op("Div", year, 100))
        month = op("Div", op("Add", op("Mul", op("Sub", day, before), 5), 2), 153)  # from March, 0
        return {
            "year": op("Add", op("Add", year, op("Mul", era, 400)), op("Div", month, 10)),
            "month": op("Mod", op("Add", month, 2), 12),
            "weekday": op("Mod", op("Add", days, 3), 7),
            "minute": op("Div", of_day, MINUTE),
        }

    def _scaled(self) -> str:
        """Scale and clip as ``RobustScale.apply`` does, and round to float32."""
        scale = self._preparation.scale
        block = self._op("Concat", *self._numbers, *self._plain, axis=1)
        divisors = np.where(scale.scales > 0, scale.scales, np.inf)
        x = self._op("Sub", block, self._constant("medians", scale.medians))
        x = self._op("Div", x, self._constant("divisors", divisors))
        missing = self._op("IsNaN", x)
        x = self._op("Clip", x, self._double(-LARGEST_SCALED), self._double(LARGEST_SCALED))
        third = self._op("Div", x, self._double(BOUND))
        root = self._op("Sqrt", self._op("Add", self._op("Mul", third, third), self._double(1.0)))
        x = self._op("Where", missing, self._double(0.0), self._op("Div", x, root))
        return self._cast(x, FLOAT)

    def _rows_of(self, table: np.ndarray[Any, np.dtype[np.float64]], places: str) -> str:
        """Take rows (N, K) of a table, by places (N, 1)."""
        flat = self._op("Reshape", places, self._constant("flat", np.array([-1])))
        return self._op("Gather", self._constant(f"table{len(self._made.nodes)}", table), flat, axis=0)

    def _input(self, name: str, kind: int) -> str:
        self._made.inputs.append(self._helper.make_tensor_value_info(name, kind, ["N", 1]))
        return name

    def _cast(self, x: str, kind: int) -> str:
        return self._op("Cast", x, to=kind)

    def _integer(self, value: int) -> str:
        return self._constant(f"int {value}", np.array(value, np.int64))

    def _double(self, value: float) -> str:
        return self._constant(f"float {value!r}", np.array(value, np.float64))

    def _constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        self._made.constants[f"{self._prefix}{name}"] = value
        return f"{self._prefix}{name}"

    # Any: attributes of ONNX, of several types.
    def _op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self._node(operator, list(inputs), f"{self._prefix}{len(self._made.nodes)}", **attributes)

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._made.nodes.append(self._helper.make_node(operator, inputs, [output], **attributes))
        return output
