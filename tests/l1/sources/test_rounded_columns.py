"""Whole numbers of streams that no double holds are told of, by column and once."""

import warnings

import numpy as np
import pytest

from treadle import LADRegressor
from treadle.errors import RoundedNumbersWarning
from treadle.l1.sources.npy_rows import NpyRows
from treadle.l1.sources.parquet_rows import ParquetRows
from treadle.l1.sources.rounded_columns import first_rounded

BIG = 1_700_000_000_000_000_000


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_first_that_no_double_is_is_found(dtype):
    rng = np.random.default_rng(0)
    ends = [2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**62, 2**63 - 1, 2**63 - 1024]
    if dtype == np.uint64:
        ends += [2**63, 2**63 + 1, 2**64 - 1, 2**64 - 2048]
    else:
        ends += [-(2**53), -(2**53) - 1, -(2**63), 1 - 2**63]
    for _ in range(200):
        values = rng.choice(np.array(ends, dtype), 3)
        expected = [k for k, v in enumerate(values.tolist()) if int(float(v)) != v]
        assert first_rounded(values) == (expected[0] if expected else None)
    assert first_rounded(np.array([2**53 + 1], dtype)) == 0
    assert first_rounded(np.empty(0, dtype)) is None and first_rounded(np.array([1e300])) is None


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return np.column_stack([np.arange(60), BIG + np.sort(rng.integers(0, 10**6, 60)), rng.integers(0, 9, 60)])


def told(rows):
    """The warnings of a fit, and what its proof says."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LADRegressor().fit(rows)
        proof = model.certificate_.verify(rows)
    assert {warning.category for warning in caught} <= {RoundedNumbersWarning}
    return [str(warning.message) for warning in caught], proof


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_a_column_that_is_rounded_is_told_of_once(tmp_path, table, kind):
    def rows(table):
        if kind == "npy":
            np.save(tmp_path / "t.npy", table)
            return NpyRows(tmp_path / "t.npy", -1)
        pa = pytest.importorskip("pyarrow")
        pa.parquet = pytest.importorskip("pyarrow.parquet")
        columns = {name: table[:, j] for j, name in enumerate(("a", "id", "y"))}
        pa.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
        return ParquetRows(tmp_path / "t.parquet", "y")

    messages, proof = told(rows(table))
    name = "feature 1" if kind == "npy" else "column 'id'"
    first = next(v for v in table[:, 1].tolist() if int(float(v)) != v)
    assert len(messages) == 1
    assert (
        f"{name} holds whole numbers beyond 2^53 that are rounded to doubles, as {first} to " in messages[0]
    )
    assert "Pass the table in memory, where 64-bit integers are taken exactly" in messages[0]
    assert "every number taken as the double next to it" in proof.theorem
    table[:, 1] -= BIG
    messages, proof = told(rows(table))
    assert not messages and "every number taken as exactly what it is" in proof.theorem
    table[:, 2] += BIG
    assert ("y holds" if kind == "npy" else "column 'y' holds") in told(rows(table))[0][0]
