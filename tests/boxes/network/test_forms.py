"""The forms of box networks against ``predict``, in NumPy, PyTorch and ONNX Runtime: to the bit."""

import numpy as np
import onnxruntime
import pytest
import torch

from treadle import InvalidInput, approximate
from treadle.boxes.network import forms, step_forms
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.exact_sums import summable

RNG = np.random.default_rng(0)
LINE = np.linspace(-2, 2, 129)
MIDDLES = (LINE[1:] + LINE[:-1]) / 2
AXES = [np.linspace(-1, 1, 13), np.linspace(0, 0.7, 11), np.sort(RNG.normal(size=10))]


def adversarial(edges):
    """Edges, their neighbours in float64, points between and beyond."""
    near = [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)]
    return np.concatenate([*near, RNG.uniform(edges[0] - 1, edges[-1] + 1, 300)])


def line(outside="clamped", heights=None):
    heights = np.sin(3 * MIDDLES) + 0.5 * np.cos(7 * MIDDLES) if heights is None else heights
    return BoxNetwork([LINE], heights, outside=outside), adversarial(LINE)[:, None]


def block(outside="clamped"):
    points = np.stack([RNG.choice(adversarial(axis), 2000) for axis in AXES], axis=1)
    return BoxNetwork(AXES, RNG.normal(size=(12, 10, 9)), outside=outside), points


def by_torch(network, X, form, dtype=np.float64):
    with torch.no_grad():
        return network.to_torch(form, dtype)(torch.from_numpy(X.astype(dtype))).numpy()[:, 0]


def by_onnx_runtime(network, X, form, path, dtype=np.float64):
    network.to_onnx(path, form, dtype)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X.astype(dtype)})[0][:, 0]


CASES = [(line, form) for form in ("homework", "telescoped", "and", "index")]
CASES += [(block, form) for form in ("and", "index")]


@pytest.mark.parametrize("outside", ["clamped", "zero"])
@pytest.mark.parametrize(("make", "form"), CASES)
def test_every_form_gives_the_bits_of_predict(make, form, outside, tmp_path):
    network, X = make(outside)
    expected = network.predict(X)
    np.testing.assert_array_equal(network.forward(X, form), expected)
    np.testing.assert_array_equal(by_torch(network, X, form), expected)
    np.testing.assert_array_equal(by_onnx_runtime(network, X, form, tmp_path / "net.onnx"), expected)


def test_boxes_that_are_no_grid_have_the_form_and(tmp_path):
    network = approximate("sin(3*x) + y*y", [(-1, 1), (0, 2)], n_boxes=60, partition="adaptive")
    X = np.stack([RNG.choice(adversarial(axis), 2000) for axis in network.edges_], axis=1)
    for values in (
        network.forward(X),
        by_torch(network, X, "and"),
        by_onnx_runtime(network, X, "and", tmp_path / "net.onnx"),
    ):
        np.testing.assert_array_equal(values, network.predict(X))
    with pytest.raises(InvalidInput, match="must be 'and'; got 'index': the index form is for grids"):
        network.layers("index")


def test_an_approximation_needs_no_second_part_of_its_heights():
    network = approximate("sin(3*x) + 0.5*cos(7*x)", (-2, 2), eps=0.01)
    n = network.n_boxes_
    assert [layer.n_out for layer in network.layers("telescoped")] == [n - 1, 1]
    assert network.layers("homework")[0].n_out == 2 * n


def test_heights_of_all_sizes_give_the_bits_too():
    heights = RNG.normal(size=128) * 10.0 ** RNG.integers(-60, 60, 128)
    network, X = line(heights=heights)
    for form in ("homework", "telescoped", "and", "index"):
        np.testing.assert_array_equal(by_torch(network, X, form), network.predict(X))


def test_plain_jumps_would_not_give_the_bits(monkeypatch):
    network, X = line()
    monkeypatch.setattr(step_forms, "exact_parts", lambda heights, **_: heights[None])
    assert (by_torch(network, X, "telescoped") != network.predict(X)).any()


