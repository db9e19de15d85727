from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.data.small_fashion import SmallFashion
from treadle.data import fashion_mnist as module
from treadle.data import load_data
from treadle.data.fashion_mnist import load_fashion_mnist, nearest_place
from treadle.errors import DataUnavailable

IMAGES = "train-images-idx3-ubyte"
LABELS = "t10k-labels-idx1-ubyte"


def check(data: object, small: SmallFashion) -> None:
    names = [file.name for file in small.files]
    for attribute, name in zip(("X_train", "y_train", "X_test", "y_test"), names, strict=True):
        wanted = small.arrays[name]
        np.testing.assert_array_equal(getattr(data, attribute), wanted.reshape(len(wanted), -1).squeeze())


def test_the_folder_comes_first_and_is_kept_in_the_cache(small_fashion: SmallFashion, tmp_path: Path) -> None:
    folder = small_fashion.put(tmp_path / "mine")
    small_fashion.put(small_fashion.system)
    data = load_data("fashion-mnist", folder=folder)
    check(data, small_fashion)
    assert data.source == f"the folder {folder}"
    assert (data.scale, data.image_shape) == (1 / 255, (28, 28))
    again = load_data("fashion-mnist")
    check(again, small_fashion)
    assert again.source == f"the cache {small_fashion.cache}"


def test_a_plain_file_in_the_folder_is_checked_too(
    small_fashion: SmallFashion, tmp_path: Path, idx_bytes
) -> None:
    folder = small_fashion.put(tmp_path / "mine")
    (folder / f"{LABELS}.gz").unlink()
    values = small_fashion.arrays[LABELS].copy()
    (folder / LABELS).write_bytes(idx_bytes(values))
    check(load_data("fashion-mnist", folder=folder), small_fashion)
    shutil.rmtree(small_fashion.cache)
    values[0] ^= 1
    (folder / LABELS).write_bytes(idx_bytes(values))
    with pytest.raises(DataUnavailable, match=rf"the folder {folder}: {LABELS} has SHA-256 \w+..., not \w+"):
        load_data("fashion-mnist", folder=folder)
    (folder / LABELS).write_bytes(idx_bytes(values[:-1]))
    with pytest.raises(DataUnavailable, match=rf"{LABELS} holds uint8 \(19,\), not uint8 \(20,\)"):
        load_data("fashion-mnist", folder=folder)
    (folder / LABELS).write_bytes(b"rubbish")
    with pytest.raises(DataUnavailable, match=rf"{LABELS} is no IDX file"):
        load_data("fashion-mnist", folder=folder)


def test_a_bad_compressed_file_hides_no_good_plain_one(
    small_fashion: SmallFashion, tmp_path: Path, idx_bytes
) -> None:
    folder = small_fashion.put(tmp_path / "mine")
    (folder / f"{LABELS}.gz").write_bytes(b"rubbish")
    (folder / LABELS).write_bytes(idx_bytes(small_fashion.arrays[LABELS]))
    data = load_data("fashion-mnist", folder=folder)
    check(data, small_fashion)
    assert data.source == f"the folder {folder}"
    shutil.rmtree(small_fashion.cache)
    (folder / LABELS).write_bytes(b"rubbish")
    both = rf"{LABELS}\.gz has SHA-256 \w+\.\.\., not .*, and {LABELS} is no IDX file"
    with pytest.raises(DataUnavailable, match=both):
        load_data("fashion-mnist", folder=folder)


