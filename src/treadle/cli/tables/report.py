"""``treadle report RUN``: write the page of a run on a table anew."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_result

app = cyclopts.App(name="report")


@app.default
def report(run: Path, /) -> int:
    """Write the report.html of a run on a table anew.

    treadle report runs/houses-1

    Parameters
    ----------
    run
        Folder of a finished run.
    """
    from treadle.report.table_report import write_table_report
    from treadle.report.table_scores import scores_of
    from treadle.runs.table_data import read_table_data
    from treadle.runs.table_run import TableRun

    opened = TableRun.open(run)
    model = opened.model()
    data = read_table_data(opened.config)
    timings = {"training": sum(opened.history().column("seconds"))}
    write_table_report(opened, model, data, scores_of(model, data.test), timings)
    print_result(f"report  {opened.report_path}")
    return 0
