"""``treadle train TABLE``: train a network on a table, into a run's folder with a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import cyclopts
from cyclopts import Parameter

from treadle.cli.columns import columns_as_dict, print_columns, warn_of_left_out
from treadle.cli.comma_lists import split_at_commas
from treadle.cli.tables.scores import print_scores
from treadle.cli.terminal import print_json, print_result, progress_console, warn
from treadle.cli.training_run import announce, begun_run, in_order, run_to_train, timed, trained
from treadle.cli.whole_numbers import check_whole_numbers
from treadle.runs.config import read_config_file
from treadle.runs.table_config import TableConfig

if TYPE_CHECKING:
    from treadle.choices import EngineName
    from treadle.strict_text import ParsedTable


def _fill_from_files(
    app: cyclopts.App, _commands: tuple[str, ...], arguments: cyclopts.ArgumentCollection
) -> None:
    """Fill options without a flag from the resumed run, and from --config; split lists at commas."""
    by_name = {argument.name: argument for argument in arguments}
    for name in ("--target", "--hidden"):
        split_at_commas(by_name[name].tokens)

    def fill(values: ParsedTable, source: str) -> None:
        cyclopts.config.Dict(values, source=source)(app, (), arguments)

    for name in ("--resume", "--config"):
        tokens = by_name[name].tokens
        if tokens:
            path = Path(tokens[0].value, "config.toml") if name == "--resume" else Path(tokens[0].value)
            fill(read_config_file(path, TableConfig)[0], str(path))


app = cyclopts.App(name="train", config=(_fill_from_files, check_whole_numbers))


@app.default
def train(
    options: Annotated[TableConfig, Parameter(name="*")],
    *,
    config: Path | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    json: bool = False,
) -> int:
    """Train a network on a table; save it with history and report.

    treadle train houses.csv --target price

    Each column is taken for what its type and content say: number, category,
    true/false, date, or left out. What was decided is printed with the reason;
    --columns zip=category,year=number,id=out decides otherwise. Whether the
    target is classes or numbers is decided the same way. Missing cells,
    unseen categories and the like are no errors.

    A flag goes before the file that --config names.

    Parameters
    ----------
    config
        TOML file with values for the other options; a run's config.toml is one.
    out
        Folder for the run, new or empty. Left out: runs/NAME-1, or the next number.
    resume
        Folder of a run to go on with, to the same bits as if it had never stopped.
    json
        Print the result as JSON.
    """
    from treadle.engines.selection import select_engine
    from treadle.report.table_report import write_table_report
    from treadle.report.table_scores import scores_of
    from treadle.runs.environment import describe_environment
    from treadle.runs.table_data import read_table_data
    from treadle.runs.table_run import TableRun, assigned
    from treadle.training.progress import Progress

    console = progress_console()
    begun = begun_run(TableRun, resume, out)
    if options.engine != "auto":
        select_engine(options.engine)  # refuses what is not here before tables are read
    # The run's folder is to be of use from anywhere.
    options = replace(options, data=str(Path(options.data).resolve()))
    if options.test:
        options = replace(options, test=str(Path(options.test).resolve()))
    timings: dict[str, float] = {}
    with timed(timings, "data"):
        data = read_table_data(options)
        assignment = assigned(options, data)
    columns = assignment.preparation.columns
    warn_of_left_out(columns)
    if data.n_without_target:
        warn(console, f"left out: {data.n_without_target} rows without a target")
    with timed(timings, "start"):
        problem = assignment.problem()
        selection = assignment.select_engine(problem)
    packages = ("treadle", "numpy", "pyarrow")
    environment = describe_environment(selection, data.table.source, data.checksum, packages)
    resolved = replace(options, engine=cast("EngineName", selection.engine.name))
    run = run_to_train(TableRun, begun, out, _name_of(options.data), resolved, environment, console)
    what, n_epochs = f"{resolved.data}, target {', '.join(resolved.target)}", assignment.plan.n_epochs
    with in_order(console, run, n_epochs):
        model = trained(
            run,
            timings,
            lambda: run.train(
                data,
                assignment,
                callbacks=Progress(console),
                on_start=lambda: announce(console, run, what, n_epochs),
            ),
        )
        with timed(timings, "final evaluation"):
            scores = scores_of(model, data.test)
        write_table_report(run, model, data, scores, timings)
    if json:
        result = {"run": str(run.folder), "report": str(run.report_path), "seconds": timings}
        table = columns_as_dict(data.table, list(data.target.names), columns)
        print_json({**result, **table, "test": scores.to_dict(), "history": run.history().as_dicts()})
    else:
        print_scores(scores)
        print_result(f"best epoch     {model.best_epoch_} of {model.n_iter_}")
        print_result(f"report         {run.report_path}")
        print_columns(data.table, columns)
        print_result(f"the target is {data.target.task}: {data.target.reason}")
    return 0


def _name_of(path: str) -> str:
    """Name a run after its table's file."""
    return Path(path).name.partition(".")[0] or "table"
