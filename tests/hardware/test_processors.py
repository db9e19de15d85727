import contextvars
import os
from pathlib import Path

import pytest

from treadle.hardware import processors
from treadle.hardware.processors import processor_name, share, usable_threads


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """Eight processors, all for this process, no container."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_all_processors_are_used_where_nothing_forbids_it():
    assert usable_threads() == processors.ThreadCount(8, "the logical processors of this machine")


def test_the_affinity_mask_limits(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 6})
    assert usable_threads().n == 3
    assert "affinity mask" in usable_threads().reason


def test_a_system_without_affinity_masks_counts_processors(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_threads().n == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_threads().n == 1


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("250000 100000\n", 2),
        ("50000 100000", 1),
        ("max 100000\n", 8),
        ("1600000 100000", 8),
        ("", 8),
        ("1 0", 8),
    ],
)
def test_the_quota_of_a_container_limits(text, n):
    processors.CPU_MAX.write_text(text)
    assert usable_threads().n == n


@pytest.mark.parametrize(
    ("text", "n"),
    [
        *(("3", 3), (" 2 ", 2), ("4,2", 4), ("0", 8), ("-1", 8), ("many", 8), ("", 8), ("64", 8), ("²", 8)),
        *(("9" * 18, 8), ("9" * 5000, 8)),  # Python reads no number of more than 4300 digits
    ],
    ids=lambda value: str(value)[:20],
)
def test_omp_num_threads_limits(monkeypatch, text, n):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert usable_threads().n == n


def test_one_of_several_computations_has_its_share(monkeypatch):
    context = contextvars.copy_context()
    context.run(share.set, 3)
    told = context.run(usable_threads)
    assert told == processors.ThreadCount(3, "the share of one of several computations at once")
    assert usable_threads().n == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert context.run(usable_threads).n == 2


def test_a_container_is_asked_once():
    processors.CPU_MAX.write_text("250000 100000")
    assert usable_threads().n == 2
    processors.CPU_MAX.write_text("max 100000")
    assert usable_threads().n == 2


def test_the_processor_is_the_first_that_the_system_names(monkeypatch):
    text = "processor : 0\nmodel name\t: A CPU @ 1: fast\nmodel name\t: Another\n"
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: text)
    assert processor_name() == "A CPU @ 1: fast"


def test_without_that_file_it_is_what_python_knows(monkeypatch):
    def fails(path, encoding):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", fails)
    monkeypatch.setattr(processors.platform, "processor", lambda: "")
    monkeypatch.setattr(processors.platform, "machine", lambda: "riscv64")
    assert processor_name() == "riscv64"
