"""Renders a run's report: one HTML page that works offline.

Everything is in it, and it loads nothing. The page holds no script and its content security policy forbids
any, as it forbids every request; its charts are SVG and answer to the pointer through CSS alone. Every text
from outside (titles, class names, paths, settings) is escaped. Dimensions: N samples, D features, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.engines.rows import DenseRows
from treadle.errors import InvalidInput
from treadle.files import write_atomically
from treadle.report import charts
from treadle.report.curves import curves
from treadle.report.evaluation import Evaluation
from treadle.report.page_template import template
from treadle.report.samples import as_grey_images, choose_samples, png_data_uri, shown_classes
from treadle.report.shading import confusion_strength
from treadle.training.history import History

N_RIGHT, N_WRONG, N_MISTAKES = 6, 6, 12
CLASSES_ON_CARD = 4
LARGEST_MATRIX = 30  # classes; beyond, a table of the most frequent confusions says more
FREQUENT_CONFUSIONS = 8


@dataclass(frozen=True, eq=False)
class ReportInputs:
    """Everything that a report shows.

    Parameters
    ----------
    title : str
    history : History
        At least one epoch.
    evaluation : Evaluation
        Of the final model, on the test set.
    X_test : array of shape (N, D), uint8 or float
        The rows that ``evaluation`` is about, in its order.
    image_shape : (H, W), or None
        None for rows that are no images: their samples are shown by their probabilities alone.
    scale : float
        The network saw ``X_test * scale``, which is drawn: 0 black, 1 white.
    configuration : mapping of str to object
        The resolved settings; mappings inside are flattened to dotted names. ``parameters``, where present,
        is the number of weights and biases and goes into the headline.
    environment : mapping of str to str
        Versions, processor, engine and why it was chosen, checksums.
    timings : mapping of str to float
        Seconds by part.

    Raises
    ------
    InvalidInput
        If the history is empty, or X_test is not as above.
    """

    title: str
    history: History
    evaluation: Evaluation
    X_test: DenseRows
    image_shape: tuple[int, int] | None
    scale: float
    configuration: Mapping[str, object]
    environment: Mapping[str, str]
    timings: Mapping[str, float]

    def __post_init__(self) -> None:
        if len(self.history) == 0:
            raise InvalidInput("a report needs a history of at least one epoch; train before reporting")
        if self.X_test.ndim != 2 or len(self.X_test) != self.evaluation.n_samples:
            raise InvalidInput(
                f"X_test must have the {self.evaluation.n_samples} rows that were evaluated; "
                f"got an array of shape {self.X_test.shape}"
            )
        if self.image_shape is not None and self.X_test.shape[1] != math.prod(self.image_shape):
            raise InvalidInput(
                f"image_shape must be None or have as many pixels as X_test has columns, "
                f"{self.X_test.shape[1]}; got {self.image_shape!r}"
            )


def render_report(inputs: ReportInputs) -> str:
    """Render the page as one string of HTML."""
    evaluation = inputs.evaluation
    calibration = evaluation.calibration()
    samples = choose_samples(evaluation, N_RIGHT, N_WRONG)
    right = evaluation.correct[samples]
    mistakes = evaluation.most_confident_mistakes(N_MISTAKES)
    pictures = _pictures(inputs, np.array(sorted({*samples.tolist(), *mistakes.tolist()}), dtype=np.int64))
    parameters = inputs.configuration.get("parameters")
    return template("report.html.jinja").render(
        title=inputs.title,
        evaluation=evaluation,
        n_right=int(evaluation.correct.sum()),
        history=inputs.history,
        records=[inputs.history[i] for i in charts.stop_indices(len(inputs.history))],
        training_seconds=sum(inputs.history.column("seconds")),
        n_parameters=parameters if isinstance(parameters, int) else None,
        curves=curves(inputs.history),
        charts=charts,
        number=_number_or_dash,
        matrix=_matrix(evaluation) if evaluation.n_classes <= LARGEST_MATRIX else None,
        confusions=_frequent_confusions(evaluation),
        right=_cards(evaluation, samples[right], pictures),
        wrong=_cards(evaluation, samples[~right], pictures),
        mistakes=_cards(evaluation, mistakes, pictures),
        calibration=calibration,
        calibration_chart=charts.calibration_chart(calibration),
        configuration=flattened(inputs.configuration),
        environment=inputs.environment,
        timings=inputs.timings,
    )


def write_report(path: Path, inputs: ReportInputs) -> None:
    """Render the page and write it, whole or not at all."""
    write_atomically(path, render_report(inputs).encode("utf-8"))


@dataclass(frozen=True)
class _Cell:
    """One count of the confusion matrix.

    ``strength`` in [0, 1] is how deep its colour is.
    """

    count: int
    strength: float
    right: bool


def _matrix(evaluation: Evaluation) -> list[tuple[str, list[_Cell]]]:
    """Return the rows of the confusion matrix with their classes' names."""
    confusion = evaluation.confusion
    strength = confusion_strength(confusion)
    return [
        (name, [_Cell(int(confusion[i, j]), float(strength[i, j]), i == j) for j in range(len(confusion))])
        for i, name in enumerate(evaluation.class_names)
    ]


