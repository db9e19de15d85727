"""What every rival is asked to train: numbers only, so that no rival can drift from them.

ReLU, cross-entropy, Adam, the last partial batch included, rows shuffled each epoch, weights and biases
uniform on +-1/sqrt(n_in), pixels divided by 255. Sizes, batches and precision are the recipe's fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Recipe:
    """A network, and how it is trained; the defaults are the classic recipe.

    Parameters
    ----------
    sizes : tuple of int
        Units of every layer, inputs and outputs included.
    batch_size : int
    precision : {"float32", "bfloat16", "bfloat16 weights"}
        Of the products. The last is for rivals that can keep the weights themselves in bfloat16 as well.
    learning_rate : float
        Constant.
    """

    sizes: tuple[int, ...] = (784, 256, 128, 64, 10)
    batch_size: int = 64
    precision: str = "float32"
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))  # JSON knows lists only

    @property
    def title(self) -> str:
        """The network and the batches, for headings."""
        return f"{'-'.join(map(str, self.sizes))}, batches of {self.batch_size}"

    @property
    def factors(self) -> str:
        """Number format of the products' factors, which decides the unit that computes them."""
        return self.precision.removesuffix(" weights")

    @property
    def n_parameters(self) -> int:
        """Weights and biases together."""
        return sum(n_in * n_out + n_out for n_in, n_out in pairwise(self.sizes))

    def multiplications(self, n_rows: int) -> int:
        """Multiply-adds in the matrix products of an epoch.

        A weight takes three for each row: forward, its own gradient, and the gradient of its layer's input,
        which the first layer does not need.
        """
        weights = [n_in * n_out for n_in, n_out in pairwise(self.sizes)]
        return n_rows * (3 * sum(weights) - weights[0])

    def n_steps(self, n_rows: int) -> int:
        """Batches in an epoch."""
        return -(-n_rows // self.batch_size)


OTHER_SHAPES = (
    Recipe(batch_size=256),
    Recipe(batch_size=1024),
    Recipe(sizes=(784, 1024, 1024, 10), batch_size=256),
)
"""Larger batches and a larger network."""
