"""Saves a trained network as a file ``model.safetensors``, and loads it.

Arrays ``weights.0`` (n_in, n_out), ``biases.0`` (n_out,), ``weights.1`` and so on, float32 or float64, and
for layers with batch normalisation ``scales.0``, ``running_means.0`` and ``running_variances.0``, each
(n_out,); ``slopes.0`` (n_out,) of parametric activations, and the arrays of an input stage by their names
there. One entry of metadata, ``treadle``, holds JSON: ``format``, the fields of ``Network``, the class
names, the shape of an image, the scale of the data, their range if it is known, and ``sha256`` of it all.
Equal models give equal bytes: no date, no duration, no version of anything else. Files from before a field
was there are read: it has its default then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from treadle.data.pixel_units import PixelUnits, units_of
from treadle.errors import CorruptFile, InvalidInput
from treadle.export.container import Container
from treadle.maths.dtypes import Floats
from treadle.messages import quoted
from treadle.network import InputStage, Network, Parameters
from treadle.strict_text import ParsedTable

# Arrays of an estimator's file (treadle.estimators.files.saving) that are not the network's.
EXTRA_PREFIX = "fitted."

# Of the metadata.
KEYS = ("network", "class_names", "image_shape", "data_scale")

# Fields of Network that were not always there, and are nothing by default.
LATER_FIELDS = ("input_stage", "parametric", "scaled_rates")

# Files from before there was a sum are read; an estimator's file is that of a model too.
FILE = Container("a network", 1, (*KEYS, "data_range", "estimator"), needs_sum=False)
REMEDY = FILE.remedy


@dataclass(frozen=True)
class Model:
    """A network with its parameters and the names of its classes.

    Parameters
    ----------
    parameters : Parameters
        With the network.
    class_names : tuple of str
        One an output, or two for one logistic output; empty for a regressor.
    image_shape : (height, width), or None
        Where rows of X are images.
    data_scale : float
        What brings a row of X to the units in which white is 1: 1/255 for bytes. 0: the network's
        ``input_scale``, which is the same unless the pixels were standardised.
    data_range : (low, high), or None
        The least and the greatest number that training saw in X. None: not known.

    Raises
    ------
    InvalidInput
        If there is another number of class names than of outputs, or of pixels than of inputs, or data_scale
        is not finite, or data_range is not two finite numbers in order.

    Examples
    --------
    >>> from treadle import Model, Network, Parameters
    >>> model = Model(Parameters.zeros(Network((4, 2))), image_shape=(2, 2), data_scale=1 / 255)
    >>> model.pixel_units
    PixelUnits(black=0.0, white=255.0)
    """

    parameters: Parameters
    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    data_scale: float = 0.0
    data_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        n_inputs, n_outputs = self.network.sizes[0], self.network.sizes[-1]
        # One logistic output tells two classes apart.
        n_classes = 2 if self.network.output == "logistic" and n_outputs == 1 else n_outputs
        if self.class_names and len(self.class_names) not in (n_outputs, n_classes):
            raise InvalidInput(
                f"class_names must have a name for each of the {n_outputs} outputs, or none; "
                f"got {len(self.class_names)}"
            )
        if self.image_shape and math.prod(self.image_shape) != n_inputs:
            raise InvalidInput(f"image_shape must multiply to the {n_inputs} inputs; got {self.image_shape}")
        if not math.isfinite(self.data_scale):
            raise InvalidInput(f"data_scale must be finite; got {self.data_scale!r}")
        object.__setattr__(self, "data_scale", float(self.data_scale or self.network.input_scale))
        if self.data_range is not None:
            low, high = map(float, self.data_range)
            if not -math.inf < low <= high < math.inf:
                raise InvalidInput(f"data_range must be two finite numbers in order; got {self.data_range!r}")
            object.__setattr__(self, "data_range", (low, high))

    @property
    def network(self) -> Network:
        """The network of the parameters."""
        return self.parameters.network

    @property
    def pixel_units(self) -> PixelUnits | None:
        """The values of black and white pixels in X; None if unknown.

        They are for rows that are images.

        Where ``data_range`` is None, black is taken to be 0 and white 1 / ``data_scale``.
        """
        if self.data_range is None:
            return PixelUnits(0.0, 1 / self.data_scale)
        return units_of(*self.data_range, self.data_scale)


def save_model(path: str | Path, model: Model) -> None:
    """Write the file whole or not at all.

    Parameters
    ----------
    path : str or Path
    model : Model

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full.
    InvalidInput
        If a parameter is NaN or infinite: ``load_model`` takes that for damage.

    Examples
    --------
    >>> from treadle import Model, Network, Parameters, load_model, save_model
    >>> save_model("model.safetensors", Model(Parameters.zeros(Network((4, 2))), ("cat", "dog")))
    >>> load_model("model.safetensors").class_names
    ('cat', 'dog')
    """
    if not all(np.isfinite(array).all() for array in (model.parameters.flat, model.parameters.statistics)):
        raise InvalidInput(
            f"the model holds NaN or infinite parameters, so {path} was not written: train with a smaller "
            "learning rate"
        )
    FILE.write(path, model_arrays(model), model_metadata(model))


def model_metadata(model: Model) -> dict[str, object]:
    """Return the metadata of a model's file, beside its arrays."""
    known = {} if model.data_range is None else {"data_range": model.data_range}
    return {
        "network": _network_table(model.network),
        "class_names": model.class_names,
        "image_shape": model.image_shape,
        "data_scale": model.data_scale,
        **known,
    }


