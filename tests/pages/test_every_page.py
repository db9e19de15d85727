"""What holds of every page: axe finds nothing, it fits every width, and it stays with its server."""

from importlib import resources

import pytest

PAGES = [
    "/",
    "/l1",
    "/l1#example=segment&own=1,2&quantile=0.8&proof=quantile",
    "/softmax#shift=100&temperature=0.5",
    "/backprop",
    "/backprop#error=no_mean&step=9",
]

TITLES = (
    "Lines that outliers cannot bend",
    "From any numbers to probabilities",
    "How a network learns from its error",
)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_by_day_and_by_night(visit, path):
    watched = visit(path, bypass_csp=True)  # the policy would keep axe out as well
    page = watched.page
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")
        assert len(found["passes"]) > 15
        assert [(one["impact"], one["id"], one["nodes"][0]["target"]) for one in found["violations"]] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_every_width(visit, path):
    watched = visit(path)
    for width in (380, 768, 1280, 3840):
        watched.page.set_viewport_size({"width": width, "height": 900})
        watched.page.wait_for_timeout(200)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        beyond = watched.page.evaluate(
            "[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll, svg, .unseen')"
            " && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
        )
        assert beyond == []


def test_the_entrance_leads_to_each_room(visit):
    watched = visit("/")
    for i, title in enumerate(TITLES):
        watched.page.locator(".rooms a").nth(i).click()
        watched.page.locator("#verdict:not(:empty)").wait_for()
        assert watched.page.locator("h1").inner_text() == title
        watched.page.get_by_role("link", name="treadle lab").click()


def test_a_page_says_so_when_the_server_is_gone(browser, visit):
    watched = visit("/l1")
    watched.page.route("**/api/l1", lambda route: route.abort())
    watched.page.locator("#deciles").check()
    watched.page.locator("#refusal:visible").wait_for()
    assert "does not answer: is it still running" in watched.page.locator("#refusal").inner_text()
    assert watched.complaints.pop().startswith("Failed to load resource")
    watched.page.unroute("**/api/l1")
    watched.page.locator("#deciles").uncheck()
    watched.page.locator("#refusal:visible").wait_for(state="hidden")


def test_a_refusal_is_shown_in_words(visit):
    watched = visit("/backprop#parameters=1,2&X=1,2&labels=0")
    assert "has 17 parameters; got 2" in watched.page.locator("#refusal").inner_text()
    assert "422" in watched.complaints.pop()
