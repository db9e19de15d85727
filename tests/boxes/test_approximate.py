"""What approximate promises, on functions whose constants are known, against sampling that knows nothing of
boxes."""

import math

import numpy as np
import pytest

import treadle
from treadle.boxes.construct import uniform_boxes as uniform_construction
from treadle.boxes.proof.bounds import outward
from treadle.errors import InvalidInput, UnprovedWarning

F = "sin(3*x) + 0.5*cos(7*x)"
LIPSCHITZ = 6.436
RUNGE = "1/(1 + 25*x**2)"
STEP_AND_SPIKE = "where(x < 0.3333, 0, 1) + exp(-1e6*(x - 0.7)**2)"
FRANKE = (
    "0.75*exp(-(9*x-2)**2/4 - (9*y-2)**2/4) + 0.75*exp(-(9*x+1)**2/49 - (9*y+1)/10)"
    " + 0.5*exp(-(9*x-7)**2/4 - (9*y-3)**2/4) - 0.2*exp(-(9*x-4)**2 - (9*y-7)**2)"
)
UNIT_SQUARE = [(0, 1), (0, 1)]


def f(x):
    return np.sin(3 * x) + 0.5 * np.cos(7 * x)


def franke(X):
    x, y = 9 * X.T
    return (
        0.75 * np.exp(-((x - 2) ** 2) / 4 - (y - 2) ** 2 / 4)
        + 0.75 * np.exp(-((x + 1) ** 2) / 49 - (y + 1) / 10)
        + 0.5 * np.exp(-((x - 7) ** 2) / 4 - (y - 3) ** 2 / 4)
        - 0.2 * np.exp(-((x - 4) ** 2) - (y - 7) ** 2)
    )


def lattice(n):
    return np.stack(np.meshgrid(*[np.linspace(0, 1, n)] * 2), axis=-1).reshape(-1, 2)


def sup_error(network, function=f, a=-2, b=2, n=400_001):
    """On an even lattice, the edges and their neighbours."""
    edges = network.edges_[0]
    x = np.concatenate([np.linspace(a, b, n), edges, np.nextafter(edges, -9), np.nextafter(edges, 9)])
    x = x[(x >= a) & (x <= b)]
    return np.abs(network.predict(x) - function(x)).max()


def test_uniform_boxes_are_as_many_as_the_lipschitz_constant_asks_for():
    network = treadle.approximate(f, (-2, 2), eps=0.01, lipschitz=LIPSCHITZ)
    assert network.n_boxes_ == 1288 == math.ceil(LIPSCHITZ * 4 / 0.02)
    assert network.error_bound_ <= 0.01 and network.error_bound_kind_ == "lipschitz"
    x = np.linspace(-2, 2, 400_001)
    assert 0.0095 <= np.abs(network.predict(x) - f(x)).max() <= network.error_bound_
    assert sup_error(network) <= network.error_bound_
    assert 0.0095 <= network.error_estimate_ <= network.error_bound_


def test_a_lipschitz_constant_that_is_too_small_is_shown_wrong():
    network = treadle.approximate(f, (-2, 2), n_boxes=1288, lipschitz=0.9 * LIPSCHITZ)
    assert network.error_estimate_ > network.error_bound_


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"eps": 0.01}, 1288),
        ({"eps": 0.01, "height": "midrange"}, 1288),
        ({"eps": 0.01, "height": "lower"}, 2575),
        ({"eps": 0.01, "partition": "adaptive"}, 780),
        ({"eps": 0.01, "partition": "optimal"}, 530),
        ({"eps": 0.01, "order": 1}, 83),
        ({"eps": 0.01, "order": 1, "partition": "adaptive"}, 100),
        ({"eps": 0.01, "order": 1, "partition": "optimal"}, 56),
        ({"eps": 0.05, "activation": "sigmoid"}, 440),
        ({"eps": 0.05, "activation": "relu", "partition": "adaptive"}, 240),
    ],
    ids=str,
)
def test_a_typed_function_is_within_eps_by_proof(options, most):
    network = treadle.approximate(F, (-2, 2), **options)
    assert network.error_bound_kind_ == "enclosure"
    assert sup_error(network) <= network.error_bound_ <= options["eps"]
    assert network.n_boxes_ <= most
    assert network.error_estimate_ <= network.error_bound_


