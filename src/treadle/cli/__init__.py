"""The command line: ``main``, and a file for each subcommand.

``main`` makes one line of every error.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 failed, 2 called
wrongly, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

# A command's file, with all that it imports, is loaded when the command is called, and cyclopts when any is:
# it takes several times as long to load as the page below to print.
COMMANDS = {
    "train": "Train on images or a table, with pictures and a report.",
    "evaluate": "Score a trained network: classes or numbers.",
    "predict": "Predict image files, or the rows of a table.",
    "export": "Write a trained network as an ONNX file.",
    "report": "Write a run's pictures and report anew.",
    "lad": "Fit a table's column under the L1 norm, certified.",
    "data": "List, fetch and describe data sets.",
    "boxes": "Build a network of boxes for a typed function, with a proved error.",
    "lab": "Open a page to play with lines, networks, and the proofs about them.",
    "check": "See that gradients are right and engines agree.",
    "info": "Show the processor, the engines and the versions here.",
}

_SUMMARIES = "\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())

HELP = f"""Usage: treadle COMMAND [ARGUMENTS]

Feed-forward networks at hardware speed, with the proof attached.

A first run:  treadle train fashion-mnist
On a table:   treadle train houses.csv --target price

Commands:
{_SUMMARIES}

treadle COMMAND --help describes a command.
treadle --version says which treadle this is.

--debug with any command: a traceback where it fails.
TREADLE_CACHE: the folder for data sets. TREADLE_OFFLINE=1: no network."""


def main() -> None:
    """Entry point of the command ``treadle``."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            # What the terminal has no letter for is shown escaped, never the end of the output.
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in arguments
    tokens = [argument for argument in arguments if argument != "--debug"]
    try:
        match tokens:
            case [] | ["--help"] | ["-h"]:
                print(HELP)
                code = 0
            case ["--version"]:
                print(_version())
                code = 0
            case _:
                code = _call(tokens)
        if sys.stdout:  # none where whoever called has closed it
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("treadle: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        text, code = _told(error, tokens)
        if debug:
            import traceback

            traceback.print_exc()
        else:
            from treadle.messages import visible

            print(f"treadle: {visible(' '.join(text.split()))}", file=sys.stderr)
        return code


def _call(tokens: Sequence[str]) -> int:
    import cyclopts

    from treadle.cli.table_commands import module_of
    from treadle.cli.whole_numbers import check_whole_numbers

    app = cyclopts.App(
        name="treadle",
        help_format="plaintext",
        version=_version,
        config=check_whole_numbers,
        default_parameter=cyclopts.Parameter(negative=()),  # no --no-json, no --empty-hidden
    )
    for name in COMMANDS:
        module = module_of(tokens) if name == tokens[0] else f"treadle.cli.{name}"
        app.command(f"{module}:app", name=name)
    code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    return code if isinstance(code, int) else 0  # --help of a command returns nothing


def _version() -> str:
    from importlib.metadata import version

    return f"treadle {version('treadle')}"


def _told(error: Exception, tokens: Sequence[str]) -> tuple[str, int]:
    """Return an error's message and exit code."""
    import cyclopts

    from treadle.errors import InvalidInput, TreadleError

    match error:
        case cyclopts.CycloptsError():
            command = f"treadle {tokens[0]}" if tokens[0] in COMMANDS else "treadle"
            return f"{error}  ({command} --help shows what is allowed)", 2
        case InvalidInput():
            return str(error), 2
        case TreadleError():
            return str(error), 1
        case OSError() if error.strerror:
            return f"{error.filename or 'a file'}: {error.strerror}", 1
        case MemoryError():
            return f"not enough memory: {error}", 1
        case _:
            return f"unexpected {type(error).__name__}: {error}  (--debug shows where)", 1
