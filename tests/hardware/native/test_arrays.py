"""What the kernel would misread is refused, in words, before its memory is touched."""

import copy
import pickle

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.hardware.native import boxes, extension, l1, networks

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")

NETWORK = (
    networks.Network([networks.Layer(3, 4, "relu", True, 0.0), networks.Layer(4, 2, "identity", False, 0.0)])
    if extension.is_built()
    else None
)
P, R = 3 * 4 + 4 + 4 + 4 * 2 + 2, 8
N = 6


def floats(*shape):
    return np.zeros(shape, np.float32)


def inputs(**changes):
    given = {"values": floats(N, 3), "starts": None, "indices": None} | changes
    return networks.Inputs(NETWORK, **given, scale=1.0, offset=0.0)


def compressed(**changes):
    stored = {"values": floats(2), "starts": np.array([0, 1, 2]), "indices": np.zeros(2, np.int32)}
    return inputs(**(stored | changes))


def predict(parameters=None):
    plain = networks.Network([networks.Layer(3, 2, "identity", False, 0.0)])
    given = networks.Inputs(plain, floats(N, 3), None, None, 1.0, 0.0)
    flat = floats(8) if parameters is None else parameters
    return networks.predict(plain, flat, given, softmax=True, threads=1, kernels="portable")


def trainer(dtype=np.float32, **changes):
    given = {"labels": np.zeros(N, np.int64), "targets": None, "sample_weight": None} | changes
    return networks.Trainer(
        NETWORK,
        inputs(),
        networks.Targets("cross_entropy", 0.0, 1.0, 0.0, **given),
        networks.NO_AUGMENTATION,
        networks.Optimizer("plain"),
        dtype=np.dtype(dtype),
        batch_size=4,
        noise_seed=0,
        threads=1,
        kernels="portable",
    )


def written(**changes):
    given = {"values": floats(P), "first": None, "second": None, "statistics": floats(R)} | changes
    trainer().write(**given, step=0)


def trainer_of_float64(**changes):
    return trainer(np.float64, **changes)


def written_float64(**changes):
    given = {"values": np.zeros(P), "first": None, "second": None, "statistics": np.zeros(R)} | changes
    trainer_of_float64().write(**given, step=0)


def read(**changes):
    given = {"values": floats(P), "first": None, "second": None, "statistics": floats(R)} | changes
    trainer().read(**given)


def epoch(orders=None, learning_rates=None):
    return trainer().run_epochs(
        np.arange(N)[None] if orders is None else orders,
        np.zeros((1, 2)) if learning_rates is None else learning_rates,
    )


def axis(**changes):
    return boxes.Axis(
        **({"inner": np.array([0.5]), "starts": np.array([0, 1], np.int32)} | changes), origin=0.0, scale=1.0
    )


def splits(**changes):
    given = {"axis": np.zeros(1, np.int64), "threshold": np.zeros(1), "children": np.array([[-1, -2]])}
    return boxes.Splits(**(given | changes))


def in_grid(points=None, values=None):
    points = np.zeros((N, 2)) if points is None else points
    return boxes.values_in_grid(points, [axis(), axis()], np.zeros(4) if values is None else values, 1)


def in_trees(points=None, values=None):
    points = np.zeros((N, 1)) if points is None else points
    return list(boxes.values_in_trees(points, [splits()], np.zeros(2) if values is None else values, 1))


def request(**changes):
    given = {
        "X": np.ones((N, 3)),
        "y": np.ones(N),
        "some": None,
        "weights": None,
        "columns": np.arange(2),
        "A": np.zeros((3, 2)),
        "w": np.zeros(3),
    }
    return l1.ScreenRequest(**(given | changes), radius=1.0, low=-1.0, high=1.0)


def checked(side=None):
    return l1.on_another_side(request(), np.zeros(N, np.int8) if side is None else side, 1, "portable")


def interior(Z=None, state=None):
    return l1.InteriorPasses(
        np.zeros((8, 8)) if Z is None else Z, np.ones((12, 8)) if state is None else state, 5, 1, "portable"
    )


