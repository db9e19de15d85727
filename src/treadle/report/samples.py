"""Chooses an evaluated set's samples to show, and draws and names them.

Rows of X are shown as grey images only; colour is refused by the shape. Dimensions: N samples, D features,
H by W pixels.
"""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Numbers
from treadle.report.evaluation import Evaluation


def choose_samples(evaluation: Evaluation, n_right: int, n_wrong: int) -> NDArray[np.int64]:
    """Return indices of right and of wrong samples, spread over classes.

    There are at most n_right answered right, and then at most n_wrong answered wrong. Both are spread evenly
    over the classes, by true class and then by place in the set, so that the choice needs no random numbers
    and shows no favourites.
    """
    if n_right < 0 or n_wrong < 0:
        raise InvalidInput(f"the numbers of samples must be at least 0; got {n_right!r} and {n_wrong!r}")

    def spread(indices: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        ordered = indices[np.argsort(evaluation.y_true[indices], kind="stable")]
        n = min(n, len(ordered))
        return ordered[(np.arange(n) * 2 + 1) * len(ordered) // (2 * max(n, 1))]

    right = np.flatnonzero(evaluation.correct)
    wrong = np.flatnonzero(~evaluation.correct)
    return np.concatenate([spread(right, n_right), spread(wrong, n_wrong)])


def as_grey_images(X: Numbers, image_shape: tuple[int, int], scale: float) -> NDArray[np.uint8]:
    """Convert rows (N, D) to grey pictures (N, H, W), uint8.

    0 is black and 255 white.

    ``X * scale``, what the network sees, is drawn as it is where all of it lies in 0 to 1. A wider range is
    stretched from the smallest to the largest value over all of X; all black where they are equal.

    Raises
    ------
    InvalidInput
        If H W is not D, or a value times scale is not finite.
    """
    if X.ndim != 2 or X.shape[1] != math.prod(image_shape):
        raise InvalidInput(
            f"rows of {image_shape[0]} x {image_shape[1]} images have {math.prod(image_shape)} values; "
            f"got an array of shape {X.shape}"
        )
    seen = X * np.float64(scale)
    if not np.isfinite(seen).all():
        raise InvalidInput("images must be finite; got NaN or infinity among the values")
    low, high = (seen.min(), seen.max()) if seen.size else (0.0, 1.0)
    if low < 0 or high > 1:
        seen = (seen - low) / (high - low if high > low else 1.0)
    return np.rint(seen * 255).astype(np.uint8).reshape(-1, *image_shape)


def png_data_uri(image: NDArray[np.uint8]) -> str:
    """Encode a grey image (H, W) as PNG in a ``data:`` address."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def shown_classes(probabilities: Floats, true_class: int, limit: int) -> NDArray[np.int64]:
    """Choose the classes to show for a sample, in column order.

    They are all K, or the likeliest and the true one.

    Parameters
    ----------
    probabilities : array of shape (K,)
        Of one sample.
    true_class : int
        Its index, always shown.
    limit : int
        Above this many classes, only the ``limit`` likeliest, the true class taking the last place if it is
        not among them.
    """
    if len(probabilities) <= limit:
        return np.arange(len(probabilities))
    chosen = np.argsort(-probabilities, kind="stable")[:limit]
    if true_class not in chosen:
        chosen[-1] = true_class
    return np.sort(chosen)


def short_name(name: str, width: int) -> str:
    """Shorten a name to one line of at most width characters.

    Blanks are joined, and control characters replaced.
    """
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in name).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
