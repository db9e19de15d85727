"""How a rule goes over the parameters: in blocks, each once."""

import numpy as np

from treadle.optimizers.optimizer import BLOCK, blocks


def test_blocks_cover_every_parameter_once():
    covered = np.zeros(2 * BLOCK + 5, int)
    for block in blocks(len(covered)):
        assert len(covered[block]) <= BLOCK
        covered[block] += 1
    assert (covered == 1).all()