@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
@pytest.mark.parametrize("order", [0, 1])
def test_the_norm_of_l2_is_within_eps_by_proof(partition, order):
    network = treadle.approximate(F, (-2, 2), eps=0.02, norm="l2", partition=partition, order=order)
    x = -2 + 4 * (np.arange(1 << 20) + 0.5) / (1 << 20)
    norm = math.sqrt(4 * np.mean(np.square(network.predict(x) - f(x))))
    assert norm <= network.error_bound_ <= 0.02
    assert network.error_bound_ <= 2.2 * norm
    assert network.norm_ == "l2" and "squared" in network.error_bound_theorem_
    assert network.error_estimate_ == pytest.approx(norm, rel=0.05)


def test_optimal_boxes_are_the_fewest_that_a_mesh_allows():
    network = treadle.approximate(f, (-2, 2), eps=0.01, lipschitz=LIPSCHITZ, partition="optimal")
    x = np.linspace(-2, 2, 1 << 18)
    variation = np.abs(np.diff(f(x))).sum()
    assert network.n_boxes_lower_bound_ <= network.n_boxes_ <= min(530, network.n_boxes_lower_bound_ + 3)
    # Kahane: as many boxes as that are enough.
    assert network.n_boxes_lower_bound_ <= math.ceil(variation / 0.02)
    # The oracle: the greedy count of single values, by a plain loop.
    low, high, runs = math.inf, -math.inf, 1
    for value in f(x).tolist():
        low, high = min(low, value), max(high, value)
        if high - low > 0.02:
            low = high = value
            runs += 1
    assert runs <= network.n_boxes_lower_bound_ + 1 and network.n_boxes_ >= runs


@pytest.mark.parametrize(("order", "slope"), [(0, -1), (1, -2)])
def test_the_error_falls_with_the_number_of_boxes_under_the_proved_line(order, slope):
    counts = 2 ** np.arange(5, 12)
    networks = [
        treadle.approximate(
            f, (-2, 2), n_boxes=int(n), lipschitz=LIPSCHITZ, order=order, second_derivative=33.5
        )
        for n in counts
    ]
    errors = np.array([sup_error(network) for network in networks])
    bounds = np.array([network.error_bound_ for network in networks])
    line = LIPSCHITZ * 2 / counts if order == 0 else 33.5 * (4 / counts) ** 2 / 8
    assert (errors <= bounds).all()
    np.testing.assert_allclose(bounds, line, rtol=1e-5)
    assert np.polyfit(np.log(counts[1:]), np.log(errors[1:]), 1)[0] == pytest.approx(slope, abs=0.03)


def test_runge_takes_the_known_numbers_of_boxes():
    counts = [
        treadle.approximate(RUNGE, (-1, 1), eps=0.01, partition=partition).n_boxes_
        for partition in ("uniform", "adaptive", "optimal")
    ]
    assert counts == [325, 144, 97]


def test_a_jump_and_a_spike_take_few_boxes_where_these_may_choose_their_edges():
    adaptive = treadle.approximate(STEP_AND_SPIKE, (-1, 1), eps=0.05, partition="adaptive")
    optimal = treadle.approximate(STEP_AND_SPIKE, (-1, 1), eps=0.05, partition="optimal")
    assert optimal.n_boxes_ <= 22 and adaptive.n_boxes_ <= 95
    x = np.concatenate(
        [np.linspace(-1, 1, 200_001), np.linspace(0.69, 0.71, 200_001), [np.nextafter(0.3333, -1), 0.3333]]
    )
    expected = np.where(x < 0.3333, 0, 1) + np.exp(-1e6 * (x - 0.7) ** 2)
    for network in (adaptive, optimal):
        assert np.abs(network.predict(x) - expected).max() <= network.error_bound_ <= 0.05
        assert 0.3333 in network.edges_[0]


def test_equal_cells_that_never_meet_a_jump_are_refused(monkeypatch):
    monkeypatch.setattr(uniform_construction, "CELLS_TRIED", 4096)
    with pytest.raises(
        InvalidInput, match=r"(?s)is not reached with 4096 equal cells .* partition='adaptive'"
    ):
        treadle.approximate(STEP_AND_SPIKE, (-1, 1), eps=0.05)


def test_an_enclosure_that_is_loose_at_the_bound_is_told_there():
    def enclosure(lower, upper):
        return lower[:, 0] - 0.5, upper[:, 0] + 0.5

    # Of one number the value is known; of the last two, which one box holds, it is not.
    with pytest.raises(InvalidInput, match=r"jumps at the upper bound 1.0 itself"):
        treadle.approximate(lambda x: x, (1 - 2**-50, 1), eps=1e-9, enclosure=enclosure, partition="adaptive")


