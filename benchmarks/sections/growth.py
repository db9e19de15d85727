"""How the cost of treadle's native engine grows with rows, widths and threads, beside the floor."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from contest import play
from floor import floor
from recipe import Recipe
from results import Measurement, as_records, from_records, table
from sections import Foul
from settings import TRAINED, Settings

ROWS = (7_500, 15_000, 30_000, 60_000)
WIDTHS = (64, 128, 256, 512, 1024, 2048)


def measure(settings: Settings) -> dict[str, Any]:
    """One contest of the engine with itself, so that all its sizes see the same machine."""
    threads = range(1, settings.threads + 1)
    cases = [
        *(("rows", n, Recipe(), min(n, settings.n_rows), settings.threads) for n in ROWS),
        *(("width", h, Recipe((784, h, 10)), settings.n_rows, settings.threads) for h in WIDTHS),
        *(("threads", n, Recipe(), settings.n_rows, n) for n in threads),
    ]
    engine = TRAINED["native" if settings.plays("native") else "numpy"]
    contestants = [
        engine.contestant(recipe, settings, rows=n_rows, threads=n_threads)
        for _, _, recipe, n_rows, n_threads in cases
    ]
    measurements = []
    for (_, _, recipe, n_rows, n_threads), played in zip(
        cases, play(contestants, settings.rounds), strict=True
    ):
        measurements.append(Measurement.of(played, floor(recipe, n_rows, n_threads)))
        if not measurements[-1].losses[-1] < measurements[-1].losses[0]:
            raise Foul(f"{recipe.title}, {n_rows} rows, {n_threads} threads: the loss did not fall")
    return {
        "name": measurements[0].name,
        "cases": [
            {"kind": kind, "value": value, "recipe": asdict(recipe), "rows": n_rows, "threads": n_threads}
            for kind, value, recipe, n_rows, n_threads in cases
        ],
        "measured": as_records(measurements),
    }


def page(record: dict[str, Any]) -> str:
    """A table for each of rows, widths and threads."""
    sizes = "-".join(map(str, Recipe().sizes))
    # Threads that the two tables before the last share.
    threads = record["cases"][0]["threads"]
    n_rows = record["cases"][-1]["rows"]
    titles = {
        "rows": ("rows", f"{sizes}, {threads} threads"),
        "width": ("units h", f"784-h-10, {n_rows} rows, {threads} threads"),
        "threads": ("threads", f"{sizes}, {n_rows} rows"),
    }
    tables = "\n".join(f"{title}:\n\n{_table(record, kind, head)}" for kind, (head, title) in titles.items())
    return f"""## Growth of cost, seconds an epoch

{record["name"]}; batches of 64, all else as in the classic recipe. The last column is the growth of the
median over the line above.

{tables}"""


def _table(record: dict[str, Any], kind: str, heading: str) -> str:
    rows: list[list[str]] = []
    above = None
    for case, m in zip(record["cases"], from_records(record["measured"]), strict=True):
        if case["kind"] != kind:
            continue
        limited = f" ({case['rows']})" if kind == "rows" and case["rows"] != case["value"] else ""
        rows.append(
            [
                f"{case['value']}{limited}",
                f"{m.median:.3f}",
                f"{min(m.seconds):.3f} to {max(m.seconds):.3f}",
                *(("", "") if m.floor is None else (f"{m.floor:.3f}", f"{m.median / m.floor:.2f}")),
                "" if above is None else f"{m.median / above:.2f}",
            ]
        )
        above = m.median
    return table([heading, "median s", "min to max s", "floor s", "times the floor", "growth"], rows)
