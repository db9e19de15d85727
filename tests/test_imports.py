"""What is loaded when: each case in a fresh interpreter."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import treadle
import treadle.cli
from treadle.engines.selection import has_gpu_driver
from treadle.errors import TreadleError

STUB = ast.parse(Path(treadle.__file__).with_suffix(".pyi").read_text("utf-8"))
NAMES = [alias.asname for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names]
# What treadle depends on, by the names it is imported under. scikit-learn loads pandas,
# and that pyarrow, where they are; a proof loads python-flint.
DEPENDENCIES = {
    *(
        "PIL",
        "cyclopts",
        "dask",
        "distributed",
        "fastapi",
        "formulaic",
        "jinja2",
        "lazy_loader",
        "matplotlib",
        "numpy",
        "onnx",
    ),
    *(
        "onnxruntime",
        "platformdirs",
        "pooch",
        "pydantic",
        "requests",
        "rich",
        "safetensors",
        "scipy",
        "sklearn",
        "threadpoolctl",
    ),
    *("tomli_w", "torch", "uvicorn"),
}
NATIVE = {"lazy_loader", "cyclopts", "numpy"}
COMMAND = NATIVE | {"threadpoolctl"}  # with the NumPy engine
LOADED = {
    "--help": {"lazy_loader"},
    "--version": {"lazy_loader"},
    "train --help": {"lazy_loader", "cyclopts", "rich"},
    "lab --help": {"lazy_loader", "cyclopts", "rich"},
    "lad table.csv --target y": COMMAND | {"scipy", "sklearn"},
    "train digits --epochs 1 --engine numpy --out new": COMMAND
    | {"safetensors", "tomli_w", "rich", "jinja2", "PIL"},
    "report run": NATIVE | {"safetensors", "jinja2", "PIL"},
    "evaluate run": NATIVE | {"safetensors"},
}


def loaded_by(code, folder=None):
    """Top-level modules in memory after the code has run."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('loaded', *sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=folder,
    )
    last = ended.stderr.splitlines()[-1].split()
    assert last[0] == "loaded"
    return {module.partition(".")[0] for module in last[1:]}


def loaded_by_command(command, folder):
    return loaded_by(f"import treadle.cli\nassert treadle.cli.run({command.split()}) == 0", folder)


def test_importing_treadle_loads_no_dependency_but_the_loader():
    loaded = loaded_by("import treadle; dir(treadle)")
    assert "treadle" in loaded
    assert loaded & DEPENDENCIES == {"lazy_loader"}


def test_a_heavy_module_would_be_noticed():
    assert "numpy" in loaded_by("import treadle; treadle.Network")


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert treadle.cli.run(f"train digits --epochs 1 --hidden 8 --out {folder}".split()) == 0
    return folder


@pytest.mark.parametrize("command", LOADED)
def test_a_command_loads_what_it_uses(command, a_run, tmp_path):
    shutil.copytree(a_run, tmp_path / "run")
    (tmp_path / "table.csv").write_text("x,y\n" + "".join(f"{x},{2 * x + x % 3}\n" for x in range(20)))
    assert loaded_by_command(command, tmp_path) & DEPENDENCIES == LOADED[command]


def test_info_loads_the_engines_and_pytorch_only_for_a_gpu(tmp_path):
    loaded = loaded_by_command("info", tmp_path) & DEPENDENCIES
    assert loaded - {"torch"} == COMMAND
    assert ("torch" in loaded) == has_gpu_driver()


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
    assert len(errors) == 10
    assert all(issubclass(error, TreadleError) for error in errors)
