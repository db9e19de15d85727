"""Small evaluations and histories with known answers, for the tests of figures and reports."""

import math

import numpy as np

from treadle.report.evaluation import Evaluation
from treadle.report.report import ReportInputs
from treadle.training.history import EpochRecord, History

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Ankle boot")


def make_history(n_epochs=5, test=True):
    """Test loss lowest, and accuracy highest, at the last epoch but one (or the only one)."""
    best = max(1, n_epochs - 1)
    return History(
        EpochRecord(
            epoch,
            1.0 / epoch,
            0.4 + 0.01 * abs(epoch - best) if test else math.nan,
            0.9 - 0.01 * abs(epoch - best) if test else math.nan,
            1e-3,
            1.5,
        )
        for epoch in range(1, n_epochs + 1)
    )


def make_evaluation(names=NAMES, n_samples=60, n_wrong=20, seed=0):
    """The first n_wrong samples are answered wrong, by the next class; all others right."""
    rng = np.random.default_rng(seed)
    n_classes = len(names)
    y_true = np.arange(n_samples) % n_classes
    answer = y_true.copy()
    answer[:n_wrong] = (answer[:n_wrong] + 1) % n_classes
    probabilities = rng.dirichlet(np.ones(n_classes), n_samples)
    probabilities += np.eye(n_classes)[answer] * rng.uniform(1.05, 4, (n_samples, 1))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Evaluation(y_true, probabilities, names, 0.4321)


def make_inputs(**changes):
    """A whole report's inputs: 5 by 4 images."""
    evaluation = changes.pop("evaluation", None) or make_evaluation()
    n_samples = evaluation.n_samples
    inputs = {
        "title": "a title",
        "history": make_history(),
        "evaluation": evaluation,
        "X_test": np.random.default_rng(1).integers(0, 256, (n_samples, 20)).astype(np.uint8),
        "image_shape": (5, 4),
        "scale": 1 / 255,
        "configuration": {
            "hidden": (256, 128),
            "optimizer": {"name": "adam", "beta": 0.9},
            "parameters": 12345,
        },
        "environment": {"numpy": "2.4.0", "engine": "numpy (asked for)"},
        "timings": {"load data": 0.0213, "training": 75.25, "evaluation": 3725.0},
    }
    return ReportInputs(**inputs | changes)
