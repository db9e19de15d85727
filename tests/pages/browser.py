"""Debian's Chromium, driven by Playwright, and a page that is watched."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Continuous integration sets it: there a browser that is missing is a failure, and nothing is left out.
NEEDED = "TREADLE_PAGES_NEED_BROWSER"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def chromium():
    """The browser's path; skips, or fails where one is needed, with the reason."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        why = "the pages were not opened: there is no Chromium here (Debian: apt-get install chromium)"
        (pytest.fail if os.environ.get(NEEDED) else pytest.skip)(why)
    return path


class Watched:
    """A page, and what it should not do: write errors, or ask anybody but its server."""

    def __init__(self, context, base):
        self.base = base
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints = []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith((f"{self.base}/", "data:")):
            self.complaints.append(f"asked for {request.url}")

    def go(self, path):
        """Open a page and wait for its first numbers."""
        self.page.goto(self.base + path)
        self.page.locator(".rooms, #verdict:not(:empty), #refusal:visible").first.wait_for()

    def module(self, path, expression, *arguments):
        """Evaluate an expression of m, a module of the page's, with arguments a."""
        script = f"(a) => import({path!r}).then((m) => {expression})"
        return self.page.evaluate(script, list(arguments))

    def until(self, said):
        """Wait until the address holds a text; return the address's state."""
        for _ in range(100):
            fragment = self.page.evaluate("location.hash")
            if said in fragment:
                return dict(part.split("=") for part in fragment[1:].split("&"))
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the address does not come to hold {said}, but is {fragment}")

    def shown(self, value, digits=4):
        """A number as the page writes it."""
        return self.module("/parts/numbers.js", "m.shown(a[0], a[1])", value, digits)

    def tab_to(self, selector, most=200):
        """Press Tab until an element has the focus: it can be reached by the keyboard."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("(s) => document.activeElement?.matches(s)", selector):
                return
        raise AssertionError(f"Tab does not reach {selector}")

    def focused(self, expression):
        """A property of what has the focus."""
        return self.page.evaluate(f"document.activeElement.{expression}")
