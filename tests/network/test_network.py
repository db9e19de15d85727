import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.network import INITIALISATIONS, Network, Parameters

NETWORK = Network((7, 5, 3))


def test_layers_chain_and_the_last_is_the_identity_without_dropout():
    layers = Network((7, 5, 4, 3), ("tanh", "relu"), dropout=(0.1, 0.2)).layers
    assert [(layer.n_in, layer.n_out) for layer in layers] == [(7, 5), (5, 4), (4, 3)]
    assert [layer.activation for layer in layers] == ["tanh", "relu", "identity"]
    assert [layer.dropout for layer in layers] == [0.1, 0.2, 0.0]


def test_one_activation_and_dropout_serve_all_hidden_layers():
    layers = Network((7, 5, 4, 3), "silu", dropout=0.5).layers
    assert [(layer.activation, layer.dropout) for layer in layers] == [("silu", 0.5)] * 2 + [
        ("identity", 0.0)
    ]


def test_a_network_without_hidden_layers_is_affine():
    assert [layer.activation for layer in Network((4, 2), "tanh", dropout=0.5).layers] == ["identity"]


def test_parameters_are_counted():
    assert Network((784, 256, 128, 64, 10)).n_parameters == 784 * 256 + 256 * 128 + 128 * 64 + 640 + 458


def test_whatever_numbers_it_was_made_of_a_network_is_the_same():
    given = Network(
        [np.int64(7), 5, np.uint8(4), 3],
        ["tanh", "relu"],
        dropout=np.array([0.5, 0.25]),
        input_scale=np.float32(2),
    )
    same = Network((7, 5, 4, 3), ("tanh", "relu"), dropout=(0.5, 0.25), input_scale=2)
    assert given == same
    assert json.dumps(asdict(given)) == json.dumps(asdict(same))


@pytest.mark.parametrize(
    "sizes",
    [(5,), (), (5, 0), (5, -1), (5, 2.0), (5, True), ("5", "3"), "53", 5, None, (5, math.nan)],
    ids=repr,
)
def test_sizes_that_are_not_are_refused(sizes):
    with pytest.raises(InvalidInput, match=r"sizes must be two or more positive integers, inputs first; got"):
        Network(sizes)


@pytest.mark.parametrize("activation", ["softmax", "", None, 5, ["relu", "step"], [["relu"]]], ids=repr)
@pytest.mark.parametrize("sizes", [(7, 5, 4, 3), (7, 3)], ids=["hidden", "none hidden"])
def test_an_unknown_activation_is_refused_even_where_no_layer_has_it(sizes, activation):
    with pytest.raises(
        InvalidInput, match=r"activation must be one of identity, relu, tanh, .*silu, selu, mish; got"
    ):
        Network(sizes, activation)


@pytest.mark.parametrize(
    "dropout", [1, -0.1, math.nan, "0.1", None, False, (0.1, 1.5), 10**400], ids=lambda d: str(d)[:9]
)
@pytest.mark.parametrize("sizes", [(7, 5, 4, 3), (7, 3)], ids=["hidden", "none hidden"])
def test_a_dropout_outside_of_its_range_is_refused(sizes, dropout):
    with pytest.raises(InvalidInput, match="dropout must be at least 0 and below 1; got"):
        Network(sizes, dropout=dropout)


def test_as_many_activations_and_dropouts_as_hidden_layers():
    with pytest.raises(
        InvalidInput, match="activation must be one value or one for each of the 1 hidden layers; got 2"
    ):
        Network((7, 5, 3), ("relu", "relu"))
    with pytest.raises(
        InvalidInput, match="dropout must be one value or one for each of the 2 hidden layers; got 1"
    ):
        Network((7, 5, 4, 3), dropout=(0.1,))


@pytest.mark.parametrize("output", ["sigmoid", None, ["softmax"]])
def test_an_unknown_output_is_refused(output):
    with pytest.raises(InvalidInput, match="output must be one of softmax, identity, logistic, exp; got"):
        Network((7, 3), output=output)


