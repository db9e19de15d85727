"""A picture as a list of shapes and texts, in inches from its upper left, and the PNG file of it.

Pillow draws it, which the page's samples load in any case; matplotlib takes longer to load than a short
training takes. There are straight lines, upright rectangles, circles, pixels and texts, and nothing else. The
font is DejaVu Sans, as matplotlib brings it; where its file is not found, Pillow's own, of fewer letters.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.files import write_atomically

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

DPI = 150
POINT = 1 / 72  # inches
COMPRESSION = 3  # of 9: the usual 6 takes twice as long, for files a quarter smaller
FINER = 4  # what is neither upright nor level is drawn that many times larger, and averaged
HATCH_PERIOD, HATCH_WIDTH = 0.08, 0.024  # inches between white stripes, and across one

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Text:
    """A line of text; ``anchor`` is Pillow's two letters for what of it lies at (x, y), which it turns about.

    ``size`` is in points, ``angle`` in degrees against the clock.
    """

    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    anchor: str = "ls"
    angle: float = 0.0

    def box(self) -> Box:
        """Left, top, right and bottom of what it covers, turned as it is."""
        left, top, right, bottom = _font(self.size, self.bold).getbbox(self.text, anchor=self.anchor)
        turned = [_turned(x, y, self.angle) for x in (left, right) for y in (top, bottom)]
        xs, ys = zip(*turned, strict=True)
        return (
            self.x + min(xs) / DPI,
            self.y + min(ys) / DPI,
            self.x + max(xs) / DPI,
            self.y + max(ys) / DPI,
        )

    def draw(self, canvas: _Canvas) -> None:
        """On the canvas."""
        from PIL import Image

        font = _font(self.size, self.bold)
        if not self.angle:
            at = (self.x * DPI, self.y * DPI)
            canvas.draw.text(at, self.text, fill=self.colour, font=font, anchor=self.anchor)
            return
        left, top, right, bottom = map(int, font.getbbox(self.text, anchor=self.anchor))
        width, height = right - left + 2, bottom - top + 2  # a pixel around, for what turning smears

        def write(draw: ImageDraw.ImageDraw) -> None:
            draw.text((1 - left, 1 - top), self.text, fill=255, font=font, anchor=self.anchor)

        mask = canvas.mask(width, height, write).rotate(self.angle, Image.Resampling.BICUBIC, expand=True)
        x, y = _turned(1 - left - width / 2, 1 - top - height / 2, self.angle)
        corner = (round(self.x * DPI - mask.width / 2 - x), round(self.y * DPI - mask.height / 2 - y))
        canvas.image.paste(self.colour, corner, mask)


@dataclass(frozen=True)
class Rectangle:
    """Filled, framed or both; ``hatched``: with white stripes that rise to the right."""

    left: float
    top: float
    right: float
    bottom: float
    fill: str | None = None
    frame: str | None = None
    hatched: bool = False

    def draw(self, canvas: _Canvas) -> None:
        """On the canvas; one that is narrower than half a pixel is not seen."""
        left, top, right, bottom = (
            round(DPI * end) for end in (self.left, self.top, self.right, self.bottom)
        )
        if right > left and bottom > top:
            canvas.draw.rectangle((left, top, right - 1, bottom - 1), fill=self.fill)
            if self.hatched:
                canvas.paste_fine("white", (left, top, right, bottom), self._stripes)
        if self.frame is not None:
            canvas.draw.rectangle((left, top, right, bottom), outline=self.frame, width=max(1, DPI // 75))

    def _stripes(self, draw: ImageDraw.ImageDraw, left: int, top: int, finer: float) -> None:
        height = (self.bottom - self.top) * finer
        period, x = HATCH_PERIOD * finer, -height
        while x < (self.right - self.left) * finer:
            ends = [(x - period, height + period), (x + height + period, -period)]  # beyond the rectangle
            draw.line(ends, fill=255, width=round(HATCH_WIDTH * finer))
            x += period


@dataclass(frozen=True)
class Line:
    """Straight pieces from point to point, ``width`` points wide; ``dash`` is a dash and a gap in inches."""

    points: Sequence[Point]
    colour: str
    width: float
    dash: tuple[float, float] | None = None

    def draw(self, canvas: _Canvas) -> None:
        """On the canvas."""
        half = self.width * POINT
        xs, ys = zip(*self.points, strict=True)
        canvas.paste_fine(
            self.colour,
            _pixels(min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half),
            self._strokes,
        )

    def _strokes(self, draw: ImageDraw.ImageDraw, left: int, top: int, finer: float) -> None:
        width = max(1, round(self.width * POINT * finer))
        for piece in [self.points] if self.dash is None else _dashes(self.points, *self.dash):
            at = [(x * finer - left * FINER, y * finer - top * FINER) for x, y in piece]
            draw.line(at, fill=255, width=width, joint="curve")


@dataclass(frozen=True)
class Circle:
    """A disc, or with ``width``, in points, a ring."""

    x: float
    y: float
    radius: float
    colour: str
    width: float = 0.0

    def draw(self, canvas: _Canvas) -> None:
        """On the canvas."""
        reach = self.radius + self.width * POINT
        box = _pixels(self.x - reach, self.y - reach, self.x + reach, self.y + reach)
        canvas.paste_fine(self.colour, box, self._paint)

    def _paint(self, draw: ImageDraw.ImageDraw, left: int, top: int, finer: float) -> None:
        x, y = self.x * finer - left * FINER, self.y * finer - top * FINER
        half = self.width * POINT * finer / 2
        radius = self.radius * finer + half
        box = (x - radius, y - radius, x + radius, y + radius)
        if self.width:
            draw.ellipse(box, outline=255, width=round(2 * half))
        else:
            draw.ellipse(box, fill=255)


@dataclass(frozen=True)
class Pixels:
    """An array of uint8, (H, W) grey or (H, W, 3) in colour, each element a rectangle of one colour."""

    array: NDArray[np.uint8]
    left: float
    top: float
    right: float
    bottom: float

    def draw(self, canvas: _Canvas) -> None:
        """On the canvas."""
        from PIL import Image

        left, top, right, bottom = _pixels(self.left, self.top, self.right, self.bottom)
        image = Image.fromarray(self.array).resize((right - left, bottom - top), Image.Resampling.NEAREST)
        canvas.image.paste(image, (left, top))


Shape: TypeAlias = Text | Rectangle | Line | Circle | Pixels


class Picture:
    """White, of so many inches; ``shapes`` are drawn one over the other."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self.shapes: list[Shape] = []

    def add(self, *shapes: Shape) -> None:
        """Draw these over what is there."""
        self.shapes += shapes

    def png(self) -> bytes:
        """The file, of 150 dots an inch."""
        canvas = _Canvas(math.ceil(self.width * DPI), math.ceil(self.height * DPI))
        for shape in self.shapes:
            shape.draw(canvas)
        file = io.BytesIO()
        canvas.image.save(file, "PNG", dpi=(DPI, DPI), compress_level=COMPRESSION)
        return file.getvalue()

    def save(self, path: Path) -> None:
        """Write the file; path holds the old one or the new one, whole."""
        write_atomically(path, self.png())


