"""Renders the report of a run on a table: one HTML page that works offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.files import write_atomically
from treadle.report import charts
from treadle.report.charts import Chart, Series, calibration_chart, epoch_chart
from treadle.report.page_template import template
from treadle.report.report import flattened
from treadle.report.table_baselines import Baseline, baselines
from treadle.report.table_scores import TableScores
from treadle.report.table_studies import (
    Dependence,
    TableModel,
    partial_dependence,
    permutation_importance,
    shifts,
    telling_columns,
)
from treadle.report.xy_charts import Points, xy_chart
from treadle.runs.table_data import TableData
from treadle.runs.table_run import TableRun
from treadle.training.history import History

Reals: TypeAlias = NDArray[np.float64]

N_WORST = 12
N_DEPENDENCES = 6
MOST_COLUMNS = 200
SHIFTED = 1.5  # times what is usual, from which on a shift is said


@dataclass(frozen=True)
class Figure:
    """A chart with its words."""

    title: str
    chart: Chart
    summary: str


def write_table_report(
    run: TableRun, model: TableModel, data: TableData, scores: TableScores, timings: Mapping[str, float]
) -> None:
    """Study the model on the test rows, and write the page, whole or not at all."""
    write_atomically(run.report_path, render_table_report(run, model, data, scores, timings).encode())


def render_table_report(
    run: TableRun, model: TableModel, data: TableData, scores: TableScores, timings: Mapping[str, float]
) -> str:
    """Render the page as one string of HTML."""
    history = run.history()
    importances = permutation_importance(model, data.test)
    first = [one.name for one in importances[:N_DEPENDENCES]]
    shifted = shifts(model.preparation_, data.train.table, data.test.table)
    own = _own_scores(scores)
    largest = max((one.mean for one in importances), default=0.0)
    return template("table_report.html.jinja").render(
        title=f"{Path(run.config.data).name}: {', '.join(data.target.names)}",
        classifies=scores.classes is not None,
        scores=scores,
        own=own,
        baselines=baselines(model, data.train, data.test),
        n_rows={
            "train": len(data.train.table),
            "validation": len(data.held_out.table),
            "test": len(data.test.table),
        },
        n_without_target=data.n_without_target,
        target=data.target,
        columns=model.columns_[:MOST_COLUMNS],
        n_columns=len(model.columns_),
        counts=model.preparation_.transform(data.test.table).counts.in_words(),
        training_counts=model.preparation_.training_counts.in_words(),
        telling=telling_columns(model, data.train, data.test),
        curves=_curves(history),
        figures=_figures(scores),
        importances=importances[:MOST_COLUMNS],
        largest=largest,
        dependences=[
            (name, *_dependence_figure(partial_dependence(model, data.test, name))) for name in first
        ],
        last_class=str(model.classes_[-1]) if scores.classes is not None else "",
        worst=_worst(scores, data),
        shifted=[one for one in shifted if one.distance > SHIFTED * one.usual],
        best_epoch=model.best_epoch_,
        n_epochs=len(history),
        temperature=getattr(model, "temperature_", None),
        n_parameters=model.network_.n_parameters,
        training_seconds=sum(history.column("seconds")),
        charts=charts,
        configuration=flattened(asdict(run.config)),
        environment=run.environment,
        timings=timings,
    )


def _own_scores(scores: TableScores) -> Baseline:
    if scores.classes is not None:
        return Baseline("this network", scores.classes.accuracy, scores.classes.loss)
    return Baseline("this network", scores.numbers[0].rmse, scores.numbers[0].r2)


def _curves(history: History) -> list[Figure]:
    """Chart the loss and the score that chose the epoch."""
    epochs = [record.epoch for record in history]
    losses = [
        Series("train", "train", history.column("train_loss")),
        Series("test", "validation", history.column("held_out_loss")),
    ]
    chart = epoch_chart(epochs, losses, "loss", lambda value: f"{value:.4f}", None)
    found = [Figure("Loss", chart, "train (dashed) and validation")]
    values = history.column("held_out_score")
    if np.isfinite(values).any():
        best = len(values) - 1 - int(np.nanargmax(values[::-1]))
        score = Series("test", "validation", values)
        chart = epoch_chart(epochs, [score], "score", lambda value: f"{value:.4f}", ("test", best))
        found.append(Figure("Validation score", chart, f"highest {values[best]:.4f}, epoch {epochs[best]}"))
    return found


def _figures(scores: TableScores) -> list[Figure]:
    """Draw ROC, precision-recall and calibration of classes; predictions and residuals of numbers."""
    evaluation = scores.classes
    diagonal = Points("perfect", np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    if evaluation is None:
        found = []
        for one in scores.numbers:
            order = np.random.default_rng(0).permutation(len(one.y_true))
            true, predicted = one.y_true[order], one.predicted[order]
            ends = np.array([one.y_true.min(), one.y_true.max()])
            cloud = Points("test", predicted, true, as_line=False)
            chart = xy_chart([Points("perfect", ends, ends), cloud], "predicted", "true")
            found.append(Figure(f"{one.name}: true against predicted", chart, f"R2 {one.r2:.3f}"))
            zero = Points("perfect", np.array([predicted.min(), predicted.max()]), np.zeros(2))
            chart = xy_chart(
                [zero, Points("test", predicted, true - predicted, as_line=False)], "predicted", "residual"
            )
            found.append(Figure(f"{one.name}: residuals", chart, f"RMSE {one.rmse:.4g}"))
            means = _binned(one.predicted, one.y_true)
            chart = xy_chart(
                [Points("perfect", ends, ends), Points("test", *means)], "mean predicted", "mean true"
            )
            found.append(Figure(f"{one.name}: calibration", chart, "means of tenths of the rows"))
        return found
    calibration = evaluation.calibration()
    summary = f"expected calibration error {100 * calibration.ece:.2f} %"
    found = [Figure("Calibration", calibration_chart(calibration), summary)]
    if evaluation.n_classes == 2 and 0 < evaluation.y_true.sum() < evaluation.n_samples:
        from sklearn.metrics import precision_recall_curve, roc_curve

        false, true, _ = roc_curve(evaluation.y_true, evaluation.probabilities[:, 1])
        chart = xy_chart(
            [diagonal, Points("test", false, true)], "false positives", "true positives", within=(0, 1)
        )
        found.append(Figure("ROC", chart, f"area {scores.roc_auc:.4f}"))
        precision, recall, _ = precision_recall_curve(evaluation.y_true, evaluation.probabilities[:, 1])
        chart = xy_chart([Points("test", recall, precision)], "recall", "precision", within=(0, 1))
        found.append(Figure("Precision and recall", chart, f"of {evaluation.class_names[1]}"))
    return found


def _binned(predicted: Reals, true: Reals) -> tuple[Reals, Reals]:
    """Return means of predicted and true numbers in tenths of the rows, by what is predicted."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(10, len(predicted)))
    return (
        np.array([predicted[part].mean() for part in parts]),
        np.array([true[part].mean() for part in parts]),
    )


