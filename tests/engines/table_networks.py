"""Networks for tables, and rows for them, that tests of several engines share."""

from dataclasses import replace

import numpy as np

from treadle import AdamW, Fading, InputStage, Network, Objective, Parameters, TrainingProblem
from treadle.engines.gradient_check import random_batch

STAGE = InputStage(3, 2, (4, 6), n_frequencies=5)
STAGES = {
    "all": STAGE,
    "numbers": InputStage(3, n_combinations=2),
    "plain": InputStage(0, 4),
    "categories": InputStage(0, 0, (2, 5, 3), embedding_width=3),
    "one of each": InputStage(1, 1, (1,)),
}
SOFTMAX = {"output": "softmax", "activation": "selu"}
NUMBERS = {"output": "identity", "activation": "mish"}


def table_network(stage=STAGE, **options):
    fields = {"parametric": True, "scaled_rates": True, "input_stage": stage, **SOFTMAX, **options}
    return Network((stage.n_inputs, 7, 6, 3), **fields)


def varied(network, seed=1, dtype=np.float64):
    """Parameters of which no array is special: slopes and scales are not 1, nor biases 0."""
    parameters = Parameters.initialise(network, random_state=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for name, array in parameters.trainable():
        if name.startswith(("slopes", "input_scales", "scales")):
            array[:] = rng.uniform(0.4, 1.6, array.shape)
    return parameters


def table_problem(network, n_rows=90, **changes):
    X, y, sample_weight = random_batch(network, n_rows, 5)
    loss = "cross_entropy" if network.output == "softmax" else "squared"
    problem = TrainingProblem(
        network,
        Objective(loss, label_smoothing=0.1 if loss == "cross_entropy" else 0.0),
        AdamW(0.9, 0.95, weight_decay=0.2),
        X,
        y,
        batch_size=16,
        sample_weight=sample_weight,
        noise_seed=3,
        fading=Fading(60),
    )
    return replace(problem, **changes)