@pytest.mark.parametrize(
    "scale", [0, math.nan, math.inf, -math.inf, "1", None, True, 10**400], ids=lambda s: str(s)[:9]
)
def test_an_input_scale_that_loses_the_inputs_is_refused(scale):
    with pytest.raises(InvalidInput, match="input_scale must be finite and not 0; got"):
        Network((7, 3), input_scale=scale)


def test_the_flat_array_holds_all_weights_in_c_order_and_then_all_biases():
    parameters = Parameters(NETWORK, np.arange(58.0))
    np.testing.assert_array_equal(parameters.weights[0], np.arange(35.0).reshape(7, 5))
    np.testing.assert_array_equal(parameters.weights[1], np.arange(35.0, 50).reshape(5, 3))
    np.testing.assert_array_equal(parameters.biases[0], np.arange(50.0, 55))
    np.testing.assert_array_equal(parameters.biases[1], np.arange(55.0, 58))
    assert parameters.n_weights == 50


def test_blocks_cover_the_flat_array_in_its_order():
    network = Network((7, 5, 4, 3), batch_norm=(True, False))
    parameters = Parameters(network, np.arange(float(network.n_parameters)))
    ends = [0]
    for block in network.blocks:
        assert block.where.start == ends[-1]
        ends.append(block.where.stop)
        array = dict(parameters.trainable())[block.name]
        np.testing.assert_array_equal(array, parameters.flat[block.where].reshape(block.shape))
        assert block.rate == 1 and block.decay == (array.ndim == 2)
    assert ends[-1] == network.n_parameters and {b.name for b in network.blocks} == {
        name for name, _ in parameters.trainable()
    }


def test_blocks_that_are_trained_alike_are_one_slice():
    network = Network((7, 5, 3), batch_norm=True)
    assert network.paces == ((slice(0, network.n_parameters), 1.0, 1.0),)
    assert network.decays == ((slice(0, 50), 1.0, 1.0),)


def test_named_arrays_are_views():
    parameters = Parameters.zeros(NETWORK)
    names = []
    for i, (name, array) in enumerate(parameters.named()):
        array += i + 1
        names.append(name)
    assert names == ["weights.0", "biases.0", "weights.1", "biases.1"]
    assert parameters.flat.tolist() == [1] * 35 + [3] * 15 + [2] * 5 + [4] * 3


def test_a_copy_is_independent():
    parameters = Parameters.zeros(NETWORK)
    parameters.copy().flat += 1
    assert not parameters.flat.any()


@pytest.mark.parametrize(
    "flat",
    [np.zeros(57), np.zeros((58, 1)), np.zeros(58, int), np.zeros(58, np.float16), np.zeros(58, ">f4")],
)
def test_a_flat_array_of_another_shape_or_type_is_refused(flat):
    with pytest.raises(
        InvalidInput, match=r"flat must be float32 or float64 of shape \(58,\); got \S+ of shape"
    ):
        Parameters(NETWORK, flat)


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(InvalidInput, match="initialisation must be one of torch, glorot, he; got 'xavier'"):
        Parameters.initialise(NETWORK, "xavier")


@pytest.mark.parametrize("random_state", ["x", -1, 0.5, [-1]], ids=repr)
def test_a_random_state_that_is_none_is_refused(random_state):
    with pytest.raises(
        InvalidInput,
        match="random_state must be an integer of at least 0, or a SeedSequence or Generator of NumPy; got",
    ):
        Parameters.initialise(NETWORK, random_state=random_state)


def bounds(network, scheme):
    """What the docstring promises of each layer: bound of the uniform weights and biases."""
    for layer in network.layers:
        if scheme == "torch":
            yield 1 / math.sqrt(layer.n_in)
        else:
            # scikit-learn's MLP takes 2 for every layer of a logistic network, the last one too.
            yield math.sqrt((2 if network.activation == "logistic" else 6) / (layer.n_in + layer.n_out))


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.parametrize("scheme", ["torch", "glorot"])
def test_uniform_schemes_fill_their_range_evenly(scheme, activation):
    network = Network((300, 200, 100), activation)
    parameters = Parameters.initialise(network, scheme, 5)
    for W, b, bound in zip(parameters.weights, parameters.biases, bounds(network, scheme), strict=True):
        assert 0.999 * bound <= np.abs(W).max() <= bound * (1 + 1e-6)
        assert 0.9 * bound <= np.abs(b).max() <= bound * (1 + 1e-6)
        # Mean and variance of a uniform sample of W.size, to five standard deviations.
        assert abs(W.mean(dtype=float)) <= 5 * bound / math.sqrt(3 * W.size)
        assert abs(np.square(W, dtype=float).mean() / (bound**2 / 3) - 1) <= 5 * math.sqrt(0.8 / W.size)


