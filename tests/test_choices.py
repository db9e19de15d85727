"""The names that options offer are those that the code has."""

from typing import get_args

from treadle import choices
from treadle.maths.activations import ACTIVATIONS
from treadle.optimizers import SCHEDULES
from treadle.runs.config import recipe_values


def test_each_name_has_its_code():
    assert get_args(choices.ActivationName) == tuple(ACTIVATIONS)
    assert get_args(choices.ScheduleName) == tuple(SCHEDULES)
    for name in get_args(choices.RecipeName):
        assert recipe_values(name)
