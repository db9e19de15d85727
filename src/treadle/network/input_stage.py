"""What stands before the first layer where a row of X is a row of a table.

``InputStage`` says which columns are numbers and which are codes of categories, and of what shape the trained
arrays are that turn them into the first layer's inputs. It computes nothing: ``treadle.engines.input_stage``
has the equations. Dimensions: n numbers, F frequencies, m categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats
from treadle.network.uniform import uniform
from treadle.whole_numbers import is_whole

# The normal deviation of initial frequencies, in periods over a distance of 1.
FREQUENCY_SCALE = 0.1

# Factors of the learning rate: of the embedding of numbers, and of the scaling layer. Decay has them too,
# beside the learning rate's: the recipe's code multiplies by both.
NUMBERS_RATE = 0.1
SCALING_RATE = 6.0

# Codes are held in floats: float32 holds every whole number up to here.
LARGEST_COUNT = 2**24


@dataclass(frozen=True)
class InputStage:
    """Embeddings of numbers and categories, and a scaling layer, before a network's first layer.

    A row of X holds n numbers, then columns that go in as they are, then one code for each of m categories: a
    whole number from 0 to its count less 1. A number x becomes x itself and some linear combinations of F
    cosines of it, with trained frequencies and phases; a code becomes a trained row of numbers. All that, the
    combinations first, then numbers and plain columns as they lie in X, then categories, is multiplied by a
    trained factor for each input of the first layer.

    Parameters
    ----------
    n_numbers, n_plain : int >= 0
    category_counts : tuple of int >= 1
        How many codes each category has.
    n_frequencies : int >= 1
    n_combinations : int >= 1
        Of the cosines of a number, beside the number itself.
    embedding_width : int >= 1
        Of the row of a code.

    Raises
    ------
    InvalidInput
        If a number is none of these, or there is no column at all.

    Examples
    --------
    >>> from treadle import InputStage, Network
    >>> stage = InputStage(n_numbers=2, n_plain=1, category_counts=(10, 30))
    >>> stage.n_inputs, stage.width  # 4 for a number, 1 as it is, 8 for a category
    (5, 25)
    >>> Network((5, 64, 3), input_stage=stage).layers[0].n_in
    25
    """

    n_numbers: int = 0
    n_plain: int = 0
    category_counts: tuple[int, ...] = ()
    n_frequencies: int = 16
    n_combinations: int = 3
    embedding_width: int = 8

    def __post_init__(self) -> None:
        leasts = {"n_numbers": 0, "n_plain": 0, "n_frequencies": 1, "n_combinations": 1, "embedding_width": 1}
        for name, least in leasts.items():
            value = getattr(self, name)
            if not (is_whole(value) and value >= least):
                raise InvalidInput(f"{name} must be an integer of at least {least}; got {value!r}")
            object.__setattr__(self, name, int(value))
        counts = self.category_counts
        if not isinstance(counts, tuple | list) or not all(
            is_whole(count) and 1 <= count <= LARGEST_COUNT for count in counts
        ):
            raise InvalidInput(
                f"category_counts must be integers from 1 to {LARGEST_COUNT}, one a category; got {counts!r}"
            )
        object.__setattr__(self, "category_counts", tuple(map(int, counts)))
        if self.n_inputs == 0:
            raise InvalidInput("an input stage must have a number, a plain column or a category; got none")

    @property
    def n_copied(self) -> int:
        """How many columns, the first of X, go in as they are: numbers and plain ones."""
        return self.n_numbers + self.n_plain

    @property
    def n_inputs(self) -> int:
        """D, the columns of X."""
        return self.n_copied + len(self.category_counts)

    @property
    def n_combined(self) -> int:
        """The outputs that are combinations of cosines, which come first."""
        return self.n_combinations * self.n_numbers

    @property
    def width(self) -> int:
        """The inputs of the first layer."""
        return self.n_combined + self.n_copied + self.embedding_width * len(self.category_counts)

    @property
    def first_rows(self) -> tuple[int, ...]:
        """Where each category's rows begin in ``embeddings``, which holds those of all."""
        return tuple(accumulate(self.category_counts[:-1], initial=0)) if self.category_counts else ()

    def arrays(self) -> Iterator[tuple[str, tuple[int, ...], float]]:
        """Name, shape and rate factor of each trained array; the decay's factor is the same.

        What no column needs is left out.
        """
        n, frequencies, combinations = self.n_numbers, self.n_frequencies, self.n_combinations
        if n:
            yield "frequencies", (n, frequencies), NUMBERS_RATE
            yield "phases", (n, frequencies), NUMBERS_RATE
            yield "combinations", (n, frequencies, combinations), NUMBERS_RATE
            yield "combination_biases", (n, combinations), NUMBERS_RATE
        if self.category_counts:
            yield "embeddings", (sum(self.category_counts), self.embedding_width), 1.0
        yield "input_scales", (self.width,), SCALING_RATE

    def initial(self, rng: np.random.Generator) -> dict[str, Floats]:
        """Draw the arrays by name, float64.

        Frequencies are normal, of deviation 0.1; phases uniform on +-pi; combinations and their biases
        uniform on +-1/sqrt(F); rows of categories normal, of deviation 1; factors are 1.
        """
        bound = 1 / math.sqrt(self.n_frequencies)
        result: dict[str, Floats] = {}
        for name, shape, _rate in self.arrays():
            match name:
                case "frequencies":
                    result[name] = FREQUENCY_SCALE * rng.standard_normal(shape)
                case "phases":
                    result[name] = uniform(rng, math.pi, shape)
                case "embeddings":
                    result[name] = rng.standard_normal(shape)
                case "input_scales":
                    result[name] = np.ones(shape)
                case _:
                    result[name] = uniform(rng, bound, shape)
        return result
