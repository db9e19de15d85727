"""``treadle report``: write a finished run's pictures and page anew."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_result

app = cyclopts.App(name="report")


@app.default
def report(run: Path, /) -> int:
    """Write a run's report.html, curves.png, confusion.png and predictions.png anew.

    treadle report runs/fashion-mnist-1

    Parameters
    ----------
    run
        Folder of a finished run.
    """
    from treadle.data import load_data
    from treadle.engines.selection import select_engine
    from treadle.report.run_report import evaluate_model, write_run_report
    from treadle.runs.run import Run

    opened = Run.open(run)
    model = opened.model()
    dataset = load_data(opened.config.data)
    evaluation = evaluate_model(
        model, select_engine(dtype=model.parameters.dtype, network=model.network).engine, dataset
    )
    timings = {"training": sum(opened.history().column("seconds"))}
    write_run_report(opened, model, evaluation, dataset, timings)
    print_result(f"report  {opened.report_path}")
    return 0
