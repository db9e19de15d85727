"""Writes the softmax room's state as a program that computes its numbers."""

from __future__ import annotations

from collections.abc import Sequence

PROGRAM = """\
# The softmax room of treadle lab, as it stands: pip install treadle
import numpy as np

import treadle

T = {temperature!r}
z = np.array({logits}) + {shift!r}
target = {target}

y = treadle.softmax(z / T)
print("probabilities:", y)

# The derivatives of each probability (row) by each logit (column): y_i (delta_ij - y_j) / T.
jacobian = treadle.softmax_jacobian(z / T) / T
print(jacobian)
# Measured where e to the z is least rough: less the largest, as only distances count.
report = treadle.check_derivative(treadle.softmax, treadle.softmax_jacobian, (z - z.max()) / T)
print(report)

# The loss, and its gradient: what was given less what was right.
loss = treadle.cross_entropy([z / T], [target])
gradient = treadle.cross_entropy_gradient([z / T], [target])[0] / T
print("loss:", loss, "gradient:", gradient)

# As it is written, and less the largest logit, in each format.
naive, stable = {{}}, {{}}
for dtype in (np.float16, np.float32, np.float64):
    name, rounded = np.dtype(dtype).name, (z / T).astype(dtype)
    with np.errstate(all="ignore"):
        naive[name] = np.exp(rounded) / np.exp(rounded).sum()
        shifted = np.exp(rounded - rounded.max())
        stable[name] = shifted / shifted.sum()
    print(name, naive[name], stable[name])
"""


def python_of(logits: Sequence[float], shift: float, temperature: float, target: int) -> str:
    """Write the program."""
    return PROGRAM.format(logits=list(logits), shift=shift, temperature=temperature, target=target)
