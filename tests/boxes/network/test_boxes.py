"""The record of a box network: what contradicts itself is refused, the rest is kept as given."""

import math

import numpy as np
import pytest

from treadle.boxes.cells.partition import Grid
from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.network.boxes import Boxes
from treadle.errors import InvalidInput

LINE = Grid([np.array([0.0, 1.0, 3.0])])
SQUARE = Grid([np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0])])
CUT = SplitTree(np.array([[0.0, 3.0]]), np.array([0]), np.array([1.0]), np.array([[-1, -2]]))
SMOOTH = {"activation": "sigmoid", "steepness": 2.0}


@pytest.mark.parametrize(
    ("partition", "heights", "options"),
    [
        (LINE, [1, 2], {}),
        (LINE, [1, 2], {"outside": "zero"}),
        (LINE, [1, 2], SMOOTH),
        (LINE, [1, 2, 3], {"order": 1, "activation": "relu"}),
        (SQUARE, [[1], [2]], {}),
        (SQUARE, [[1, 2], [3, 4], [5, 6]], {"order": 1, "activation": "relu"}),
        (CUT, [1, 2], {}),
    ],
)
def test_what_fits_together_is_a_record(partition, heights, options):
    found = Boxes(partition, np.array(heights, float), **options)
    assert found.n_dims == partition.n_dims
    np.testing.assert_array_equal(found.edges[0], [0, 1, 3])
    assert found.error_bound.kind == "none" and math.isnan(found.error_estimate)


@pytest.mark.parametrize(
    ("partition", "heights", "options", "message"),
    [
        (LINE, [1, 2], {"order": 2}, r"order must be 0 \(boxes\) or 1 \(piecewise linear\); got 2"),
        (LINE, [1, 2], {"activation": "tanh"}, "activation must be 'step', 'sigmoid' or 'relu'; got 'tanh'"),
        (LINE, [1, 2, 3], {"order": 1}, "order 1 is piecewise linear: its activation is 'relu'; got 'step'"),
        (CUT, [1, 2], {"order": 1, "activation": "relu"}, "order 1 interpolates on a grid; other partitions"),
        (SQUARE, [[1], [2]], SMOOTH, "activation 'sigmoid' of order 0 is for one dimension: in 2 dimensions"),
        (CUT, [1, 2], SMOOTH, "activation 'sigmoid' of order 0 is for one dimension"),
        (LINE, [1, 2], {"steepness": 2.0}, "got 2.0 with 'step' of order 0"),
        (LINE, [1, 2], {"activation": "relu"}, "got None with 'relu' of order 0"),
        (LINE, [1, 2], SMOOTH | {"steepness": 0.0}, "steepness must be positive and finite; got 0.0"),
        (LINE, [1, 2], SMOOTH | {"steepness": math.inf}, "steepness must be positive and finite; got inf"),
        (LINE, [1, 2], {"outside": "nan"}, "outside must be 'clamped' or 'zero'; got 'nan'"),
        (LINE, [1, 2], SMOOTH | {"outside": "zero"}, "outside='zero' is for steps, .* got 'sigmoid'"),
        (LINE, [1, 2], {"n_ghost_boxes": 1}, "got 1 at each end of 2 boxes"),
        (LINE, [1, 2], SMOOTH | {"n_ghost_boxes": 1}, "got 1 at each end of 2 boxes"),
        (LINE, [1, 2], SMOOTH | {"n_ghost_boxes": -1}, "got -1 at each end of 2 boxes"),
        (LINE, [1, 2, 3], {}, r"heights must be of shape \(2,\); got \(3,\)"),
        (SQUARE, [1, 2], {}, r"heights must be of shape \(2, 1\); got \(2,\)"),
        (LINE, [1, math.nan], {}, "heights must be finite; some are NaN or infinite"),
    ],
)
def test_contradictions_are_refused(partition, heights, options, message):
    with pytest.raises(InvalidInput, match=message):
        Boxes(partition, np.array(heights, float), **options)


def test_ghost_boxes_are_fewer_than_all():
    three = Grid([np.array([0.0, 1.0, 3.0, 4.0])])
    assert Boxes(three, np.ones(3), **SMOOTH, n_ghost_boxes=1).n_ghost_boxes == 1
