"""What was replaced, in words, and the counts of chunks."""

from treadle.tables.preparation.counts import ColumnCounts, Counts

ONE = Counts(
    9,
    {
        "a": ColumnCounts(missing=1, infinite=1),
        "b": ColumnCounts(unknown=2, example="Rom"),
        "c": ColumnCounts(missing=3, words=2, example="n.a."),
    },
    frozenset(["a", "c"]),
)


def test_a_sentence_for_each_column():
    assert ONE.in_words() == [
        "'a': 1 of 9 cells is missing, none in training; 1 of 9 cells is infinite",
        "'b': 2 of 9 cells are of a category that training had in too few rows or not at all, such as 'Rom'",
        "'c': 3 of 9 cells are missing, none in training; 2 of 9 cells are no numbers, such as 'n.a.', and "
        "count as missing",
    ]
    assert Counts(9, {}).in_words() == []


def test_counts_of_chunks_add_up():
    other = Counts(3, {"b": ColumnCounts(unknown=1, example="Ulm"), "d": ColumnCounts(infinite=2)})
    both = ONE + other
    assert both.n_rows == 12 and both.newly_missing == {"a", "c"}
    assert both.columns["b"] == ColumnCounts(unknown=3, example="Rom")
    assert both.columns["d"] == ColumnCounts(infinite=2)
    assert bool(ColumnCounts(words=1)) and not ColumnCounts(example="x")


def test_counts_as_json():
    assert ONE.to_dict()["columns"]["a"]["missing"] == 1
    assert ONE.to_dict()["newly_missing"] == ["a", "c"] and ONE.to_dict()["n_rows"] == 9
