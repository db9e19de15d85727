"""The listening socket, and what is said where there can be none."""

import socket

import pytest

from treadle.errors import InvalidInput, MissingDependency, RunError
from treadle.server import serving


def test_it_listens_on_loopback_alone():
    with serving.listen(0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
        with socket.create_connection(sock.getsockname(), timeout=5):
            pass


def test_the_usual_port_is_taken_where_it_is_free_and_another_where_not(monkeypatch):
    with serving.listen(0) as taken:
        monkeypatch.setattr(serving, "USUAL_PORT", taken.getsockname()[1])
        with serving.listen(None) as other:
            assert other.getsockname()[1] != serving.USUAL_PORT
    with serving.listen(None) as usual:
        assert usual.getsockname()[1] == serving.USUAL_PORT


def test_a_port_that_is_taken_is_named():
    with serving.listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            RunError, match=f"port {port} is taken by another program; name another with --port"
        ):
            serving.listen(port)


def test_a_port_that_cannot_be_used_is_named(monkeypatch):
    def refused(_port):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(serving, "_listening", refused)
    with pytest.raises(RunError, match=r"port 80 cannot be used: .*Permission denied; name another"):
        serving.listen(80)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(InvalidInput, match=f"a port is a number from 0 to 65535; got {port}"):
        serving.listen(port)


def test_what_is_missing_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"needs fastapi and uvicorn: pip install 'treadle\[serve\]'"):
        serving.check_installed()