def test_an_edge_moved_by_one_float_would_be_noticed():
    network, X = line()
    moved = LINE.copy()
    moved[5] = np.nextafter(moved[5], np.inf)
    assert (BoxNetwork([moved], network.heights_).forward(X, "and") != network.predict(X)).any()


@pytest.mark.parametrize(
    ("outside", "form", "hidden"),
    [
        ("clamped", "homework", 256),
        ("clamped", "telescoped", 127),
        ("zero", "telescoped", 129),
        ("zero", "homework", 256),
    ],
)
def test_the_first_layer_has_as_many_units_as_theory_says(outside, form, hidden):
    network, _ = line(outside)
    assert network.layers(form)[0].n_out == hidden


def test_the_and_form_is_one_hot_and_as_sparse_as_theory_says():
    network, X = block()
    steps, cells, heights = network.layers("and")
    hidden = cells.activate(steps.activate(X @ steps.weights + steps.biases) @ cells.weights + cells.biases)
    assert set(np.unique(hidden)) == {0.0, 1.0}
    assert (hidden.sum(axis=1) == 1).all()
    assert steps.n_out == 11 + 9 + 8
    n_nonzeros = cells.weights.nnz + heights.weights.nnz
    assert n_nonzeros <= 2 * 3 * (11 + 9 + 8) + (2 * 3 + 2) * 1080 + 1


def test_the_index_form_takes_three_numbers_a_cell_in_any_dimension():
    network = BoxNetwork(AXES, summable(RNG.normal(size=(12, 10, 9))))
    module = network.to_torch("index")
    n_parameters = sum(parameter.numel() for parameter in module.parameters())
    assert 3 * 1080 <= n_parameters <= 3 * 1080 + 200


def test_constant_networks_have_no_hidden_units():
    network = BoxNetwork([[0.0, 1.0]], [0.3])
    for form in ("telescoped", "and", "index"):
        assert network.forward([-1.0, 0.0, 7.0], form).tolist() == [0.3] * 3
        assert len(network.layers(form)) == 1
    np.testing.assert_array_equal(by_torch(network, np.zeros((3, 1)), "homework"), [0.3] * 3)
    plane = BoxNetwork([[0.0, 1.0], [2.0, 3.0]], [[-7.0]], outside="zero")
    assert plane.forward([[1.0, 3.0], [1.0, 3.1]], "and").tolist() == [-7.0, 0.0]


@pytest.mark.parametrize(("activation", "steepness"), [("sigmoid", 30.0), ("relu", 8.0)])
@pytest.mark.parametrize("form", ["homework", "telescoped"])
def test_smooth_units_agree_but_for_rounding(activation, steepness, form, tmp_path):
    _, X = line()
    heights = RNG.normal(size=128)
    network = BoxNetwork([LINE], heights, activation=activation, steepness=steepness)
    tolerance = 4 * 128 * np.finfo(float).eps * np.abs(heights).max()
    for values in (
        network.forward(X, form),
        by_torch(network, X, form),
        by_onnx_runtime(network, X, form, tmp_path / "net.onnx"),
    ):
        np.testing.assert_allclose(values, network.predict(X), rtol=0, atol=tolerance)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_piecewise_linear_networks_agree_but_for_rounding(n_dims, tmp_path):
    axes = [axis[:6] for axis in AXES[-n_dims:]]
    values = RNG.normal(size=[axis.size for axis in axes])
    network = BoxNetwork(axes, values, order=1, activation="relu")
    X = np.stack([RNG.choice(adversarial(axis), 500) for axis in axes], axis=1)
    for form in ("telescoped", "and") if n_dims == 1 else ("and",):
        for outputs in (
            network.forward(X, form),
            by_torch(network, X, form),
            by_onnx_runtime(network, X, form, tmp_path / "net.onnx"),
        ):
            np.testing.assert_allclose(outputs, network.predict(X), rtol=0, atol=1e-11)


