"""``treadle evaluate``: scores a trained classifier on a test set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cyclopts

from treadle.cli.terminal import print_json, print_result, print_table, progress_console, warn

if TYPE_CHECKING:
    from treadle.report.evaluation import Evaluation

app = cyclopts.App(name="evaluate")


@app.default
def evaluate(
    run: Path,
    data: str | None = None,
    /,
    *,
    json: bool = False,
) -> int:
    """Evaluate a run's model: accuracy, loss, scores of each class, confusion matrix.

    treadle evaluate runs/fashion-mnist-1

    Images in other units than those of training, bytes of 0 to 255 in place of
    floats of -1 to 1 say, are brought to the model's units, and it says so;
    where black and white are not known, they are refused.

    Parameters
    ----------
    run
        Folder of a finished run.
    data
        Whose test rows; left out, those of the data that the run was trained on.
    json
        Print the result as JSON.
    """
    from treadle.data import load_data
    from treadle.engines.selection import select_engine
    from treadle.report.run_report import evaluate_model
    from treadle.runs.run import Run

    opened = Run.open(run)
    model = opened.model()
    dataset = load_data(data or opened.config.data)
    engine = select_engine(dtype=model.parameters.dtype, network=model.network).engine
    evaluation = evaluate_model(model, engine, dataset, lambda text: warn(progress_console(), text))
    if json:
        print_json({"run": str(run), "data": dataset.name, "test": evaluation.to_dict()})
    else:
        _print_evaluation(evaluation)
    return 0


def _print_evaluation(evaluation: Evaluation) -> None:
    low, high = evaluation.accuracy_interval
    print_result(f"accuracy  {evaluation.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
    print_result(f"loss      {evaluation.loss:.4f}")
    print_result(f"ECE       {evaluation.calibration().ece:.4f}  (expected calibration error)")
    print_result("")
    print_table(
        ("class", "precision", "recall", "F1", "rows"),
        [
            (row.name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support))
            for row in (*evaluation.per_class, evaluation.macro)
        ],
        align="<>>>>",
    )
    print_result("")
    print_result("confusion matrix: a row for each true class, a column for each predicted one")
    print_table(
        ("class", *(str(k) for k in range(evaluation.n_classes))),
        [
            (f"{k} {name}", *(str(count) for count in row))
            for k, (name, row) in enumerate(zip(evaluation.class_names, evaluation.confusion, strict=True))
        ],
        align="<" + ">" * evaluation.n_classes,
    )
