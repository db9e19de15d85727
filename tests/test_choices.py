"""The names that options offer are those that the code has."""

from typing import get_args

from treadle import choices
from treadle.l1.inference.bandwidths import BANDWIDTHS
from treadle.l1.inference.inference import METHODS
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.loss_table import LOSSES
from treadle.optimizers import SCHEDULES
from treadle.runs.config import recipe_values


def test_each_name_has_its_code():
    assert get_args(choices.ActivationName) == tuple(ACTIVATIONS)
    assert get_args(choices.LossName) == tuple(LOSSES)
    assert get_args(choices.IntervalsName) == (*METHODS, "none")
    assert get_args(choices.BandwidthName) == tuple(BANDWIDTHS)
    assert get_args(choices.ScheduleName) == tuple(SCHEDULES)
    for name in get_args(choices.RecipeName):
        assert recipe_values(name)
