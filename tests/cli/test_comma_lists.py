"""Options that are lists."""

from cyclopts import Token

from treadle.cli.comma_lists import split_at_commas


def test_values_are_split_at_commas_outside_of_quotes():
    tokens = [
        Token(keyword="--target", value='a,"b, c", d', source="cli"),
        Token(keyword="--target", value=""),
    ]
    split_at_commas(tokens)
    assert [token.value for token in tokens] == ["a", "b, c", "d", ""]
    assert [token.index for token in tokens] == [0, 1, 2, 3]
    assert {token.keyword for token in tokens} == {"--target"}
    assert tokens[2].source == "cli"
