"""What a run depends on besides its configuration: versions, processor, engine and data."""

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

from treadle import load_data, select_engine
from treadle.runs import environment
from treadle.runs.environment import DECISIVE, describe_environment, processor_name


def test_it_names_what_may_change_the_bits():
    selection, digits = select_engine("numpy"), load_data("digits")
    found = describe_environment(selection, digits)
    assert found["numpy"] == np.__version__ and found["treadle"] == version("treadle")
    assert found["engine"] == "numpy" and found["engine_reason"] == selection.reason
    assert found["processors"] == str(os.cpu_count())
    assert (found["data_source"], found["data_checksum"]) == ("scikit-learn", digits.checksum)
    assert all(isinstance(value, str) for value in found.values())
    engines = {"torch", "device", "kernels"}  # of other engines than this one
    assert set(DECISIVE) - engines <= set(found)


def test_other_data_have_another_checksum():
    from dataclasses import replace

    digits = load_data("digits")
    other = replace(digits, X_train=digits.X_train + np.uint8(1))
    one, two = (describe_environment(select_engine("numpy"), data) for data in (digits, other))
    assert {name for name in one if one[name] != two[name]} == {"data_checksum"}


def test_the_processor_is_the_first_that_the_system_names(monkeypatch):
    text = "processor : 0\nmodel name\t: A CPU @ 1: fast\nmodel name\t: Another\n"
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: text)
    assert processor_name() == "A CPU @ 1: fast"


def test_without_that_file_it_is_what_python_knows(monkeypatch):
    def fails(path, encoding):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", fails)
    monkeypatch.setattr(environment.platform, "processor", lambda: "")
    monkeypatch.setattr(environment.platform, "machine", lambda: "riscv64")
    assert processor_name() == "riscv64"
