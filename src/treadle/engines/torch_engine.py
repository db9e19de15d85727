"""The engine of PyTorch: torch.nn layers, automatic differentiation, torch.optim.

It derives nothing by hand, so that it is an independent oracle for the engines that do, and it reaches GPUs.
It draws no random number, its dropout masks being those of ``treadle.engines.dropout``, and leaves PyTorch's
global state (threads, default dtype, grad mode, generators) as it finds it. PyTorch is imported when an
engine is made, not before; what is done with it is in ``torch_model`` and ``torch_trainer``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from treadle.choices import DeviceName
from treadle.engines.engine import Engine, Trainer, TrainingProblem
from treadle.engines.objective import Objective
from treadle.engines.predictor import Predictor
from treadle.engines.rows import Rows, check_rows, n_rows
from treadle.engines.targets import check_targets
from treadle.errors import EngineUnavailable, InvalidInput
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Parameters

if TYPE_CHECKING:
    import torch

DEVICES = get_args(DeviceName)

# Rows of a prediction computed at a time, which bounds the memory of the hidden outputs.
ROWS_PER_PREDICTION = 8192


class TorchEngine(Engine):
    """The engine in PyTorch, in float32 or float64 as the parameters are.

    It keeps the contract of ``treadle.engines.engine``.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where to compute; ``auto`` is ``cuda`` where PyTorch finds a GPU, else ``cpu``. Batches are gathered
        on the CPU, since X may be larger than the GPU's memory.

    Raises
    ------
    EngineUnavailable
        If PyTorch is not installed, or ``cuda`` is requested where there is no GPU.
    InvalidInput
        If device is another word.
    """

    name = "torch"

    def __init__(self, device: str = "auto") -> None:
        self.device = _find_device(device)

    def details(self) -> dict[str, str]:
        """See ``Engine.details``."""
        import torch

        return {"torch": torch.__version__, "device": str(self.device)}

    def predictor(self, parameters: Parameters) -> Predictor:
        """See ``Engine.predictor``."""
        return TorchPredictor(parameters, self.device)

    def loss_and_gradients(
        self,
        parameters: Parameters,
        X: Rows,
        y: Numbers,
        sample_weight: Numbers | None = None,
        *,
        objective: Objective,
        noise_key: tuple[int, int] | None = None,
    ) -> tuple[float, Parameters]:
        """See ``Engine.loss_and_gradients``."""
        from treadle.engines.torch_model import TorchModel, differentiating

        objective.check_fits(parameters.network)
        check_rows(parameters.network, X)
        check_targets(objective, parameters.network, n_rows(X), y, sample_weight)
        with differentiating():
            model = TorchModel(parameters, self.device).eval()  # the running statistics stay
            loss = model.loss(X, y, sample_weight, objective, noise_key)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item(), model.gather(lambda tensor: tensor.grad)

    def trainer(self, problem: TrainingProblem, parameters: Parameters) -> Trainer:
        """See ``Engine.trainer``."""
        from treadle.engines.torch_trainer import TorchTrainer

        self.check_supports(problem, parameters.dtype)
        check_targets(problem.objective, problem.network, problem.n_rows, problem.y, problem.sample_weight)
        return TorchTrainer(problem, parameters, self.device)


class TorchPredictor(Predictor):
    """See ``treadle.engines.predictor.Predictor``. PyTorch's copy of the parameters is made in each call."""

    def __init__(self, parameters: Parameters, device: torch.device) -> None:
        super().__init__(parameters)
        self._device = device

    def _plain_logits(self, X: Rows) -> Floats:
        """See ``Predictor._plain_logits``."""
        from treadle.engines.torch_model import TorchModel, predicting

        logits = np.empty((n_rows(X), self.network.sizes[-1]), dtype=self.plain.dtype)
        with predicting():
            model = TorchModel(self.plain, self._device)
            for start in range(0, n_rows(X), ROWS_PER_PREDICTION):
                rows = X[start : start + ROWS_PER_PREDICTION]
                logits[start : start + n_rows(rows)] = model(rows, None).cpu().numpy()
        return logits


def _find_device(device: str) -> torch.device:
    if device not in DEVICES:
        raise InvalidInput(f"device must be one of {', '.join(DEVICES)}; got {device!r}")
    try:
        import torch
    except ImportError as error:
        raise EngineUnavailable(
            f"the torch engine needs PyTorch, which cannot be imported ({error}): "
            "pip install 'treadle[torch]', or take the numpy engine"
        ) from error
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available():
        raise EngineUnavailable(
            f"device='cuda' needs a GPU and a PyTorch built for it; PyTorch {torch.__version__} finds none: "
            "take device='cpu'"
        )
    return torch.device(device)
