"""The kernel's recorded bits: given by every table of kernels here, and a changed one is seen."""

import os

import pytest

from treadle.errors import InvalidInput
from treadle.hardware.native import extension
from treadle.hardware.native.bits import differing_options

if os.environ.get("TREADLE_WITHOUT_NATIVE") == "1":
    pytest.skip("TREADLE_WITHOUT_NATIVE=1", allow_module_level=True)


@pytest.mark.parametrize("kernels", extension.available_kernels())
def test_every_option_gives_the_recorded_bits(kernels):
    differing, n_options = differing_options(kernels)
    assert differing == []
    assert n_options == len(extension._native.recorded_bits()) >= 44


def test_each_option_has_bits_of_its_own_but_the_order_of_memory():
    recorded = dict(extension._native.recorded_bits())
    assert 0 not in recorded.values()
    assert recorded.pop("X as columns of float32") == recorded["activation relu"]  # the plain training
    for dtype in ("uint8", "float64"):
        assert recorded.pop(f"X as columns of {dtype}") == recorded[f"X as {dtype}"]
    assert len(set(recorded.values())) == len(recorded)


def test_an_option_with_other_bits_is_named(monkeypatch):
    first, *others = extension._native.recorded_bits()

    class Changed:
        bits_here = staticmethod(extension._native.bits_here)

        @staticmethod
        def recorded_bits():
            return [(first[0], first[1] ^ 1), *others]

        available_kernels = staticmethod(extension._native.available_kernels)

    monkeypatch.setattr(extension, "_native", Changed)
    assert differing_options(extension.available_kernels()[0])[0] == [first[0]]


def test_kernels_that_are_not_here_are_refused():
    with pytest.raises(InvalidInput, match=r"the kernels with recorded bits are .*portable here; got 'vax'"):
        differing_options("vax")
