"""Rows of X, dense and compressed: their number, their numbers, and what no engine takes."""

import numpy as np
import pytest
from scipy import sparse

from treadle.engines.rows import check_rows, dense, is_compressed, n_rows
from treadle.errors import InvalidInput
from treadle.network import Network

NETWORK = Network((6, 2))
PLAIN = np.arange(24, dtype=np.float32).reshape(4, 6) % 5


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
def test_compressed_rows_are_what_they_would_be_dense(make):
    rows = make(PLAIN)
    assert is_compressed(rows) and not is_compressed(PLAIN)
    assert not is_compressed(sparse.csc_array(PLAIN))
    assert n_rows(rows) == n_rows(PLAIN) == 4
    found = dense(rows)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, PLAIN)
    assert dense(PLAIN) is PLAIN


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_three_types_are_taken_dense_and_compressed(dtype):
    check_rows(NETWORK, PLAIN.astype(dtype))
    check_rows(NETWORK, sparse.csr_array(PLAIN.astype(dtype)))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (PLAIN.tolist(), r"X must be a NumPy array or SciPy's compressed .* of shape \(N, 6\); got list"),
        (sparse.csc_array(PLAIN), "got csc_array"),
        (PLAIN[:, :5], r"for the 6 inputs of the network; got float32 of shape \(4, 5\)"),
        (PLAIN[0], r"got float32 of shape \(6,\)"),
        (PLAIN.astype(int), r"X must be uint8, float32 or float64 of shape \(N, 6\), .*; got int64 of shape"),
        (sparse.csr_array(PLAIN.astype(int)), "got int64 of shape"),
    ],
)
def test_other_rows_are_refused(X, message):
    with pytest.raises(InvalidInput, match=message):
        check_rows(NETWORK, X)


def test_sparse_rows_have_no_mirror_images():
    mirrored = Network((6, 2), mirror_width=3)
    check_rows(mirrored, PLAIN)
    with pytest.raises(
        InvalidInput, match=r"X must be dense .*, mirror_width=3; got sparse rows: use X.toarray"
    ):
        check_rows(mirrored, sparse.csr_array(PLAIN))