def _network_table(network: Network) -> dict[str, object]:
    """Return a network's fields; those that earlier versions do not know only where they are used."""
    table = asdict(network)
    for name in LATER_FIELDS:
        if not table[name]:
            del table[name]
    return table


def _network_from(table: Mapping[str, Any]) -> Network:
    """Make a network from the table of its fields."""
    stage = table.get("input_stage")
    return Network(**{**table, "input_stage": None if stage is None else InputStage(**stage)})


def model_arrays(model: Model) -> dict[str, Floats]:
    """Return the model's arrays, by their names in the file."""
    return {name: np.ascontiguousarray(array) for name, array in model.parameters.named()}


def load_model(path: str | Path) -> Model:
    """Read what ``save_model`` wrote.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OSError
        If the file cannot be opened.
    CorruptFile
        If it is not such a file, or its arrays do not fit the network that it describes.

    Examples
    --------
    >>> from treadle import MLPClassifier, load_model
    >>> stop = lambda training: True
    >>> MLPClassifier((3,), callbacks=stop).fit([[0.0], [1.0]], ["cat", "dog"]).save("model.safetensors")
    >>> model = load_model("model.safetensors")
    >>> model.network.sizes, model.class_names
    ((1, 3, 1), ('cat', 'dog'))
    """
    arrays, metadata = FILE.read(path)
    if "estimator" in metadata:  # which may have arrays of its own
        arrays = {name: array for name, array in arrays.items() if not name.startswith(EXTRA_PREFIX)}
    return model_from(path, arrays, metadata)


def model_from(path: str | Path, arrays: Mapping[str, Floats], metadata: ParsedTable) -> Model:
    """Make a model from a file's arrays and metadata, or raise CorruptFile."""
    with FILE.describing(path):
        network = _network_from(metadata["network"])
    class_names, image_shape = metadata.get("class_names"), metadata.get("image_shape")
    if not isinstance(class_names, list) or not all(isinstance(name, str) for name in class_names):
        raise CorruptFile(
            f"{path} must hold class_names, a list of texts; it holds {quoted(class_names)}: {REMEDY}"
        )
    if image_shape is not None and not _is_image_shape(image_shape):
        raise CorruptFile(
            f"{path} must hold an image_shape of two positive integers, or null; it holds "
            f"{quoted(image_shape)}: {REMEDY}"
        )
    data_scale = metadata.get("data_scale", 0.0)
    if not isinstance(data_scale, float):
        raise CorruptFile(
            f"{path} must hold a data_scale, one number; it holds {quoted(data_scale)}: {REMEDY}"
        )
    data_range = metadata.get("data_range")
    if data_range is not None and not _is_range(data_range):
        raise CorruptFile(
            f"{path} must hold a data_range of two numbers in order, or none; it holds "
            f"{quoted(data_range)}: {REMEDY}"
        )
    shapes = network.array_shapes()
    found = {name: array.shape for name, array in arrays.items()}
    dtypes = {array.dtype for array in arrays.values()}
    if found != shapes or len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
        raise CorruptFile(
            f"{path} describes arrays of shapes {quoted(shapes, 300)}, all float32 or all float64; it holds "
            f"{quoted(found, 300)}: {REMEDY}"
        )
    for i in range(len(network.layers)):
        variances = arrays.get(f"running_variances.{i}")
        if variances is not None and not (variances >= 0).all():
            raise CorruptFile(
                f"{path} holds a variance below 0 in 'running_variances.{i}': it is damaged; {REMEDY}"
            )
    parameters = Parameters.zeros(network, next(iter(arrays.values())).dtype)
    for name, array in parameters.named():
        array[:] = arrays[name]
    try:
        return Model(
            parameters,
            tuple(class_names),
            image_shape and tuple(image_shape),
            data_scale,
            data_range and tuple(data_range),
        )
    except InvalidInput as error:
        raise CorruptFile(f"{path} contradicts itself: {error}; {REMEDY}") from error


def _is_image_shape(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(n) is int and n > 0 for n in value)


def _is_range(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(x, float) for x in value)
        and value[0] <= value[1]
    )
