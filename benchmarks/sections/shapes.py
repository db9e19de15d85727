"""Larger batches and a larger network, treadle beside the rivals that keep up."""

from __future__ import annotations

from typing import Any

from recipe import OTHER_SHAPES, Recipe
from sections.training import contest, contest_table
from settings import Settings

RIVALS = (
    "native",
    "native-avx2",
    "native-bfloat16",
    "numpy",
    "torch",
    "torch-bfloat16",
    "torch-bfloat16-weights",
    "jax",
)


def measure(settings: Settings) -> dict[str, Any]:
    """A contest for each shape."""
    return {"shapes": [contest(recipe, RIVALS, settings) for recipe in OTHER_SHAPES]}


def page(record: dict[str, Any]) -> str:
    """A table for each shape."""
    tables = "\n".join(
        f"### {Recipe(**shape['recipe']).title}, {shape['rows']} rows\n\n{contest_table(shape)}"
        for shape in record["shapes"]
    )
    return f"## Other shapes, seconds an epoch\n\nAll else as in the classic recipe.\n\n{tables}"
