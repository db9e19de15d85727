"""The names that an option can have, as type aliases.

``typing.get_args`` gives them as a tuple.

Nothing is imported but typing, so that a command's help is printed before NumPy is loaded. What a name means
is explained where it is used.
"""

from __future__ import annotations

from typing import Literal

ActivationName = Literal["identity", "relu", "tanh", "logistic", "gelu", "silu", "selu", "mish"]
OutputName = Literal["softmax", "identity", "logistic", "exp"]
InitialisationName = Literal["torch", "glorot", "he"]
LossName = Literal["cross_entropy", "binary_cross_entropy", "squared", "absolute", "huber", "poisson"]
OptimizerName = Literal["adam", "adamw", "sgd"]
ScheduleName = Literal["constant", "one_cycle", "cosine", "inverse_scaling", "adaptive", "log_cosine"]
EngineName = Literal["auto", "native", "numpy", "torch"]
GradientEngineName = Literal["native", "numpy", "torch"]  # those that train in float64
DeviceName = Literal["auto", "cpu", "cuda"]
PrecisionName = Literal["float32", "bfloat16"]
RecipeName = Literal["classic", "fast", "accurate"]
IntervalsName = Literal["nid", "iid", "kernel", "robust", "rank", "rank_nid", "pairs", "weighted", "none"]
DecimalMark = Literal[".", ","]
MonitorMode = Literal["auto", "min", "max"]
DifferenceName = Literal["central", "complex"]
BandwidthName = Literal["hall_sheather", "bofinger", "chamberlain"]
BoxPartitionName = Literal["uniform", "adaptive", "optimal"]
BoxActivationName = Literal["step", "sigmoid", "relu"]
SmoothBoxName = Literal["sigmoid", "relu"]
BoxFormName = Literal["homework", "telescoped", "and", "index"]
BoxOutsideName = Literal["clamped", "zero"]
BoxHeightName = Literal["middle", "midrange", "lower"]
BoxNormName = Literal["sup", "l2"]
BoxBoundName = Literal["none", "lipschitz", "modulus", "enclosure", "second_derivative"]

# The same of estimators, under scikit-learn's names where it has them.
RegressionLossName = Literal["absolute_error", "huber", "poisson", "squared_error"]
SolverName = Literal["adam", "lbfgs", "sgd"]
LearningRateName = Literal["adaptive", "constant", "invscaling", "cosine", "one_cycle"]
EstimatorPrecisionName = Literal["auto", "bfloat16", "float32", "float64"]
RegressorPartitionName = Literal["uniform", "quantile", "optimal", "adaptive", "tree"]