def test_franke_takes_fewer_boxes_where_they_adapt():
    X = lattice(601)
    uniform = treadle.approximate(FRANKE, UNIT_SQUARE, n_boxes=(32, 32), height="midrange")
    assert np.abs(uniform.predict(X) - franke(X)).max() <= 0.0752 and uniform.error_bound_ <= 0.0752
    adaptive = treadle.approximate(FRANKE, UNIT_SQUARE, eps=0.05, partition="adaptive")
    assert adaptive.n_boxes_ <= 500
    assert np.abs(adaptive.predict(X) - franke(X)).max() <= adaptive.error_bound_ <= 0.05
    middle = treadle.approximate(franke, UNIT_SQUARE, n_boxes=(32, 32))
    assert np.abs(middle.predict(X) - franke(X)).max() <= 0.0752 and math.isnan(middle.error_bound_)


def test_a_million_cells_of_two_dimensions():
    network = treadle.approximate(franke, UNIT_SQUARE, n_boxes=(1000, 1000), lipschitz=8.0)
    assert network.n_boxes_ == 1_000_000
    assert network.error_estimate_ <= network.error_bound_ <= outward(8 * math.sqrt(2) / 2000) + 1e-12


def test_a_number_of_boxes_is_shared_by_how_f_varies():
    network = treadle.approximate("10*x + y", UNIT_SQUARE, n_boxes=1000)
    assert [axis.size - 1 for axis in network.edges_] == [100, 10]
    network = treadle.approximate(lambda X: X[:, 0], UNIT_SQUARE, n_boxes=1000, lipschitz=(1, 0))
    assert [axis.size - 1 for axis in network.edges_] == [1000, 1]
    assert treadle.approximate(franke, UNIT_SQUARE, n_boxes=1000).n_boxes_ == 31 * 32


def test_smooth_units_as_wide_as_a_cell_are_better_than_steps():
    x = np.linspace(-2, 2, 100_001)
    options = {"n_boxes": 128, "lipschitz": LIPSCHITZ}
    steps = treadle.approximate(f, (-2, 2), **options)
    sigmoid = treadle.approximate(f, (-2, 2), activation="sigmoid", steepness=128.0, **options)
    ramp = treadle.approximate(f, (-2, 2), activation="relu", **options)
    errors = [np.abs(network.predict(x) - f(x)).max() for network in (steps, sigmoid, ramp)]
    assert errors[0] >= 0.09 and errors[1] <= 0.008 and errors[2] <= 0.005
    for network, error in zip((steps, sigmoid, ramp), errors, strict=True):
        assert error <= network.error_bound_
        assert network.n_boxes_ == 128
    assert sigmoid.error_bound_ == pytest.approx(LIPSCHITZ * (2 / 128 + 2 * math.log(2) / 128), rel=1e-6)
    steep = treadle.approximate(f, (-2, 2), activation="sigmoid", steepness=1e5, **options)
    assert sup_error(steep) == pytest.approx(errors[0], rel=0.02)


def test_a_hoelder_function_takes_as_many_boxes_as_its_modulus_asks_for():
    network = treadle.approximate(lambda x: np.sqrt(np.abs(x)), (-1, 1), eps=0.05, modulus=(1, 0.5))
    # delta = 2 (eps / M)^(1 / alpha)
    assert network.n_boxes_ in (400, 401)
    assert sup_error(network, lambda x: np.sqrt(np.abs(x)), -1, 1) <= network.error_bound_ <= 0.05
    assert network.error_bound_kind_ == "modulus"
    same = treadle.approximate(
        lambda x: np.sqrt(np.abs(x)), (-1, 1), n_boxes=network.n_boxes_, modulus=np.sqrt
    )
    assert same.error_bound_ == pytest.approx(network.error_bound_, rel=1e-9)


def test_an_enclosure_alone_proves_what_it_can():
    def enclosure(lower, upper):
        a, b = lower[:, 0] ** 3, upper[:, 0] ** 3
        return np.nextafter(a, -9), np.nextafter(b, 9)

    for options in (
        {"eps": 0.01},
        {"eps": 0.01, "partition": "adaptive"},
        {"n_boxes": 50, "partition": "optimal"},
    ):
        network = treadle.approximate(lambda x: x**3, (-1, 1), enclosure=enclosure, **options)
        assert network.error_bound_kind_ == "enclosure"
        assert sup_error(network, lambda x: x**3, -1, 1) <= network.error_bound_ <= options.get("eps", 0.0205)


