import math
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import CorruptFile
from treadle.training.history import COLUMNS, EpochRecord, History

FIRST = EpochRecord(1, 0.5, 0.625, 0.75, 0.001, 1.5)
SECOND = EpochRecord(2, 0.1 + 0.2, math.nan, math.nan, 1e-310, 0.0)


def test_records_are_a_sequence_in_order():
    history = History([FIRST])
    history.append(SECOND)
    assert len(history) == 2 and list(history) == [FIRST, SECOND]
    assert history[0] is FIRST and history[-1] is SECOND
    assert history == History([FIRST, SECOND]) != History([FIRST])
    assert history != [FIRST, SECOND]


def test_a_history_does_not_share_the_list_that_it_was_made_of():
    records = [FIRST]
    History(records).append(SECOND)
    assert records == [FIRST]


def test_columns_and_dictionaries():
    history = History([FIRST, SECOND])
    assert history.column("epoch") == [1, 2]
    assert history.column("train_loss") == [0.5, 0.1 + 0.2]
    assert history.as_dicts()[0] == {
        "epoch": 1,
        "train_loss": 0.5,
        "held_out_loss": 0.625,
        "held_out_score": 0.75,
        "learning_rate": 0.001,
        "seconds": 1.5,
    }


def test_the_table_is_plain_csv():
    assert History([FIRST, SECOND]).to_csv() == (
        "epoch,train_loss,held_out_loss,held_out_score,learning_rate,seconds\n"
        "1,0.5,0.625,0.75,0.001,1.5\n"
        "2,0.30000000000000004,nan,nan,1e-310,0.0\n"
    )
    assert History().to_csv() == ",".join(COLUMNS) + "\n"


@given(st.lists(st.tuples(*[st.floats()] * 5), max_size=5))
def test_every_float_comes_back_to_the_bit(rows):
    history = History(EpochRecord(epoch, *row) for epoch, row in enumerate(rows, 1))
    back = History.from_csv(history.to_csv())
    assert [[float(x).hex() for x in astuple(r)] for r in back] == [
        [float(x).hex() for x in astuple(r)] for r in history
    ]
    assert all(type(record.epoch) is int for record in back)


HEADER = ",".join(COLUMNS)


def test_the_header_of_version_0_1_0_is_read():
    earlier = "epoch,train_loss,test_loss,test_accuracy,learning_rate,seconds\n1,0.5,0.625,0.75,0.001,1.5\n"
    assert History.from_csv(earlier) == History([FIRST])


@pytest.mark.parametrize("text", ["", "\n", "epoch,loss\n1,2", HEADER.upper(), HEADER + ",more\n", "\0"])
def test_another_header_is_refused(text):
    with pytest.raises(CorruptFile, match=f"a history begins with the line {HEADER}; got"):
        History.from_csv(text)


@pytest.mark.parametrize(
    "line",
    ["1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,5,x", "one,2,3,4,5,6", "1.5,2,3,4,5,6", ",,,,,", "\n1,2,3,4,5,6"],
)
def test_a_line_of_other_things_than_six_numbers_is_refused(line):
    with pytest.raises(CorruptFile, match="a line of the history is not 6 numbers: "):
        History.from_csv(f"{HEADER}\n{line}\n")


@pytest.mark.parametrize("epochs", [[2], [0], [1, 1], [1, 3], [2, 1], [-1]])
def test_epochs_that_do_not_count_from_1_are_refused(epochs):
    lines = "".join(f"{epoch},0.5,0.5,0.5,0.5,0.5\n" for epoch in epochs)
    with pytest.raises(CorruptFile, match=r"the epochs of a history count from 1; got \["):
        History.from_csv(f"{HEADER}\n{lines}")


@pytest.mark.parametrize("text", ["a\rb", "x" * 200_000], ids=["carriage return", "endless field"])
def test_what_is_no_csv_at_all_is_refused(text):
    with pytest.raises(CorruptFile, match="a history is a table in CSV; this is none: "):
        History.from_csv(text)
