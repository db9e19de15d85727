"""Compressed sparse rows give every engine what the same rows give it dense."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse

from tests.engines.native_kernels import KERNELS, native
from treadle import Adam, Augmentation, InvalidInput, Network, Objective, Parameters, TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine

ENGINES = {
    "numpy": NumpyEngine,
    "torch": lambda: TorchEngine("cpu"),
    **{f"native {k}": lambda k=k: native(k, 2) for k in KERNELS},
}
each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
NETWORK = Network((9, 7, 3), "tanh", dropout=0.2, input_scale=0.5)
# Products in another order, and x * scale before rather than after the product.
TOLERANCE = 1e-6


def rows(dtype=np.float32, n=60, n_columns=9):
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 200, (n, n_columns)) * (rng.uniform(size=(n, n_columns)) < 0.3)
    X[4] = 0
    return X.astype(dtype), rng.integers(3, size=n)


def problem(X, y, network=NETWORK, **options):
    return TrainingProblem(network, Objective(l2=0.01), Adam(), X, y, 16, noise_seed=2, **options)


def start(network=NETWORK):
    return Parameters.initialise(network, "glorot", 1)


def losses(engine, X, y, network=NETWORK):
    trainer = engine().trainer(problem(X, y, network), start(network))
    order = np.random.default_rng(0).permutation(len(y))[: len(y) - 3]
    return np.concatenate([trainer.run_epoch(order, np.full(4, 0.01)) for _ in range(3)])


@each_engine
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_training_is_that_of_the_same_rows_dense(engine, dtype, container):
    X, y = rows(dtype)
    np.testing.assert_allclose(losses(engine, container(X), y), losses(engine, X, y), rtol=TOLERANCE)


@each_engine
def test_an_offset_is_added_to_what_is_not_stored_too(engine):
    X, y = rows()
    network = Network((9, 7, 3), "tanh", input_scale=0.5, input_offset=-0.3)
    sparse, dense = losses(engine, scipy.sparse.csr_array(X), y, network), losses(engine, X, y, network)
    np.testing.assert_allclose(sparse, dense, rtol=TOLERANCE)
    assert np.abs(losses(engine, X, y) - dense).max() > 1e-3


@each_engine
def test_predictions_and_gradients_are_too(engine):
    X, y = rows(n=2000)
    sparse, parameters = scipy.sparse.csr_array(X), start()
    logits = engine().logits(parameters, X)
    np.testing.assert_allclose(engine().logits(parameters, sparse), logits, atol=2e-5 * np.abs(logits).max())
    for n in (1, 5):  # few rows take another way in the kernel
        np.testing.assert_allclose(engine().logits(parameters, sparse[:n]), logits[:n], atol=1e-4)
    (loss, gradients), (expected, by_dense) = (
        engine().loss_and_gradients(parameters, some, y, objective=Objective()) for some in (sparse, X)
    )
    assert loss == pytest.approx(expected, rel=TOLERANCE)
    np.testing.assert_allclose(gradients.flat, by_dense.flat, atol=1e-5 * np.abs(by_dense.flat).max())


@each_engine
def test_entries_that_are_stored_twice_are_summed_and_need_no_order(engine):
    X, y = rows()
    sparse = scipy.sparse.csr_array(X)
    # Each entry in two halves, and each row's entries backwards.
    starts = 2 * sparse.indptr
    data, indices = np.repeat(sparse.data / 2, 2), np.repeat(sparse.indices, 2)
    for a, b in pairwise(starts):
        data[a:b], indices[a:b] = data[a:b][::-1].copy(), indices[a:b][::-1].copy()
    doubled = scipy.sparse.csr_array((data, indices.astype(np.int64), starts.astype(np.int64)), X.shape)
    np.testing.assert_allclose(losses(engine, doubled, y), losses(engine, X, y), rtol=TOLERANCE)


def test_rows_are_never_made_dense_as_a_whole(monkeypatch):
    most = 0
    dense = scipy.sparse.csr_array.toarray

    def toarray(self, *arguments, **options):
        nonlocal most
        most = max(most, self.shape[0])
        return dense(self, *arguments, **options)

    monkeypatch.setattr(scipy.sparse.csr_array, "toarray", toarray)
    X, y = rows(n=20_000)
    for engine in (ENGINES["numpy"], ENGINES["torch"]):
        losses(engine, scipy.sparse.csr_array(X[:67]), y[:67])
        engine().logits(start(), scipy.sparse.csr_array(X))
    assert 16 <= most <= 8192


@pytest.mark.parametrize("column", [-1, 9, 2**31 - 1])
@pytest.mark.parametrize("kernels", KERNELS)
def test_the_kernel_is_given_no_column_outside_of_the_row(kernels, column):
    X, y = rows()
    sparse = scipy.sparse.csr_array(X)
    sparse.indices[3] = column
    for call in (
        lambda: native(kernels).trainer(problem(sparse, y), start()),
        lambda: native(kernels).logits(start(), sparse),
    ):
        with pytest.raises(ValueError, match=r"indices|index"):
            call()


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_kernel_is_given_no_row_outside_of_the_entries(kernels):
    X, y = rows()
    sparse = scipy.sparse.csr_array(X)
    sparse.indptr[5] = 10**6
    with pytest.raises(ValueError, match=r"index pointer|indptr|Last value"):
        native(kernels).trainer(problem(sparse, y), start())


def test_other_layouts_and_images_are_refused():
    X, y = rows()
    with pytest.raises(
        InvalidInput, match=r"NumPy array or SciPy's compressed sparse rows, .* got csc_array"
    ):
        problem(scipy.sparse.csc_array(X), y)
    sparse = scipy.sparse.csr_array(X)
    with pytest.raises(InvalidInput, match=r"X must be uint8, .* got float32 of shape \(60, 4\)"):
        problem(sparse[:, :4], y)
    with pytest.raises(InvalidInput, match="augmentation is for images in a dense X; got sparse rows"):
        problem(sparse, y, augmentation=Augmentation((3, 3), flip=True))
    mirrored = Network((9, 3), mirror_width=3)
    with pytest.raises(
        InvalidInput, match="X must be dense for a network that mirrors images, mirror_width=3"
    ):
        NumpyEngine().logits(start(mirrored), sparse)
