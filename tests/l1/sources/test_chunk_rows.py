"""Rows from iterables of chunks: iterated again, sampled at random, and refused where they do not fit."""

from itertools import pairwise

import numpy as np
import pytest

from tests.l1.linear_programs import contaminated
from treadle.errors import InvalidInput
from treadle.l1.dense.solve import solve, solve_rows
from treadle.l1.sources import chunk_rows
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import Chunk

N, D = 1000, 3


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)), rng.normal(size=N), rng.random(N)


def cut(*arrays, edges=(0, 10, 10, 400, 1000)):
    return [tuple(a[i:j] for a in arrays) for i, j in pairwise(edges)]


def whole(rows):
    return Chunk.joined(list(rows.chunks()))


@pytest.mark.parametrize("form", ["list", "callable", "generator", "loaded", "lists within"])
def test_every_form_gives_the_same_rows(data, form):
    X, y, weight = data
    chunks = cut(X, y, weight)
    rows = {
        "list": lambda: ChunkRows(chunks),
        "callable": lambda: ChunkRows(lambda: iter(chunks)),
        "generator": lambda: ChunkRows(chunk for chunk in chunks),
        "loaded": lambda: ChunkRows(range(4), load=lambda i: chunks[i]),
        "lists within": lambda: ChunkRows([[a.tolist() for a in chunk] for chunk in chunks if len(chunk[1])]),
    }[form]()
    for _ in range(2):
        chunk = whole(rows)
        assert np.array_equal(chunk.X, X)
        assert np.array_equal(chunk.y, y)
        assert np.array_equal(chunk.weight, weight)
        assert np.array_equal(chunk.indices, np.arange(N))
    assert (rows.n_rows, rows.n_features) == (N, D)
    some = np.array([3, 9, 10, 999])
    assert np.array_equal(rows.take(some).X, X[some])


def test_the_sample_needs_no_other_pass_and_is_random(data, monkeypatch):
    monkeypatch.setattr(chunk_rows, "SAMPLED_NUMBERS", 200 * (D + 1))
    X, _, weight = data
    passes = []

    def chunks():
        passes.append(1)
        yield from cut(X, np.arange(N, dtype=float), weight, edges=range(0, N + 1, 50))

    rows = ChunkRows(chunks)
    rng = np.random.default_rng(1)
    samples = [rows.sample(100, rng) for _ in range(3)]
    assert len(passes) == 1
    for sample in samples:
        assert len(np.unique(sample.indices)) == 100
        assert np.array_equal(sample.y, sample.indices)
        assert np.array_equal(sample.X, X[sample.indices])
    # Of a sorted target: the mean of 200 of N ranks has a standard deviation of about N / sqrt(12 * 200).
    everything = rows.sample(N - 1, rng)
    assert len(everything) == 200
    assert abs(everything.y.mean() - N / 2) <= 4 * N / np.sqrt(12 * 200)
    assert len(rows.sample(N, rng)) == N
    assert len(passes) == 2


def test_fewer_rows_than_the_sample_may_have_are_all_taken(data):
    X, y, _ = data
    assert len(ChunkRows(cut(X, y)).sample(5000, np.random.default_rng(0))) == N


