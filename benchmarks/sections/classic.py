"""The classic recipe: treadle on each path that it has here, beside every rival."""

from __future__ import annotations

from typing import Any

from recipe import Recipe
from sections.training import contest, contest_table
from settings import TRAINED, Settings


def measure(settings: Settings) -> dict[str, Any]:
    """An epoch each in turn."""
    return contest(Recipe(), TRAINED, settings)


def page(record: dict[str, Any]) -> str:
    """The table of the classic recipe."""
    return f"""## The classic recipe, seconds an epoch

Fashion-MNIST, {record["rows"]} rows, {Recipe().title}, ReLU, cross-entropy, Adam 0.001.

{contest_table(record)}"""
