"""Writes a fitted table as ONNX: the columns' preparation, the network, and what its outputs mean.

The graph has an input (N, 1) for each column that is used, of its name and as
``treadle.export.onnx_preparation`` says: numbers as float64, NaN where missing; categories as text, empty
where missing; dates as int64 microseconds. It gives ``probabilities`` (N, K), float32, or ``prediction``
(N, K), float64.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from treadle.errors import InvalidInput
from treadle.estimators.tables.fitted_table import FittedTable
from treadle.estimators.tables.saved_table import class_names
from treadle.estimators.tables.table_targets import ScaledNumbers
from treadle.export.model_file import Model
from treadle.export.onnx import IR_VERSION, OPSET, onnx_model
from treadle.files import write_atomically
from treadle.network import Parameters
from treadle.tables.names import shown

if TYPE_CHECKING:
    import onnx

PREFIX = "prepare/"
OF_NETWORK = "network/"


def save_table_onnx(path: str | Path, fitted: FittedTable) -> None:
    """Write the fitted table as ONNX, whole or not at all.

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.
    InvalidInput
        If a column's name is one of the graph's own.
    """
    write_atomically(Path(path), table_model(fitted).SerializeToString())


def table_model(fitted: FittedTable) -> onnx.ModelProto:
    """Return the fitted table as ONNX, checked by onnx's own checker."""
    network = onnx_model(Model(_cooled(fitted), class_names(fitted.kind)))  # says where onnx is missing
    import onnx
    from onnx import compose, helper, numpy_helper

    from treadle.export.onnx_preparation import LABELS, LABELS_OPSET, preparation_nodes

    output = network.graph.output[0].name
    for name in fitted.preparation.feature_names:
        if name == output or name.startswith((PREFIX, OF_NETWORK)):
            raise InvalidInput(
                f"the column {shown(name)} has a name that the ONNX graph needs for itself: rename it, and "
                "train again"
            )
    prepared = preparation_nodes(helper, fitted.preparation, PREFIX)
    element = onnx.TensorProto.FLOAT if fitted.parameters.dtype == np.float32 else onnx.TensorProto.DOUBLE
    inner = compose.add_prefix(network, OF_NETWORK)
    nodes = [
        *prepared.nodes,
        helper.make_node("Cast", [prepared.output], [inner.graph.input[0].name], to=element),
        *inner.graph.node,
    ]
    constants = dict(prepared.constants)
    kind, last = fitted.kind, inner.graph.output[0].name
    if isinstance(kind, ScaledNumbers):
        element = onnx.TensorProto.DOUBLE
        ends = {"mean": kind.mean, "scale": kind.scale, "low": kind.low, "high": kind.high}
        constants |= {f"{OF_NETWORK}{name}": array for name, array in ends.items()}
        step = f"{OF_NETWORK}in_units"
        nodes += [
            helper.make_node("Cast", [last], [f"{step}.0"], to=element),
            helper.make_node("Mul", [f"{step}.0", f"{OF_NETWORK}scale"], [f"{step}.1"]),
            helper.make_node("Add", [f"{step}.1", f"{OF_NETWORK}mean"], [f"{step}.2"]),
            helper.make_node("Max", [f"{step}.2", f"{OF_NETWORK}low"], [f"{step}.3"]),
            helper.make_node("Min", [f"{step}.3", f"{OF_NETWORK}high"], [output]),
        ]
    else:
        nodes.append(helper.make_node("Identity", [last], [output]))
    graph = helper.make_graph(
        nodes,
        "treadle",
        prepared.inputs,
        [helper.make_tensor_value_info(output, element, ["N", kind.n_outputs])],
        [
            *(
                numpy_helper.from_array(np.ascontiguousarray(array), name)
                for name, array in constants.items()
            ),
            *inner.graph.initializer,
        ],
    )
    model = helper.make_model(
        graph,
        producer_name="treadle",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(LABELS, LABELS_OPSET)],
        ir_version=IR_VERSION,
    )
    model.metadata_props.extend(network.metadata_props)
    onnx.checker.check_model(model, full_check=True)
    return model


def _cooled(fitted: FittedTable) -> Parameters:
    """Return the parameters with the temperature within the last layer."""
    parameters = fitted.parameters.copy()
    for array in (parameters.weights[-1], parameters.biases[-1]):
        array /= array.dtype.type(fitted.temperature)
    return parameters
