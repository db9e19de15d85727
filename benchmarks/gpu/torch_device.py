"""What PyTorch says of the device that it computes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from treadle.errors import EngineUnavailable


def description(device: str) -> dict[str, Any]:
    """The device in words, and the versions of what drives it.

    Raises
    ------
    EngineUnavailable
        If that is ``cuda``, and PyTorch finds no GPU.
    """
    versions = {"torch": torch.__version__, "numpy": np.__version__}
    if device == "cpu":
        return {"device": "the CPU, one thread", "versions": versions}
    if not torch.cuda.is_available():
        raise EngineUnavailable(
            f"PyTorch {torch.__version__} finds no GPU here: take --device cpu --dry for a dry run"
        )
    found = torch.cuda.get_device_properties(0)
    return {
        "device": f"{found.name}, {found.total_memory / 2**30:.0f} GiB, "
        f"{found.multi_processor_count} multiprocessors, compute capability {found.major}.{found.minor}",
        "versions": {**versions, "CUDA": str(torch.version.cuda)},
    }
