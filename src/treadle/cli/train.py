"""``treadle train``: train a classifier, into a run's folder with a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import cyclopts
from cyclopts import Parameter

from treadle.cli.comma_lists import split_at_commas
from treadle.cli.terminal import print_json, print_result, progress_console
from treadle.cli.training_run import announce, begun_run, in_order, run_to_train, timed, trained
from treadle.cli.whole_numbers import check_whole_numbers
from treadle.runs.config import RunConfig, read_config_file, recipe_values

if TYPE_CHECKING:
    from treadle.choices import EngineName
    from treadle.report.evaluation import Evaluation
    from treadle.runs.run import Run
    from treadle.strict_text import ParsedTable


def _fill_from_files(
    app: cyclopts.App, _commands: tuple[str, ...], arguments: cyclopts.ArgumentCollection
) -> None:
    """Fill options without a flag from the resumed run, --config and the recipe.

    They are taken in this order.
    """
    by_name = {argument.name: argument for argument in arguments}
    split_at_commas(by_name["--hidden"].tokens)

    def given(name: str) -> str | None:
        tokens = by_name[name].tokens
        return tokens[0].value if tokens else None

    def fill(values: ParsedTable, source: str) -> None:
        # Keys are options of this command: "data" is also a command of its own, which Dict would skip.
        cyclopts.config.Dict(values, source=source)(app, (), arguments)

    resumed = given("--resume")
    if resumed and (path := Path(resumed, "config.toml")).is_file():
        fill(read_config_file(path)[0], str(path))
    if config := given("--config"):
        fill(read_config_file(Path(config))[0], config)
    recipe = given("--recipe") or RunConfig.recipe
    if recipe in (by_name["--recipe"].get_choices() or ()):
        fill(recipe_values(recipe), f"the recipe {recipe}")


app = cyclopts.App(name="train", config=(_fill_from_files, check_whole_numbers))


@app.default
def train(
    options: Annotated[RunConfig, Parameter(name="*")] = RunConfig(),  # noqa: B008
    *,
    config: Path | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    json: bool = False,
) -> int:
    """Train a classifier on a data set; save it with history and report.

    treadle train fashion-mnist --hidden 512,256 --epochs 10

    A flag goes before the file that --config names, and that before the
    recipe.

    A table has its own options: treadle train houses.csv --target price, and
    treadle train houses.csv --help

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
    from treadle.data import NAMES, load_data
    from treadle.engines.selection import select_engine
    from treadle.report.run_report import evaluate_model, write_run_report
    from treadle.runs.environment import describe_environment
    from treadle.runs.run import Run, training_loop, training_problem
    from treadle.training.progress import Progress

    console = progress_console()
    begun = begun_run(Run, resume, out)
    if options.engine != "auto":
        select_engine(options.engine)  # refuses what is not here before data are fetched
    timings: dict[str, float] = {}
    with timed(timings, "data"):
        dataset = load_data(options.data)
        selection = select_engine(options.engine, training_problem(options, dataset))
        environment = describe_environment(selection, dataset.source, dataset.checksum)
    # The run's folder is to be of use from anywhere.
    data = options.data if options.data in NAMES else str(Path(options.data).resolve())
    resolved = replace(options, data=data, engine=cast("EngineName", selection.engine.name))
    if not begun:
        # Refuses what cannot be used before there is a folder.
        training_loop(resolved, selection.engine, dataset)
    run = run_to_train(Run, begun, out, dataset.name, resolved, environment, console)
    what, n_epochs = f"{resolved.data}, {resolved.recipe} recipe", resolved.epochs
    with in_order(console, run, n_epochs):
        model = trained(
            run,
            timings,
            lambda: run.train(
                selection.engine,
                dataset,
                callbacks=Progress(console),
                on_start=lambda: announce(console, run, what, n_epochs),
            ),
        )
        with timed(timings, "final evaluation"):
            evaluation = evaluate_model(model, selection.engine, dataset)
        write_run_report(run, model, evaluation, dataset, timings)
    if json:
        result = {"run": str(run.folder), "report": str(run.report_path), "seconds": timings}
        print_json({**result, "test": evaluation.to_dict(), "history": run.history().as_dicts()})
    else:
        _print_evaluation(run, evaluation)
    return 0


def _print_evaluation(run: Run, evaluation: Evaluation) -> None:
    low, high = evaluation.accuracy_interval
    print_result(f"test accuracy  {evaluation.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
    print_result(f"test loss      {evaluation.loss:.4f}")
    print_result(f"report         {run.report_path}")
