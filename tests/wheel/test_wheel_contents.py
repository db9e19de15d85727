"""What is in the wheels that were built: one extension, for the platform of the name, with every kernel."""

import re
import struct
import zipfile

import pytest

MACHINES = {"x86_64": 62, "aarch64": 183}  # e_machine of ELF
KERNELS = {
    "x86_64": ["portable", "avx2", "avx512", "avx512-bfloat16", "amx-bfloat16", "emulated-bfloat16"],
    "aarch64": ["portable", "neon", "emulated-bfloat16"],
}
SUFFIXES = {"many": "-linux-gnu.so", "musl": "-linux-musl.so"}  # other Pythons do not look at the file
PYTHONS = ["cp311-cp311", "cp312-abi3"]
PLATFORMS = [
    *("manylinux_2_17_x86_64", "manylinux_2_17_aarch64"),
    *("musllinux_1_2_x86_64", "musllinux_1_2_aarch64"),
]


@pytest.fixture(params=[f"{python}-{platform}" for platform in PLATFORMS for python in PYTHONS])
def wheel(request, dist):
    # manylinux2014 is the old name of manylinux_2_17, and may stand before it.
    python, _, platform = request.param.rpartition("-")
    found = [path for path in dist.glob(f"treadle-*-{python}-*.whl") if platform in path.name]
    if not found:
        pytest.skip(f"no wheel for {request.param} was built")
    assert len(found) == 1
    return found[0]


def test_it_is_small(wheel):
    assert wheel.stat().st_size < 3_000_000


def test_it_has_one_extension_and_no_sources_of_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "treadle/__init__.py" in names and "treadle/py.typed" in names
    (extension,) = [name for name in names if ".so" in name]
    assert extension.startswith("treadle/_native.")
    assert extension.endswith(".abi3.so") == ("-abi3-" in wheel.name)
    assert "-abi3-" in wheel.name or extension.endswith(SUFFIXES[re.search("many|musl", wheel.name)[0]])
    assert not [name for name in names if name.endswith((".cpp", ".h", "_native_missing.txt"))]


def test_the_extension_is_for_that_processor_and_has_its_kernels(wheel):
    processor = re.search("x86_64|aarch64", wheel.name)[0]
    archive = zipfile.ZipFile(wheel)
    (extension,) = [name for name in archive.namelist() if ".so" in name]
    code = archive.read(extension)
    assert (f"libc.musl-{processor}.so.1".encode() in code) == ("musllinux" in wheel.name)
    assert code[:4] == b"\x7fELF" and struct.unpack_from("<H", code, 18) == (MACHINES[processor],)
    assert [kernel for kernel in KERNELS[processor] if kernel.encode() + b"\0" not in code] == []
