"""Lines of JSON: what is none, is too long, or shares no names is refused before memory is taken."""

import json

import pytest

from tests.tables.table_files import written
from treadle.errors import CorruptFile, InvalidInput
from treadle.tables import read_table


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('[{"a":1},\n{"a":2}]', InvalidInput, "is one JSON document; save the table as JSON lines"),
        ('{\n"a": 1}', InvalidInput, "is one JSON document"),
        ("[[1,2]]", InvalidInput, "is one JSON document"),
        (
            '{"a":1}\n{"a":"x"}\n',
            CorruptFile,
            "row 2, column 'a' is of the kind string, where rows before are of the kind number",
        ),
        ('{"a":1}\n[1]\n', CorruptFile, "row 2 is of the kind array, no object"),
        ('{"a":1,"a":2}\n', CorruptFile, "row 1 has two values named 'a'; give each a name"),
        ('{"a":1}\nx\n', CorruptFile, "is no JSON lines: Invalid value. in row 2"),
        ('{"a":1}\n{"a":\n2}\n', CorruptFile, "line 2 is no whole JSON object"),
        ('{"a":' + "[" * 65 + "]" * 65 + "}\n", CorruptFile, "line 1 is nested more than 64 deep"),
        (
            '{"a":1}\n{"a":' + "[" * 10**6 + "]" * 10**6 + "}\n",
            CorruptFile,
            "line 2 is nested more than 64 deep",
        ),
        ('{"a":1}\n{"a":1e999}\n', CorruptFile, "Number too big to be stored in double. in row 2"),
        ("{}\n{}\n", InvalidInput, "has no columns"),
    ],
)
def test_what_is_no_json_lines_is_told(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_table(written(tmp_path / "t", text))


def test_rows_that_share_no_name_are_refused_before_memory_is_taken(tmp_path):
    text = "".join(json.dumps({f"k{i}": i}) + "\n" for i in range(60_000))
    with pytest.raises(
        InvalidInput, match=r"its first \d+ rows have \d+ different names, far more than a row has"
    ):
        read_table(written(tmp_path / "t", text))


def test_brackets_within_text_and_blank_lines_are_no_matter(tmp_path):
    text = '{"a":"[[[{","b":"say \\"}\\""}\n\n{"a":"]","b":"c"}'
    table = read_table(written(tmp_path / "t", text))
    assert table.columns["a"].values.to_pylist() == ["[[[{", "]"]
    assert table.how == {"format": "JSON lines", "encoding": "UTF-8"}


def test_a_line_of_json_that_never_ends_is_refused(tmp_path, monkeypatch):
    from treadle.tables import json_lines

    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1 << 20)
    with pytest.raises(CorruptFile, match="row 2 is longer than 1 MiB"):
        read_table(written(tmp_path / "t", '{"a":"x"}\n{"a":"' + "x" * (1 << 22)))
