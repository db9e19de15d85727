from collections.abc import Sequence
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray

def processor_features() -> list[str]: ...
def available_kernels() -> list[str]: ...
def available_bfloat16_kernels() -> list[str]: ...

class Pace:
    def __init__(self, *, rate: float, decay: float, epsilon: float) -> None: ...

class Layer:
    def __init__(
        self,
        *,
        n_in: int,
        n_out: int,
        activation: str,
        batch_norm: bool,
        dropout: float,
        parametric: bool,
        weights: Pace,
        biases: Pace,
        scales: Pace,
        slopes: Pace,
    ) -> None: ...

class InputStage:
    def __init__(
        self,
        *,
        numbers: int,
        plain: int,
        counts: Sequence[int],
        frequencies: int,
        combinations: int,
        embedding: int,
        of_cosines: Pace,
        of_embeddings: Pace,
        of_scales: Pace,
    ) -> None: ...

class Network:
    def __init__(self, layers: Sequence[Layer], stage: InputStage | None) -> None: ...

class Inputs:
    def __init__(
        self,
        *,
        values: object,
        starts: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        indices: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        scale: float,
        offset: float,
    ) -> None: ...

class Targets:
    def __init__(
        self,
        *,
        loss: str,
        label_smoothing: float,
        huber_delta: float,
        l2: float,
        labels: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        targets: object | None,
        sample_weight: object | None,
    ) -> None: ...

class Augmentation:
    def __init__(self, *, height: int, width: int, flip: bool, shift: int) -> None: ...

class Optimizer:
    def __init__(
        self,
        *,
        update: str,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
        momentum: float,
    ) -> None: ...

class Problem:
    def __init__(
        self,
        *,
        network: Network,
        inputs: Inputs,
        targets: Targets,
        augmentation: Augmentation,
        optimizer: Optimizer,
        batch_size: int,
        noise_seed: int,
        threads: int,
    ) -> None: ...

def draw_orders(
    seed: int,
    first_epoch: int,
    orders: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...

class Trainer32:
    def __init__(self, problem: Problem, kernels: str) -> None: ...
    def run_epochs(
        self,
        orders: Annotated[
            NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        learning_rates: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        fades: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        losses: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    ) -> int: ...
    def read(
        self,
        values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu")] | None,
        first: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu")] | None,
        second: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu")] | None,
        statistics: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu")] | None,
    ) -> None: ...
    def write(
        self,
        values: Annotated[
            NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        first: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        second: Annotated[
            NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ]
        | None,
        statistics: Annotated[
            NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        step: int,
    ) -> None: ...
    @property
    def step(self) -> int: ...

@overload
def predict(
    network: Network,
    parameters: Annotated[
        NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
    ],
    inputs: Inputs,
    softmax: bool,
    outputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")],
    threads: int,
    kernels: str,
) -> None: ...
@overload
def predict(
    network: Network,
    parameters: Annotated[
        NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
    ],
    inputs: Inputs,
    softmax: bool,
    outputs: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu")],
    threads: int,
    kernels: str,
) -> None: ...

class Trainer64:
    def __init__(self, problem: Problem, kernels: str) -> None: ...
    def run_epochs(
        self,
        orders: Annotated[
            NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        learning_rates: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        fades: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        losses: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    ) -> int: ...
    def read(
        self,
        values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
        first: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
        second: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
        statistics: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
    ) -> None: ...
    def write(
        self,
        values: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        first: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        second: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ]
        | None,
        statistics: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        step: int,
    ) -> None: ...
    @property
    def step(self) -> int: ...

class Axis:
    def __init__(
        self,
        inner: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        starts: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        origin: float,
        scale: float,
    ) -> None: ...

class Splits:
    def __init__(
        self,
        axis: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        threshold: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        children: Annotated[
            NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...

def look_up_grid(
    X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    axes: Sequence[Axis],
    heights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
    | None,
    cells: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")] | None,
    values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
    threads: int,
) -> None: ...
def look_up_tree(
    X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    tree: Splits,
    heights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
    | None,
    cells: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")] | None,
    values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")] | None,
    threads: int,
) -> None: ...

class L1Interior:
    def __init__(
        self,
        Z: Annotated[
            NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        state: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu")],
        p: int,
        threads: int,
        kernels: str,
    ) -> None: ...
    def normal(
        self,
        primal: float,
        dual: float,
        M: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu")],
        b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    ) -> float: ...
    def predict(
        self,
        dw: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        sums: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    ) -> None: ...
    def correct(
        self, mu: float, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")]
    ) -> None: ...
    def step(
        self,
        dw: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        sums: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    ) -> None: ...

class L1Screen:
    def __init__(
        self,
        *,
        X: object,
        y: object,
        some: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        weights: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ]
        | None,
        columns: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        A: Annotated[
            NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        w: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        radius: float,
        low: float,
        high: float,
    ) -> None: ...

def l1_screen(
    screen: L1Screen,
    side: Annotated[NDArray[numpy.int8], dict(shape=(None,), order="C", device="cpu")],
    fold: Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu")],
    threads: int,
    kernels: str,
) -> tuple[bytes, float, float, int]: ...
def l1_check(
    screen: L1Screen,
    side: Annotated[NDArray[numpy.int8], dict(shape=(None,), order="C", device="cpu")],
    threads: int,
    kernels: str,
) -> bytes: ...
def recorded_bits() -> list[tuple[str, int]]: ...
def bits_here(option: int, kernels: str) -> int: ...
