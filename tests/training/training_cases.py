"""A small training with dropout, weights and a test set; and every bit that it leaves."""

from dataclasses import astuple, replace

import numpy as np

from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers import (
    SGD,
    Adam,
    AdamW,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    LogCosine,
    OneCycle,
)
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((4, 6, 5, 3), ("tanh", "gelu"), dropout=(0.4, 0.2))
N_EPOCHS = 5
OPTIMIZERS = {"adam": Adam(), "adamw": AdamW(), "sgd": SGD(), "plain sgd": SGD(0.0)}
# tol so large that every epoch after the first stalls: the rate is divided in epochs 4 and 6.
ADAPTIVE = Adaptive(tol=10, n_iter_no_change=1)
SCHEDULE_CASES = (Constant(), OneCycle(), Cosine(), InverseScaling(), ADAPTIVE, LogCosine())


def make_loop(
    optimizer=OPTIMIZERS["adam"],
    schedule=SCHEDULE_CASES[0],
    dtype=np.float32,
    noise_seed=6,
    seed=3,
    tested=True,
    fading=None,
    drops_remainder=False,
):
    X, y, sample_weight = random_batch(NETWORK, 22, 9)
    objective = Objective(label_smoothing=0.1, l2=0.01)
    problem = TrainingProblem(
        NETWORK,
        objective,
        optimizer,
        X,
        y,
        sample_weight=sample_weight,
        batch_size=8,
        noise_seed=noise_seed,
        fading=fading,
    )
    plan = TrainingPlan(N_EPOCHS, 0.02, schedule, seed, drops_remainder=drops_remainder)
    parameters = Parameters.initialise(NETWORK, random_state=4, dtype=dtype)
    test_set = random_batch(NETWORK, 30, 1)[:2] if tested else None
    return TrainingLoop(NumpyEngine(), problem, plan, parameters, test_set)


def result(loop):
    """Every bit of the state, and of the history except the seconds."""
    checkpoint = loop.checkpoint()
    state = {name: (array.dtype, array.shape, array.tobytes()) for name, array in checkpoint.state.items()}
    return state, [tuple(map(repr, astuple(replace(record, seconds=0)))) for record in checkpoint.history]
