"""``treadle lab``: opens a page to play with what treadle computes and proves."""

from __future__ import annotations

import sys

import cyclopts

from treadle.cli.terminal import print_result, progress_console

app = cyclopts.App(name="lab")


@app.default
def lab(*, port: int | None = None, no_browser: bool = False) -> int:
    """Open a page to play with lines, networks, and the proofs about them.

    treadle lab

    A server on this machine alone, which nothing leaves and which needs no
    network. The address that it prints lets one browser in, once. Ctrl-C ends
    it. It needs: pip install 'treadle[serve]'.

    Parameters
    ----------
    port
        Port to listen on. Left out: 7117, or a free one where that is taken.
    no_browser
        Print the address alone, and open no browser.
    """
    from treadle.server.serving import check_installed, listen, serve_lab

    check_installed()
    with listen(port) as sock:
        from treadle.server.door import Door

        door = Door(sock.getsockname()[1])
        print_result(f"lab     {door.address}")
        sys.stdout.flush()  # whoever reads it is to open it now
        progress_console().print("Ctrl-C ends it")
        if not no_browser:
            import webbrowser

            webbrowser.open(door.address)
        try:
            serve_lab(sock, door)
        except KeyboardInterrupt:  # the way to end it
            return 0
    return 0