def test_a_long_generator_is_refused_with_the_remedy(data, monkeypatch):
    monkeypatch.setattr(chunk_rows, "HELD_NUMBERS", N * D - 1)
    X, y, _ = data
    with pytest.raises(
        InvalidInput, match=r"one-shot generator of more than .* a callable that returns a fresh iterator"
    ):
        ChunkRows(chunk for chunk in cut(X, y))


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (3, r"chunks must be an iterable of \(X, y\), or a callable that returns one; got int"),
        ([], "the chunks hold no rows"),
        ([(np.ones((0, 2)), np.ones(0))], "the chunks hold no rows"),
        ([np.ones((3, 2))], r"chunk 0 must be \(X, y\) or \(X, y, sample_weight\); got ndarray"),
        ([(np.ones((3, 2)),)], "got tuple of 1"),
        (
            [(np.ones((3, 2)), np.ones(3)), (np.ones((3, 4)), np.ones(3))],
            "chunk 1 has 4 features, those before it 2",
        ),
        ([(np.ones((3, 2)), np.ones(4))], r"chunk 0: X must be of shape .*; got \(3, 2\), \(4,\)"),
        ([(np.ones(3), np.ones(3))], r"chunk 0: X must be of shape"),
        ([(np.ones((3, 0)), np.ones(3))], "chunk 0 has no features"),
        ([(np.array([["a"]]), np.ones(1))], "chunk 0: X must hold real numbers; got <U1"),
        ([(np.ones((3, 2)), np.array([1, None, 2]))], "chunk 0: y must hold real numbers; got object"),
        ([(np.ones((2, 1)), np.ones(2), np.array([1.0, -1.0]))], "row 1 has the sample_weight -1.0"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(chunks, message):
    with pytest.raises(InvalidInput, match=message):
        ChunkRows(chunks)


@pytest.mark.parametrize("first_has_weights", [False, True])
def test_chunks_with_weights_and_without_are_refused(first_has_weights, data):
    chunks = [data[:2], data]
    with pytest.raises(
        InvalidInput, match=r"chunk 1 has.* weights, those before it.*with every chunk or with n"
    ):
        ChunkRows(chunks[::-1] if first_has_weights else chunks)


def test_weights_that_change_between_passes_are_noticed(data):
    passes = iter([1.0, 2.0, 2.0])
    rows = ChunkRows(lambda: [(*data[:2], np.full(N, next(passes)))])
    with pytest.raises(InvalidInput, match="the chunks changed between two passes"):
        list(rows.chunks())


def test_passes_that_differ_are_refused(data):
    X, y, _ = data
    rng = np.random.default_rng(0)
    rows = ChunkRows(lambda: cut(X, y + rng.normal()))
    with pytest.raises(
        InvalidInput,
        match="the chunks changed between two passes: 1000 rows first, 1000 now, or other values",
    ):
        whole(rows)
    lengths = iter((1000, 400))
    rows = ChunkRows(lambda: cut(X, y, edges=(0, next(lengths))))
    with pytest.raises(InvalidInput, match="1000 rows first, 400 now"):
        whole(rows)


def solved_in_chunks(X, y, **problem):
    """The solution, and how often the rows were passed over."""
    n_passes = []

    def chunks():
        n_passes.append(1)
        yield from cut(X, y, edges=range(0, len(y) + 1, len(y) // 10))

    rows = ChunkRows(chunks)
    solution = solve_rows(rows, **problem)
    assert solution.n_passes == len(n_passes)
    assert solution.certificate.side is None
    assert solution.certificate.verify(rows)
    return solution


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("quantile", [0.2, 0.5])
def test_two_passes_prove_the_optimum_of_arrays_sorted_or_not(sort, quantile):
    X, y = contaminated(60_000, 5)
    if sort:
        order = np.argsort(y)
        X, y = X[order], y[order]
    solution = solved_in_chunks(X, y, quantile=quantile)
    assert solution.n_passes == 2
    assert solution.objective == pytest.approx(solve(X, y, quantile=quantile).objective, rel=1e-12)


def test_where_too_many_rows_would_be_kept_a_pass_comes_first_that_keeps_none(monkeypatch):
    from treadle.l1.dense import newton
    from treadle.l1.dense import solve as solver

    X, y = contaminated(60_000, 5)
    most, plain = [], solver.screen

    def screen(rows, request):
        screened = plain(rows, request)
        if isinstance(rows, ChunkRows):
            most.append(len(screened.kept))
        return screened

    for module in (newton, solver):
        monkeypatch.setattr(module, "screen", screen)
    free = solved_in_chunks(X, y)
    assert free.n_passes == 2
    n_free = max(most)
    most.clear()
    monkeypatch.setattr(newton, "MOST_BYTES_KEPT", n_free // 2 * (5 * 8 + 24))
    bounded = solved_in_chunks(X, y)
    assert bounded.n_passes == 3
    assert most[0] == 0
    assert max(most) <= n_free / 2
    assert bounded.objective == pytest.approx(free.objective, rel=1e-12)
