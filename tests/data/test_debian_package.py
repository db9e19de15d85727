"""The programs are shell scripts here: what apt-get itself does is Debian's affair, and needs a network."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.data.small_fashion import SmallFashion
from treadle.data import debian_package
from treadle.data import fashion_mnist as module
from treadle.data.debian_package import fetch_package
from treadle.data.progress import Progress
from treadle.errors import DataUnavailable

# Scripts see their own PATH only: /bin and /usr/bin for cp and mkdir.
TOOLS = "PATH=/bin:/usr/bin"
UNPACK = f'{TOOLS}; [ "$1" = -x ] || exit 2; mkdir "$3" && cp -r "$(cat "$2")"/. "$3"'


@pytest.fixture
def archive(small_fashion: SmallFashion, tmp_path: Path) -> Path:
    """What the package holds."""
    small_fashion.put(tmp_path / "archive" / "usr/share/datasets/fashion-mnist")
    small_fashion.add_program("dpkg-deb", UNPACK)
    return tmp_path / "archive"


def calls(tmp_path: Path) -> list[str]:
    """What apt-get was asked for, in order."""
    return [line.split("apt.conf ")[1] for line in (tmp_path / "calls").read_text().splitlines()]


def apt_get(small: SmallFashion, tmp_path: Path, body: str) -> None:
    small.add_program("apt-get", f'{TOOLS}; echo "$@" >> {tmp_path}/calls; {body}')


def test_lists_of_the_system_are_used_where_they_know_the_package(
    small_fashion: SmallFashion, archive: Path, tmp_path: Path
) -> None:
    apt_get(small_fashion, tmp_path, f'case "$*" in *print-uris*) ;; *) echo {archive} > a.deb;; esac')
    data = module.load_fashion_mnist()
    assert data.source == "Debian's package dataset-fashion-mnist"
    assert calls(tmp_path) == [
        "download --print-uris dataset-fashion-mnist",
        "download dataset-fashion-mnist",
    ]
    assert (small_fashion.cache / "t10k-labels-idx1-ubyte.gz").exists()
    assert module.load_fashion_mnist().source == f"the cache {small_fashion.cache}"


@pytest.mark.parametrize("trouble", ["unknown", "gone", "one dead source"])
def test_private_lists_are_fetched_where_the_system_s_do_not_do(
    small_fashion: SmallFashion, archive: Path, tmp_path: Path, trouble: str
) -> None:
    private = 'grep -q "^Dir::State::Lists " "$3" && [ -d lists/partial ]'
    fails = {"unknown": "E: Unable to locate package", "gone": "E: Failed to fetch  404  Not Found"}
    update = "echo E: no such host; exit 100" if trouble == "one dead source" else "exit 0"
    known = "exit 0" if trouble == "gone" else f"echo '{fails['unknown']}'; exit 100"
    apt_get(
        small_fashion,
        tmp_path,
        f"""case "$*" in
        *print-uris*) {known};;
        *update*) {private} && {{ {update}; }};;
        *) if {private}; then echo {archive} > a.deb; else echo '{fails["gone"]}'; exit 100; fi;;
        esac""",
    )
    module.load_fashion_mnist()
    asked = [call.split()[0] for call in calls(tmp_path)]
    assert asked == ["download", *(["download"] if trouble == "gone" else []), "update", "download"]


def test_the_configuration_needs_no_privileges(tmp_path: Path, small_fashion: SmallFashion) -> None:
    apt_get(small_fashion, tmp_path, f'cp "$3" {tmp_path}/seen; echo E: stop; exit 100')
    small_fashion.add_program("dpkg-deb", "exit 0")
    with pytest.raises(DataUnavailable):
        fetch_package("some-package", tmp_path, Progress(False))
    seen = (tmp_path / "seen").read_text()
    assert 'APT::Sandbox::User "root";' in seen
    assert f'Dir::State::Lists "{tmp_path}/lists";' in seen
    assert f'Dir::Cache "{tmp_path}/cache";' in seen
    assert "#clear APT::Update::Post-Invoke;" in seen


@pytest.mark.parametrize(
    ("apt", "message"),
    [
        (
            "case $* in *uris*) ;; *) echo W: x; echo E: no route; exit 100;; esac",
            r"apt-get download failed: E: no route$",
        ),
        (
            "case $* in *update*) echo E: no host;; *) echo E: unknown;; esac; exit 100",
            r"apt-get update failed: E: no host, and then apt-get download failed: E: unknown",
        ),
        ("echo just this; exit 3", r"apt-get download failed: just this"),
        ("exit 3", r"apt-get download failed: status 3"),
        ("exit 0", r"apt-get download left no package behind"),
    ],
)
def test_why_apt_get_failed_is_said(
    small_fashion: SmallFashion, tmp_path: Path, apt: str, message: str
) -> None:
    apt_get(small_fashion, tmp_path, apt)
    small_fashion.add_program("dpkg-deb", "exit 0")
    with pytest.raises(DataUnavailable, match=message):
        fetch_package("some-package", tmp_path, Progress(False))


def test_a_damaged_package_is_named(small_fashion: SmallFashion, tmp_path: Path) -> None:
    apt_get(small_fashion, tmp_path, "echo > a.deb")
    small_fashion.add_program("dpkg-deb", "echo dpkg-deb: error: not an archive; exit 2")
    with pytest.raises(DataUnavailable, match=r"^dpkg-deb failed: dpkg-deb: error: not an archive"):
        fetch_package("some-package", tmp_path, Progress(False))


def test_a_package_with_other_files_is_not_believed(
    small_fashion: SmallFashion, archive: Path, tmp_path: Path
) -> None:
    (archive / "usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz").write_bytes(b"other")
    apt_get(small_fashion, tmp_path, f"echo {archive} > a.deb")
    with pytest.raises(
        DataUnavailable, match=r"dataset-fashion-mnist: train-labels-idx1-ubyte.gz has SHA-256"
    ):
        module.load_fashion_mnist()
    assert not small_fashion.cache.exists()


@pytest.mark.parametrize("missing", ["apt-get", "dpkg-deb"])
def test_a_machine_without_the_programs_says_so(
    small_fashion: SmallFashion, tmp_path: Path, missing: str
) -> None:
    small_fashion.add_program({"apt-get": "dpkg-deb", "dpkg-deb": "apt-get"}[missing], "exit 0")
    with pytest.raises(DataUnavailable, match=rf"^{missing} is not on this machine$"):
        fetch_package("some-package", tmp_path, Progress(False))


@pytest.mark.parametrize("lists", ["known", "unknown"])
def test_servers_that_never_answer_are_given_up_within_the_time_to_answer(
    small_fashion: SmallFashion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: str
) -> None:
    monkeypatch.setattr(debian_package, "ANSWER_SECONDS", 0.3)
    unlisted = "echo E: unlisted; exit 100"
    local = "exit 0" if lists == "known" else unlisted
    hang = "echo Reading lists; echo Ign:1 http://nowhere; sleep 30"
    download = hang if lists == "known" else unlisted
    apt_get(
        small_fashion, tmp_path, f'case "$*" in *uris*) {local};; *update*) {hang};; *) {download};; esac'
    )
    small_fashion.add_program("dpkg-deb", "exit 0")
    command = "download" if lists == "known" else "update"
    start = time.perf_counter()
    with pytest.raises(DataUnavailable, match=rf"^apt-get {command} had no answer within 0\.3 s"):
        fetch_package("some-package", tmp_path, Progress(False))
    assert time.perf_counter() - start <= 5


def test_a_slow_server_that_answers_is_waited_for(
    small_fashion: SmallFashion, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_package, "ANSWER_SECONDS", 0.3)
    slowly = f"echo Get:1 http://somewhere; sleep 1; echo {archive} > a.deb"
    apt_get(small_fashion, tmp_path, f'case "$*" in *print-uris*) ;; *) {slowly};; esac')
    assert module.load_fashion_mnist().source == "Debian's package dataset-fashion-mnist"


def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    small_fashion: SmallFashion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_package, "DOWNLOAD_SECONDS", 0.3)
    hang = f"(echo Get:1 http://somewhere; sleep 30 & echo $! > {tmp_path}/child; wait)"
    apt_get(small_fashion, tmp_path, f"case $* in *uris*) ;; *) {hang};; esac")
    small_fashion.add_program("dpkg-deb", "exit 0")
    start = time.perf_counter()
    with pytest.raises(DataUnavailable, match=r"^apt-get download took longer than 0\.3 s$"):
        fetch_package("some-package", tmp_path, Progress(False))
    assert time.perf_counter() - start <= 5
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").exists() and " Z " in Path(f"/proc/{child}/stat").read_text():
            return  # dead, and waiting for its parent to notice
        time.sleep(0.02)
    pytest.fail(f"process {child} still runs")
