"""Writes a table's input stage as ONNX operators.

The equations are those of ``treadle.engines.input_stage``. Of the cosine ONNX Runtime has none for doubles;
it is the sine a quarter of a period later. Dimensions: N rows, D inputs, n numbers, F frequencies, c
combinations, m categories, v numbers of an embedding.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from treadle.maths.dtypes import ArrayMapping, Arrays, Floats
from treadle.network import InputStage

if TYPE_CHECKING:
    import onnx


def stage_constants(stage: InputStage, arrays: ArrayMapping) -> Arrays:
    """Return the constants that ``stage_nodes`` uses, by name.

    Parameters
    ----------
    stage : InputStage
    arrays : mapping of ndarray
        ``Parameters.input_arrays``.
    """
    constants: Arrays = {"input_scales": arrays["input_scales"], "columns": np.array([1])}
    bounds = {"zero": 0, "numbers_end": stage.n_numbers, "copied_end": stage.n_copied, "end": stage.n_inputs}
    constants |= {f"stage.{name}": np.array([bound]) for name, bound in bounds.items()}
    if stage.n_numbers:
        turns, quarter = _by_number(2 * math.pi * arrays["frequencies"]), math.pi / 2
        constants["stage.turns"] = turns.astype(arrays["frequencies"].dtype)
        constants["stage.phases"] = _by_number((arrays["phases"] + quarter).astype(arrays["phases"].dtype))
        constants["stage.combinations"] = arrays["combinations"]
        constants["stage.combination_biases"] = _by_number(arrays["combination_biases"])
        constants["stage.last_axis"] = np.array([2])
        constants["stage.flat_numbers"] = np.array([-1, stage.n_combined])
    if stage.category_counts:
        constants["embeddings"] = arrays["embeddings"]
        constants["stage.first_rows"] = np.array(stage.first_rows)
        width = stage.embedding_width * len(stage.category_counts)
        constants["stage.flat_categories"] = np.array([-1, width])
    return constants


def stage_nodes(
    helper: ModuleType, int64: int, stage: InputStage, X: str, result: str
) -> list[onnx.NodeProto]:
    """Make the nodes from X (N, D) to the first layer's inputs.

    ``int64`` is ONNX's number of that type. Other names than the result begin with ``stage.``.
    """
    nodes: list[onnx.NodeProto] = []

    def step(operator: str, name: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    parts = []
    if stage.n_numbers:
        x = step("Slice", "stage.numbers", X, "stage.zero", "stage.numbers_end", "columns")  # (N, n)
        rows = step("Transpose", "stage.by_number", x, perm=[1, 0])
        rows = step("Unsqueeze", "stage.numbers_apart", rows, "stage.last_axis")  # (n, N, 1)
        arguments = step(
            "Add", "stage.arguments", step("Mul", "stage.turned", rows, "stage.turns"), "stage.phases"
        )
        cosines = step("Sin", "stage.cosines", arguments)  # (n, N, F)
        sums = step("MatMul", "stage.sums", cosines, "stage.combinations")  # (n, N, c)
        combined = step("Add", "stage.combined", sums, "stage.combination_biases")
        by_row = step("Transpose", "stage.by_row", combined, perm=[1, 0, 2])
        parts.append(step("Reshape", "stage.of_numbers", by_row, "stage.flat_numbers"))
    if stage.n_copied:
        parts.append(step("Slice", "stage.copied", X, "stage.zero", "stage.copied_end", "columns"))
    if stage.category_counts:
        codes = step("Slice", "stage.codes", X, "stage.copied_end", "stage.end", "columns")
        numbers = step("Cast", "stage.code_numbers", codes, to=int64)
        found = step(
            "Gather", "stage.found", "embeddings", step("Add", "stage.rows", numbers, "stage.first_rows")
        )
        parts.append(step("Reshape", "stage.of_categories", found, "stage.flat_categories"))
    joined = step("Concat", "stage.joined", *parts, axis=1)
    step("Mul", result, joined, "input_scales")
    return nodes


def _by_number(array: Floats) -> Floats:
    """Insert an axis for the rows, (n, ...) to (n, 1, ...)."""
    return array[:, np.newaxis]