@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
@pytest.mark.parametrize("order", [0, 1])
def test_without_knowledge_nothing_is_proved(partition, order):
    with pytest.warns(
        UnprovedWarning,
        match=r"^eps=0\.05 is not proved, for nothing is known of f: error_bound_ is nan\. At sampled points "
        r"the error is 0\.0\d+, and between them it may be greater: give lipschitz, modulus or enclosure",
    ) as told:
        network = treadle.approximate(f, (-2, 2), eps=0.05, partition=partition, order=order)
    assert [warning.filename for warning in told] == [__file__]
    assert math.isnan(network.error_bound_) and network.error_bound_kind_ == "none"
    assert network.error_bound_theorem_.startswith("nothing is proved")
    assert 0.03 <= sup_error(network) <= 0.055
    assert network.error_estimate_ <= 0.055


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("where(x < 0.3, 0, 1)", {"order": 1}, "slopes are not bounded, as at a jump.*take order 0"),
        ("sqrt(x + 2)", {"activation": "sigmoid"}, "smooth units take a Lipschitz constant.*take steps"),
    ],
)
def test_samples_that_miss_a_jump_are_not_taken_for_a_proof(text, options, why):
    with pytest.warns(UnprovedWarning, match=f"(?s)^eps=0.1 is not proved, for .*{why}"):
        network = treadle.approximate(text, (-2, 2), eps=0.1, **options)
    assert math.isnan(network.error_bound_)
    if "order" in options:  # what the warning is for: no sample lies where the error is
        x = np.nextafter(0.3, -1)
        assert network.error_estimate_ <= 0.1 < abs(network.predict([x])[0] - 0)


def test_a_number_of_boxes_promises_nothing_and_warns_of_nothing():
    assert math.isnan(treadle.approximate(f, (-2, 2), n_boxes=10).error_bound_)


@pytest.mark.parametrize(("d", "text"), [(2, "sin(3*x)*cos(2*y)"), (3, "x*y*z + sin(x + y)")], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"order": 1}, {"partition": "adaptive"}, {"height": "lower"}], ids=str
)
def test_in_more_dimensions_the_error_is_under_the_bound(d, text, options):
    from treadle.formulas.expressions import read_expression

    function = read_expression(text, n_dims=d)
    network = treadle.approximate(text, [(-1, 1)] * d, n_boxes=300, **options)
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (20_000, d))
    for i, axis in enumerate(network.edges_):
        near = np.clip(np.concatenate([axis, np.nextafter(axis, -9), np.nextafter(axis, 9)]), -1, 1)
        X[:10_000, i] = rng.choice(near, 10_000)
    error = np.abs(network.predict(X) - function(X)).max()
    assert 0.1 * network.error_bound_ <= error <= network.error_bound_


def test_a_network_predicts_zero_outside_where_asked():
    network = treadle.approximate(F, (-2, 2), n_boxes=10, outside="zero")
    assert network.predict([-2.1, 2.1]).tolist() == [0, 0] and network.predict([2.0])[0] != 0


