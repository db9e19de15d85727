"""What a table's columns were taken for, as it is printed: a line each, of many those that are special."""

import numpy as np
import pandas as pd
import pytest

from treadle.cli.columns import SHOWN, columns_as_dict, print_columns, warn_of_left_out
from treadle.tables import build_design, read_table


def design_of(frame, target="y"):
    table = read_table(frame)
    return table, build_design(table, target)


def columns_of(frame):
    table, design = design_of(frame)
    return table, design.columns


PLAIN = {f"x{i}": np.arange(6.0) ** (i + 1) for i in range(3)}
Y = {"y": np.arange(6.0) + 0.5}
CITY = {"city": ["Bonn", "Ulm", "Bonn", "Kiel", "Bonn", "Ulm"]}


def test_each_column_has_a_line_with_its_role_and_what_it_was_taken_for(capsys):
    print_columns(*columns_of(pd.DataFrame(PLAIN | CITY | Y)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "table    the DataFrame: frame, 6 rows"
    assert lines[2].split() == ["column", "role", "taken", "as"]
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines[3:]}
    assert list(rows) == ["x0", "x1", "x2", "city", "y"]
    assert rows["x0"] == ["feature", "number"] and rows["y"][0] == "target"
    assert rows["city"][1].startswith("category, ") and "dummies against 'Bonn'" in rows["city"][1]


def test_of_many_columns_the_special_ones_are_shown_and_the_others_counted(capsys):
    many = {f"x{i}": np.arange(6.0) ** (i % 5 + 1) + i for i in range(SHOWN + 5)}
    table, design = design_of(pd.DataFrame(many | CITY | Y))
    print_columns(table, design.columns)
    out = capsys.readouterr().out
    assert "city" in out and "x3" not in out
    assert f"and {len(design.columns) - 2} more columns; --json lists all" in out


def test_how_a_file_was_read_is_said_in_words(capsys, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f"{i},5;{2 * i}\n" for i in range(6)))
    print_columns(*columns_of(path))
    assert (
        f"table    {path}: CSV, UTF-8, semicolons between cells, 6 rows"
        in capsys.readouterr().out.replace("utf-8", "UTF-8")
    )


def test_columns_left_out_are_warned_of_and_of_many_the_first(capsys):
    texts = {f"t\x1b{i}": [None] * 6 for i in range(SHOWN + 3)}
    _, design = design_of(pd.DataFrame(texts | PLAIN | Y))
    left_out = [use for use in design.columns if use.role == "left out"]
    assert len(left_out) == SHOWN + 3
    warn_of_left_out(design.columns)
    captured = capsys.readouterr()
    assert captured.out == "" and "\x1b" not in captured.err
    lines = captured.err.splitlines()
    assert len(lines) == SHOWN + 1
    assert lines[0].startswith(r"warning: left out: t\x1b0: ")
    assert lines[-1] == "warning: left out: 3 more columns; --json lists them"


@pytest.mark.parametrize("target", ["y", "x1"])
def test_for_machines_all_columns_are_there(target):
    table, design = design_of(pd.DataFrame(PLAIN | CITY | Y), target)
    found = columns_as_dict(table, design.target, design.columns)
    assert found["table"]["rows"] == 6 and found["table"]["target"] == target
    assert [column["name"] for column in found["columns"]] == [*PLAIN, "city", "y"]
    assert {column["name"] for column in found["columns"] if column["role"] == "target"} == {target}
