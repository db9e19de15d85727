"""Downloads known files from mirrors by pooch; fails in seconds without network.

All mirrors are asked at once whether they answer, in threads that are not waited for beyond a limit, since
looking a name up in a dead network can take half a minute and knows no time limit of its own. Those that
answer are then tried in order, each once; a mirror whose first file fails is not used for the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from treadle.data.known_files import KnownFile
from treadle.data.progress import Progress
from treadle.errors import DataUnavailable

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0  # of silence in the middle of a file
ANSWER_SECONDS = 4.0  # until a mirror answers at all, looking its name up included
CHUNK_BYTES = 1 << 16


def download(mirrors: Sequence[str], files: Sequence[KnownFile], folder: Path, progress: Progress) -> None:
    """Download all files from the first mirror that delivers them.

    Parameters
    ----------
    mirrors : sequence of str
        Addresses of folders, with the final slash.
    files : sequence of KnownFile
        Whose compressed files to get.
    folder : Path
        An existing folder of this call's own, where they go.
    progress : Progress
        Told which mirror, and how far.

    Raises
    ------
    DataUnavailable
        If no mirror delivered; it says of each one why.
    """
    reasons = _why_silent(
        [mirror + min(files, key=lambda file: file.editions[0].n_bytes).gz_name for mirror in mirrors]
    )
    failures = []
    for mirror, reason in zip(mirrors, reasons, strict=True):
        if reason is None:
            try:
                _download_all(mirror, files, folder, progress)
                return
            except (OSError, ValueError) as error:
                reason = _short(error)
        failures.append(f"{_host(mirror)}: {reason}")
    raise DataUnavailable(", ".join(failures))


def _why_silent(urls: Sequence[str]) -> list[str | None]:
    """Return for each address why it does not answer; None where it does."""
    reasons: list[str | None] = [f"no answer within {ANSWER_SECONDS:g} s"] * len(urls)

    def ask(index: int, url: str) -> None:
        import requests

        try:
            with requests.head(
                url, timeout=(CONNECT_SECONDS, CONNECT_SECONDS), allow_redirects=True
            ) as response:
                response.raise_for_status()
            reasons[index] = None
        except (OSError, ValueError) as error:
            reasons[index] = _short(error)

    threads = [threading.Thread(target=ask, args=item, daemon=True) for item in enumerate(urls)]
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(reasons)


def _download_all(mirror: str, files: Sequence[KnownFile], folder: Path, progress: Progress) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # its lines would break the bar
    total = sum(file.editions[0].n_bytes for file in files)
    progress.note(f"downloading {len(files)} files, {total / 1e6:.0f} MB, from {_host(mirror)}")
    with progress.bar(_host(mirror), total) as move_to:
        done = 0
        for file in files:
            # pooch takes a file that is there for the one that is wanted: a former mirror's must go.
            (folder / file.gz_name).unlink(missing_ok=True)
            received = _Received(file, done, move_to)
            pooch.retrieve(
                mirror + file.gz_name,
                known_hash=None,  # checked below, since several are right
                fname=file.gz_name,
                path=folder,
                downloader=pooch.HTTPDownloader(
                    timeout=(CONNECT_SECONDS, READ_SECONDS), progressbar=received, chunk_size=CHUNK_BYTES
                ),
            )
            file.check_compressed((folder / file.gz_name).read_bytes())
            done += file.editions[0].n_bytes


class _Received:
    """A progress bar for pooch that stops a server which sends too much."""

    def __init__(self, file: KnownFile, before: int, move_to: Callable[[int], None]) -> None:
        self.total = 0
        self._name, self._most = file.gz_name, max(edition.n_bytes for edition in file.editions)
        self._before, self._move_to = before, move_to
        self._n_bytes = 0

    def update(self, n: int) -> None:
        # pooch counts whole chunks, so the last may overshoot by less than one.
        self._n_bytes += n
        if self._n_bytes >= self._most + CHUNK_BYTES:
            raise ValueError(f"{self._name} goes on beyond its {self._most} bytes")
        self._move_to(self._before + min(self._n_bytes, self._most))

    def reset(self) -> None:
        self._n_bytes = 0

    def close(self) -> None:
        self._move_to(self._before + self._most)


def _host(mirror: str) -> str:
    return urlsplit(mirror).netloc


def _short(error: Exception) -> str:
    """Shorten the nested texts of network libraries to one clause."""
    import requests

    text = str(error)
    if isinstance(error, DataUnavailable):
        return text
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered with status {error.response.status_code}"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if "NameResolution" in text:
        return "its name cannot be resolved"
    if "refused" in text:
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {' '.join(text.split())[:120]}"