class _Canvas:
    """An image of pixels to draw on."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)

    def mask(self, width: int, height: int, paint: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
        """A mask of that size, painted on with 255."""
        from PIL import Image, ImageDraw

        mask = Image.new("L", (max(width, 1), max(height, 1)))
        paint(ImageDraw.Draw(mask))
        return mask

    def paste_fine(
        self,
        colour: str,
        box: tuple[int, int, int, int],
        paint: Callable[[ImageDraw.ImageDraw, int, int, float], None],
    ) -> None:
        """Colour the pixels of a box by how much of each is painted, on a mask FINER times as fine.

        ``paint`` is called with the mask's drawing, left and top of the box in pixels, and how many of the
        mask's own an inch has.
        """
        left, top, right, bottom = box
        mask = self.mask(
            (right - left) * FINER, (bottom - top) * FINER, lambda draw: paint(draw, left, top, DPI * FINER)
        )
        self.image.paste(colour, (left, top), mask.reduce(FINER))


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Inches that a text of so many points takes."""
    return _font(size, bold).getlength(text) / DPI


@cache
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    pixels = size * POINT * DPI
    path = font_file(bold)
    if path is None:
        return ImageFont.load_default(pixels)
    return ImageFont.truetype(path, pixels, layout_engine=ImageFont.Layout.BASIC)


def font_file(bold: bool) -> Path | None:
    """DejaVu Sans among the data of matplotlib, which is not imported; None if it is not there."""
    spec = importlib.util.find_spec("matplotlib")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    folders = spec.submodule_search_locations or [] if spec else []
    paths = (Path(folder, "mpl-data", "fonts", "ttf", name) for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _pixels(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    """The pixels that a box in inches touches."""
    return (
        math.floor(left * DPI),
        math.floor(top * DPI),
        math.ceil(right * DPI),
        math.ceil(bottom * DPI),
    )


def _turned(x: float, y: float, angle: float) -> Point:
    """A point about the origin, by degrees against the clock; y points down."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def _dashes(points: Sequence[Point], on: float, off: float) -> Iterator[list[Point]]:
    """The dashes of a line: on and off inches long along it, corners kept."""
    drawing, left = True, on
    piece = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        length, done = math.hypot(x1 - x0, y1 - y0), 0.0
        while length - done > left:
            done += left
            at = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length)
            if drawing:
                yield [*piece, at]
            drawing, left, piece = not drawing, off if drawing else on, [at]
        left -= length - done
        piece.append((x1, y1))
    if drawing and len(piece) > 1:
        yield piece