def _dependence_figure(found: Dependence) -> tuple[Figure | None, list[tuple[str, str]]]:
    """Return a chart of numbers; of categories and dates a table of values and mean predictions."""
    if found.numbers is None:
        return None, [(value, f"{mean:.4g}") for value, mean in zip(found.values, found.means, strict=True)]
    points = Points("test", np.array(found.numbers), np.array(found.means))
    return Figure(found.name, xy_chart([points], found.name[:60], "mean prediction"), ""), []


def _worst(scores: TableScores, data: TableData) -> list[tuple[int, str, str, str]]:
    """Return the worst test rows: number in the file, true, predicted, and how wrong."""
    evaluation = scores.classes
    if evaluation is not None:
        names = evaluation.class_names
        return [
            (
                int(data.test_rows[i]),
                names[evaluation.y_true[i]],
                names[evaluation.predicted[i]],
                f"{100 * evaluation.confidence[i]:.1f} %",
            )
            for i in evaluation.most_confident_mistakes(N_WORST).tolist()
        ]
    one = scores.numbers[0]
    return [
        (int(data.test_rows[i]), f"{one.y_true[i]:.6g}", f"{one.predicted[i]:.6g}", f"{one.residuals[i]:.4g}")
        for i in one.worst(N_WORST).tolist()
    ]
