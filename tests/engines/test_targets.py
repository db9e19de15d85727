"""Targets checked once for all batches: by the loss of the objective, for the network's outputs."""

import numpy as np
import pytest

from treadle.engines.objective import Objective
from treadle.engines.targets import check_targets
from treadle.errors import InvalidInput
from treadle.network import Network


@pytest.mark.parametrize(
    ("loss", "output", "good", "bad", "message"),
    [
        (
            "cross_entropy",
            "softmax",
            [0, 1, 2, 0],
            [0, 1, 3, 0],
            r"labels must lie in 0\.\.2, .* got 3 at index 2",
        ),
        (
            "squared",
            "identity",
            np.ones((4, 3)),
            np.ones((4, 2)),
            r"the shape of the prediction, \(4, 3\); got",
        ),
        ("binary_cross_entropy", "logistic", np.ones((4, 3)), np.full((4, 3), 2.0), "must lie from 0 to 1"),
        ("poisson", "exp", np.ones((4, 3)), -np.ones((4, 3)), "must be at least 0, as counts are"),
    ],
)
def test_what_the_loss_refuses_is_refused_for_all_rows(loss, output, good, bad, message):
    objective, network = Objective(loss), Network((5, 3), output=output)
    check_targets(objective, network, 4, np.array(good), np.ones(4))
    with pytest.raises(InvalidInput, match=message):
        check_targets(objective, network, 4, np.array(bad), None)
    with pytest.raises(InvalidInput, match="sample_weight must be at least 0"):
        check_targets(objective, network, 4, np.array(good), np.array([1.0, 1, -1, 1]))
