"""Rivals at one recipe: the part that the sections on training share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from contest import play
from floor import floor
from recipe import Recipe
from results import Measurement, as_records, from_records, rivals_table, untrained
from sections import Foul
from settings import TRAINED, Settings


def contest(recipe: Recipe, names: Iterable[str], settings: Settings) -> dict[str, Any]:
    """Those of the rivals that take part, an epoch each in turn."""
    names = [name for name in names if settings.plays(name)]
    if not names:
        raise Foul(f"nobody who was asked for takes part at {recipe.title}")
    chosen = [TRAINED[name] for name in names]
    contestants = [trained.contestant(recipe, settings) for trained in chosen]
    measurements = [
        Measurement.of(
            answers, floor(contestant.task.recipe, settings.n_rows, settings.threads), trained.tolerance
        )
        for trained, contestant, answers in zip(
            chosen, contestants, play(contestants, settings.rounds), strict=True
        )
    ]
    if sentences := untrained(measurements):
        raise Foul("\n".join(sentences))
    return {
        "recipe": asdict(recipe),
        "rows": settings.n_rows,
        "rivals": dict(zip(names, as_records(measurements), strict=True)),
        "no_bfloat16": settings.no_bfloat16,
    }


def rivals_of(record: dict[str, Any]) -> list[Measurement]:
    """The measurements in a contest's record."""
    return from_records(record["rivals"].values())


def contest_table(record: dict[str, Any]) -> str:
    """The table, with ratios to treadle's native engine in each precision that it played in."""
    names = list(record["rivals"])
    units = [names.index(name) for name in ("native", "native-bfloat16") if name in names] or [0]
    return rivals_table(rivals_of(record), units) + _note(record)


def _note(record: dict[str, Any]) -> str:
    reason = record["no_bfloat16"]
    return f"\nbfloat16 is left out: {reason}.\n" if reason else ""
