"""Mirrors and moves training images at random, alike in every engine.

Rows of X are images of one channel, line by line from the top. What happens to row i of a batch is a function
of (seed, step, i) alone. Of the 32-bit words that ``treadle.engines.philox`` gives for the seed and the step,
number 3 i says whether the image is mirrored left to right, 3 i + 1 how far it moves to the right and 3 i + 2
how far down. Nothing here scales, turns or crops, and no label changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from treadle.engines.philox import AUGMENTATION, philox_words
from treadle.engines.rows import DenseRows
from treadle.errors import InvalidInput
from treadle.network import Network
from treadle.whole_numbers import is_whole


@dataclass(frozen=True)
class Augmentation:
    """The random changes of an image each time it is trained on.

    Parameters
    ----------
    image_shape : (height, width)
        Of what a row of X is an image of.
    flip : bool
        Mirror left to right with probability 1/2: where the top bit of the row's first word is set.
    shift : int >= 0
        Then move by dx to the right and dy down, each uniform on -shift .. shift:
        ``dx = (word * (2 * shift + 1) >> 32) - shift``. What comes in at an edge is 0, in the raw numbers of
        X, before any scale or offset.

    Raises
    ------
    InvalidInput
        If the shape is not two positive integers, or the shift negative or not smaller than both of them.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Augmentation
    >>> images = np.array([[1, 2, 3]] * 20)
    >>> seen = Augmentation((1, 3), flip=True).apply(images, seed=0, step=0)
    >>> np.unique(seen, axis=0).tolist()
    [[1, 2, 3], [3, 2, 1]]
    """

    image_shape: tuple[int, int]
    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        shape = self.image_shape
        if not (isinstance(shape, tuple) and len(shape) == 2 and all(is_whole(n) and n > 0 for n in shape)):
            raise InvalidInput(
                f"image_shape must be two positive integers, height and width: a flip or a shift is for "
                f"images; got {shape!r}"
            )
        if not isinstance(self.flip, bool):
            raise InvalidInput(f"flip must be True or False; got {self.flip!r}")
        if not (is_whole(self.shift) and 0 <= self.shift < min(shape)):
            raise InvalidInput(
                f"shift must be an integer of at least 0, smaller than the image's {shape[0]} x {shape[1]} "
                f"pixels; got {self.shift!r}"
            )

    def check_fits(self, network: Network) -> None:
        """Raise InvalidInput unless the image has as many pixels as the network has inputs."""
        if math.prod(self.image_shape) != network.sizes[0]:
            raise InvalidInput(
                f"image_shape must multiply to the {network.sizes[0]} inputs; got {self.image_shape}"
            )

    def apply(self, X: DenseRows, seed: int, step: int) -> DenseRows:
        """Augment the rows of one batch for one step of training.

        Parameters
        ----------
        X : ndarray of shape (N, D), any dtype
            The batch, in its order.
        seed : int in [0, 2**64)
        step : int
            Steps taken since the start of training, from 0.

        Returns
        -------
        ndarray of shape (N, D), of the dtype of X
        """
        if not (self.flip or self.shift):
            return X
        n, (height, width), s = len(X), self.image_shape, self.shift
        words = philox_words(seed, step, AUGMENTATION, 0, 3 * n).reshape(n, 3)
        # Drawn on a field of zeros, each image has its frame moved over it the other way.
        field = np.zeros((n, height + 2 * s, width + 2 * s), dtype=X.dtype)
        images = X.reshape(n, height, width)
        if self.flip:
            is_flipped = words[:, 0] >> 31 == 1
            images = np.where(is_flipped[:, np.newaxis, np.newaxis], images[:, :, ::-1], images)
        field[:, s : s + height, s : s + width] = images
        # 0 .. 2 s: how far to the right and down, plus s.
        moves = (words[:, 1:].astype(np.uint64) * np.uint64(2 * s + 1) >> np.uint64(32)).astype(np.intp)
        frames = np.lib.stride_tricks.sliding_window_view(field, (height, width), axis=(1, 2))
        return frames[np.arange(n), 2 * s - moves[:, 1], 2 * s - moves[:, 0]].reshape(n, height * width)


def mirrored(X: DenseRows, width: int) -> DenseRows:
    """Copy X (N, D) with each line of width elements reversed.

    So images are mirrored left to right.
    """
    return X.reshape(len(X), -1, width)[:, :, ::-1].reshape(X.shape)
