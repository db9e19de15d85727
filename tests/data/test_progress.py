"""Progress: what takes long is announced after its first step, on standard error; nothing else is."""

import itertools
import re

import pytest

from treadle.data import progress
from treadle.data.progress import SILENT, Progress, duration


@pytest.fixture
def _slow(monkeypatch):
    """Each look at the clock is half a minute after the last."""
    ticks = itertools.count(0, 30)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(ticks))


def count(say, n):
    with say.counted("bootstrap", n) as step:
        for _ in range(n):
            step()


@pytest.mark.usefixtures("_slow")
def test_what_takes_long_is_announced_once(capsys):
    count(Progress(), 8)
    captured = capsys.readouterr()
    assert captured.err == "treadle: bootstrap: 8 fits, some 4 minutes in all; Ctrl-C stops them\n"
    assert captured.out == ""


@pytest.mark.usefixtures("_slow")
def test_a_terminal_shows_a_bar_that_goes_when_it_is_interrupted(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    bars = []
    made = progress._bar_of_steps
    monkeypatch.setattr(progress, "_bar_of_steps", lambda: bars.append(made()) or bars[-1])
    with pytest.raises(KeyboardInterrupt), Progress().counted("rank intervals", 8) as step:
        step()
        step()
        assert bars[0].live.is_started
        assert bars[0].tasks[0].completed == 2
        raise KeyboardInterrupt
    assert not bars[0].live.is_started
    assert re.search("rank intervals", capsys.readouterr().err)


def test_what_takes_no_time_says_nothing(capsys):
    count(Progress(), 8)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_slow")
def test_the_silent_one_says_nothing(capsys):
    count(SILENT, 8)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(7.4, "some 7 s"), (90, "some 90 s"), (900, "some 15 minutes")]
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
