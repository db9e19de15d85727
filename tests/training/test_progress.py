"""Progress on a screen: a table, a bar in a terminal, and nothing of a screen in a pickle."""

import pickle
from types import SimpleNamespace

from rich.console import Console

from tests.training.training_cases import make_loop
from treadle.training.callbacks import Training
from treadle.training.progress import Progress


def shown(loop, **console):
    console = Console(record=True, width=100, file=SimpleNamespace(write=len, flush=int), **console)
    Training(loop, Progress(console)).run()
    return console.export_text().splitlines()


def test_progress_is_a_table_of_the_epochs():
    lines = shown(make_loop())
    assert " ".join(lines[0].split()) == "epoch train loss test loss test accuracy learning rate seconds"
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]


def test_columns_without_figures_are_left_out():
    lines = shown(make_loop(tested=False))
    assert " ".join(lines[0].split()) == "epoch train loss learning rate seconds"


def test_a_terminal_shows_a_bar_too():
    lines = shown(make_loop(), force_terminal=True)
    assert "5/5" in "".join(lines)


def test_progress_can_be_pickled_after_it_was_used():
    progress = Progress()
    Training(make_loop(), progress).run()
    Training(make_loop(), pickle.loads(pickle.dumps(progress))).run()
