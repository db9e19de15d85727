import numpy as np
import pytest

from treadle.l1.proof.pinball import best_constant, pinball_loss


@pytest.mark.parametrize("quantile", [0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 101])
@pytest.mark.parametrize("weighted", [False, True])
def test_no_constant_is_better(quantile, n, weighted):
    rng = np.random.default_rng(n)
    y = rng.integers(-5, 5, n).astype(float)
    c = rng.integers(0, 3, n).astype(float) + (np.arange(n) == 0) if weighted else np.ones(n)
    losses = {b: pinball_loss(c * (y - b), quantile) for b in y}
    found = best_constant(y, quantile, c if weighted else None)
    least = min(losses.values())
    assert losses[found] <= least * (1 + 1e-12)
    assert found == min(
        b for b, loss in losses.items() if loss <= least * (1 + 1e-12) and (c[y == b] > 0).any()
    )


def test_the_median_of_four_is_the_lower_one_and_its_loss_the_absolute_value():
    y = np.array([4.0, 1.0, 3.0, 2.0])
    assert best_constant(y, 0.5) == best_constant(y, 0.5, np.ones(4)) == 2.0
    assert best_constant(y, 0.5, np.array([1e-9, 1.0, 5.0, 1.0])) == 3.0
    assert pinball_loss(y - 2, 0.5) == 4.0
    assert pinball_loss(np.array([1.0, -1.0]), 0.9) == pytest.approx(2.0)
