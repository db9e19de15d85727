"""Writes trained networks and plain layers as ONNX files.

Browsers, telephones and other languages read them.

For a trained network the graph takes ``X`` (N, D) in the dtype of the parameters, before ``input_scale``
and ``input_offset``, and gives ``probabilities`` (N, K), or ``prediction`` (N, K) where the output is the
identity or the exponential. A column of ``probabilities`` is a class wherever there are names of classes:
one logistic output that tells two classes apart gives two columns, 1 - p and p, and of one class alone a
column of ones. Batch normalisation is folded into the weights. Where the network averages an image and its
mirror image, the graph has the layers twice, with the same weights. An input stage is in the graph, X then
holds codes of categories as numbers. The class names, the shape of an image
and, where they are known, the values of a black and of a white pixel are in the metadata, as JSON. For plain
layers the graph takes ``X`` as the first layer does, and gives the outputs of the last one as ``prediction``.
Only standard operators of opset 20, of those that ONNX Runtime has for the dtype; no weights outside of the
file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from treadle.errors import MissingDependency
from treadle.export.layers import CLAMP, Layer, check_dense_size
from treadle.export.model_file import Model
from treadle.export.onnx_exponentials import exponential_constants, exponential_nodes
from treadle.export.onnx_gelu import gelu_constants, gelu_nodes
from treadle.export.onnx_stage import stage_constants, stage_nodes
from treadle.export.steps import stock_layers
from treadle.files import write_atomically
from treadle.maths.dtypes import ArrayMapping, Arrays, Floats, FloatType

if TYPE_CHECKING:
    import onnx

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # the one that came with it; readers refuse newer ones than they know
LARGEST_FILE = 2**31 - 2**20  # bytes of weights: protobuf writes no more than 2 GiB

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

    Examples
    --------
    >>> import onnxruntime
    >>> from treadle import Model, Network, Parameters, save_onnx
    >>> save_onnx("model.onnx", Model(Parameters.zeros(Network((4, 2))), ("cat", "dog")))
    >>> session = onnxruntime.InferenceSession("model.onnx")
    >>> [array.name for array in session.get_outputs()]
    ['probabilities']
    """
    write_atomically(Path(path), onnx_model(model).SerializeToString())


