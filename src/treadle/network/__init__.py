"""What a network is, and the numbers that fill it. Neither computes: that is an engine's work."""

from treadle.network.input_stage import InputStage
from treadle.network.layers import BATCH_NORM_EPSILON, Block, Layer
from treadle.network.parameters import INITIALISATIONS, Parameters
from treadle.network.shape import OUTPUTS, Network

__all__ = [
    "BATCH_NORM_EPSILON",
    "INITIALISATIONS",
    "OUTPUTS",
    "Block",
    "InputStage",
    "Layer",
    "Network",
    "Parameters",
]