# A call, the argument, what it is called, dtype and shape as the message has them, and a right array.
DENSE = [
    (compressed, "values", "the stored values of X", "float32", "(2,)", floats(2)),
    (compressed, "starts", "the row starts of X", "int64", "(any,)", np.array([0, 1, 2])),
    (compressed, "indices", "the columns of X", "int32", "(any,)", np.zeros(2, np.int32)),
    (predict, "parameters", "parameters", "float32", "(8,)", floats(8)),
    (trainer, "labels", "labels", "int64", "(6,)", np.zeros(N, np.int64)),
    (trainer, "targets", "targets", "float32", "(6, 2)", floats(N, 2)),
    (trainer, "sample_weight", "sample_weight", "float32", "(6,)", floats(N)),
    (trainer_of_float64, "targets", "targets", "float64", "(6, 2)", np.zeros((N, 2))),
    (trainer_of_float64, "sample_weight", "sample_weight", "float64", "(6,)", np.zeros(N)),
    (written, "values", "parameters", "float32", f"({P},)", floats(P)),
    (written, "first", "the first moments", "float32", f"({P},)", floats(P)),
    (written, "second", "the second moments", "float32", f"({P},)", floats(P)),
    (written, "statistics", "statistics", "float32", f"({R},)", floats(R)),
    (written_float64, "values", "parameters", "float64", f"({P},)", np.zeros(P)),
    (written_float64, "first", "the first moments", "float64", f"({P},)", np.zeros(P)),
    (written_float64, "second", "the second moments", "float64", f"({P},)", np.zeros(P)),
    (written_float64, "statistics", "statistics", "float64", f"({R},)", np.zeros(R)),
    (epoch, "orders", "orders", "int64", "(any, any)", np.arange(N)[None]),
    (epoch, "learning_rates", "learning_rates", "float64", "(1, 2)", np.zeros((1, 2))),
    (axis, "inner", "inner", "float64", "(any,)", np.array([0.5])),
    (axis, "starts", "starts", "int32", "(any,)", np.array([0, 1], np.int32)),
    (splits, "axis", "axis", "int64", "(any,)", np.zeros(1, np.int64)),
    (splits, "threshold", "threshold", "float64", "(1,)", np.zeros(1)),
    (splits, "children", "children", "int64", "(1, 2)", np.array([[-1, -2]])),
    (in_grid, "points", "points", "float64", "(any, 2)", np.zeros((N, 2))),
    (in_grid, "values", "values", "float64", "(4,)", np.zeros(4)),
    (in_trees, "points", "points", "float64", "(any, any)", np.zeros((N, 1))),
    (in_trees, "values", "values", "float64", "(any,)", np.zeros(2)),
    (request, "some", "some", "int64", "(any,)", np.arange(2)),
    (request, "weights", "weights", "float64", "(6,)", np.ones(N)),
    (request, "columns", "columns", "int64", "(any,)", np.arange(2)),
    (request, "A", "A", "float64", "(3, any)", np.zeros((3, 2))),
    (request, "w", "w", "float64", "(3,)", np.zeros(3)),
    (checked, "side", "side", "int8", "(6,)", np.zeros(N, np.int8)),
    (interior, "Z", "Z", "float64", "(8, 8)", np.zeros((8, 8))),
    (interior, "state", "state", "float64", "(12, 8)", np.ones((12, 8))),
]
IDS = [f"{call.__name__}-{argument}" for call, argument, *_ in DENSE]


def refused(call, argument, array):
    with pytest.raises(InvalidInput) as refusal:
        call(**{argument: array})
    return str(refusal.value)


@pytest.mark.parametrize(("call", "argument", "name", "dtype", "shape", "right"), DENSE, ids=IDS)
def test_an_array_of_another_kind_is_refused_with_what_came_and_what_is_taken(
    call, argument, name, dtype, shape, right
):
    call(**{argument: right})
    other = np.float64 if dtype in ("float32", "int32", "int64", "int8") else np.float32
    if call is predict:  # whose parameters may be of both
        other = np.int64
    taken = f"the kernel takes {name} as a"
    if argument != "values" or call is not compressed:  # which may be of three dtypes
        message = refused(call, argument, right.astype(other))
        assert message.startswith(taken)
        assert f"array of {dtype} and shape {shape}, C-contiguous; got {np.dtype(other)} of shape" in message
        assert f"give it numpy.array(..., dtype='{dtype}', order='C')" in message
    message = refused(call, argument, right[np.newaxis])
    assert message.startswith(taken)
    assert f"got {dtype} of shape {right[np.newaxis].shape}" in message
    strided = np.repeat(right, 2, axis=-1)[..., ::2]
    if strided.size > 1:
        message = refused(call, argument, strided)
        assert message.startswith(taken)
        assert f"got {dtype} of shape {right.shape}, not C-contiguous" in message
    unaligned = np.frombuffer(b"\0" + right.tobytes(), right.dtype, offset=1).reshape(right.shape)
    if right.itemsize > 1:
        assert ", not aligned" in refused(call, argument, unaligned)


