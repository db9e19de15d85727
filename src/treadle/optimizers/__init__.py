"""Turns gradients into steps (update rules), and plans learning rates (schedules)."""

from treadle.optimizers.adam import Adam, AdamW
from treadle.optimizers.fading import Fading
from treadle.optimizers.optimizer import Optimizer
from treadle.optimizers.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    LogCosine,
    OneCycle,
    Schedule,
)
from treadle.optimizers.sgd import SGD

__all__ = [
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Adaptive",
    "Constant",
    "Cosine",
    "Fading",
    "InverseScaling",
    "LogCosine",
    "OneCycle",
    "Optimizer",
    "Schedule",
]
