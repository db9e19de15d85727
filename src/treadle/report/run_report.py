"""Evaluates a finished run's model, and writes its pictures and page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np

from treadle.data.dataset import Dataset
from treadle.engines.engine import Engine
from treadle.engines.objective import Objective
from treadle.errors import RunError
from treadle.export.model_file import Model
from treadle.maths.softmax import softmax
from treadle.report.evaluation import Evaluation
from treadle.report.report import ReportInputs, write_report
from treadle.report.rows_in_units import rows_in_units
from treadle.report.run_pictures import draw_confusion, draw_curves, draw_predictions
from treadle.runs.run import Run
from treadle.training.held_out import plain_loss

SAMPLES_IN_PICTURE = 12


def evaluate_model(
    model: Model, engine: Engine, dataset: Dataset, on_notice: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Compute the model's loss and class probabilities on the test rows.

    The model knows the range of the data that it was trained on. Where the data set's units are others (bytes
    of 0 to 255 here, floats of 0 to 1 there), its rows are brought to the model's units first, as float32:
    see ``rows_in_units``.

    Parameters
    ----------
    model : Model
    engine : Engine
    dataset : Dataset
    on_notice : callable
        Called with a sentence for people where units were converted or assumed.

    Raises
    ------
    RunError
        If the data set's columns, classes or units are not those that the model was trained on.
    """
    n_inputs = model.network.sizes[0]
    if dataset.X_test.shape[1] != n_inputs or dataset.class_names != model.class_names:
        raise RunError(
            f"{dataset.name} has {dataset.X_test.shape[1]} columns and the classes "
            f"{', '.join(dataset.class_names)}; the model takes {n_inputs} and "
            f"{', '.join(model.class_names)}: "
            "evaluate it on data like those it was trained on"
        )
    if None not in (shapes := (dataset.image_shape, model.image_shape)) and shapes[0] != shapes[1]:
        raise RunError(
            f"{dataset.name} has images of {_in_words(dataset.image_shape)}, and the model takes "
            f"{_in_words(model.image_shape)}: evaluate it on images of that shape"
        )
    X, notice = rows_in_units(model, dataset)
    if notice is not None:
        on_notice(notice)
    logits = engine.logits(model.parameters, X)
    loss = plain_loss(Objective(), logits, dataset.y_test)
    return Evaluation(dataset.y_test, softmax(logits), dataset.class_names, loss)


def _in_words(shape: tuple[int, int] | None) -> str:
    """Write height and width in words."""
    return " x ".join(map(str, shape or ()))


def write_run_report(
    run: Run, model: Model, evaluation: Evaluation, dataset: Dataset, timings: Mapping[str, float]
) -> None:
    """Write ``report.html`` and the three pictures into the run's folder.

    Parameters
    ----------
    run : Run
        Finished.
    model : Model
        The run's.
    evaluation : Evaluation
        Of the model on the test rows of ``dataset``.
    dataset : Dataset
    timings : mapping of str to float
        Seconds by part, shown in the report.
    """
    history = run.history()
    units = dataset.pixel_units
    scale = 1 / units.white if units is not None and units.black == 0 else dataset.scale  # of the drawings
    samples = sample_rows(evaluation)
    pictures = {
        "curves.png": draw_curves(history),
        "confusion.png": draw_confusion(evaluation.confusion, evaluation.class_names),
        "predictions.png": draw_predictions(
            dataset.X_test[samples],
            evaluation.y_true[samples],
            evaluation.probabilities[samples],
            evaluation.class_names,
            dataset.image_shape,
            scale,
        ),
    }
    for name, picture in pictures.items():
        picture.save(run.folder / name)
    configuration = {**asdict(run.config), "parameters": model.network.n_parameters}
    inputs = ReportInputs(
        title=f"{dataset.name}, {run.config.recipe} recipe",
        history=history,
        evaluation=evaluation,
        X_test=dataset.X_test,
        image_shape=dataset.image_shape,
        scale=scale,
        configuration=configuration,
        environment=run.environment,
        timings=timings,
    )
    write_report(run.report_path, inputs)


def sample_rows(
    evaluation: Evaluation, n: int = SAMPLES_IN_PICTURE
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Draw rows for the picture of predictions, without seeing the answers.

    They are in order. A fixed stream, so that two runs show the same images and can be compared.
    """
    n = min(n, evaluation.n_samples)
    return np.sort(np.random.default_rng(0).choice(evaluation.n_samples, n, replace=False))