@pytest.mark.parametrize("form", ["homework", "telescoped", "and", "index"])
def test_float32_finds_the_same_boxes(form):
    network, X = line()
    X = X.astype(np.float32)
    np.testing.assert_allclose(by_torch(network, X, form, np.float32), network.predict(X), atol=2e-5)


def test_edges_that_float32_cannot_tell_apart_are_refused():
    network = BoxNetwork([[0.0, 1 + 2**-40, 1 + 2**-39, 2.0]], [1.0, 2.0, 3.0])
    with pytest.raises(
        InvalidInput,
        match=r"in float32 the edges 1.0000000000009.* and 1.0000000000018.* of dimension 1 are the same",
    ):
        network.to_torch(dtype=np.float32)
    network.to_torch()


def test_an_index_beyond_float32_is_refused():
    network = BoxNetwork([np.arange(4098.0)] * 2, np.zeros((4097, 4097)))
    with pytest.raises(InvalidInput, match="the index of 16785409 cells is no exact integer in float32"):
        network.layers("index", np.float32)


def test_a_form_that_does_not_fit_in_memory_is_refused(monkeypatch):
    network = BoxNetwork([np.arange(101.0)] * 2, np.ones((100, 100)))
    monkeypatch.setattr(forms, "usable_memory", lambda: 10**6)
    with pytest.raises(InvalidInput, match=r"'and' of 10000 heights takes 720 kB; at most 500 kB.*'index'"):
        network.layers("and")


def test_a_million_cells_are_refused_as_dense_arrays(tmp_path):
    heights = 1.0 + np.arange(10**6).reshape(1000, 1000) % 3
    network = BoxNetwork([np.arange(1001.0)] * 2, heights)
    with pytest.raises(
        InvalidInput, match=r"layers take 16 GB; at most 2.15 GB may be used: take the form 'in"
    ):
        network.to_onnx(tmp_path / "net.onnx", "and")
    _, towers, _ = network.layers("and")
    assert towers.weights.nnz == 4 * 999 * 1000
    assert 2.9e6 <= sum(layer.n_parameters for layer in network.layers("index")) <= 3.1e6


@pytest.mark.parametrize(
    ("make", "form", "message"),
    [
        (block, "telescoped", r"must be 'and' or 'index'; got 'telescoped': in 3 dimensions no finite sum"),
        (block, "tower", r"must be 'and' or 'index'; got 'tower'$"),
        (line, 3, r"must be 'telescoped' or 'homework' or 'and' or 'index'; got 3$"),
    ],
)
def test_forms_that_there_are_not_are_refused(make, form, message):
    with pytest.raises(InvalidInput, match=message):
        make()[0].layers(form)


def test_smooth_networks_have_no_index_form():
    network = BoxNetwork([LINE], np.ones(128), activation="sigmoid", steepness=1.0)
    with pytest.raises(InvalidInput, match=r"got 'index': the index form is for steps"):
        network.to_torch("index")


def test_edges_beyond_the_stand_in_for_infinity_are_refused_in_the_homework_form():
    network = BoxNetwork([[-1e40, -1e35, 0.0, 1.0]], [1.0, 2.0, 3.0])
    with pytest.raises(InvalidInput, match=r"within 2\*\*100 in size.*got -1e\+35 to 0: take .*'telescoped'"):
        network.layers("homework")
    assert network.forward([-1e39, -1e35, 5.0], "telescoped").tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("form", ["telescoped", "and"])
def test_cells_too_narrow_for_weights_are_refused(form):
    network = BoxNetwork([[0.0, 5e-324, 1.0]], [0.0, 1.0, 2.0], order=1, activation="relu")
    with pytest.raises(
        InvalidInput, match=f"the form '{form}' has weights beyond float64, as some cells are"
    ):
        network.layers(form)


def test_heights_beyond_float32_are_refused_there():
    network = BoxNetwork([[0.0, 1.0, 2.0]], [1.0, 1e60])
    with pytest.raises(
        InvalidInput, match=r"a weight or bias of 1e\+60 is beyond float32: export in float64"
    ):
        network.to_torch(dtype=np.float32)
