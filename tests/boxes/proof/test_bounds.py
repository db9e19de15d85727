"""``error_bound_`` is never exceeded: random formulas, bounds and options, on adversarial points."""

import mpmath
import numpy as np
import pytest

from tests.formulas.random_formulas import exact_value, random_formula
from treadle.boxes.approximate import approximate
from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression
from treadle.formulas.grammar import read

POINTS = 1500


def random_bounds(rng, d):
    """Bounds of all sizes and offsets, some whole numbers."""
    if rng.random() < 0.3:
        low = rng.integers(-3, 3, d).astype(float)
        return np.stack([low, low + rng.integers(1, 4, d)], axis=1)
    middle = rng.uniform(-3, 3, d) * 10.0 ** rng.uniform(-2, 1)
    half = 10.0 ** rng.uniform(-3, 0.7, d)
    return np.stack([middle - half, middle + half], axis=1)


def random_options(rng, d, spread):
    """A number of boxes, or a part of f's range as the error allowed, and what else there is to choose."""
    options = {"partition": "uniform", "order": int(rng.random() < 0.35)}
    if rng.random() < 0.6 or not 0 < spread < np.inf:
        options["n_boxes"] = int(10.0 ** rng.uniform(0, 2.4))
    else:
        options["eps"] = float(spread * 10.0 ** rng.uniform(-1.7 / d, -0.2))
    choices = ["uniform", "adaptive", "optimal"] if d == 1 else ["uniform", "adaptive"]
    if d == 1 or (options["order"] == 0 and "n_boxes" in options):
        options["partition"] = str(rng.choice(choices))
    if d == 1 and options["order"] == 0 and rng.random() < 0.3:
        options["activation"] = str(rng.choice(["sigmoid", "relu"]))
        if "n_boxes" in options and rng.random() < 0.5:
            options["steepness"] = float(10.0 ** rng.uniform(-1, 3))
    elif options["order"] == 0 and options["partition"] == "uniform" and rng.random() < 0.4:
        options["height"] = str(rng.choice(["middle", "midrange", "lower"]))
    return options


def adversarial_points(rng, network, f):
    """Random points, edges and their neighbours among floats, and what lies around the worst of them."""
    bounds, d = network.bounds_, network.n_dims
    axes = []
    for i in range(d):
        edges = network.edges_[i]
        edges = edges[(edges >= bounds[i, 0]) & (edges <= bounds[i, 1])]
        near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
        axes.append(np.clip(near, *bounds[i]))
    x = rng.uniform(bounds[:, 0], bounds[:, 1], (POINTS, d))
    corners = np.stack([rng.choice(axis, POINTS) for axis in axes], axis=1)
    mixed = np.where(rng.random((POINTS, d)) < 0.5, x, corners)
    points = np.concatenate([x, corners, mixed])
    if d == 1:
        points = np.concatenate([points, axes[0][:, None], np.linspace(*bounds[0], POINTS)[:, None]])
    for scale in (1e-2, 1e-4, 1e-7, 1e-12):
        error = np.abs(network.predict(points) - values(f, points))
        worst = points[np.argsort(error)[-20:]]
        step = scale * (bounds[:, 1] - bounds[:, 0])
        around = worst[:, None, :] + step * rng.uniform(-1, 1, (20, 25, d))
        points = np.concatenate([points, np.clip(around.reshape(-1, d), bounds[:, 0], bounds[:, 1])])
    return points


def values(f, points):
    return f(points[:, 0] if f.n_dims == 1 else points)


def fuzz(seed, n):
    """How many networks had a proved bound, and those whose error exceeds it."""
    rng = np.random.default_rng(seed)
    found, n_proved = [], 0
    for _ in range(n):
        d = int(rng.choice([1, 1, 2, 3]))
        text = random_formula(rng, d, int(rng.integers(1, 5)), smooth=bool(rng.random() < 0.5))
        bounds = random_bounds(rng, d)
        try:
            f = read_expression(text, n_dims=d)
        except InvalidInput as error:  # a constant exponent that happens to be above what is allowed
            assert "the exponent is" in str(error)
            continue
        least, greatest = f.range(bounds[None, :, 0], bounds[None, :, 1])
        spread, size = float(greatest[0] - least[0]), float(max(abs(greatest[0]), abs(least[0])))
        options = random_options(rng, d, spread if spread > 1e-6 * size else 0.0)
        try:
            network = approximate(text, bounds, **options)
        except InvalidInput:
            continue
        if np.isnan(network.error_bound_):
            continue
        n_proved += 1
        points = adversarial_points(rng, network, f)
        predicted = network.predict(points)
        error = np.abs(predicted - values(f, points))
        worst = int(np.argmax(error))
        exact = exact_value(read(text), points[worst])
        if exact is not None:
            with mpmath.workdps(50):
                error[worst] = max(error[worst], float(abs(exact - mpmath.mpf(float(predicted[worst])))))
        if not error[worst] <= network.error_bound_:
            found.append((text, bounds.tolist(), options, error[worst], network.error_bound_, points[worst]))
        if network.error_estimate_ > network.error_bound_:
            found.append(("estimate", text, bounds.tolist(), options))
    return found, n_proved


@pytest.mark.filterwarnings("ignore::treadle.errors.UnprovedWarning")
@pytest.mark.parametrize("seed", range(2))
def test_no_error_exceeds_its_proved_bound(seed):
    found, n_proved = fuzz(seed, 40)
    assert found == []
    assert n_proved >= 20
