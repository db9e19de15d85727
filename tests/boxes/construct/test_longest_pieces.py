"""The longest runs and chords against all partitions, one by one, of meshes of a few cells."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.boxes.construct import longest_pieces
from treadle.boxes.construct.longest_pieces import edges_by_density, longest_chords, longest_runs

few = settings(max_examples=60, deadline=None, derandomize=True)
cells = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=9)


def partitions(n):
    """The starts of all partitions of n cells into runs, the fewest runs first."""
    for k in range(n):
        for inner in itertools.combinations(range(1, n), k):
            yield [0, *inner]


def fewest_by_trying(least, greatest, span):
    """A cell that is wider than the span is a run of its own, as the definition says."""
    for starts in partitions(len(least)):
        runs = itertools.pairwise([*starts, len(least)])
        if all(b == a + 1 or max(greatest[a:b]) - min(least[a:b]) <= span for a, b in runs):
            return len(starts)
    raise AssertionError


def check_runs(rows, span):
    least = np.array([low for low, _ in rows], dtype=float)
    greatest = least + np.array([width for _, width in rows])
    starts = longest_runs(least, greatest, span).tolist()
    assert starts[0] == 0
    for a, b in itertools.pairwise([*starts, len(rows)]):
        assert a < b and (b == a + 1 or greatest[a:b].max() - least[a:b].min() <= span)
    assert len(starts) == fewest_by_trying(least, greatest, span)


@few
@given(cells, st.integers(0, 8), st.sampled_from([1, 2, 64]))
def test_no_partition_has_fewer_runs(rows, span, one_by_one):
    before = longest_pieces.ONE_BY_ONE
    longest_pieces.ONE_BY_ONE = one_by_one  # whole windows from the first cell on, or none
    try:
        check_runs(rows, span)
    finally:
        longest_pieces.ONE_BY_ONE = before


@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 200, 1000])
def test_windows_of_cells_end_where_one_by_one_do(n):
    rng = np.random.default_rng(n)
    least = np.cumsum(rng.normal(size=n))
    greatest = least + 0.1
    for span in (1.0, 10.0, 1e9):
        starts, start = [0], 0
        for end in range(1, n):
            if greatest[start : end + 1].max() - least[start : end + 1].min() > span:
                start = end
                starts.append(end)
        assert longest_runs(least, greatest, span).tolist() == starts


def test_it_stops_once_there_are_too_many():
    least = np.arange(100.0)
    assert longest_runs(least, least, 0.5, 7).size == 8


def test_a_range_that_forgets_its_least_is_seen(monkeypatch):
    """In the windows: the running minimum, planted as the last cell's own."""

    class Wrong:
        def __getattr__(self, name):
            return getattr(np, name)

        class minimum:
            def __new__(cls, a, b):
                return np.minimum(a, b)

            accumulate = staticmethod(lambda part: part)

    monkeypatch.setattr(longest_pieces, "np", Wrong())
    monkeypatch.setattr(longest_pieces, "ONE_BY_ONE", 1)
    with pytest.raises(AssertionError):
        check_runs([(3, 0), (3, 0), (0, 0), (2, 0), (5, 0), (4, 0)], 3)


def chord_error(nodes, values, slack, a, b):
    """What the chord is off by at the nodes between, and the slack."""
    if b == a + 1:
        return 0.0
    errors = [
        abs(values[a] + (values[b] - values[a]) * (x - nodes[a]) / (nodes[b] - nodes[a]) - y)
        for x, y in zip(nodes[a + 1 : b], values[a + 1 : b], strict=True)
    ]
    return max(errors) + max(slack[a:b])


@few
@given(st.lists(st.integers(-6, 6), min_size=2, max_size=14), st.integers(0, 8), st.integers(0, 2))
def test_chords_fit_and_one_node_more_does_not(heights, eighths, slack_eighths):
    nodes = np.cumsum(1.0 + np.arange(len(heights)) % 3)
    values, slack, eps = np.array(heights, float), np.full(len(heights) - 1, slack_eighths / 8), eighths / 4
    kinks = longest_chords(nodes, values, slack, eps).tolist()
    assert kinks[0] == 0 and kinks[-1] == len(heights) - 1
    for a, b in itertools.pairwise(kinks):
        assert a < b and chord_error(nodes, values, slack, a, b) <= eps + 1e-12
        if b + 1 < len(heights):
            assert chord_error(nodes, values, slack, a, b + 1) > eps - 1e-12


@pytest.mark.parametrize("eps", [0.01, 0.003, 0.0011])
def test_of_a_parabola_the_chords_are_the_fewest(eps):
    """Of what bends one way a chord's error grows with its length, so that the longest are the fewest."""
    nodes = np.linspace(0, 1, 401)
    kinks = longest_chords(nodes, nodes**2, np.zeros(400), eps)
    # A chord of length h is off by h^2 / 4; on the mesh each is short of that by a node at most.
    longest = 2 * np.sqrt(eps)
    assert np.ceil(1 / longest) <= kinks.size - 1 <= np.ceil(1 / (longest - 1 / 400))


def test_edges_share_the_density_evenly():
    mesh = np.linspace(0.0, 2.0, 401)
    density = np.where(mesh[:-1] < 1, 3.0, 1.0)
    edges = edges_by_density(mesh, density, 8)
    assert edges.size == 9 and edges[0] == 0 and edges[-1] == 2
    # Three of four on the left, but for the hundredth part of an even density (2.02 on average).
    np.testing.assert_allclose(np.diff(edges[:6]), 4.04 / 8 / 3.02, rtol=1e-9)
    np.testing.assert_allclose(np.diff(edges[7:]), 4.04 / 8 / 1.02, rtol=1e-9)


def test_where_the_density_is_nothing_edges_are_even():
    mesh = np.linspace(-1.0, 1.0, 11)
    np.testing.assert_allclose(edges_by_density(mesh, np.zeros(10), 4), [-1, -0.5, 0, 0.5, 1], atol=1e-15)
