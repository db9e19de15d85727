"""Fetches and unpacks a Debian package as an ordinary user, without installing it.

``apt-get download`` and ``dpkg-deb -x`` need no privileges. Where the system's package lists are missing or
too old to know the package, lists of one's own are fetched beside it, and thrown away with it. Proxies and
sources are those that the system's apt is set to. A server that answers may take minutes to send all; one
that does not answer at all is given up within seconds, looking its name up included, which apt itself would
wait for half a minute and more.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from treadle.data.progress import Progress
from treadle.errors import DataUnavailable

SILENCE_SECONDS = 3  # of one connection
ANSWER_SECONDS = 6.0  # until the first server answers; a resolver's second try comes after 5 s
ANSWERED = ("Get:", "Hit:")  # how apt-get begins a line once a server has answered
UPDATE_SECONDS = 120.0
DOWNLOAD_SECONDS = 600.0
UNPACK_SECONDS = 120.0

# The sandbox user _apt could not write into root's private folder; #clear drops hooks that need root.
APT_CONFIGURATION = """
APT::Sandbox::User "root";
Acquire::Retries "0";
Acquire::http::Timeout "{silence}";
Acquire::https::Timeout "{silence}";
Dir::Cache "{folder}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
PRIVATE_LISTS = """
Dir::State::Lists "{folder}/lists";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def fetch_package(package: str, folder: Path, progress: Progress) -> Path:
    """Download a package and unpack it.

    Parameters
    ----------
    package : str
        Its name.
    folder : Path
        An existing folder of this call's own, where everything goes.
    progress : Progress
        Reports what is fetched.

    Returns
    -------
    Path
        The folder that holds the package's ``usr``.

    Raises
    ------
    DataUnavailable
        If there is no apt-get or dpkg-deb here, or one of them fails or exceeds its time; it says why.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise DataUnavailable(f"{program} is not on this machine")
    progress.note(f"asking apt-get for Debian's package {package}")
    configuration = folder / "apt.conf"
    options = APT_CONFIGURATION.format(folder=folder, silence=SILENCE_SECONDS)
    configuration.write_text(options)
    apt = ("apt-get", "-q", "-c", str(configuration))
    if not _download_by_system_lists(apt, package, folder):
        progress.note("the system's package lists are missing or old; fetching lists for this once")
        (folder / "lists" / "partial").mkdir(parents=True)
        configuration.write_text(options + PRIVATE_LISTS.format(folder=folder))
        _download_by_private_lists(apt, package, folder)
    archive = next(folder.glob("*.deb"), None)
    if archive is None:
        raise DataUnavailable("apt-get download left no package behind")
    unpacked = folder / "unpacked"
    _run(("dpkg-deb", "-x", str(archive), str(unpacked)), folder, UNPACK_SECONDS)
    return unpacked


def _download_by_system_lists(apt: tuple[str, ...], package: str, folder: Path) -> bool:
    """Try to download by the system's package lists; say whether it worked."""
    try:
        _run((*apt, "download", "--print-uris", package), folder, UPDATE_SECONDS)
    except DataUnavailable:
        return False
    try:
        _run((*apt, "download", package), folder, DOWNLOAD_SECONDS, ANSWER_SECONDS)
    except DataUnavailable as error:
        if "404" in str(error):  # the lists are older than the server's pool
            return False
        raise
    return True


def _download_by_private_lists(apt: tuple[str, ...], package: str, folder: Path) -> None:
    update_failure = ""
    try:
        _run((*apt, "update"), folder, UPDATE_SECONDS, ANSWER_SECONDS)
    except DataUnavailable as error:  # one dead source among several does not matter
        update_failure = f"{error}, and then "
    try:
        _run((*apt, "download", package), folder, DOWNLOAD_SECONDS, ANSWER_SECONDS)
    except DataUnavailable as error:
        raise DataUnavailable(f"{update_failure}{error}") from error


def _run(command: tuple[str, ...], folder: Path, seconds: float, until_answer: float | None = None) -> None:
    """Run a command in the folder, with a time limit.

    When its time is up, it and all that it started are ended.

    Parameters
    ----------
    command : tuple of str
    folder : Path
    seconds : float
        Its time.
    until_answer : float, optional
        Its time if no server has answered by then.

    Raises
    ------
    DataUnavailable
        If it fails: the first line that begins with ``E:``, else its last line.
    """
    said = folder / "said.txt"
    # Output goes to a file: a pipe would be held open by whatever the command leaves running.
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        seconds_left = seconds
        try:
            if until_answer is not None and until_answer < seconds:
                seconds_left = seconds - until_answer
                with suppress(subprocess.TimeoutExpired):
                    process.wait(until_answer)
                if process.returncode is None and not _is_answered(said):
                    raise DataUnavailable(f"{_name(command)} had no answer within {until_answer:g} s")
            status = process.wait(seconds_left)
        except subprocess.TimeoutExpired as error:
            raise DataUnavailable(f"{_name(command)} took longer than {seconds:g} s") from error
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if status != 0:
        lines = said.read_text(errors="replace").split("\n")
        shown = [line.strip() for line in lines if line.strip()]
        errors = [line for line in shown if line.startswith("E:")] or shown[-1:] or [f"status {status}"]
        raise DataUnavailable(f"{_name(command)} failed: {errors[0][:200]}")


def _name(command: tuple[str, ...]) -> str:
    """Name a command, as ``apt-get update`` for ``apt-get -q -c FILE update``."""
    words = [word for word in command if word in ("update", "download")]
    return " ".join([command[0], *words])


def _is_answered(said: Path) -> bool:
    return any(line.startswith(ANSWERED) for line in said.read_text(errors="replace").split("\n"))
