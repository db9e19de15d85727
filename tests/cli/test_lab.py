"""``treadle lab`` as a person calls it; ``tests/server`` has what it serves."""

import webbrowser

import pytest

from tests.server.running_lab import RunningLab
from treadle.cli import run
from treadle.server import serving


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser was sent to; the server ends at once."""
    found = []
    monkeypatch.setattr(webbrowser, "open", found.append)

    def interrupted(sock, door):
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "serve_lab", interrupted)
    return found


def test_it_opens_the_address_that_it_prints(capsys, opened):
    assert run(["lab", "--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert opened == [out.split()[1]]
    assert out.startswith("lab     http://127.0.0.1:")
    assert err == "Ctrl-C ends it\n"


def test_without_a_browser_it_only_prints_it(capsys, opened):
    assert run(["lab", "--port", "0", "--no-browser"]) == 0
    assert opened == []
    assert "token=" in capsys.readouterr().out


def test_a_port_that_is_taken_is_a_failure_and_none_a_wrong_call(capsys, opened):
    with serving.listen(0) as taken:
        assert run(["lab", "--port", str(taken.getsockname()[1])]) == 1
    assert "is taken by another program" in capsys.readouterr().err
    assert run(["lab", "--port", "70000"]) == 2
    assert "a port is a number from 0 to 65535; got 70000" in capsys.readouterr().err


def test_ctrl_c_ends_it_quietly_also_with_a_page_open():
    lab = RunningLab()
    lab.open()
    assert lab.request("GET", "/l1").status == 200
    assert lab.stop() == (0, "Ctrl-C ends it\n")
