"""The kernel's recorded bits: small trainings with every option, see ``native/training/recorded_bits.h``."""

from __future__ import annotations

from treadle.errors import InvalidInput
from treadle.hardware.native import extension


def differing_options(kernels: str) -> tuple[list[str], int]:
    """The options whose trainings give other bits here than where they were recorded, and how many there are.

    Parameters
    ----------
    kernels : str
        One of ``available_kernels()``.

    Raises
    ------
    EngineUnavailable
        If there is no extension here.
    InvalidInput
        If there are no such kernels here.
    """
    available = extension.available_kernels()
    if kernels not in available:
        raise InvalidInput(f"the kernels with recorded bits are {', '.join(available)} here; got {kernels!r}")
    recorded = extension._native.recorded_bits()
    differing = [
        option
        for number, (option, bits) in enumerate(recorded)
        if extension._native.bits_here(number, kernels) != bits
    ]
    return differing, len(recorded)