@pytest.mark.parametrize(
    ("call", "argument", "right"),
    [
        (read, "values", floats(P)),
        (read, "first", floats(P)),
        (read, "second", floats(P)),
        (read, "statistics", floats(R)),
        (checked, "side", np.zeros(N, np.int8)),
        (interior, "state", np.ones((12, 8))),
    ],
)
def test_what_is_written_must_be_writable(call, argument, right):
    call(**{argument: right})
    right.flags.writeable = False
    message = refused(call, argument, right)
    assert "as a writable array of" in message
    assert message.index("C-contiguous, read-only: ") > message.index("got")


@pytest.mark.parametrize(
    ("call", "argument", "name", "taken", "wrong"),
    [
        (inputs, "values", "X", "uint8 or float32 or float64 and shape (any, 3)", np.zeros((N, 3), np.int64)),
        (inputs, "values", "X", "uint8 or float32 or float64 and shape (any, 3)", floats(N, 4)),
        (inputs, "values", "X", "uint8 or float32 or float64 and shape (any, 3)", floats(3)),
        (compressed, "values", "the stored values of X", "float64 and shape (2,)", np.zeros(2, np.int64)),
        (request, "X", "X", "float32 or float64 and shape (any, any)", np.ones((N, 3), np.int32)),
        (request, "X", "X", "float32 or float64 and shape (any, any)", np.ones(N)),
        (request, "y", "y", "float32 or float64 and shape (6,)", np.ones(N, np.float16)),
        (request, "y", "y", "float32 or float64 and shape (6,)", np.ones(N + 1)),
        (inputs, "values", "X", "uint8 or float32 or float64 and shape (any, 3)", np.zeros((N, 3), ">f4")),
    ],
)
def test_rows_in_any_order_of_memory_are_of_the_dtypes_that_the_kernel_reads(
    call, argument, name, taken, wrong
):
    message = refused(call, argument, wrong)
    assert message.startswith(f"the kernel takes {name} as an array of ")
    assert taken in message
    assert f"got {wrong.dtype} of shape {wrong.shape}: convert it with .astype('float64')" in message


def test_rows_in_any_order_of_memory_are_read_where_they_lie():
    for values in (np.ones((3, N), np.uint8).T, np.ones((N, 6))[:, ::2], np.ones((N, 3))[::-1]):
        assert inputs(values=values).n_rows == N


def test_the_extension_itself_refuses_what_it_would_misread():
    native = extension._native
    with pytest.raises(TypeError, match="incompatible function arguments"):
        native.Axis(np.zeros(1, np.float32), np.zeros(2, np.int32), 0.0, 1.0)
    with pytest.raises(TypeError, match="an array of uint8, float32 or float64 is taken"):
        native.Inputs(values=np.zeros((2, 2), np.int64), starts=None, indices=None, scale=1.0, offset=0.0)
    with pytest.raises(ValueError, match="an array of one or two axes is taken"):
        native.Inputs(values=np.zeros((2, 2, 2)), starts=None, indices=None, scale=1.0, offset=0.0)
    with pytest.raises(ValueError, match="unknown name: softplus"):
        networks.Network([networks.Layer(1, 1, "softplus", False, 0.0)])
    with pytest.raises(ValueError, match="no such kernels here: mmx"):
        l1.InteriorPasses(np.zeros((8, 8)), np.ones((12, 8)), 5, 1, "mmx")


@pytest.mark.parametrize("of", [pickle.dumps, copy.deepcopy], ids=["pickle", "copy"])
def test_axes_and_trees_survive_a_copy_after_they_were_used(of):
    def again(given):
        made = of(given)
        return pickle.loads(made) if isinstance(made, bytes) else made

    points = np.array([[0.2], [0.7]])
    used = axis()
    before = boxes.cells_in_grid(points, [used], 1)
    np.testing.assert_array_equal(boxes.cells_in_grid(points, [again(used)], 1), before)
    tree = splits(threshold=np.array([0.5]))
    (before,) = boxes.cells_in_trees(points, [tree], 1)
    assert before.tolist() == [0, 1]
    (after,) = boxes.cells_in_trees(points, [again(tree)], 1)
    np.testing.assert_array_equal(after, before)
