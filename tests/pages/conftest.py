import pytest

from tests.pages.browser import QUIET, Watched, chromium
from tests.server.running_lab import opened_lab


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a busy machine takes its time
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="session")
def lab(browser):
    with opened_lab() as running:
        yield running


@pytest.fixture
def visit(browser, lab):
    """Open a page; at the end it must have written no error, and asked nobody but its server."""
    opened = []

    def visited(path, **options):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        name, _, value = lab.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": lab.base}])
        watched = Watched(context, lab.base)
        opened.append((context, watched))
        watched.go(path)
        return watched

    yield visited
    for context, watched in opened:
        assert watched.complaints == []
        context.close()
