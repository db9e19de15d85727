"""Spoil files and load them, some thousand times, each family of files in a process of its own with limits.

    python -m tests.attacks.fuzz CASES                  all families, and the planted faults
    python -m tests.attacks.fuzz CASES FAMILY ...       those
    python -m tests.attacks.fuzz --case N FAMILY        one case, with its traceback

Every case is drawn from its family's name and its number. It ends well if the loader refuses with an error
of treadle's, in a message of some lines that a terminal shows; or if what it gives is what it has to be. A
line of JSON says of each family how many were refused and taken, and which went wrong.
"""

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.attacks.limits import peak, peak_anew
from tests.attacks.loaders import FAMILIES, PLANTED, Family
from treadle.errors import TreadleError
from treadle.messages import visible

CASE_SECONDS = 20  # of the clock
PLANTED_CASES = 3
CASE_BYTES = 300 << 20  # that the process may grow by, once its first cases are done
SPACE_BYTES = 2 << 30  # of addresses, beyond what the process has at its start
MESSAGE_CHARACTERS = 4000
SHOWN_FAILURES = 5


def run_family(family: Family, n_cases: int, report: Path) -> None:
    """Run the cases in this process, which a case may end; the report's last line is what is known."""
    warnings.simplefilter("ignore")
    known = {"family": family.name, "cases": 0, "refused": 0, "taken": 0, "failures": [], "n_failures": 0}
    with tempfile.TemporaryDirectory() as folder, report.open("w") as lines:
        case = family.cases(Path(folder))
        limit = _address_space() + SPACE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        seconds = 1 if family in PLANTED else CASE_SECONDS
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends a loop in C as well
        for number in range(n_cases):
            known["cases"] = number + 1
            lines.seek(0)
            lines.write(json.dumps(known) + "\n")
            lines.truncate()
            lines.flush()
            before = peak_anew()
            signal.alarm(seconds)
            wrong = _outcome(case, random.Random(f"{family.name} {number}"), known)
            signal.alarm(0)
            grown = peak() - before
            if wrong is None and grown > CASE_BYTES:
                wrong = f"took {grown >> 20} MB"
            if wrong is not None:
                _fail(known, number, wrong)
        known["done"] = True
        lines.seek(0)
        lines.write(json.dumps(known) + "\n")
        lines.truncate()


def _outcome(case, rng, known) -> str | None:
    """What went wrong in a case; None if nothing did."""
    try:
        case(rng)
        known["taken"] += 1
    except TreadleError as error:
        known["refused"] += 1
        message = str(error)
        try:
            message.encode("utf-8")
        except UnicodeEncodeError:
            return "its message is no text in UTF-8"
        lines = message.split("\n")
        if not message or len(message) > MESSAGE_CHARACTERS or any(visible(line) != line for line in lines):
            return f"its message of {len(message)} characters is none: {message[:60]!a}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]!a}"
    return None


def _fail(known: dict, number: int, wrong: str) -> None:
    known["n_failures"] += 1
    if len(known["failures"]) < SHOWN_FAILURES:
        known["failures"].append(f"case {number}: {wrong}")


def _address_space() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 4 << 30  # not on Linux


def in_a_process(family: Family, n_cases: int) -> dict:
    """Run a family in a child; what it had found if it did not come to its end."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        child = os.fork()
        if child == 0:
            try:
                run_family(family, n_cases, report)
            except BaseException as error:
                print(f"{family.name}: {error!r}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        text = report.read_text() if report.exists() else ""
        known = (
            json.loads(text) if text else {"family": family.name, "n_failures": 0, "failures": [], "cases": 0}
        )
        if status or not known.get("done"):
            ended = (
                f"signal {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else "an error"
            )
            _fail(known, known["cases"] - 1, f"ended the process by {ended}")
        return known


def main(arguments: list[str]) -> None:
    """Run what the arguments say; a line of JSON for each family."""
    by_name = {family.name: family for family in (*FAMILIES, *PLANTED)}
    if arguments[0] == "--case":
        with tempfile.TemporaryDirectory() as folder:
            name = arguments[2]
            print(by_name[name].cases(Path(folder))(random.Random(f"{name} {int(arguments[1])}")))
        return
    chosen = [by_name[name] for name in arguments[1:]] or list(FAMILIES)
    n_cases = max(1, int(arguments[0]) // len(chosen))
    tasks = [(family, n_cases) for family in chosen]
    if not arguments[1:]:
        tasks += [(family, PLANTED_CASES) for family in PLANTED]
    for family, n in tasks:
        begun = time.monotonic()
        known = in_a_process(family, n)
        print(json.dumps({**known, "seconds": round(time.monotonic() - begun, 1)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
