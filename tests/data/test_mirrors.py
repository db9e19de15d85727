from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.data.small_fashion import SmallFashion
from treadle.data import fashion_mnist as module
from treadle.data import mirrors
from treadle.data.progress import Progress
from treadle.errors import DataUnavailable

Serve = Callable[..., str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start servers on this machine; each keeps the paths it was asked for."""
    monkeypatch.setenv("NO_PROXY", "*")
    servers: list[ThreadingHTTPServer] = []

    def start(
        files: dict[str, bytes], asked: list[str] | None = None, fails: Callable[[str], bool] | None = None
    ) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self, body: bool) -> None:
                name = self.path.rpartition("/")[2]
                if body and asked is not None:
                    asked.append(name)
                missing = name not in files or (body and fails is not None and fails(name))
                data = b"" if missing else files[name]
                self.send_response(404 if missing else 200)
                self.end_headers()
                if body:
                    try:
                        self.wfile.write(data)
                    except (BrokenPipeError, ConnectionResetError):
                        return  # the client had enough

            def do_HEAD(self) -> None:
                self.answer(False)

            def do_GET(self) -> None:
                self.answer(True)

            def log_message(self, *_: object) -> None:
                """Be silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/data/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nobody listens, kept from others."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{kept.getsockname()[1]}/"


def gz(small: SmallFashion) -> dict[str, bytes]:
    return {f"{name}.gz": data for name, data in small.compressed.items()}


def test_the_first_mirror_that_answers_delivers_and_the_cache_keeps_it(
    small_fashion: SmallFashion, serve: Serve, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIRRORS", (closed, serve(gz(small_fashion))))
    assert module.load_fashion_mnist().source == "the mirrors"
    for name, data in gz(small_fashion).items():
        assert (small_fashion.cache / name).read_bytes() == data
    monkeypatch.setattr(module, "MIRRORS", ())
    assert module.load_fashion_mnist().source == f"the cache {small_fashion.cache}"


def test_the_second_edition_is_believed_too(
    small_fashion: SmallFashion, serve: Serve, tmp_path: Path, idx_bytes: Callable[..., bytes]
) -> None:
    import gzip

    files = {f"{n}.gz": gzip.compress(idx_bytes(a), mtime=1) for n, a in small_fashion.arrays.items()}
    mirrors.download([serve(files)], small_fashion.files, tmp_path, Progress(False))
    assert all((tmp_path / name).read_bytes() == data for name, data in files.items())


def test_a_mirror_whose_first_file_fails_is_not_asked_for_more(
    small_fashion: SmallFashion, serve: Serve, tmp_path: Path
) -> None:
    asked: list[str] = []
    bad = serve(gz(small_fashion), asked, lambda name: True)
    good = serve(gz(small_fashion))
    mirrors.download([bad, good], small_fashion.files, tmp_path, Progress(False))
    assert asked == ["train-images-idx3-ubyte.gz"]


def test_every_mirror_s_failure_is_named(
    small_fashion: SmallFashion, serve: Serve, closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def know_this_machine_only(host: str, *rest: Any, **options: Any) -> Any:
        if host == "127.0.0.1":
            return look_up(host, *rest, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", know_this_machine_only)
    wrong = {name: data[:-1] + b"?" for name, data in gz(small_fashion).items()}
    endless = {name: data + bytes(1 << 20) for name, data in gz(small_fashion).items()}
    with pytest.raises(DataUnavailable) as caught:
        mirrors.download(
            [closed, serve({}), serve(wrong), serve(endless), "http://no-such-host.invalid/"],
            small_fashion.files,
            tmp_path,
            Progress(False),
        )
    reasons = [part.split(": ", 1)[1] for part in str(caught.value).split(", ") if ": " in part]
    assert reasons[0] == "connection refused"
    assert reasons[1] == "answered with status 404"
    assert reasons[2].startswith("train-images-idx3-ubyte.gz has SHA-256 ")
    assert "train-images-idx3-ubyte.gz goes on beyond its" in reasons[3]
    assert reasons[4] == "its name cannot be resolved"


def test_silent_servers_are_given_up_together(
    small_fashion: SmallFashion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(mirrors, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        start = time.perf_counter()
        with pytest.raises(DataUnavailable, match=r"(no answer in time.*){3}"):
            mirrors.download([address] * 3, small_fashion.files, tmp_path, Progress(False))
        assert time.perf_counter() - start <= 3


def test_a_name_server_that_never_answers_is_not_waited_for(
    small_fashion: SmallFashion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(mirrors, "ANSWER_SECONDS", 0.3)
    release = threading.Event()

    def hang(*_: object, **__: object) -> None:
        release.wait(10)
        raise socket.gaierror("never")

    monkeypatch.setattr("socket.getaddrinfo", hang)
    start = time.perf_counter()
    with pytest.raises(DataUnavailable, match=r"a\.invalid: no answer within 0\.3 s, b\.invalid: no answer"):
        mirrors.download(
            ["http://a.invalid/", "http://b.invalid/"], small_fashion.files, tmp_path, Progress(False)
        )
    assert time.perf_counter() - start <= 3
    release.set()


def test_a_full_disk_is_named(
    small_fashion: SmallFashion, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pooch.retrieve", full)
    with pytest.raises(DataUnavailable, match=r"No space left on device"):
        mirrors.download([serve(gz(small_fashion))], small_fashion.files, tmp_path, Progress(False))


def test_progress_is_one_line_on_standard_error_without_a_terminal(
    small_fashion: SmallFashion, serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrors.download([serve(gz(small_fashion))], small_fashion.files, tmp_path, Progress())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("treadle: downloading 4 files, 0 MB, from 127.0.0.1")
    assert captured.err.count("\n") == 1


def test_the_bar_is_drawn_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress().bar("a host", 1000) as move_to:
        move_to(1000)
    captured = capsys.readouterr()
    assert "a host" in captured.err
    assert captured.out == ""
