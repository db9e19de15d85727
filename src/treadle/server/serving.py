"""Listens on this machine's loopback address, and runs the lab there until it is interrupted."""

from __future__ import annotations

import errno
import os
import socket
import threading
from importlib import import_module
from importlib.util import find_spec

from treadle.errors import InvalidInput, MissingDependency, RunError
from treadle.server.door import HOSTS, Door

# Always the same where it is free, so that bookmarks of a room's state last.
USUAL_PORT = 7117
NEEDED = ("fastapi", "uvicorn")
# What the rooms' first answers would have to load; the last is for fits of which several lines are the best.
SOLVERS = (
    "treadle.l1.dense.solve",
    "treadle.report.l1_comparison",
    "treadle.engines.numpy_engine",
    "scipy.optimize",
)


def check_installed() -> None:
    """Raise MissingDependency unless what serves is installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingDependency(f"treadle lab needs {' and '.join(missing)}: pip install 'treadle[serve]'")


def listen(port: int | None) -> socket.socket:
    """Open a listening socket on loopback: browsers may connect from now on, and wait.

    Parameters
    ----------
    port : int, or None
        None: the usual one, or any other where that is taken. 0: any that is free.

    Raises
    ------
    InvalidInput
        If it is no number of a port.
    RunError
        If it is taken, or needs rights that one has not.
    """
    if port is None:
        try:
            return _listening(USUAL_PORT)
        except OSError:
            return _listening(0)
    if not 0 <= port <= 65535:
        raise InvalidInput(f"a port is a number from 0 to 65535; got {port}")
    try:
        return _listening(port)
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
        raise RunError(f"port {port} {why}; name another with --port, or leave --port out") from error


def _listening(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two programs have one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOSTS[0], port))
        sock.listen(64)
    except OSError:
        sock.close()
        raise
    return sock


def serve_lab(sock: socket.socket, door: Door) -> None:
    """Serve until SIGINT or SIGTERM, which is raised again at the end."""
    # Meanwhile: the first answer needs it, and takes no longer than the browser takes to start.
    threading.Thread(target=_load_solvers, daemon=True).start()
    import uvicorn

    from treadle.server.lab import make_lab

    config = uvicorn.Config(
        make_lab(door),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http="h11",
        loop="asyncio",
        limit_concurrency=64,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[sock])


def _load_solvers() -> None:
    for name in SOLVERS:
        import_module(name)