def test_torch_s_scheme_has_the_range_of_torch_s_linear():
    import torch

    torch.manual_seed(0)
    torch_layer = torch.nn.Linear(400, 300)
    theirs = torch_layer.weight.detach().numpy()
    W = Parameters.initialise(Network((400, 300)), "torch").weights[0]
    assert abs(np.abs(W).max() / np.abs(theirs).max() - 1) <= 1e-3
    assert abs(W.std() / theirs.std() - 1) <= 0.01


def test_he_weights_are_normal_and_biases_zero():
    parameters = Parameters.initialise(Network((300, 200, 100)), "he", 5)
    for W, b in zip(parameters.weights, parameters.biases, strict=True):
        scaled = W.astype(float) / math.sqrt(2 / len(W))
        assert abs(scaled.mean()) <= 5 / math.sqrt(W.size)
        assert abs((scaled**2).mean() - 1) <= 5 * math.sqrt(2 / W.size)
        assert abs((np.abs(scaled) <= 1).mean() - 0.6827) <= 0.01
        assert not b.any()


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_both_precisions_start_at_the_same_point_and_seeds_differ(scheme):
    single = Parameters.initialise(NETWORK, scheme, 7)
    double = Parameters.initialise(NETWORK, scheme, 7, np.float64)
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_array_equal(single.flat, double.flat.astype(np.float32))
    assert np.any(Parameters.initialise(NETWORK, scheme, 8).flat != single.flat)


def test_a_generator_goes_on_where_it_stands():
    rng = np.random.default_rng(3)
    first, second = (Parameters.initialise(NETWORK, "torch", rng).flat for _ in range(2))
    np.testing.assert_array_equal(first, Parameters.initialise(NETWORK, "torch", 3).flat)
    assert np.any(first != second)


NORMALISED = Network((4, 3, 2, 2), batch_norm=(True, False))


def test_batch_normalisation_is_of_hidden_layers_alone_one_for_all_or_one_a_layer():
    assert [layer.batch_norm for layer in Network((4, 3, 2, 2), batch_norm=True).layers] == [
        True,
        True,
        False,
    ]
    assert [layer.batch_norm for layer in NORMALISED.layers] == [True, False, False]
    assert [layer.batch_norm for layer in Network((4, 2), batch_norm=True).layers] == [False]
    assert Network((4, 3, 2), batch_norm=[np.True_]).batch_norm == (True,)


def test_scales_come_after_all_biases_and_statistics_are_apart():
    assert NORMALISED.n_parameters == 12 + 6 + 4 + 7 + 3 and NORMALISED.n_statistics == 6
    p = Parameters(NORMALISED, np.arange(32.0), np.arange(6.0))
    assert p.n_weights == 22
    assert p.biases[0].tolist() == [22, 23, 24] and p.biases[2].tolist() == [27, 28]
    assert p.scales[0].tolist() == [29, 30, 31] and p.scales[1:] == (None, None)
    assert p.running_means[0].tolist() == [0, 1, 2] and p.running_means[1:] == (None, None)
    assert p.running_variances[0].tolist() == [3, 4, 5] and p.running_variances[1:] == (None, None)
    assert [name for name, _ in p.trainable()] == [
        "weights.0", "biases.0", "scales.0", "weights.1", "biases.1", "weights.2", "biases.2",
    ]  # fmt: skip
    assert [name for name, _ in p.named()][7:] == ["running_means.0", "running_variances.0"]
    assert NORMALISED.array_shapes() == {name: array.shape for name, array in p.named()}
    for i, (_, array) in enumerate(p.named()):
        array[...] = i
    assert p.flat.tolist() == [0] * 12 + [3] * 6 + [5] * 4 + [1] * 3 + [4] * 2 + [6] * 2 + [2] * 3
    assert p.statistics.tolist() == [7] * 3 + [8] * 3


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_a_normalised_layer_starts_with_scale_1_bias_0_mean_0_and_variance_1(scheme):
    p = Parameters.initialise(NORMALISED, scheme)
    assert p.scales[0].tolist() == [1, 1, 1] and p.biases[0].tolist() == [0, 0, 0]
    assert p.running_means[0].tolist() == [0, 0, 0] and p.running_variances[0].tolist() == [1, 1, 1]
    assert p.statistics.dtype == p.dtype == np.float32
    assert scheme == "he" or p.biases[1].all()


