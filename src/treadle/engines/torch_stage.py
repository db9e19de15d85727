"""The input stage of a table's network in PyTorch, which differentiates it itself.

Imports PyTorch: load this module only when it is needed. The equations are those of
``treadle.engines.input_stage``; dimensions: N rows, n numbers, F frequencies, m categories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from treadle.maths.dtypes import Floats
from treadle.network import InputStage


class TorchStage:
    """An input stage as a function of X (N, D), with a tensor for each of its arrays.

    Parameters
    ----------
    stage : InputStage
    arrays : mapping of ndarray
        Of that stage by name, for their shapes.
    parameter : callable
        Makes an empty parameter like an array.

    Attributes
    ----------
    arrays : dict of Parameter
    """

    def __init__(
        self, stage: InputStage, arrays: Mapping[str, Floats], parameter: Callable[[Floats], nn.Parameter]
    ) -> None:
        self._stage = stage
        self.arrays = {name: parameter(array) for name, array in arrays.items()}

    def __call__(self, X: Tensor) -> Tensor:
        """Compute the first layer's inputs, (N, width)."""
        stage, arrays = self._stage, self.arrays
        parts = [X[:, : stage.n_copied]]
        if stage.n_numbers:
            x = X[:, : stage.n_numbers, None]
            cosines = torch.cos(2 * math.pi * x * arrays["frequencies"] + arrays["phases"])
            combined = torch.einsum("njf,jfc->njc", cosines, arrays["combinations"])
            parts.insert(0, (combined + arrays["combination_biases"]).flatten(1))
        if stage.category_counts:
            first_rows = torch.tensor(stage.first_rows, device=X.device)
            rows = X[:, stage.n_copied :].to(torch.int64) + first_rows
            parts.append(F.embedding(rows, arrays["embeddings"]).flatten(1))
        return torch.cat(parts, dim=1) * arrays["input_scales"]
