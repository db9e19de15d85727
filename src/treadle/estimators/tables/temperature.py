r"""Fits the temperature that undoes what label smoothing does to probabilities.

Where every held-out row is classified right, the cross-entropy falls for ever as the temperature does. So the
targets are Platt's: with n rows and K classes the true class has ``1 - (K - 1) / (n + K)`` and each other
``1 / (n + K)``, as if each class had been seen once more in the place of each. Platt, "Probabilistic outputs
for support vector machines" (1999).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.estimators.mlp.targets import Targets
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.temperature import temperature_in_bounds


def fitted_temperature(
    kind: Targets, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None
) -> float:
    """Return the temperature of least cross-entropy on held-out rows.

    Parameters
    ----------
    kind : Targets
        Classes.
    logits : ndarray of shape (N, K)
    targets : ndarray
        As ``kind`` encodes them.
    sample_weight : ndarray of shape (N,), or None
    """
    n, n_outputs = logits.shape
    n_classes = n_outputs if kind.output == "softmax" else 2
    if n_classes == 1 or not np.isfinite(logits).all():
        return 1.0
    share = 1 / (n + n_classes)
    soft = np.eye(n_classes)[targets] if kind.output == "softmax" else targets.astype(np.float64)
    soft = soft * (1 - n_classes * share) + share
    # A bound is no cause for concern: logits that say nothing, or the opposite, end at the greatest.
    return temperature_in_bounds(logits, soft, sample_weight, output=kind.output)[0]
