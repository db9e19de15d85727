"""What a run depends on besides its configuration: versions, processor, engine and data."""

import os
from importlib.metadata import version

import numpy as np

from treadle import load_data, select_engine
from treadle.runs.environment import decisive, describe_environment


def test_it_names_what_may_change_the_bits():
    selection, digits = select_engine("numpy"), load_data("digits")
    found = describe_environment(selection, digits.source, digits.checksum)
    assert found["numpy"] == np.__version__ and found["treadle"] == version("treadle")
    assert found["engine"] == "numpy" and found["engine_reason"] == selection.reason
    assert found["processors"] == str(os.cpu_count())
    assert (found["data_source"], found["data_checksum"]) == ("scikit-learn", digits.checksum)
    assert all(isinstance(value, str) for value in found.values())
    engines = {"torch", "device", "kernels", "bfloat16_kernels"}  # of other engines than this one
    assert set(decisive(found, "float32")) - engines <= set(found)


def test_the_processor_decides_unless_the_native_engine_computes_in_float32():
    for engine, precision, decides in (
        ("native", "float32", False),
        ("native", "bfloat16", True),
        ("numpy", "float32", True),
        ("torch", "float32", True),
    ):
        entries = decisive({"engine": engine}, precision)
        assert ("processor" in entries) is ("kernels" in entries) is decides


def test_other_data_have_another_checksum():
    from dataclasses import replace

    digits = load_data("digits")
    other = replace(digits, X_train=digits.X_train + np.uint8(1))
    one, two = (
        describe_environment(select_engine("numpy"), data.source, data.checksum) for data in (digits, other)
    )
    assert {name for name in one if one[name] != two[name]} == {"data_checksum"}
