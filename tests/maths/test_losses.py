import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import InvalidInput
from treadle.maths.derivative_check import check_derivative
from treadle.maths.losses import (
    absolute_loss,
    absolute_loss_gradient,
    cross_entropy,
    cross_entropy_gradient,
    huber_loss,
    huber_loss_gradient,
    squared_loss,
    squared_loss_gradient,
)
from treadle.maths.softmax import softmax, softmax_vjp

INF, NAN = np.inf, np.nan
N = 6
REGRESSION = {
    "squared": (squared_loss, squared_loss_gradient),
    "absolute": (absolute_loss, absolute_loss_gradient),
    "huber": (huber_loss, huber_loss_gradient),
}
each_regression = pytest.mark.parametrize(("loss", "gradient"), REGRESSION.values(), ids=REGRESSION.keys())
each_output_count = pytest.mark.parametrize("K", [1, 2, 3])
each_method = pytest.mark.parametrize("method", ["central", "complex"])
each_weighting = pytest.mark.parametrize("weight", [None, [0, 1, 2, 0.5, 3, 1]], ids=["even", "weighted"])


def classification_problem(K, soft):
    rng = np.random.default_rng(K)
    logits = rng.normal(scale=2, size=(N, K))
    return logits, rng.dirichlet(np.ones(K), N) if soft else rng.integers(0, K, N)


def regression_problem(K):
    """Residuals on both sides of Huber's delta of 1, none within a step of a kink."""
    rng = np.random.default_rng(K)
    residual = rng.uniform(0.1, 0.9, (N, K)) + rng.integers(0, 3, (N, K))
    target = rng.normal(size=(N, K))
    return target + residual * rng.choice([-1, 1], (N, K)), target


# --- gradients against their losses


@each_output_count
@each_method
@each_weighting
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
def test_cross_entropy_gradient_passes_the_derivative_check(K, method, weight, smoothing, soft):
    logits, target = classification_problem(K, soft)
    options = {"label_smoothing": smoothing, "sample_weight": weight}
    report = check_derivative(
        lambda z: cross_entropy(z, target, **options),
        lambda z: cross_entropy_gradient(z, target, **options),
        logits,
        method=method,
    )
    assert report, str(report)


@each_regression
@each_output_count
@each_method
@each_weighting
def test_regression_gradients_pass_the_derivative_check(loss, gradient, K, method, weight):
    prediction, target = regression_problem(K)
    report = check_derivative(
        lambda p: loss(p, target, sample_weight=weight),
        lambda p: gradient(p, target, sample_weight=weight),
        prediction,
        method=method,
    )
    assert report, str(report)


@each_regression
def test_a_gradient_averaged_over_outputs_is_caught(loss, gradient):
    prediction, target = regression_problem(3)
    assert not check_derivative(lambda p: loss(p, target), lambda p: gradient(p, target) / 3, prediction)


def test_gradient_of_targets_that_sum_to_almost_1_is_that_of_the_loss_as_computed():
    logits, target = classification_problem(3, soft=True)
    target = target * (1 + 9e-5)
    for smoothing in (0.0, 0.2):
        assert check_derivative(
            lambda z, e=smoothing: cross_entropy(z, target, label_smoothing=e),
            lambda z, e=smoothing: cross_entropy_gradient(z, target, label_smoothing=e),
            logits,
            method="complex",
        )


def test_cross_entropy_gradient_is_the_vjp_of_softmax():
    logits, target = classification_problem(3, soft=True)
    expected = softmax_vjp(logits, -target / softmax(logits)) / N
    np.testing.assert_allclose(cross_entropy_gradient(logits, target), expected, rtol=0, atol=1e-15)


@each_output_count
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
def test_cross_entropy_agrees_with_torch(K, smoothing, soft):
    torch = pytest.importorskip("torch")
    logits, target = classification_problem(K, soft)
    z = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(z, torch.tensor(target), label_smoothing=smoothing)
    expected.backward()
    options = {"label_smoothing": smoothing}
    assert cross_entropy(logits, target, **options) == pytest.approx(expected.item(), rel=1e-14, abs=1e-15)
    np.testing.assert_allclose(
        cross_entropy_gradient(logits, target, **options), z.grad, rtol=1e-12, atol=1e-15
    )


