"""What every command has: help, a version, and no traceback for whoever stops reading."""

import subprocess
import sys

import pytest

from treadle.cli import COMMANDS, run


def test_help_lists_every_command_and_an_example(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert "treadle train fashion-mnist" in out
    for name, summary in COMMANDS.items():
        assert name in out
        assert summary in out


@pytest.mark.parametrize(
    "command", [[name] for name in COMMANDS] + [["check", "gradients"], ["check", "bits"], ["data", "info"]]
)
def test_every_command_has_help_of_its_own(capsys, command):
    assert run([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"treadle {' '.join(command)}" in out


def test_version_is_the_packages(capsys):
    from importlib.metadata import version

    assert run(["--version"]) == 0
    assert version("treadle") in capsys.readouterr().out


def test_whoever_stops_reading_gets_no_traceback(trained):
    done = subprocess.run(
        f"{sys.executable} -m treadle evaluate {trained} | true", shell=True, capture_output=True, text=True
    )
    assert done.stderr == ""
