"""A run's configuration, filled by recipes, TOML files and flags.

It is one dataclass for all. The fields' names are the keys of the TOML file and, with dashes, the flags.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from treadle.choices import (
    ActivationName,
    EngineName,
    InitialisationName,
    OptimizerName,
    PrecisionName,
    RecipeName,
    ScheduleName,
)
from treadle.errors import InvalidInput
from treadle.files import opened
from treadle.messages import quoted
from treadle.strict_text import MOST_TOML_BYTES, ParsedTable, read_toml

ENVIRONMENT = "environment"


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run: its data, network, training and engine.

    Parameters
    ----------
    data : str
        fashion-mnist, digits, a folder with the four IDX files, or an .npz file.
    recipe : str
        Where treadle train takes the values from that nothing else sets.
    hidden : tuple of int
        Units of each hidden layer, first to last.
    activation : str
        Of the hidden layers.
    batch_norm : bool
        Normalise the sums of each hidden unit over the rows of a batch.
    dropout : float
        Probability with which a hidden unit is dropped while training.
    initialisation : str
        How initial weights are drawn.
    optimizer : str
        The update rule; sgd has Nesterov momentum 0.9.
    learning_rate : float
        The peak of the schedule.
    schedule : str
        How the learning rate changes.
    weight_decay : float
        Decoupled decay of the weights; for adamw.
    l2 : float
        Weight of half the squared weights in the loss.
    label_smoothing : float
        Share of each label spread evenly over all classes.
    standardise : bool
        Scale and shift all columns alike, so that the training set has mean 0 and deviation 1.
    flip : bool
        Mirror each image left to right half of the times that it is trained on.
    shift : int
        Move each image that is trained on by up to so many pixels, across and down.
    mirror : bool
        Predict by the mean of an image's logits and those of its mirror image.
    batch_size : int
        Rows in a step.
    epochs : int
        Passes over the training set.
    average : int
        Epochs at the end of which the parameters are averaged, the last among them.
    engine : str
        What computes; auto takes the fastest that can.
    precision : str
        Of the matrix products; bfloat16 is for the native engine.
    seed : int
        Of everything random: initial weights, order of the rows, dropout, flips and shifts.

    Examples
    --------
    >>> from treadle import RunConfig
    >>> RunConfig("digits", epochs=5).differences(RunConfig("digits"))
    {'epochs': (5, 20)}
    """

    data: str = "fashion-mnist"
    _: KW_ONLY
    recipe: RecipeName = "classic"
    hidden: tuple[int, ...] = (256, 128, 64)
    activation: ActivationName = "relu"
    batch_norm: bool = False
    dropout: float = 0.0
    initialisation: InitialisationName = "torch"
    optimizer: OptimizerName = "adam"
    learning_rate: float = 0.001
    schedule: ScheduleName = "constant"
    weight_decay: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0
    standardise: bool = False
    flip: bool = False
    shift: int = 0
    mirror: bool = False
    batch_size: int = 64
    epochs: int = 20
    average: int = 1
    engine: EngineName = "auto"
    precision: PrecisionName = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.hidden, list):
            object.__setattr__(self, "hidden", tuple(self.hidden))
        check_types(RunConfig, asdict(self))
        if self.batch_size < 1:
            raise InvalidInput(f"batch_size must be at least 1; got {self.batch_size}")
        if self.weight_decay and self.optimizer != "adamw":
            raise InvalidInput(
                f"weight_decay needs the optimizer adamw; got {self.optimizer}: choose adamw, or use l2"
            )
        if self.optimizer == "adamw" and not self.weight_decay:
            raise InvalidInput(
                "the optimizer adamw with weight_decay 0 is adam: choose that, or a weight_decay, 0.01 say"
            )

    # Any: of the field's type.
    def differences(self, other: RunConfig) -> dict[str, tuple[Any, Any]]:
        """Return the fields in which two configurations differ, with both values."""
        return differences(self, other)


# Any: a dataclass, which has no type of its own.
def check_types(config_class: Any, values: Mapping[str, object]) -> None:
    """Raise InvalidInput for names that are no fields of the configuration, or values of a wrong type."""
    kinds = get_type_hints(config_class)
    names = [field.name for field in fields(config_class)]
    for name, value in values.items():
        if name not in names:
            raise InvalidInput(f"there is no option {quoted(name)}; allowed are {', '.join(names)}")
        if not _is_of(kinds[name], tuple(value) if isinstance(value, list) else value):
            raise InvalidInput(f"{name} must be {_in_words(kinds[name])}; got {quoted(value)}")


# Any, here and below: a type as typing says it, which is no class.
def _is_of(kind: Any, value: object) -> bool:
    """Say whether a value has a field's type.

    Types are Literal, str, bool, int, float (an int will do), and tuples of int or str.
    """
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is_of(get_args(kind)[0], item) for item in value)
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind)


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) is tuple:
        return "a list of texts" if get_args(kind)[0] is str else "a list of integers"
    return {str: "text", bool: "true or false", int: "an integer"}.get(kind, "a finite number")


# Any: two configurations of one class, and values of the field's type.
def differences(mine: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two configurations differ, with both values."""
    ours, theirs = asdict(mine), asdict(other)
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}


def recipe_values(name: str) -> ParsedTable:
    """Return the values that a recipe sets."""
    return tomllib.loads(resources.files("treadle.runs").joinpath(f"recipes/{name}.toml").read_text("utf-8"))


# Any: a dataclass, which has no type of its own.
def read_config_file(path: Path, config_class: Any = RunConfig) -> tuple[ParsedTable, dict[str, str]]:
    """Read the configuration and the environment's record from a TOML file.

    The record is empty if there is none.

    Raises
    ------
    InvalidInput
        If the file is missing or not TOML, or a key or the type of a value is none of the configuration's.
    """
    values, environment = _read_tables(path)
    try:
        check_types(config_class, values)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error
    return values, environment


def is_of_table(path: Path) -> bool:
    """Say whether a configuration's file is of a run on a table: it has a target."""
    return "target" in _read_tables(path)[0]


def _read_tables(path: Path) -> tuple[ParsedTable, dict[str, str]]:
    try:
        with opened(path, most_bytes=MOST_TOML_BYTES) as file:
            text = file.read()
    except OSError as error:
        raise InvalidInput(f"the configuration {path} cannot be read: {error.strerror}") from error
    try:
        values = read_toml(text)
    except InvalidInput as error:
        raise InvalidInput(f"{path} is not a TOML file that can be read: {error}") from error
    environment = values.pop(ENVIRONMENT, {})
    if not isinstance(environment, dict):
        raise InvalidInput(f"{path}: [{ENVIRONMENT}] must be a table; got {quoted(environment)}")
    return values, {str(key): str(value) for key, value in environment.items()}


# Any: a dataclass, which has no type of its own.
def config_toml(config: Any, environment: Mapping[str, str]) -> str:
    """Write a run's ``config.toml`` as text."""
    import tomli_w

    return tomli_w.dumps({**asdict(config), ENVIRONMENT: dict(environment)})