@each_output_count
@pytest.mark.parametrize("name", ["squared", "absolute", "huber"])
def test_regression_losses_agree_with_torch(K, name):
    torch = pytest.importorskip("torch")
    prediction, target = regression_problem(K)
    p, t = torch.tensor(prediction, requires_grad=True), torch.tensor(target)
    F = torch.nn.functional
    expected = {
        "squared": lambda: F.mse_loss(p, t, reduction="sum") / (2 * N),
        "absolute": lambda: F.l1_loss(p, t, reduction="sum") / N,
        "huber": lambda: F.huber_loss(p, t, reduction="sum", delta=1.0) / N,
    }[name]()
    expected.backward()
    loss, gradient = REGRESSION[name]
    assert loss(prediction, target) == pytest.approx(expected.item(), rel=1e-14)
    np.testing.assert_allclose(gradient(prediction, target), p.grad, rtol=1e-14)


# --- values


def test_cross_entropy_of_equal_logits_is_log_K():
    assert cross_entropy(np.zeros((2, 10)), [3, 9]) == pytest.approx(math.log(10), rel=1e-15)


def test_labels_equal_one_hot_targets_and_smoothing_equals_smoothed_ones():
    logits, labels = classification_problem(3, soft=False)
    one_hot = np.eye(3, dtype=int)[labels]
    smooth = 0.9 * one_hot + 0.1 / 3
    assert cross_entropy(logits, labels) == pytest.approx(cross_entropy(logits, one_hot), rel=1e-15)
    assert cross_entropy(logits, labels, label_smoothing=0.1) == pytest.approx(
        cross_entropy(logits, smooth), rel=1e-14
    )
    np.testing.assert_allclose(
        cross_entropy_gradient(logits, labels, label_smoothing=0.1),
        cross_entropy_gradient(logits, smooth),
        atol=1e-16,
    )


def test_every_leading_position_is_a_sample():
    rng = np.random.default_rng(0)
    logits, labels, weight = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3)), rng.random((2, 3))
    flat = (logits.reshape(6, 4), labels.reshape(6))
    assert cross_entropy(logits, labels, sample_weight=weight) == cross_entropy(
        *flat, sample_weight=weight.reshape(6)
    )
    gradient = cross_entropy_gradient(logits, labels)
    assert gradient.shape == logits.shape
    np.testing.assert_array_equal(gradient.reshape(6, 4), cross_entropy_gradient(*flat))


def test_regression_losses_by_hand():
    prediction, target = np.array([[1.0, -3.0], [0.0, 0.5]]), np.zeros((2, 2))
    assert squared_loss(prediction, target) == (1 + 9 + 0.25) / 2 / 2
    assert absolute_loss(prediction, target) == (1 + 3 + 0.5) / 2
    assert huber_loss(prediction, target, delta=2.0) == (0.5 + 2 * (3 - 1) + 0.125) / 2
    np.testing.assert_array_equal(squared_loss_gradient(prediction, target), prediction / 2)
    np.testing.assert_array_equal(absolute_loss_gradient(prediction, target), [[0.5, -0.5], [0, 0.5]])
    np.testing.assert_array_equal(huber_loss_gradient(prediction, target, delta=2.0), [[0.5, -1], [0, 0.25]])


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.floats(-50, 50), st.floats(1e-3, 20))
def test_huber_is_its_definition_and_agrees_with_scipy(r, delta):
    value = huber_loss([r], [0.0], delta=delta)
    assert value == pytest.approx(scipy.special.huber(delta, r), rel=1e-14, abs=1e-300)
    assert huber_loss_gradient([r], [0.0], delta=delta)[0] == min(max(r, -delta), delta)


# --- weights


def everything(weight, rows=slice(None)):
    """Each loss and gradient on the given rows of a fixed problem."""
    weight = None if weight is None else np.asarray(weight)[rows]
    logits, labels = classification_problem(3, soft=False)
    yield cross_entropy, cross_entropy_gradient, (logits[rows], labels[rows]), {"sample_weight": weight}
    prediction, target = regression_problem(3)
    for loss, gradient in REGRESSION.values():
        yield loss, gradient, (prediction[rows], target[rows]), {"sample_weight": weight}


def test_the_scale_of_the_weights_does_not_matter_and_equal_weights_are_none():
    for loss, gradient, arguments, _ in everything(None):
        expected = loss(*arguments)
        for scale in (1, 2, 1e-9):
            weight = np.full(N, scale)
            assert loss(*arguments, sample_weight=weight) == pytest.approx(expected, rel=1e-14)
            np.testing.assert_allclose(
                gradient(*arguments, sample_weight=weight), gradient(*arguments), rtol=1e-13
            )


def test_an_integer_weight_repeats_a_sample():
    weight = np.array([1, 3, 0, 2, 1, 1])
    repeated = everything(None, rows=np.repeat(np.arange(N), weight))
    for (loss, _, arguments, options), (_, _, longer, _) in zip(everything(weight), repeated, strict=True):
        assert loss(*arguments, **options) == pytest.approx(loss(*longer), rel=1e-14)


