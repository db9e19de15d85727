import os

import pytest

from treadle.hardware import memory
from treadle.hardware.memory import in_words, usable_memory


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """Eight gigabytes, no container."""
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2_000_000}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    monkeypatch.setattr(memory, "MEMORY_MAX", tmp_path / "memory.max")


def test_without_a_container_it_is_the_machine_s():
    assert usable_memory() == 8_192_000_000


@pytest.mark.parametrize(
    ("text", "n"), [("1000000\n", 1_000_000), ("max\n", 8_192_000_000), ("9999999999999", 8_192_000_000)]
)
def test_a_container_limits(text, n):
    memory.MEMORY_MAX.write_text(text)
    assert usable_memory() == n


@pytest.mark.parametrize(
    ("n", "words"), [(0, "0 bytes"), (999, "999 bytes"), (88e6, "88 MB"), (16e9, "16 GB"), (2e16, "20 PB")]
)
def test_sizes_are_said_in_units_of_1000(n, words):
    assert in_words(n) == words
