"""Reads image files of cameras and programs as small grey images.

It refuses files that are truncated or damaged, and, before memory is taken, those of over 50 million pixels;
what is no image is called by its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.data.deep_pixels import deep_to_bytes
from treadle.data.image_kinds import HEAD, kind_of
from treadle.data.whole_png import check_png
from treadle.errors import CorruptFile, InvalidInput, PixelUnitsWarning, TreadleError
from treadle.files import opened

if TYPE_CHECKING:
    from PIL import Image

# Raster formats that Pillow decodes itself; EPS would start another program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "AVIF")
MOST_PIXELS = 50_000_000
NEARLY_BLACK = 3  # of 255: darker than any photograph
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
BAND_PIXELS = 1 << 20
ORIENTATION = 0x0112  # of EXIF


def read_image(
    path: str | Path, image_shape: tuple[int, int] = (28, 28), *, invert: bool = False
) -> NDArray[np.uint8]:
    """Read an image file as a small grey image.

    The image is turned upright as its EXIF data says; transparent parts become the background; it is made
    grey (ITU-R 601-2 luma), inverted on request, and shrunk or enlarged until it just fits; the rest is
    background. An image that has the shape already keeps its pixels.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, GIF (first frame), BMP, TIFF, WebP, PPM, TGA, ICO, JPEG 2000 or AVIF; 8 or 16 bits a
        channel, or grey values of 0 to 65535 in 32 bits or floats. Of deep grey values the range in the file
        decides which is white: the least of 1 (for floats), 255, 1023, 4095 (for integers) and 65535 that
        none exceeds.
    image_shape : tuple (height, width)
        In pixels.
    invert : bool
        Exchange black and white: for dark things on a light ground, where a network has learnt bright things
        on black.

    Returns
    -------
    ndarray of shape image_shape, uint8
        0 is black, the background; 255 is white.

    Raises
    ------
    InvalidInput
        If there is no such file, or it cannot be read.
    CorruptFile
        If it is no image of these formats, is damaged, or has more than 50 million pixels; if grey values are
        negative, not finite or above 65535.

    Warns
    -----
    PixelUnitsWarning
        If white was taken to be another value than the largest of 8 or 16 bits, or all is nearly black.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    height, width = image_shape
    notices: list[str] = []
    try:
        with opened(path) as file, warnings.catch_warnings():
            check_png(file, str(path))
            warnings.simplefilter("ignore")  # Pillow's warnings: what matters is refused below
            Image.init()  # Pillow's builds differ in what they can read
            readable = [name for name in FORMATS if name in Image.OPEN]
            with Image.open(file, formats=readable) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise CorruptFile(
                        f"{path} is an image of {picture.width} x {picture.height} pixels; at most "
                        f"{MOST_PIXELS} are decoded: shrink it first"
                    )
                samples = _Samples.of(picture)
                picture.load()
                grey = _as_grey(picture, 255 if invert else 0, path, samples, notices)
                # Of pixels that are grey already: turning takes another copy of the image.
                grey.getexif()[ORIENTATION] = picture.getexif().get(ORIENTATION, 1)
                grey = ImageOps.exif_transpose(grey)
    except UnidentifiedImageError as error:
        with opened(path) as file:
            kind = kind_of(file.read(HEAD))
        raise CorruptFile(f"{path} is no image that can be read: {kind}; use PNG or JPEG") from error
    except Image.DecompressionBombError as error:
        raise CorruptFile(f"{path} is no image that can be read: {error}; use PNG or JPEG") from error
    except TreadleError:
        raise
    except MemoryError as error:
        raise CorruptFile(f"{path} takes more memory than there is: shrink the image first") from error
    except Exception as error:  # each of Pillow's readers has its own way to say damaged
        if isinstance(error, OSError) and error.errno is not None:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}; check the path") from error
        raise CorruptFile(f"{path} is a damaged image: {error}; save it again") from error
    for notice in notices:
        warnings.warn(notice, PixelUnitsWarning, stacklevel=2)
    if invert:
        grey = ImageOps.invert(grey)
    if grey.size == (width, height):
        return np.array(grey, dtype=np.uint8)
    factor = min(width / grey.width, height / grey.height)
    size = (max(1, round(grey.width * factor)), max(1, round(grey.height * factor)))
    fitted = Image.new("L", (width, height), 0)
    corner = ((width - size[0]) // 2, (height - size[1]) // 2)
    fitted.paste(grey.resize(size, Image.Resampling.LANCZOS), corner)
    return np.array(fitted, dtype=np.uint8)


class _Samples(NamedTuple):
    """A file's statements on its grey values that Pillow's modes leave out."""

    white_is_zero: bool
    have_sign: bool
    have_16_bits: bool

    @classmethod
    def of(cls, picture: Image.Image) -> _Samples:
        """Read the statements from a file that is opened and not loaded yet."""
        tags = getattr(picture, "tag_v2", {})
        return cls(
            tags.get(262) == 0,  # PhotometricInterpretation, WhiteIsZero
            tags.get(339) in (2, (2,)),  # SampleFormat, two's complement
            any(";16" in str(tile) for tile in getattr(picture, "tile", ())),
        )


def _in_bands(image: Image.Image, as_grey: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Convert an image to grey band by band, so that temporary copies stay small."""
    from PIL import Image

    grey = Image.new("L", image.size)
    height = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        band = image.crop((0, top, image.width, min(top + height, image.height)))
        grey.paste(as_grey(band), (0, top))
    return grey


def _as_grey(
    image: Image.Image, background: int, path: str | Path, samples: _Samples, notices: list[str]
) -> Image.Image:
    """Convert to mode L, keeping 16-bit values and transparency.

    ``Image.convert`` alone would clip the former and forget the latter.
    """
    from PIL import Image

    if image.mode in DEEP_MODES:
        pixels, notice = deep_to_bytes(np.asarray(image), path, white_is_zero=samples.white_is_zero)
        notices += [] if notice is None else [notice]
        return Image.fromarray(pixels)
    grey = _in_bands(image, partial(_on_ground, background=background))
    greatest = max(value for value, count in enumerate(grey.histogram()) if count)
    if samples.have_sign and greatest > 127:
        raise CorruptFile(
            f"{path} has 8-bit grey values below 0, so that black and white are not known; save it with 8 "
            "bits without sign"
        )
    if 0 < greatest <= NEARLY_BLACK or (samples.have_16_bits and greatest == 0):
        notices.append(
            f"{path} is nearly black: its brightest pixel is {greatest} of 255. A mask of zeros and ones, or "
            "bytes in a file of 16 bits a channel, look so: save it with 8 bits and values up to 255"
        )
    return grey


def _on_ground(image: Image.Image, background: int) -> Image.Image:
    """Convert a colour image to mode L, its transparent parts on a ground."""
    from PIL import Image

    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, (background, background, background, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB").convert("L")