def test_weights_that_sum_to_0_give_0():
    for loss, gradient, arguments, options in everything(np.zeros(N)):
        assert loss(*arguments, **options) == 0
        np.testing.assert_array_equal(gradient(*arguments, **options), np.zeros((N, 3)))


def test_a_sample_of_weight_0_takes_no_part_whatever_it_holds():
    weight = [0.0, 1, 1, 1, 1, 1]
    for loss, gradient, (output, target), options in everything(weight):
        expected, slope = loss(output, target, **options), gradient(output, target, **options)
        output = output.copy()
        output[0] = NAN
        assert loss(output, target, **options) == expected
        np.testing.assert_array_equal(gradient(output, target, **options), slope)


# --- extremes


@pytest.mark.parametrize(
    ("logits", "target", "loss", "gradient"),
    [
        ([1e308, -1e308], 0, 0, [0, 0]),
        ([1e308, 0], 1, 1e308, [1, -1]),
        ([1e308, -1e308], 1, INF, [1, -1]),
        ([INF, 0], 0, 0, [0, 0]),
        ([INF, 0], 1, INF, [1, -1]),
        ([-INF, 0], 1, 0, [0, 0]),
        ([-INF, 0], 0, INF, [-1, 1]),
        ([-INF, 0], [0.0, 1.0], 0, [0, 0]),
        ([-INF, 0], [0.5, 0.5], INF, [-0.5, 0.5]),
        ([INF, 0], [1.0, 0.0], 0, [0, 0]),
        ([INF, INF], 0, NAN, [NAN, NAN]),
        ([-INF, -INF], [0.5, 0.5], NAN, [NAN, NAN]),
        ([NAN, 0], 1, NAN, [NAN, NAN]),
    ],
)
def test_cross_entropy_of_extreme_logits_is_its_limit(logits, target, loss, gradient):
    np.testing.assert_array_equal(cross_entropy([logits], [target]), loss)
    np.testing.assert_array_equal(cross_entropy_gradient([logits], [target]), [gradient])


def test_smoothing_gives_mass_to_a_class_of_probability_0():
    assert cross_entropy([[-INF, 0]], [1], label_smoothing=0.1) == INF


@each_regression
def test_regression_losses_pass_nan_and_infinity_on(loss, gradient):
    assert math.isnan(loss([NAN], [0.0])) and np.isnan(gradient([NAN], [0.0]))
    assert loss([INF], [0.0]) == INF
    assert loss([1e308], [-1e308]) == INF
    assert loss([[1e308, 1e308]], np.zeros((1, 2))) == INF


@each_regression
def test_the_subgradient_at_0_is_0(loss, gradient):
    assert loss([2.0], [2.0]) == gradient([2.0], [2.0])[0] == 0


# --- types and shapes


def test_a_loss_is_a_python_float_and_a_gradient_keeps_float32():
    for dtype, expected in ((np.float32, np.float32), (np.float64, np.float64), (np.int8, np.float64)):
        for loss, gradient, (output, target), _ in everything(None):
            for weight in (None, np.arange(N)):
                output = output.astype(dtype)
                assert type(loss(output, target, sample_weight=weight)) is float
                assert gradient(output, target, sample_weight=weight).dtype == expected


def test_arguments_are_left_as_they_were():
    for loss, gradient, arguments, options in everything(np.arange(N)):
        before = [a.copy() for a in (*arguments, options["sample_weight"])]
        loss(*arguments, **options)
        gradient(*arguments, **options)
        for array, copy in zip((*arguments, options["sample_weight"]), before, strict=True):
            np.testing.assert_array_equal(array, copy)


def test_float32_losses_are_accumulated_in_float64():
    n = 200_000
    prediction = np.full(n, 0.1, np.float32)
    assert absolute_loss(prediction, np.zeros(n)) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


@each_regression
def test_one_output_may_come_as_a_column_or_flat(loss, gradient):
    prediction, target = regression_problem(1)
    expected, slope = loss(prediction, target), gradient(prediction, target)
    for p in (prediction, prediction[:, 0]):
        for t in (target, target[:, 0]):
            assert loss(p, t) == expected
            assert gradient(p, t).shape == p.shape
            np.testing.assert_array_equal(gradient(p, t).ravel(), slope.ravel())


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_may_be_of_any_integer_type(dtype):
    logits, labels = classification_problem(3, soft=False)
    assert cross_entropy(logits, labels.astype(dtype)) == cross_entropy(logits, labels)


# --- refusals


