"""The wheel in environments where no compiler is on the path: it gives the editable install's bits.

``make wheel-test`` names the Pythons to install it for with pip, dependencies and all, which takes minutes.
Without that it is installed for this Python alone, beside the dependencies that are here.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import numpy as np
import pytest

import treadle

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = os.environ.get("TREADLE_WHEEL_TESTS", "").split()
# A line each: a platform of wheels, the command of a Python for it, and a folder with the dependencies.
OTHERS = os.environ.get("TREADLE_WHEEL_OTHERS", "").splitlines()

COMPILERS = ("c++", "cc", "clang", "clang++", "g++", "gcc", "zig")

needs_wheel_test = pytest.mark.skipif(not PYTHONS, reason="make wheel-test names the Pythons")


def call(*command, path="", **variables):
    """Standard output of a command that has nothing on its path but ``path``."""
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "TREADLE_SIMD"))
    }
    ended = subprocess.run(
        [str(part) for part in command],
        env=kept | {"PATH": str(path), "HOME": os.environ.get("HOME", "/")} | variables,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def wheel_for(dist, version, platform):
    python = "cp311-cp311" if version == (3, 11) else "cp312-abi3"
    found = [path for path in dist.glob(f"treadle-*-{python}-*.whl") if platform in path.name]
    if not found:
        pytest.skip(f"no wheel {python} for {platform} was built")
    return found[0]


def trained_model(python, folder, simd, data="digits", **variables):
    """SHA-256 of the model that three epochs of digits give."""
    arguments = ["train", data, "--epochs", "3", "--engine", "native", "--out", folder]
    call(*python, "-m", "treadle", *arguments, TREADLE_SIMD=simd, **variables)
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def digits_file(folder):
    """A copy of digits, which Pythons without scikit-learn train on as well: it has no wheel for musl."""
    digits = treadle.load_data("digits")
    parts = {name: getattr(digits, name) for name in ("X_train", "y_train", "X_test", "y_test")}
    np.savez(folder / "digits.npz", **parts)
    return folder / "digits.npz"


def check_installed(python, folder):
    """It finds its native engine, and trains to the bits of this environment's treadle with every kernel."""
    path = python.parent
    assert not [compiler for compiler in COMPILERS if shutil.which(compiler, path=str(path))]
    where = call(python, "-c", "import treadle, sys; print(treadle.__file__)", path=path)
    assert Path(where.strip()).is_relative_to(path.parent)
    native = json.loads(call(python, "-m", "treadle", "info", "--json", path=path))["native"]
    here = json.loads(call(sys.executable, "-m", "treadle", "info", "--json"))["native"]
    assert native == here and native["why_not"] is None
    for simd in native["kernels"]:
        installed = trained_model([python], folder / f"installed-{simd}", simd)
        assert installed == trained_model([sys.executable], folder / f"editable-{simd}", simd)


def test_the_wheel_beside_the_dependencies_that_are_here(dist, tmp_path):
    wheel = wheel_for(dist, sys.version_info[:2], "manylinux_2_17_x86_64")
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel)
    purelib = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    (Path(purelib) / "dependencies.pth").write_text("\n".join(packages))
    check_installed(python, tmp_path)


@needs_wheel_test
@pytest.mark.parametrize("python", PYTHONS)
def test_pip_installs_the_wheel_with_its_dependencies(python, dist, tmp_path):
    version = tuple(json.loads(call(python, "-c", "import sys; print(list(sys.version_info[:2]))")))
    wheel = wheel_for(dist, version, "manylinux_2_17_x86_64")
    environment = tmp_path / "environment"
    call(python, "-m", "venv", environment)
    installed = environment / "bin" / "python"
    begun = time.monotonic()
    constraint = ROOT / "constraints.txt"
    call(installed, "-m", "pip", "install", "--only-binary=:all:", "--constraint", constraint, wheel)
    print(f"pip install for Python {version}: {time.monotonic() - begun:.0f} s")
    check_installed(installed, tmp_path)


@needs_wheel_test
def test_the_source_distribution_builds_in_a_clean_environment(dist, tmp_path):
    (source,) = dist.glob("treadle-*.tar.gz")
    environment = tmp_path / "environment"
    call(PYTHONS[0], "-m", "venv", environment)
    python = environment / "bin" / "python"
    call(
        *(python, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path / "built", source),
        path=os.environ["PATH"],
        PIP_CONSTRAINT=str(ROOT / "constraints.txt"),
    )
    (wheel,) = (tmp_path / "built").glob("*.whl")
    listed = call(python, "-m", "zipfile", "--list", wheel)
    assert "treadle/_native" in listed and "_native_missing.txt" not in listed


@pytest.mark.skipif(not OTHERS, reason="TREADLE_WHEEL_OTHERS names no Python: see packaging/other_pythons.sh")
@pytest.mark.parametrize("other", OTHERS, ids=lambda line: line.split()[0])
def test_the_wheel_with_a_python_of_another_system(other, dist, tmp_path):
    platform, command, *options, packages = other.split()
    python = [shutil.which(command), *options]
    version = tuple(json.loads(call(*python, "-c", "import sys; print(list(sys.version_info[:2]))")))
    wheel = wheel_for(dist, version, platform)
    folder = tmp_path / "wheel"
    call(sys.executable, "-m", "zipfile", "--extract", wheel, folder)
    variables = {"PYTHONPATH": f"{folder}:{packages}"}
    found = "from importlib.util import find_spec; print(find_spec('treadle._native').origin)"
    where = call(*python, "-c", found, **variables)
    assert Path(where.strip()).is_relative_to(folder)
    native = json.loads(call(*python, "-m", "treadle", "info", "--json", **variables))["native"]
    here = json.loads(call(sys.executable, "-m", "treadle", "info", "--json"))["native"]
    assert native["why_not"] is None
    assert native["kernels"] == (["neon", "portable"] if "aarch64" in platform else here["kernels"])
    script = Path(__file__).with_name("train_and_hash.py")
    for kernel in native["kernels"]:
        hashed = call(*python, script, TREADLE_SIMD=kernel, **variables)
        assert len(hashed.strip()) == 64
        assert hashed == call(*python, script, TREADLE_SIMD=kernel, OMP_NUM_THREADS="1", **variables)
        assert hashed == call(sys.executable, script)  # the same bits with every kernel
    digits = digits_file(tmp_path)
    there = trained_model(python, tmp_path / "there", native["kernels"][0], digits, **variables)
    assert there == trained_model([sys.executable], tmp_path / "here", here["kernels"][0], digits)
