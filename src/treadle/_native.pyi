from typing import Any

from numpy.typing import NDArray

def processor_features() -> list[str]: ...
def available_kernels() -> list[str]: ...
def available_bfloat16_kernels() -> list[str]: ...

class Network:
    def __init__(self, layers: list[tuple[int, int, str, bool, float]]) -> None: ...

class Trainer:
    def __init__(
        self,
        network: Network,
        X: NDArray[Any],
        starts: NDArray[Any] | None,
        indices: NDArray[Any] | None,
        input_scale: float,
        input_offset: float,
        image_shape: tuple[int, int],
        flip: bool,
        shift: int,
        loss: str,
        label_smoothing: float,
        huber_delta: float,
        labels: NDArray[Any] | None,
        targets: NDArray[Any] | None,
        sample_weight: NDArray[Any] | None,
        l2: float,
        update: str,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
        momentum: float,
        batch_size: int,
        noise_seed: int,
        threads: int,
        kernels: str,
    ) -> None: ...
    def run_epoch(self, order: NDArray[Any], learning_rates: NDArray[Any], losses: NDArray[Any]) -> int: ...
    def read(
        self,
        values: NDArray[Any] | None,
        first: NDArray[Any] | None,
        second: NDArray[Any] | None,
        statistics: NDArray[Any] | None,
    ) -> None: ...
    def write(
        self,
        values: NDArray[Any],
        first: NDArray[Any] | None,
        second: NDArray[Any] | None,
        statistics: NDArray[Any] | None,
        step: int,
    ) -> None: ...
    @property
    def step(self) -> int: ...

def predict(
    network: Network,
    parameters: NDArray[Any],
    X: NDArray[Any],
    starts: NDArray[Any] | None,
    indices: NDArray[Any] | None,
    input_scale: float,
    input_offset: float,
    softmax: bool,
    outputs: NDArray[Any],
    threads: int,
    kernels: str,
) -> None: ...
def look_up_grid(
    X: NDArray[Any],
    axes: list[tuple[NDArray[Any], NDArray[Any], float, float]],
    heights: NDArray[Any] | None,
    outputs: NDArray[Any],
    threads: int,
) -> None: ...
def look_up_tree(
    X: NDArray[Any],
    axis: NDArray[Any],
    threshold: NDArray[Any],
    children: NDArray[Any],
    heights: NDArray[Any] | None,
    outputs: NDArray[Any],
    threads: int,
) -> None: ...

class L1Interior:
    def __init__(self, Z: NDArray[Any], state: NDArray[Any], p: int, threads: int, kernels: str) -> None: ...
    def normal(self, primal: float, dual: float, M: NDArray[Any], b: NDArray[Any]) -> float: ...
    def predict(self, dw: NDArray[Any], sums: NDArray[Any]) -> None: ...
    def correct(self, mu: float, b: NDArray[Any]) -> None: ...
    def step(self, dw: NDArray[Any], sums: NDArray[Any]) -> None: ...

def l1_screen(
    X: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any] | None,
    columns: NDArray[Any],
    A: NDArray[Any],
    w: NDArray[Any],
    radius: float,
    low: float,
    high: float,
    side: NDArray[Any],
    fold: NDArray[Any],
    check: bool,
    threads: int,
    kernels: str,
) -> tuple[bytes, float, float, int]: ...