@pytest.mark.parametrize("function", [cross_entropy, cross_entropy_gradient])
@pytest.mark.parametrize(
    ("logits", "target", "options", "message"),
    [
        (np.ones(3), [0], {}, r"logits must have shape \(N, K\).*got \(3,\)"),
        (np.ones((0, 3)), [], {}, r"logits must have shape.*got \(0, 3\)"),
        (np.ones((2, 0)), [0, 0], {}, r"logits must have shape.*got \(2, 0\)"),
        ([["a", "b"]], [0], {}, "logits must hold float32"),
        (
            np.ones((2, 3)),
            [0],
            {},
            r"labels of shape \(2,\) or soft targets of shape \(2, 3\).*got shape \(1,\)",
        ),
        (np.ones((2, 3)), [[0], [1, 2]], {}, "target must be an array of numbers, with rows of one length"),
        (np.ones((2, 3)), [0, 3], {}, r"labels must lie in 0\.\.2.*K = 3 classes.*got 3 at index 1"),
        (np.ones((2, 3)), [-1, 3], {}, "got -1 at index 0"),
        (np.ones((1, 2, 3)), [[0, 7]], {}, r"got 7 at index \(0, 1\)"),
        (np.ones((2, 3)), [0.0, 1.0], {}, "labels must be integers; got dtype float64"),
        (
            np.ones((1, 2)),
            [[0.5, 0.6]],
            {},
            r"soft targets must be at least 0 and sum to 1.*got.* 0\.5 and.*1\.1",
        ),
        (np.ones((1, 2)), [[-0.5, 1.5]], {}, r"got a least entry of -0\.5"),
        (np.ones((1, 2)), [[NAN, 1.0]], {}, "got a least entry of nan"),
        (np.ones((1, 2)), [[1j, 1.0]], {}, "soft targets must be real"),
        (
            np.ones((1, 2)),
            [0],
            {"label_smoothing": 1},
            "label_smoothing must be at least 0 and below 1; got 1",
        ),
        (np.ones((1, 2)), [0], {"label_smoothing": -0.1}, r"label_smoothing must be.*got -0\.1"),
        (np.ones((1, 2)), [0], {"label_smoothing": NAN}, r"label_smoothing must be.*got nan"),
        (np.ones((2, 2)), [0, 0], {"sample_weight": [1]}, r"sample_weight must have.*\(2,\); got \(1,\)"),
        (
            np.ones((2, 2)),
            [0, 0],
            {"sample_weight": [-1, 1]},
            "sample_weight must be at least 0.*from -1 to 1",
        ),
        (np.ones((2, 2)), [0, 0], {"sample_weight": [INF, 1]}, "sample_weight must be at least 0 and finite"),
        (np.ones((2, 2)), [0, 0], {"sample_weight": [NAN, 1]}, "sample_weight must be at least 0 and finite"),
        (np.ones((2, 2)), [0, 0], {"sample_weight": [1j, 1]}, "sample_weight must be real"),
    ],
)
def test_cross_entropy_refuses(function, logits, target, options, message):
    with pytest.raises(InvalidInput, match=message):
        function(logits, target, **options)


@pytest.mark.parametrize("function", [f for pair in REGRESSION.values() for f in pair])
@pytest.mark.parametrize(
    ("prediction", "target", "weight", "message"),
    [
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), None, r"prediction must have shape.*got \(2, 2, 2\)"),
        (np.ones(0), np.ones(0), None, r"prediction must have shape.*got \(0,\)"),
        (1.0, 1.0, None, r"prediction must have shape.*got \(\)"),
        (
            np.ones((2, 3)),
            np.ones(2),
            None,
            r"target must have the shape of the prediction, \(2, 3\); got \(2,\)",
        ),
        (np.ones((2, 1)), np.ones((1, 2)), None, "target must have the shape of the prediction"),
        (np.ones(6), np.ones((2, 3)), None, "target must have the shape of the prediction"),
        (np.ones(2), [1j, 1], None, "target must be real; got dtype complex128"),
        (np.ones(2), ["a", "b"], None, "target must hold float32"),
        (np.ones(2), np.ones(2), [-1, 2], "sample_weight must be at least 0"),
        (np.ones(2), np.ones(2), [[1], [1]], "sample_weight must have a weight for each sample"),
    ],
)
def test_regression_losses_refuse(function, prediction, target, weight, message):
    with pytest.raises(InvalidInput, match=message):
        function(prediction, target, sample_weight=weight)


@pytest.mark.parametrize("function", [huber_loss, huber_loss_gradient])
@pytest.mark.parametrize("delta", [0, -1.0, INF, NAN])
def test_huber_refuses_a_delta_that_is_not_positive_and_finite(function, delta):
    with pytest.raises(InvalidInput, match=f"delta must be positive and finite; got {delta}"):
        function([1.0], [0.0], delta=delta)
