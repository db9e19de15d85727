"""How a rule goes over the parameters: in chunks, each once."""

import numpy as np

from treadle.optimizers.optimizer import CHUNK, chunks


def test_chunks_cover_every_parameter_once():
    covered = np.zeros(2 * CHUNK + 5, int)
    for chunk in chunks(slice(3, len(covered))):
        assert len(covered[chunk]) <= CHUNK
        covered[chunk] += 1
    assert (covered[3:] == 1).all() and not covered[:3].any()
