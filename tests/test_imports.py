"""What is loaded when: each case in a fresh interpreter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import treadle
from treadle.errors import TreadleError

STUB = ast.parse(Path(treadle.__file__).with_suffix(".pyi").read_text("utf-8"))
NAMES = [alias.asname for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names]
HEAVY = ("numpy", "scipy", "sklearn", "matplotlib", "torch", "safetensors", "rich", "cyclopts", "pooch")


def loaded_by(code):
    """Top-level modules in memory after the code has run."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('loaded', *sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    last = ended.stderr.splitlines()[-1].split()
    assert last[0] == "loaded"
    return {module.partition(".")[0] for module in last[1:]}


def test_importing_treadle_loads_nothing_heavy():
    loaded = loaded_by("import treadle; dir(treadle)")
    assert "treadle" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_heavy_module_would_be_noticed():
    assert "numpy" in loaded_by("import treadle; treadle.Network")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(argument):
    assert loaded_by(f"import treadle.cli\nassert treadle.cli.run(['{argument}']) == 0").isdisjoint(HEAVY)


def test_help_of_a_command_loads_no_numbers_and_no_pictures():
    loaded = loaded_by("import treadle.cli\nassert treadle.cli.run(['train', '--help']) == 0")
    assert "cyclopts" in loaded
    assert loaded.isdisjoint({"numpy", "scipy", "sklearn", "matplotlib", "torch"})


def test_training_loads_neither_torch_nor_matplotlib_nor_scikit_learn():
    loaded = loaded_by(
        "import treadle, treadle.training.loop, treadle.export.model_file, treadle.optimizers\n"
        "treadle.select_engine('numpy')"
    )
    assert "numpy" in loaded
    assert loaded.isdisjoint({"torch", "matplotlib", "sklearn"})


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_loads(name):
    assert getattr(treadle, name).__doc__
    assert name in dir(treadle) and name in treadle.__all__


def test_no_other_names_are_public():
    assert sorted(treadle.__all__) == sorted(NAMES)
    with pytest.raises(AttributeError, match="Perceptron"):
        treadle.Perceptron  # noqa: B018


def test_every_error_is_a_treadle_error():
    named = [getattr(treadle, name) for name in NAMES if name in vars(treadle.errors)]
    errors = [name for name in named if not issubclass(name, Warning)]
    assert len(errors) == 9
    assert all(issubclass(error, TreadleError) for error in errors)
