"""Exact linear regression under the L1 norm, with a certificate of optimality."""

from treadle.l1.inference import Inference, infer
from treadle.l1.process import QuantileProcess, quantile_process

__all__ = ["Inference", "QuantileProcess", "infer", "quantile_process"]
