"""``treadle info``: shows the processor, the engines and the versions here."""

from __future__ import annotations

from typing import Any

import cyclopts

from treadle.cli.terminal import print_json, print_result, print_table
from treadle.messages import visible

app = cyclopts.App(name="info")

# Of what a result or its time may depend on.
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "onnx")

# Of an engine's parameters. bfloat16 is none of them: it is a precision of the products of float32 ones.
DTYPES = ("float32", "float64")


@app.default
def info(*, json: bool = False) -> int:
    """Show the processor, its kernels, threads, versions, and what each engine supports.

    treadle info

    TREADLE_SIMD names the kernels to take instead of the best, OMP_NUM_THREADS
    limits the threads.

    Parameters
    ----------
    json
        Print the result as JSON.
    """
    from treadle.hardware.processors import processor_name, usable_threads

    threads = usable_threads()
    found = {
        "processor": {"name": processor_name(), "threads": threads.n, "threads_reason": threads.reason},
        "native": _native(),
        "engines": [_engine(name) for name in ("native", "numpy", "torch")],
        "versions": _versions(),
    }
    if json:
        print_json(found)
    else:
        _print(found)
    return 0


def _native() -> dict[str, object]:
    """Describe the extension: processor features, the usable kernels, and the chosen one."""
    from treadle.engines.native_engine import NativeEngine
    from treadle.errors import EngineUnavailable
    from treadle.hardware.native.extension import available_kernels, processor_features

    try:
        engine = NativeEngine()
    except EngineUnavailable as error:
        return {"features": [], "kernels": [], "chosen": None, "why_not": str(error)}
    return {
        "features": processor_features(),
        "kernels": available_kernels(),
        "chosen": engine.kernels,
        "why_not": None,
    }


def _engine(name: str) -> dict[str, object]:
    """Describe an engine: whether it is usable, its device and its dtypes."""
    from importlib.metadata import version
    from importlib.util import find_spec

    from treadle.engines.selection import has_gpu_driver, make_engine
    from treadle.errors import EngineUnavailable

    if name == "torch" and find_spec("torch") is not None and not has_gpu_driver():
        # All that PyTorch would say itself, and it takes seconds to import.
        return {
            "name": name,
            "dtypes": [*DTYPES],
            "details": {"torch": version("torch"), "device": "cpu"},
            "why_not": None,
        }
    try:
        engine = make_engine(name)
    except EngineUnavailable as error:
        return {"name": name, "dtypes": [], "details": {}, "why_not": str(error)}
    return {"name": name, "dtypes": [*DTYPES], "details": engine.details(), "why_not": None}


def _versions() -> dict[str, str | None]:
    """Return the versions of packages, None where not installed, without importing them."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions: dict[str, str | None] = {"treadle": version("treadle"), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


# Any: what is printed as JSON as well.
def _print(found: dict[str, Any]) -> None:
    processor, native = found["processor"], found["native"]
    print_result(f"processor  {visible(processor['name'])}")
    print_result(f"features   {' '.join(native['features']) or '-'}")
    print_result(f"kernels    {', '.join(native['kernels']) or '-'}")
    print_result(f"chosen     {native['chosen'] or '-'}")
    print_result(f"threads    {processor['threads']}: {processor['threads_reason']}")
    print_result("")
    print_table(
        ("engine", "parameters", "with, or why not"),
        [
            (
                engine["name"],
                ", ".join(engine["dtypes"]) or "-",
                engine["why_not"]
                or ", ".join(f"{name} {value}" for name, value in engine["details"].items())
                or "-",
            )
            for engine in found["engines"]
        ],
        align="<<<",
    )
    print_result("")
    print_table(
        ("package", "version"),
        [(name, version or "not installed") for name, version in found["versions"].items()],
        align="<<",
    )
