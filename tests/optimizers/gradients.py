"""A small network, gradients of all sizes, and a walk along them by an update rule."""

import numpy as np

from treadle.network import Network, Parameters

NETWORK = Network((7, 5, 3))
RATES = (0.05, 0.05, 0.02, 0.1, 0.001) * 6


def start(dtype=np.float64, network=NETWORK):
    return Parameters.initialise(network, random_state=3, dtype=dtype)


def gradient(step, dtype=np.float64, network=NETWORK):
    rng = np.random.default_rng([11, step])
    scale = 10.0 ** rng.integers(-6, 2, network.n_parameters)
    return Parameters(network, (rng.standard_normal(network.n_parameters) * scale).astype(dtype))


def follow(optimizer, rates, dtype=np.float64, network=NETWORK):
    parameters = start(dtype, network)
    moments = optimizer.start(network.n_parameters, dtype)
    for step, rate in enumerate(rates, 1):
        optimizer.update(parameters, gradient(step, dtype, network), moments, step, rate)
    return parameters, moments
