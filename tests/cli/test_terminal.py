"""Results on standard output, warnings on standard error; nothing that a terminal would obey."""

import json

import pytest

from treadle.cli.terminal import print_json, print_table, progress_console, warn


def test_a_table_is_padded_by_its_widest_cells(capsys):
    print_table(("name", "n"), [("a", "1"), ("longer", "1000")], align="<>")
    assert capsys.readouterr().out == "name       n\na          1\nlonger  1000\n"


def test_blanks_at_the_end_of_a_line_are_none(capsys):
    print_table(("n", "name"), [("1", "abc"), ("2", "")], align="><")
    assert capsys.readouterr().out == "n  name\n1  abc\n2\n"


def test_a_cell_gives_no_orders(capsys):
    print_table(("c",), [("\x1b[2J",), ("a\tb",)], align="<")
    assert capsys.readouterr().out == "c\n\\x1b[2J\na\\tb\n"


def test_a_row_of_another_length_is_a_fault(capsys):
    with pytest.raises(ValueError, match="zip"):
        print_table(("a", "b"), [("1",)], align="<<")


def test_json_is_one_document_in_which_what_is_no_number_is_null(capsys):
    print_json({"a": [1, float("nan"), (float("inf"), -float("inf"))], "b": {"c": 0.5}, "d": "NaN"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": [1, None, [None, None]], "b": {"c": 0.5}, "d": "NaN"}
    assert "NaN" in out and "Infinity" not in out


def test_a_warning_is_on_standard_error_as_it_is_written(capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    warn(progress_console(), "[bold]not markup[/bold] :smile: " + "x" * 200)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "warning: [bold]not markup[/bold] :smile: " + "x" * 200 + "\n"
