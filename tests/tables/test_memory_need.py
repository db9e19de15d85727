"""Tables larger than memory are refused in words, with the remedy."""

import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import memory_need
from treadle.tables.memory_need import memory_errors_explained, refuse_too_large


def test_what_takes_all_of_memory_is_let_pass_and_a_byte_more_is_not(monkeypatch):
    monkeypatch.setattr(memory_need, "usable_memory", lambda: 2_000_000)
    refuse_too_large(2_000_000, "t.csv")
    with pytest.raises(
        InvalidInput, match=r"t\.csv: the columns take 2.* of memory, there are 2.*; name few"
    ):
        refuse_too_large(2_000_001, "t.csv")


@pytest.mark.parametrize("error", [MemoryError, pa.ArrowMemoryError])
def test_a_lack_of_memory_is_no_damage(error):
    with (
        pytest.raises(InvalidInput, match=r"t\.csv does not fit in memory, of which .*ParquetRows"),
        memory_errors_explained("t.csv"),
    ):
        raise error("malloc of size 1 failed")


def test_other_errors_stay_what_they_are():
    with pytest.raises(ValueError, match="other"), memory_errors_explained("t.csv"):
        raise ValueError("other")