def _frequent_confusions(evaluation: Evaluation) -> list[tuple[str, str, int, float]]:
    """Return the largest counts off the diagonal of the confusion matrix.

    Each is (true class, predicted class, count, share of the true class).
    """
    mistakes = evaluation.confusion - np.diag(evaluation.confusion.diagonal())
    support = evaluation.confusion.sum(axis=1)
    order = np.argsort(-mistakes, axis=None, kind="stable")
    n = FREQUENT_CONFUSIONS if evaluation.n_classes <= LARGEST_MATRIX else LARGEST_MATRIX
    names = evaluation.class_names
    return [
        (names[i], names[j], int(mistakes[i, j]), float(mistakes[i, j] / support[i]))
        for i, j in (divmod(int(place), evaluation.n_classes) for place in order[:n])
        if mistakes[i, j] > 0
    ]


@dataclass(frozen=True)
class _Card:
    """One sample: its picture, and its likeliest classes' probabilities.

    The picture is an address or None. ``bars`` are (class name, probability, is it the predicted one, is it
    the true one), the likeliest first.
    """

    index: int
    picture: str | None
    predicted_class: str
    true_class: str
    right: bool
    bars: list[tuple[str, float, bool, bool]]


def _pictures(inputs: ReportInputs, indices: NDArray[np.int64]) -> dict[int, str]:
    """Return the samples' pictures as addresses, on one grey scale.

    There are none where rows are no images.
    """
    if inputs.image_shape is None:
        return {}
    images = as_grey_images(inputs.X_test[indices], inputs.image_shape, inputs.scale)
    return {int(index): png_data_uri(image) for index, image in zip(indices, images, strict=True)}


def _cards(evaluation: Evaluation, indices: NDArray[np.int64], pictures: Mapping[int, str]) -> list[_Card]:
    names = evaluation.class_names
    cards = []
    for index in map(int, indices):
        probabilities = evaluation.probabilities[index]
        true, predicted = evaluation.y_true[index], evaluation.predicted[index]
        shown = shown_classes(probabilities, int(true), CLASSES_ON_CARD)
        shown = shown[np.argsort(-probabilities[shown], kind="stable")]
        bars = [(names[k], float(probabilities[k]), bool(k == predicted), bool(k == true)) for k in shown]
        right = bool(evaluation.correct[index])
        cards.append(_Card(index, pictures.get(index), names[predicted], names[true], right, bars))
    return cards


def flattened(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Flatten settings to names and texts; dots join nested names."""
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += flattened(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", _setting(value)))
    return rows


def _setting(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value) or "none"
    return str(value)


def _number_or_dash(value: float, form: str) -> str:
    return "–" if math.isnan(value) else form % value
