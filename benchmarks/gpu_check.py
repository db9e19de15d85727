"""Check and time treadle's torch engine on a GPU, in six minutes at most.

``python benchmarks/gpu_check.py --out FOLDER`` needs PyTorch with a GPU, NumPy, and this checkout: nothing
has to be installed or compiled, and JAX and optax take part where they are. It prints the page, and writes it
to FOLDER as gpu_check.md and gpu_check.json after each section. A section that fails or runs out of time
leaves what was measured. The exit status is 1 where something does not agree, failed or was not reached.
``--device cpu --dry`` is a dry run without a GPU, of some seconds, that only shows that everything runs.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
import tomllib
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu import agreement, epochs
from gpu.bare_package import import_treadle_from_here
from gpu.settings import Settings

SECONDS = 360.0
# When each section ends at the latest, as a share of the time; what one leaves over is the next one's.
SECTIONS = {"agreement": (agreement, 0.5), "epochs": (epochs, 0.96)}
STEPS, ROWS, ROUNDS = 200, 60_000, 7
# Of the dry run; an epoch of the small cases is eight steps.
DRY_STEPS, DRY_ROWS, DRY_ROUNDS = 9, 300, 1


def measure_all(
    names: Sequence[str], settings: Settings, start: float, seconds: float, keep: Any
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Each section's record, and why there is none; ``keep`` is called with both after each section."""
    records: dict[str, dict[str, Any]] = {}
    failures: dict[str, str] = {}
    for name in names:
        section, share = SECTIONS[name]
        print(f"--- {name}, until second {share * seconds:.0f}", file=sys.stderr, flush=True)
        try:
            records[name] = section.measure(settings, start + share * seconds)
        except Exception as error:  # whatever it is, it is this section's alone
            failures[name] = f"{type(error).__name__}: {error}"
            traceback.print_exception(error)
        keep(records, failures)
    return records, failures


def problems(records: Mapping[str, dict[str, Any]], failures: Mapping[str, str]) -> list[str]:
    """A sentence for each thing that is not as it has to be."""
    missing = [f"the section {name} is missing: {reason}" for name, reason in failures.items()]
    return missing + [said for name, record in records.items() for said in SECTIONS[name][0].problems(record)]


def page(conditions: Mapping[str, Any], records: Mapping[str, Any], failures: Mapping[str, str]) -> str:
    """Markdown of the whole page."""
    device: dict[str, Any] = {}
    for record in records.values():
        device |= record["conditions"]
    versions = {"treadle": _version(), **device.get("versions", {})}
    for contest in records.get("epochs", {}).get("recipes", ()):
        for rival in contest["rivals"].values():
            versions |= rival["versions"]
    notes = "".join(f"- {note}\n" for note in device.get("notes", ()))
    wrong = "".join(f"- **{said}**\n" for said in problems(records, failures))
    sections = "\n".join(SECTIONS[name][0].page(record) for name, record in records.items())
    dry = (
        "**A dry run: it shows that everything runs, compiles nothing and measures nothing.**\n\n"
        if conditions["dry"]
        else ""
    )
    return f"""# treadle's torch engine on a device

{dry}Written by `python benchmarks/gpu_check.py`.

- Device: {device.get("device", "not known")}
- Machine: {conditions["processor"]}, {conditions["processors"]} processors, {conditions["system"]}, \
Python {conditions["python"]}
- Versions: {", ".join(f"{k} {v}" for k, v in sorted(versions.items()))}
- Rows: {device.get("data", "not known")}
- Date: {conditions["date"]}; it took {conditions["seconds"]:.0f} s
{notes}{wrong}
{sections}"""


def _version() -> str:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--dry", action="store_true", help="a few steps of everything, on few rows")
    parser.add_argument(
        "--data", help="folder with Fashion-MNIST's files [the system's, else synthetic rows]"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the whole time [360]")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="some of the sections [all]")
    parser.add_argument(
        "--rivals", default=",".join(epochs.RIVALS), help=f"some of {','.join(epochs.RIVALS)} [all]"
    )
    parser.add_argument("--out", type=Path, help="folder for gpu_check.md and gpu_check.json [none]")
    options = parser.parse_args(words)
    for name, known in (("rivals", epochs.RIVALS), ("sections", SECTIONS)):
        names = tuple(getattr(options, name).split(","))
        if unknown := sorted(set(names) - set(known)):
            parser.error(f"--{name}: there is no {', '.join(unknown)}; there are {', '.join(known)}")
        setattr(options, name, names)
    if not options.seconds > 0:
        parser.error(f"--seconds must be positive; got {options.seconds}")
    return options


def main() -> int:
    start = time.monotonic()
    options = arguments()
    import_treadle_from_here()
    from machine import description

    settings = Settings(
        options.device,
        options.data,
        DRY_STEPS if options.dry else STEPS,
        DRY_ROWS if options.dry else ROWS,
        DRY_ROUNDS if options.dry else ROUNDS,
        options.rivals,
        options.dry,
    )
    conditions = {**description(), "date": datetime.date.today().isoformat(), "dry": options.dry}

    def keep(records: Mapping[str, dict[str, Any]], failures: Mapping[str, str]) -> str:
        so_far = {**conditions, "seconds": time.monotonic() - start}
        text = page(so_far, records, failures)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "gpu_check.md").write_text(text, "utf-8")
            record = json.dumps({**so_far, "sections": records, "failures": failures}, indent=2)
            (options.out / "gpu_check.json").write_text(record + "\n", "utf-8")
        return text

    records, failures = measure_all(options.sections, settings, start, options.seconds, keep)
    print(keep(records, failures), end="")
    return 1 if problems(records, failures) else 0


if __name__ == "__main__":
    sys.exit(main())
