"""Writes the back-propagation room's state as a program: eight equations, and the check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.server.rooms.planted_errors import PlantedError

PROGRAM = """\
# The back-propagation room of treadle lab, as it stands: pip install treadle
import numpy as np

import treadle

network = treadle.Network({sizes}, activation="{activation}")
parameters = treadle.Parameters(network, np.array({parameters}))
X = np.array({X})
labels = np.array({labels})
l2 = {l2!r}
activation, derivative = treadle.{activation}, treadle.{activation}_derivative

weights, biases = parameters.weights, parameters.biases
N, L = len(X), len(weights)

# Forward.
a, z = [X], [X]  # z[0] is never used
for l in range(1, L + 1):
    z.append(a[l - 1] @ weights[l - 1] + biases[l - 1])  # (1)
    a.append(activation(z[l]) if l < L else z[l])  # (2), and (3) without dropout
p = treadle.softmax(a[L])
t = np.eye(network.sizes[-1])[labels]
loss = treadle.cross_entropy(a[L], labels) + l2 / 2 * sum(np.sum(W * W) for W in weights)  # (4)
print("loss:", loss)

# Backward.
d = (p - t) / N  # (5)
derivatives, weight_gradients, bias_gradients = [d], [], []
for l in range(L, 0, -1):
    weight_gradients.insert(0, a[l - 1].T @ d + l2 * weights[l - 1])  # (7)
    bias_gradients.insert(0, d.sum(axis=0))  # (8)
    if l > 1:
        d = (d @ weights[l - 1].T) * derivative(z[l - 1])  # (6)
        derivatives.insert(0, d)

# The check: each gradient beside a finite difference, which knows none of (5) to (8).
flat = np.concatenate([gradient.ravel() for gradient in weight_gradients + bias_gradients])
gradients = treadle.Parameters(network, flat)
engine, objective = treadle.select_engine("numpy").engine, treadle.Objective(l2=l2)


def loss_with(k, value):
    moved = parameters.copy()
    moved.flat[k] = value
    return engine.loss_and_gradients(moved, X, labels, objective=objective)[0]


differences = np.array([
    treadle.check_derivative(
        lambda value, k=k: loss_with(k, value), lambda _, k=k: gradients.flat[k], parameters.flat[k]
    ).numeric
    for k in range(network.n_parameters)
])
for gradient, difference in zip(gradients.flat, differences):
    print(f"{{gradient: .9f}} {{difference: .9f}}")
reports = treadle.check_gradients(engine, parameters, X, labels, objective=objective, gradients=gradients)
for report in reports:
    print(report.name, "passed" if report.passed else "FAILED")
"""


def python_of(
    sizes: Sequence[int],
    activation: str,
    parameters: Sequence[float],
    X: Sequence[Sequence[float]],
    labels: Sequence[int],
    l2: float,
    error: PlantedError | None,
) -> str:
    """Write the program, with the planted error in it if there is one."""
    program = PROGRAM.format(
        sizes=tuple(sizes), activation=activation, parameters=parameters, X=X, labels=labels, l2=l2
    )
    if error is None:
        return program
    return "\n".join(
        f"{line.replace(error.right, error.wrong)}: the planted error" if error.right in line else line
        for line in program.split("\n")
    )