def test_a_bad_folder_is_reported_and_passed_over(
    small_fashion: SmallFashion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_fashion.put(small_fashion.system)
    data = load_data("fashion-mnist", folder=tmp_path / ("x" * 300))
    assert data.source == f"the system's folder {small_fashion.system}"
    assert "File name too long; trying elsewhere" in capsys.readouterr().err


def test_the_second_start_is_from_the_cache_in_mapped_memory(small_fashion: SmallFashion) -> None:
    small_fashion.put(small_fashion.system)
    assert load_fashion_mnist().source == f"the system's folder {small_fashion.system}"
    data = load_fashion_mnist()
    check(data, small_fashion)
    assert data.source == f"the cache {small_fashion.cache}"
    assert isinstance(data.X_train.base, np.memmap)
    assert data.X_train.dtype == np.uint8
    assert sorted(path.name for path in small_fashion.cache.iterdir()) == sorted(
        f"{file.name}.npy" for file in small_fashion.files
    )


def test_the_real_second_start_takes_milliseconds(fashion_mnist: object) -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        data = load_data("fashion-mnist")
        times.append(time.perf_counter() - start)
    assert data.checksum == fashion_mnist.checksum
    # 45 ms on the machine where it was written; generous, since the machine may be busy.
    assert min(times) <= 0.5


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "folder", "missing"])
def test_a_damaged_array_in_the_cache_heals(
    small_fashion: SmallFashion, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small_fashion.put(small_fashion.system)
    load_fashion_mnist()
    path = small_fashion.cache / f"{LABELS}.npy"
    times = path.stat()
    whole = path.read_bytes()
    if damage == "flip":  # neither size nor time gives it away
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not an array at all, but as long as needed\n" * 10)
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    check(load_fashion_mnist(), small_fashion)
    said = capsys.readouterr().err
    assert f"the cache {small_fashion.cache}: " in said
    if damage == "folder":  # not ours to delete; the data are read all the same
        assert "cannot be used: [Errno 21] Is a directory" in said
        return
    assert path.read_bytes() == whole
    assert load_fashion_mnist().source == f"the cache {small_fashion.cache}"
    assert capsys.readouterr().err == ""


def test_an_array_in_fortran_s_order_heals(
    small_fashion: SmallFashion, capsys: pytest.CaptureFixture[str]
) -> None:
    small_fashion.put(small_fashion.system)
    load_fashion_mnist()
    path = small_fashion.cache / f"{IMAGES}.npy"
    whole = path.read_bytes()
    np.save(path, np.asfortranarray(small_fashion.arrays[IMAGES]))
    check(load_fashion_mnist(), small_fashion)
    assert f"{IMAGES}.npy holds its values in another order than C's" in capsys.readouterr().err
    assert path.read_bytes() == whole


def test_random_damage_to_the_header_of_an_array_heals(small_fashion: SmallFashion) -> None:
    small_fashion.put(small_fashion.system)
    load_fashion_mnist()
    path = small_fashion.cache / f"{LABELS}.npy"
    whole = path.read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(40):
        broken = bytearray(whole)
        for place in rng.integers(0, 80, 2):
            broken[place] = rng.choice(list(b"0123456789(),' {}:<>|ufiV\x00\xff\n"))
        path.write_bytes(broken)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, of headers that look like Python 2
            data = load_data("fashion-mnist", progress=False)
        check(data, small_fashion)


def test_the_cache_s_compressed_files_serve_where_arrays_are_lost(small_fashion: SmallFashion) -> None:
    small_fashion.put(small_fashion.cache)
    assert load_fashion_mnist().source == f"the cache {small_fashion.cache}"
    assert (small_fashion.cache / f"{IMAGES}.npy").exists()


def test_what_killed_writers_left_goes_once_it_is_old(small_fashion: SmallFashion) -> None:
    small_fashion.put(small_fashion.system)
    small_fashion.cache.mkdir(parents=True)
    old, young = (small_fashion.cache / f".{IMAGES}.npy.{word}.unfinished" for word in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    load_fashion_mnist()
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("place", ["file in the way", "disk full"])
def test_an_unwritable_cache_is_said_and_the_data_stay_in_memory(
    small_fashion: SmallFashion,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    small_fashion.put(small_fashion.system)
    if place == "file in the way":
        (tmp_path / "cache").write_text("")
        reason = "Not a directory"
    else:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("treadle.data.cache.write_atomically", full)
        reason = "No space left on device"
    check(load_fashion_mnist(), small_fashion)
    said = capsys.readouterr().err
    assert "cannot be used: " in said
    assert reason in said
    assert "going on in memory" in said
    assert "set TREADLE_CACHE" in said


def test_the_last_error_names_every_source_in_one_line(small_fashion: SmallFashion, tmp_path: Path) -> None:
    small_fashion.put(small_fashion.system)
    (small_fashion.system / f"{IMAGES}.gz").write_bytes(small_fashion.compressed[IMAGES][:-1])
    with pytest.raises(DataUnavailable) as caught:
        load_data("fashion-mnist", folder=tmp_path / "mine", progress=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        f"the folder {tmp_path / 'mine'}: there is no such folder; ",
        f"the cache {small_fashion.cache}: there is no such folder; ",
        f"the system's folder {small_fashion.system}: {IMAGES}.gz has SHA-256 ",
        "Debian's package dataset-fashion-mnist: apt-get is not on this machine; ",
        "to go on, connect to the network and try again, or put train-images-idx3-ubyte.gz, ",
        f" into {small_fashion.cache}",
    ):
        assert part in message


def test_offline_asks_nobody_and_says_so(
    small_fashion: SmallFashion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small_fashion.add_program("apt-get", f"touch {tmp_path}/asked")
    small_fashion.add_program("dpkg-deb", f"touch {tmp_path}/asked")
    monkeypatch.setenv("TREADLE_OFFLINE", "1")
    with pytest.raises(
        DataUnavailable, match=r"not asked, since TREADLE_OFFLINE is set; to go on, unset TREADLE_OFF"
    ):
        load_fashion_mnist()
    assert not (tmp_path / "asked").exists()
    monkeypatch.setenv("TREADLE_OFFLINE", "0")
    with pytest.raises(DataUnavailable, match=r"Debian's package dataset-fashion-mnist: "):
        load_fashion_mnist()


def test_the_cache_is_the_user_s_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.setenv("TREADLE_CACHE", "")
    assert module.cache_folder() == Path(platformdirs.user_cache_dir("treadle"))
    monkeypatch.setenv("TREADLE_CACHE", "~/elsewhere")
    assert module.cache_folder() == Path.home() / "elsewhere"


def test_nearest_place_reads_nothing(small_fashion: SmallFashion) -> None:
    assert nearest_place() is None
    small_fashion.put(small_fashion.system)
    assert nearest_place() == f"the system's folder {small_fashion.system}"
    load_fashion_mnist()
    assert nearest_place() == f"the cache {small_fashion.cache}"


def test_a_folder_with_the_real_labels_has_the_real_names(small_fashion: SmallFashion) -> None:
    small_fashion.put(small_fashion.system)
    assert load_data(small_fashion.system).class_names == module.CLASS_NAMES


def test_processes_that_start_at_once_all_get_whole_data(small_fashion: SmallFashion, tmp_path: Path) -> None:
    small_fashion.put(small_fashion.system)
    code = f"""
import sys, time
from pathlib import Path
from treadle.data import fashion_mnist as module
from treadle.data.known_files import Edition, KnownFile
module.FILES = {small_fashion.files!r}
module.SYSTEM_FOLDER = Path({str(small_fashion.system)!r})
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    print(module.load_fashion_mnist().checksum)
    for path in Path({str(small_fashion.cache)!r}).glob("t10k*.npy"):
        path.unlink(missing_ok=True)
"""
    command = [sys.executable, "-W", "error", "-c", code]
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], answers
    wanted = load_fashion_mnist().checksum
    assert [out.split() for out, _ in answers] == [[wanted] * 20] * 3
