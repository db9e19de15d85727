"""Defines pixel units, the values of black and white, and converts between them.

An array does not say its units. Bytes of 0 to 255, floats of 0 to 1 or -1 to 1: a network trained on one and
shown another guesses, in silence. So the range that training saw is kept, and what it must mean is looked up
here. A range that fits none, as that of standardised images, has no known units: nothing is guessed then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Numbers


@dataclass(frozen=True)
class PixelUnits:
    """The values of a black and of a white pixel.

    Raises
    ------
    InvalidInput
        If both are the same, or one is not finite.
    """

    black: float
    white: float

    def __post_init__(self) -> None:
        if not 0 < abs(self.white - self.black) < np.inf:
            raise InvalidInput(
                f"black and white must be two finite numbers that differ; got {self.black!r} and "
                f"{self.white!r}"
            )

    def __str__(self) -> str:
        return f"black {self.black:g}, white {self.white:g}"

    def from_bytes(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Convert pixels of 0 (black) to 255 (white) to these units, as float32."""
        values = pixels.astype(np.float32) / np.float32(255 / (self.white - self.black))
        return values + np.float32(self.black) if self.black else values

    def convert(self, X: Numbers, other: PixelUnits) -> NDArray[np.float32]:
        """Convert X from the other units to these, as float32."""
        factor = (self.white - self.black) / (other.white - other.black)
        return np.asarray(
            X.astype(np.float32) * np.float32(factor) + np.float32(self.black - factor * other.black)
        )


# Units that people use, and how bright the brightest pixel of a whole data set is in them at least.
KNOWN = (
    *((PixelUnits(0, 1), 0.5), (PixelUnits(0, 16), 16), (PixelUnits(0, 255), 128)),  # 16: UCI's digits
    *((PixelUnits(0, 1023), 768), (PixelUnits(0, 4095), 2048), (PixelUnits(0, 65535), 32768)),
    *((PixelUnits(-0.5, 0.5), 0.25), (PixelUnits(-1, 1), 0.6), (PixelUnits(-128, 127), 64)),
    (PixelUnits(-127.5, 127.5), 64),
)
OVERSHOOT = 0.05  # of white - black, by which resampling may lead beyond both


def units_of(low: float, high: float, scale: float) -> PixelUnits | None:
    """The units of a data set of images; None where they are not known.

    Parameters
    ----------
    low, high : float
        The least and the greatest value.
    scale : float
        What the data set's loader takes for bringing white to 1: believed where the values fill at least a
        quarter of 0 to 1 / scale and do not leave it.
    """
    declared = 1 / scale
    if low >= 0 and declared / 4 <= high <= declared:
        return PixelUnits(0.0, declared)
    found = []
    for units, least in KNOWN:
        slack = OVERSHOOT * (units.white - units.black)
        is_within = units.black - slack <= low and high <= units.white + slack
        # Where black is below 0, values near it there are what tells the units from others.
        is_full = high >= least and (units.black == 0 or low <= units.black / 2)
        if is_within and is_full:
            found.append(units)
    return min(found, key=lambda units: abs(units.black - low) + abs(units.white - high), default=None)