def onnx_model(model: Model) -> onnx.ModelProto:
    """Return the model as ONNX, checked by onnx's own checker.

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.

    Examples
    --------
    >>> from treadle import Model, Network, Parameters, onnx_model
    >>> graph = onnx_model(Model(Parameters.zeros(Network((4, 2))), ("cat", "dog"))).graph
    >>> graph.input[0].name, graph.output[0].name
    ('X', 'probabilities')
    """
    helper = _onnx().helper
    network, parameters = model.network, model.parameters.folded()
    activations = [layer.activation for layer in network.layers]
    slopes = [None if array is None else f"slopes.{i}" for i, array in enumerate(parameters.slopes)]
    of_layers = {name: array for name, array in parameters.trainable() if name not in parameters.input_arrays}
    constants: Arrays = {**of_layers, **_constants(activations, parameters.dtype)}
    if network.input_stage is not None:
        constants |= stage_constants(network.input_stage, parameters.input_arrays)
        int64 = _onnx().TensorProto.INT64
        nodes = stage_nodes(helper, int64, network.input_stage, "X", "inputs")
    else:
        constants["input_scale"] = np.array(network.input_scale, parameters.dtype)
        constants["input_offset"] = np.array(network.input_offset, parameters.dtype)
        nodes = [
            helper.make_node("Mul", ["X", "input_scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "input_offset"], ["inputs"]),
        ]
    nodes += _gemms(helper, activations, "inputs", "logits", parameters.dtype, slopes)
    logits = "logits"
    if network.mirror_width:
        columns = np.arange(network.sizes[0]).reshape(-1, network.mirror_width)
        constants["mirrored_columns"] = columns[:, ::-1].ravel()
        constants["half"] = np.array(0.5, parameters.dtype)
        logits = "mean_logits"
        nodes += [
            helper.make_node("Gather", ["inputs", "mirrored_columns"], ["mirrored.inputs"], axis=1),
            *_gemms(helper, activations, "mirrored.inputs", "mirrored.logits", parameters.dtype),
            helper.make_node("Add", ["logits", "mirrored.logits"], ["sum_of_logits"]),
            helper.make_node("Mul", ["sum_of_logits", "half"], [logits]),
        ]
    output = "probabilities" if network.output in ("softmax", "logistic") else "prediction"
    n_columns = network.sizes[-1]
    if network.output == "logistic" and n_columns == 1 and model.class_names:
        n_columns = len(model.class_names)
        constants["one"] = np.array(1, parameters.dtype)
        nodes += _probabilities_of_classes(helper, n_columns, logits, output)
    else:
        nodes.append(helper.make_node(LAST_OPERATOR[network.output], [logits], [output]))
    metadata: dict[str, object] = {"class_names": model.class_names, "image_shape": model.image_shape}
    if model.image_shape and model.data_range and model.pixel_units:
        metadata["pixel_units"] = asdict(model.pixel_units)
    return _proto(nodes, constants, (network.sizes[0], n_columns), output, metadata)


def _probabilities_of_classes(
    helper: ModuleType, n_classes: int, logits: str, output: str
) -> list[onnx.NodeProto]:
    """Make the nodes from one logistic output to columns of class probabilities.

    There is a column for each of one or two classes.
    """
    if n_classes == 1:  # a softmax of one logit is 1
        return [helper.make_node("Softmax", [logits], [output])]
    return [
        helper.make_node("Sigmoid", [logits], ["second"]),
        helper.make_node("Sub", ["one", "second"], ["first"]),
        helper.make_node("Concat", ["first", "second"], [output], axis=1),
    ]


def save_layers_onnx(
    path: str | Path, layers: Sequence[Layer], dtype: FloatType = np.float64, remedy: str = "take fewer units"
) -> None:
    """Write plain layers as ONNX, whole or not at all.

    Steps are as ``treadle.export.steps`` has them.

    Parameters
    ----------
    path : str or Path
    layers : sequence of Layer
    dtype : float64 or float32
        Of X, of the weights and of the prediction.
    remedy : str
        What to use where the dense weights would not fit into an ONNX file.

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.
    InvalidInput
        If the dense weights would take more than the 2 GiB that an ONNX file can hold.
    OSError
        If the folder cannot be written or the disk is full.
    """
    helper = _onnx().helper
    layers = stock_layers(layers, dtype)
    check_dense_size(layers, dtype, LARGEST_FILE, remedy)
    constants = {f"weights.{i}": layer.dense(dtype) for i, layer in enumerate(layers)}
    constants |= {f"biases.{i}": layer.biases for i, layer in enumerate(layers)}
    activations = [layer.activation for layer in layers]
    constants |= _constants(activations, dtype)
    nodes = _gemms(helper, activations, "X", "prediction", np.dtype(dtype))
    proto = _proto(nodes, constants, (layers[0].n_in, layers[-1].n_out), "prediction", {})
    write_atomically(Path(path), proto.SerializeToString())


def _onnx() -> ModuleType:
    """Import the package onnx with its helpers."""
    try:
        import onnx
        from onnx import helper, numpy_helper  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            f"writing ONNX needs the package onnx, which cannot be imported ({error}): "
            "pip install 'treadle[onnx]'"
        ) from error
    return onnx


def _proto(
    nodes: list[onnx.NodeProto],
    constants: ArrayMapping,
    sizes: tuple[int, int],
    output: str,
    metadata: Mapping[str, object],
) -> onnx.ModelProto:
    """Make and check the graph from X to the output.

    X is (N, sizes[0]) and the output (N, sizes[1]), both in the dtype of weights.0.
    """
    package = _onnx()
    helper = package.helper
    dtype = helper.np_dtype_to_tensor_dtype(constants["weights.0"].dtype)
    graph = helper.make_graph(
        nodes,
        "treadle",
        [helper.make_tensor_value_info("X", dtype, ["N", sizes[0]])],
        [helper.make_tensor_value_info(output, dtype, ["N", sizes[1]])],
        [package.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    proto: onnx.ModelProto = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="treadle"
    )
    helper.set_model_props(proto, {name: json.dumps(value) for name, value in metadata.items()})
    package.checker.check_model(proto, full_check=True)
    return proto


def _gemms(
    helper: ModuleType,
    activations: Sequence[str],
    inputs: str,
    outputs: str,
    dtype: np.dtype[np.floating],
    slopes: Sequence[str | None] = (),
) -> list[onnx.NodeProto]:
    """Make the nodes of a layer for each activation.

    Their names begin with that of the inputs. Where a layer's activation is parametric, ``slopes`` names its
    slopes.
    """
    nodes = []
    a = inputs
    for i, activation in enumerate(activations):
        z, h = f"{inputs}.z{i}", outputs if i == len(activations) - 1 else f"{inputs}.a{i + 1}"
        nodes.append(helper.make_node("Gemm", [a, f"weights.{i}", f"biases.{i}"], [z]))
        slope = slopes[i] if slopes else None
        nodes.extend(_activation(helper, activation, z, f"{h}.curved" if slope else h, dtype))
        if slope:
            nodes += [
                helper.make_node("Sub", [f"{h}.curved", z], [f"{h}.bent"]),
                helper.make_node("Mul", [f"{h}.bent", slope], [f"{h}.part"]),
                helper.make_node("Add", [f"{h}.part", z], [h]),
            ]
        a = h
    return nodes


def _constants(activations: Sequence[str], dtype: FloatType) -> dict[str, Floats]:
    """Return the constants that the nodes of ``_activation`` use."""
    constants = {"zero": np.zeros((), dtype), "one": np.ones((), dtype)} if CLAMP in activations else {}
    if "gelu" in activations and dtype == np.float64:
        constants |= gelu_constants()
    for name in sorted({"selu", "mish"} & set(activations)):
        constants |= exponential_constants(name, dtype)
    return constants


def _activation(
    helper: ModuleType, name: str, z: str, a: str, dtype: np.dtype[np.floating]
) -> list[onnx.NodeProto]:
    """Make the nodes that compute an activation of z."""
    match name:
        case "relu":
            return [helper.make_node("Relu", [z], [a])]
        case "tanh":
            return [helper.make_node("Tanh", [z], [a])]
        case "logistic":
            return [helper.make_node("Sigmoid", [z], [a])]
        case "gelu" if dtype == np.float64:
            return gelu_nodes(helper, z, a)
        case "gelu":
            return [helper.make_node("Gelu", [z], [a], approximate="none")]
        case "silu":
            gate = f"{a}.gate"
            return [helper.make_node("Sigmoid", [z], [gate]), helper.make_node("Mul", [z, gate], [a])]
        case "clamp":
            return [helper.make_node("Clip", [z, "zero", "one"], [a])]
        case "selu" | "mish":
            return exponential_nodes(helper, name, z, a)
        case _:
            return [helper.make_node("Identity", [z], [a])]
