import pytest

from treadle.cli.table_commands import module_of
from treadle.runs.config import RunConfig, config_toml
from treadle.runs.table_config import TableConfig

TABLE, IMAGES = "treadle.cli.tables", "treadle.cli"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, config in (("table", TableConfig("t.csv", target=("y",))), ("images", RunConfig("digits"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(config_toml(config, {}))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.toml").write_text("target = [")


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("train fashion-mnist", f"{IMAGES}.train"),
        ("train --help", f"{IMAGES}.train"),
        ("train houses.CSV --help", f"{TABLE}.train"),
        ("train houses.parquet", f"{TABLE}.train"),
        ("train data --target y", f"{TABLE}.train"),
        ("train --target=y data", f"{TABLE}.train"),
        ("train --resume table", f"{TABLE}.train"),
        ("train --resume=table", f"{TABLE}.train"),
        ("train --resume images", f"{IMAGES}.train"),
        ("train --config table/config.toml", f"{TABLE}.train"),
        ("train --resume", f"{IMAGES}.train"),
        ("evaluate table", f"{TABLE}.evaluate"),
        ("evaluate images", f"{IMAGES}.evaluate"),
        ("predict table new.csv", f"{TABLE}.predict"),
        ("report table", f"{TABLE}.report"),
        ("export table t.onnx", f"{TABLE}.export"),
        ("report broken", f"{IMAGES}.report"),
        ("report nowhere", f"{IMAGES}.report"),
        ("report", f"{IMAGES}.report"),
        ("lad table.csv --target y", f"{IMAGES}.lad"),
    ],
)
def test_a_command_is_the_tables_where_it_concerns_one(runs, command, module):
    assert module_of(command.split()) == module