def test_a_copy_has_its_own_statistics():
    p = Parameters.zeros(NORMALISED)
    copy = p.copy()
    copy.statistics += 5
    assert p.statistics.tolist() == [0] * 3 + [1] * 3


@pytest.mark.parametrize("statistics", [np.zeros(5), np.zeros((6, 1)), np.zeros(6, np.float32)])
def test_statistics_of_another_shape_or_type_are_refused(statistics):
    with pytest.raises(
        InvalidInput, match=r"statistics must be float64, as flat is, of shape \(6,\); got \S+ of shape"
    ):
        Parameters(NORMALISED, np.zeros(32), statistics)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-7), (np.float64, 1e-15)])
def test_folded_parameters_are_of_the_same_function_without_batch_normalisation(dtype, tolerance):
    network = Network((4, 3, 2, 2), "tanh", batch_norm=(True, False), dropout=0.2, mirror_width=2)
    rng = np.random.default_rng(0)
    p = Parameters(network, rng.normal(size=32).astype(dtype), rng.uniform(0.1, 3, 6).astype(dtype))
    folded = p.folded()
    assert folded.network == Network((4, 3, 2, 2), "tanh", dropout=0.2, mirror_width=2)
    assert folded.dtype == dtype and folded.statistics.size == 0 and folded.folded() is folded
    a = rng.normal(size=(5, 4))
    wide = [array.astype(float) for _, array in p.named()]
    W, b, scale, mean, variance = wide[0], wide[1], wide[2], wide[-2], wide[-1]
    expected = scale * (a @ W - mean) / np.sqrt(variance + 1e-5) + b
    found = a @ folded.weights[0].astype(float) + folded.biases[0]
    assert np.abs(found - expected).max() <= 10 * tolerance * np.abs(expected).max()
    for i in (1, 2):
        np.testing.assert_array_equal(folded.weights[i], p.weights[i])
        np.testing.assert_array_equal(folded.biases[i], p.biases[i])


@pytest.mark.parametrize("batch_norm", [1, "yes", None, (True, 0)], ids=repr)
def test_a_batch_norm_that_is_no_truth_value_is_refused(batch_norm):
    with pytest.raises(InvalidInput, match="batch_norm must be True or False; got"):
        Network((7, 5, 4, 3), batch_norm=batch_norm)


def test_another_number_of_batch_norms_than_hidden_layers_is_refused():
    with pytest.raises(
        InvalidInput, match="batch_norm must be one value or one for each of the 2 hidden layers"
    ):
        Network((7, 5, 4, 3), batch_norm=(True,))


@pytest.mark.parametrize("offset", [math.nan, math.inf, "0", None, True, 10**400], ids=str)
def test_an_input_offset_that_is_no_finite_number_is_refused(offset):
    with pytest.raises(InvalidInput, match="input_offset must be finite; got"):
        Network((7, 3), input_offset=offset)


@pytest.mark.parametrize("width", [-1, 4, 7.0, "7", True, None], ids=repr)
def test_a_mirror_width_that_no_image_has_is_refused(width):
    with pytest.raises(
        InvalidInput, match="mirror_width must be 0, or the width of an image: a divisor of the 6 inputs; got"
    ):
        Network((6, 3), mirror_width=width)
