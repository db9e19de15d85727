"""The names that an option can have, a type alias for each kind: ``typing.get_args`` gives them as a tuple.

Nothing is imported but typing, so that a command's help is printed before NumPy is loaded. What a name means
is told where it is used.
"""

from __future__ import annotations

from typing import Literal

ActivationName = Literal["identity", "relu", "tanh", "logistic", "gelu", "silu"]
OutputName = Literal["softmax", "identity", "logistic", "exp"]
InitialisationName = Literal["torch", "glorot", "he"]
LossName = Literal["cross_entropy", "binary_cross_entropy", "squared", "absolute", "huber", "poisson"]
OptimizerName = Literal["adam", "adamw", "sgd"]
ScheduleName = Literal["constant", "one_cycle", "cosine", "inverse_scaling", "adaptive"]
EngineName = Literal["auto", "native", "numpy", "torch"]
PrecisionName = Literal["float32", "bfloat16"]
RecipeName = Literal["classic", "fast", "accurate"]
IntervalsName = Literal["nid", "iid", "kernel", "robust", "rank", "rank_nid", "pairs", "weighted", "none"]
BandwidthName = Literal["hall_sheather", "bofinger", "chamberlain"]
BoxPartitionName = Literal["uniform", "adaptive", "optimal"]
BoxActivationName = Literal["step", "sigmoid", "relu"]
BoxFormName = Literal["homework", "telescoped", "and", "index"]
