"""Data that the tests of the estimators fit, and what they compare."""

import numpy as np


def blobs(n_rows=60, n_classes=3, dtype=np.float64):
    """Rows around a point for each class, and class numbers."""
    rng = np.random.default_rng(4)
    y = np.arange(n_rows) % n_classes
    return (rng.standard_normal((n_rows, 4)) + 3 * np.eye(n_classes, 4)[y]).astype(dtype), y


def plane(n_rows=80, n_outputs=1, dtype=np.float64):
    """Rows, and targets that are nearly a linear function of them: (N,) for one output."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n_rows, 4)).astype(dtype)
    y = (X @ rng.standard_normal((4, n_outputs)) + 0.1 * rng.standard_normal((n_rows, n_outputs))).astype(
        dtype
    )
    return X, y[:, 0] if n_outputs == 1 else y


def labels(n_rows=80, n_labels=3):
    """Rows, and which of several labels each has: some have all, some none."""
    X, y = plane(n_rows, n_labels)
    return X, (y > 0).astype(int)


def bits(fitted):
    """All that was fitted and is predicted with."""
    return b"".join(array.tobytes() for array in (*fitted.coefs_, *fitted.intercepts_))


def expected_failures(estimator):
    """Checks of scikit-learn that its own MLP fails with these arguments, and why; no others."""
    if not estimator.early_stopping:
        return {}
    partial = "partial_fit does not support early_stopping=True without rows to judge by"
    names = ("fit_score_takes_y", "n_features_in_after_fitting", "estimators_partial_fit_n_features")
    weights = "repeated rows are held out one by one, and a row with a weight as a whole"
    return dict.fromkeys((f"check_{name}" for name in names), partial) | {
        f"check_sample_weight_equivalence_on_{kind}_data": weights for kind in ("dense", "sparse")
    }
