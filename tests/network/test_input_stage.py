"""What an input stage is: widths, arrays and how each is trained, initial values, refusals."""

import math

import numpy as np
import pytest
import scipy.stats

from treadle import InputStage, Network, Parameters
from treadle.errors import InvalidInput

STAGE = InputStage(2, 3, (4, 9))


def test_widths_are_sums_of_the_parts():
    assert (STAGE.n_inputs, STAGE.n_copied, STAGE.n_combined, STAGE.first_rows) == (7, 5, 6, (0, 4))
    assert STAGE.width == 2 * (3 + 1) + 3 + 2 * 8
    assert InputStage(n_plain=2).width == 2 and InputStage(category_counts=[5]).width == 8
    assert InputStage(3, n_combinations=1, n_frequencies=2).width == 6


def test_the_first_layer_has_the_width_of_the_stage_and_sizes_that_of_X():
    network = Network((7, 6, 3), input_stage=STAGE)
    assert [(layer.n_in, layer.n_out) for layer in network.layers] == [(27, 6), (6, 3)]
    assert network.sizes == (7, 6, 3)


def test_each_array_has_its_rate_and_decay():
    # The table of Holzmueller et al.: decay is multiplied by the rate's factor twice.
    network = Network((7, 6, 3), "mish", input_stage=STAGE, parametric=True, scaled_rates=True)
    found = {b.name: (b.shape, b.rate, b.rate * b.decay, b.rate * b.epsilon) for b in network.blocks}
    tenth = (0.1, pytest.approx(0.01), pytest.approx(0.1))
    assert found == {
        "weights.0": ((27, 6), pytest.approx(27**-0.5), pytest.approx(1), pytest.approx(1)),
        "weights.1": ((6, 3), pytest.approx(6**-0.5), pytest.approx(1), pytest.approx(1)),
        "biases.0": ((6,), 0.1, 0, 0.1),
        "biases.1": ((3,), 0.1, 0, 0.1),
        "slopes.0": ((6,), *tenth),
        "frequencies": ((2, 16), *tenth),
        "phases": ((2, 16), *tenth),
        "combinations": ((2, 16, 3), *tenth),
        "combination_biases": ((2, 3), *tenth),
        "embeddings": ((13, 8), 1, 1, 1),
        "input_scales": ((27,), 6, 36, 6),
    }
    parameters = Parameters.zeros(network)
    assert {name: array.shape for name, array in parameters.trainable()} == network.array_shapes()
    assert {b.name: b.shape for b in network.blocks} == network.array_shapes()
    assert sum(array.size for _, array in parameters.trainable()) == network.n_parameters
    for name, array in parameters.trainable():
        array[:] = 1
        assert np.shares_memory(array, parameters.flat), name
    assert (parameters.flat == 1).all()


def test_what_no_column_needs_has_no_array():
    assert [name for name, *_ in InputStage(n_plain=2).arrays()] == ["input_scales"]
    assert [name for name, *_ in InputStage(category_counts=(3,)).arrays()] == ["embeddings", "input_scales"]
    assert "embeddings" not in [name for name, *_ in InputStage(1).arrays()]


def test_initial_arrays_have_their_distributions():
    stage = InputStage(400, 0, (700,))
    arrays = stage.initial(np.random.default_rng(0))
    laws = {
        "frequencies": scipy.stats.norm(0, 0.1),
        "phases": scipy.stats.uniform(-math.pi, 2 * math.pi),
        "combinations": scipy.stats.uniform(-0.25, 0.5),
        "combination_biases": scipy.stats.uniform(-0.25, 0.5),
        "embeddings": scipy.stats.norm(0, 1),
    }
    for name, law in laws.items():
        assert scipy.stats.kstest(arrays[name].ravel(), law.cdf).pvalue > 0.01, name
        assert scipy.stats.kstest(1.1 * arrays[name].ravel(), law.cdf).pvalue < 0.01, name
    np.testing.assert_array_equal(arrays["input_scales"], 1)


def test_initialise_fills_every_array_and_leaves_plain_networks_alone():
    network = Network((7, 6, 3), input_stage=STAGE, parametric=True)
    start = Parameters.initialise(network, random_state=3, dtype=np.float64)
    assert all(array.any() for _, array in start.trainable())
    np.testing.assert_array_equal(start.slopes[0], 1)
    # The arrays that plain networks have are drawn first.
    plain = Parameters.initialise(Network((27, 6, 3)), random_state=3, dtype=np.float64)
    np.testing.assert_array_equal(start.flat[: plain.flat.size], plain.flat)


def test_folding_batch_normalisation_keeps_the_rest():
    network = Network((7, 6, 3), input_stage=STAGE, parametric=True, batch_norm=True)
    start = Parameters.initialise(network, random_state=3, dtype=np.float64)
    start.slopes[0][:] = 0.3
    folded = start.folded()
    assert not folded.network.layers[0].batch_norm
    np.testing.assert_array_equal(folded.slopes[0], 0.3)
    for name, array in start.input_arrays.items():
        np.testing.assert_array_equal(folded.input_arrays[name], array)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_numbers": -1}, "n_numbers must be an integer of at least 0; got -1"),
        ({"n_plain": 1.5}, "n_plain must be an integer of at least 0; got 1.5"),
        ({"n_numbers": 1, "n_frequencies": 0}, "n_frequencies must be an integer of at least 1; got 0"),
        ({"n_numbers": 1, "n_combinations": True}, "n_combinations must be an integer of at least 1"),
        ({"category_counts": (3, 0)}, r"category_counts must be integers from 1 to 16777216, .*got \(3, 0\)"),
        (
            {"category_counts": 3},
            "category_counts must be integers from 1 to 16777216, one a category; got 3",
        ),
        ({}, "an input stage must have a number, a plain column or a category; got none"),
    ],
)
def test_a_stage_that_can_be_none_is_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        InputStage(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_stage": (2, 3)}, r"input_stage must be an InputStage or None; got \(2, 3\)"),
        ({"sizes": (6, 3)}, r"sizes must begin with the 7 columns of the input stage; got \(6, 3\)"),
        ({"input_scale": 0.5}, "takes X as it is: input_scale must be 1, .*got 0.5, 0.0 and 0"),
        ({"mirror_width": 7}, "takes X as it is: .*got 1.0, 0.0 and 7"),
        ({"parametric": 1}, "parametric must be True or False; got 1"),
        (
            {"parametric": (True,)},
            "parametric must be one value or one for each of the 2 hidden layers; got 1",
        ),
        ({"scaled_rates": "yes"}, "scaled_rates must be True or False; got 'yes'"),
    ],
)
def test_a_network_that_does_not_fit_its_stage_is_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        Network(**{"sizes": (7, 6, 5, 3), "input_stage": STAGE, **options})
