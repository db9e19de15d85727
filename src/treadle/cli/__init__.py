"""The command line: a file for each subcommand, and ``main``, where every error becomes one line.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 failed, 2 called
wrongly, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import cyclopts

from treadle.errors import InvalidInput, TreadleError

# A command's file, with all that it imports, is loaded when the command is called.
COMMANDS = {
    "train": "Train a classifier, with pictures and a report.",
    "evaluate": "Score a trained classifier, class by class.",
    "predict": "Class probabilities of image files.",
    "report": "Write a run's pictures and report anew.",
    "data": "List, fetch and describe data sets.",
    "check": "See that gradients are right and engines agree.",
}

HELP = """Feed-forward networks at hardware speed, with the proof attached.

A first run:  treadle train fashion-mnist

--debug with any command: a traceback where it fails.
TREADLE_CACHE: the folder for data sets. TREADLE_OFFLINE=1: no network.
"""


def _app(tokens: Sequence[str]) -> cyclopts.App:
    app = cyclopts.App(
        name="treadle",
        help=HELP,
        help_format="plaintext",
        version=_version,
        version_flags=["--version"],
        default_parameter=cyclopts.Parameter(negative=()),  # no --no-json, no --empty-hidden
    )
    for i, (name, summary) in enumerate(COMMANDS.items()):
        # A summary given here would take the place of the command's own, longer help.
        called = tokens[:1] == [name]
        app.command(f"treadle.cli.{name}:app", name=name, help=None if called else summary, sort_key=i)
    return app


def _version() -> str:
    from importlib.metadata import version

    return f"treadle {version('treadle')}"


def main() -> None:
    """Entry point of the command ``treadle``."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    debug = "--debug" in arguments
    tokens = [argument for argument in arguments if argument != "--debug"]
    try:
        code = _app(tokens)(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        print("treadle: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            print(f"treadle: {_one_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, cyclopts.CycloptsError | InvalidInput) else 1


def _one_line(error: Exception) -> str:
    match error:
        case cyclopts.CycloptsError():
            text = f"{error}  (treadle --help shows what is allowed)"
        case TreadleError():
            text = str(error)
        case OSError() if error.strerror:
            text = f"{error.filename or 'a file'}: {error.strerror}"
        case MemoryError():
            text = f"not enough memory: {error}"
        case _:
            text = f"unexpected {type(error).__name__}: {error}  (--debug shows where)"
    return " ".join(text.split())
