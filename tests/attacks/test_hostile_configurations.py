"""TOML that no configuration is: refused before it takes memory or time."""

import pytest

from tests.attacks.limits import within
from treadle.errors import InvalidInput
from treadle.runs.config import read_config_file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".".join("a" * 30_000) + " = 1", "line 1 has 29999 dots; at most 200 are read"),
        ("a = " + "[" * 5000, "nested too deep"),
        ("a = " + "[" * 100 + "]" * 100, "nested too deep; at most 64 levels"),
        ("a = " + "9" * 5000, "Exceeds the limit"),
        ("seed = 0x" + "f" * 5000, "the integer 0xf.* is beyond 64 bits"),
        ("# " + "a" * 70_000, r"is of 70002 bytes, and at most 65536 are read"),
        ("a = \udcff", "codec can't decode"),
    ],
    ids=range(7),
)
def test_toml_that_no_configuration_has_is_refused(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with within(100, 10), pytest.raises(InvalidInput, match=rf"config\.toml.*{message}") as raised:
        read_config_file(path)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("value", ["inf", "nan", "1e400"])
def test_numbers_of_a_configuration_are_finite(tmp_path, value):
    (tmp_path / "config.toml").write_text(f"learning_rate = {value}")
    with pytest.raises(InvalidInput, match="learning_rate must be a finite number; got"):
        read_config_file(tmp_path / "config.toml")


def test_a_configuration_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_config_file(tmp_path / "config.toml") == ({"epochs": 3}, {})
