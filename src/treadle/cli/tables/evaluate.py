"""``treadle evaluate RUN TABLE``: scores a run's model on the rows of a table."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.tables.scores import print_scores
from treadle.cli.terminal import print_json, progress_console, warn

app = cyclopts.App(name="evaluate")


@app.default
def evaluate(run: Path, table: Path | None = None, /, *, json: bool = False) -> int:
    """Score a run's model on a table that has the target, beside a constant.

    treadle evaluate runs/houses-1 new.csv

    Columns are found by their names. What was replaced in them, missing cells
    and unseen categories, is counted and said.

    Parameters
    ----------
    run
        Folder of a finished run.
    table
        File with rows and the target; left out, the run's own test rows.
    json
        Print the result as JSON.
    """
    from treadle.report.table_scores import scores_of
    from treadle.runs.table_data import labelled_table, read_table_data
    from treadle.runs.table_run import TableRun
    from treadle.tables.table import read_table

    opened = TableRun.open(run)
    model = opened.model()
    if table is None:
        rows, source = read_table_data(opened.config).test, "the run's test rows"
    else:
        read = read_table(str(table), like=model.preparation_.reading)
        rows, source = labelled_table(read, opened.target()), str(table)
    console = progress_console()
    for sentence in model.preparation_.transform(rows.table).counts.in_words():
        warn(console, sentence)
    scores = scores_of(model, rows)
    if json:
        print_json({"run": str(run), "data": source, "test": scores.to_dict()})
    else:
        print_scores(scores)
    return 0
