"""A trained network as an ONNX file, for browsers, telephones and other languages.

The graph takes ``X`` (N, D) in the dtype of the parameters, before ``input_scale`` and ``input_offset``, and
gives ``probabilities`` (N, K), or ``prediction`` (N, K) where the output is the identity or the exponential.
Only standard operators of opset 20; no weights outside of the file. Batch normalisation is folded into the
weights. Where the network averages an image and its mirror image, the graph has the layers twice, with the
same weights. The class names and the shape of an image are in the metadata, as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.errors import MissingDependency
from treadle.export.model_file import Model
from treadle.files import write_atomically
from treadle.network import Network

if TYPE_CHECKING:
    import onnx

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # the one that came with it; readers refuse newer ones than they know

# What each output of a network is in ONNX.
LAST_OPERATOR = {"softmax": "Softmax", "logistic": "Sigmoid", "identity": "Identity", "exp": "Exp"}


def save_onnx(path: str | Path, model: Model) -> None:
    """Write the model as ONNX, whole or not at all.

    Parameters
    ----------
    path : str or Path
    model : Model

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.
    OSError
        If the folder cannot be written or the disk is full.
    """
    write_atomically(Path(path), onnx_model(model).SerializeToString())


def onnx_model(model: Model) -> onnx.ModelProto:
    """The model as ONNX, checked by onnx's own checker.

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as error:
        raise MissingDependency(
            f"writing ONNX needs the package onnx, which cannot be imported ({error}): "
            "pip install 'treadle[onnx]'"
        ) from error

    network, parameters = model.network, model.parameters.folded()
    dtype = helper.np_dtype_to_tensor_dtype(parameters.dtype)
    constants = {
        "input_scale": np.array(network.input_scale, parameters.dtype),
        "input_offset": np.array(network.input_offset, parameters.dtype),
        **dict(parameters.trainable()),
    }
    nodes = [
        helper.make_node("Mul", ["X", "input_scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "input_offset"], ["inputs"]),
        *_layers(helper, network, "inputs", "logits"),
    ]
    logits = "logits"
    if network.mirror_width:
        columns = np.arange(network.sizes[0]).reshape(-1, network.mirror_width)
        constants["mirrored_columns"] = columns[:, ::-1].ravel()
        constants["half"] = np.array(0.5, parameters.dtype)
        logits = "mean_logits"
        nodes += [
            helper.make_node("Gather", ["inputs", "mirrored_columns"], ["mirrored.inputs"], axis=1),
            *_layers(helper, network, "mirrored.inputs", "mirrored.logits"),
            helper.make_node("Add", ["logits", "mirrored.logits"], ["sum_of_logits"]),
            helper.make_node("Mul", ["sum_of_logits", "half"], [logits]),
        ]
    output = "probabilities" if network.output in ("softmax", "logistic") else "prediction"
    nodes.append(helper.make_node(LAST_OPERATOR[network.output], [logits], [output]))
    graph = helper.make_graph(
        nodes,
        "treadle",
        [helper.make_tensor_value_info("X", dtype, ["N", network.sizes[0]])],
        [helper.make_tensor_value_info(output, dtype, ["N", network.sizes[-1]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="treadle")
    metadata = {"class_names": model.class_names, "image_shape": model.image_shape}
    helper.set_model_props(proto, {name: json.dumps(value) for name, value in metadata.items()})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _layers(helper: Any, network: Network, inputs: str, logits: str) -> list[onnx.NodeProto]:
    """The nodes that take the inputs, scaled, to the logits; their names begin with that of the inputs."""
    nodes = []
    a = inputs
    for i, layer in enumerate(network.layers):
        z, h = f"{inputs}.z{i}", logits if layer is network.layers[-1] else f"{inputs}.a{i + 1}"
        nodes.append(helper.make_node("Gemm", [a, f"weights.{i}", f"biases.{i}"], [z]))
        nodes.extend(_activation(helper, layer.activation, z, h))
        a = h
    return nodes


def _activation(helper: Any, name: str, z: str, a: str) -> list[onnx.NodeProto]:
    """The nodes that take z to a."""
    match name:
        case "relu":
            return [helper.make_node("Relu", [z], [a])]
        case "tanh":
            return [helper.make_node("Tanh", [z], [a])]
        case "logistic":
            return [helper.make_node("Sigmoid", [z], [a])]
        case "gelu":
            return [helper.make_node("Gelu", [z], [a], approximate="none")]
        case "silu":
            gate = f"{a}.gate"
            return [helper.make_node("Sigmoid", [z], [gate]), helper.make_node("Mul", [z, gate], [a])]
        case _:
            return [helper.make_node("Identity", [z], [a])]