def test_heights_sum_exactly_so_that_all_forms_agree():
    network = treadle.approximate(F, (-2, 2), n_boxes=1000)
    x = np.random.default_rng(0).uniform(-2, 2, 3000)
    for form in ("telescoped", "homework"):
        np.testing.assert_array_equal(network.forward(x, form), network.predict(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give eps or n_boxes, one of the two"),
        ({"eps": 0.1, "n_boxes": 3}, "give eps or n_boxes, one of the two"),
        ({"eps": 0.0}, "eps must be a positive finite number, from 1e-300 to 1e.300; got 0.0"),
        ({"eps": math.nan}, "eps must be a positive finite number, from 1e-300 to 1e.300; got nan"),
        ({"eps": True}, "eps must be a positive finite number, from 1e-300 to 1e.300; got True"),
        ({"n_boxes": 0}, "n_boxes must be a whole number of at least 1; got 0"),
        ({"n_boxes": 2.5}, "n_boxes must be a whole number of at least 1; got 2.5"),
        (
            {"n_boxes": (3, 3)},
            "n_boxes must be one number, or for uniform boxes one for each of 1 dimensions",
        ),
        ({"n_boxes": 3, "bounds": (1, 0)}, "the lower below the upper"),
        ({"n_boxes": 3, "partition": "quantile"}, "partition must be one of 'uniform'"),
        ({"n_boxes": 3, "activation": "tanh"}, "activation must be one of 'step'"),
        ({"n_boxes": 3, "order": 2}, "order must be one of 0, 1; got 2"),
        ({"n_boxes": 3, "norm": "l1"}, "norm must be one of 'sup', 'l2'"),
        ({"n_boxes": 3, "height": "mean"}, "height must be one of"),
        ({"n_boxes": 3, "height": "lower", "order": 1}, "height='lower' is for uniform boxes"),
        ({"n_boxes": 3, "outside": 0}, "outside must be one of 'clamped', 'zero'"),
        ({"n_boxes": 3, "activation": "sigmoid", "norm": "l2"}, "take norm='sup'"),
        ({"n_boxes": 3, "steepness": 2.0}, "steepness goes with the activations"),
        ({"n_boxes": 3, "bounds": UNIT_SQUARE, "partition": "optimal"}, "is for one dimension"),
        ({"n_boxes": 3, "bounds": UNIT_SQUARE, "partition": "adaptive", "order": 1}, "takes a grid"),
        ({"n_boxes": 3, "bounds": UNIT_SQUARE, "activation": "sigmoid"}, "smooth towers dip at the corners"),
        ({"n_boxes": 3, "lipschitz": -1}, "lipschitz must be finite numbers of at least 0; got -1"),
        ({"n_boxes": 3, "lipschitz": 1, "modulus": (1, 1)}, "give lipschitz or modulus, not both"),
        ({"n_boxes": 3, "modulus": (1, 2)}, r"modulus must be \(M, alpha\)"),
        ({"n_boxes": 3, "modulus": lambda t: -t}, "modulus must return a number of at least 0"),
        ({"n_boxes": 3, "enclosure": 5}, "enclosure must be a function"),
        ({"f": 5, "n_boxes": 3}, "f must be a function of arrays, or the text of a formula; got 5"),
        (
            {"f": lambda x: 1.0, "n_boxes": 3},
            r"real numbers of shape \(3,\); it returned float64 of shape \(\)",
        ),
        ({"f": math.sin, "n_boxes": 3}, r"f must take an array of shape \(3,\).*numpy.vectorize"),
        (
            {"f": lambda x: np.where(x > 0, np.nan, x), "n_boxes": 3},
            "f must be finite over the bounds; it is nan at",
        ),
        (
            {"f": "1/x", "n_boxes": 4},
            "f must be defined and finite over the bounds.*the divisor must not reach 0",
        ),
        ({"f": "y", "n_boxes": 4}, "2 dimensions; 1 were given"),
        ({"eps": 1e-12, "lipschitz": 7.0}, "is 1.4e13 cells"),
        ({"eps": 2e-15, "lipschitz": 1e-13}, "too close to what rounding does to f"),
        (
            {"eps": 1e-6, "activation": "sigmoid", "steepness": 1.0, "lipschitz": 7.0},
            "take a greater steepness",
        ),
        ({"n_boxes": 10, "bounds": (1, 1 + 2**-50)}, "more than float64 can tell apart"),
        (
            {"f": "floor(2*x)", "eps": 0.1, "partition": "adaptive", "bounds": (0, 1)},
            "jumps at the upper bound 1.0",
        ),
    ],
    ids=lambda value: str(value).split(" at 0x")[0][:60],
)
def test_a_wrong_call_is_refused_in_words(arguments, message):
    arguments = {"f": f, "bounds": (-2, 2)} | arguments
    with np.errstate(all="ignore"), pytest.raises(InvalidInput, match=f"(?s){message}"):
        treadle.approximate(arguments.pop("f"), arguments.pop("bounds"), **arguments)


def test_ten_cells_an_axis_in_ten_dimensions_are_refused_with_their_number():
    for n_boxes in ((10,) * 10, 10**10):
        with pytest.raises(InvalidInput, match="is 1e10 cells, and their heights alone take 80 GB"):
            treadle.approximate(lambda X: X.sum(axis=1), [(-1, 1)] * 10, n_boxes=n_boxes)


def test_axes_that_help_only_together_are_halved_in_turn():
    network = treadle.approximate("sin(x + y*z)", [(-1, 1)] * 3, eps=0.5, partition="adaptive")
    assert network.n_boxes_ <= 150 and network.error_bound_ <= 0.5


def test_a_jump_along_an_axis_is_isolated_in_two_dimensions():
    network = treadle.approximate(
        "where(x < 0.3, 0, 1) + 0.3*y", [(0, 1), (0, 1)], eps=0.05, partition="adaptive"
    )
    assert network.error_bound_ <= 0.05 and network.n_boxes_ <= 1000


def test_equal_cells_that_do_not_prove_eps_at_a_steep_place_say_what_does():
    with pytest.raises(InvalidInput, match=r"not proved with \d+ equal cells.*partition='adaptive'"):
        treadle.approximate("sqrt(abs(x))", (-1, 1), eps=0.01, order=1)
