"""The softmax room in a browser: its numbers, its controls and its tasks."""

import re

import numpy as np
from playwright.sync_api import expect

import treadle


def shown_rows(page):
    return page.locator("#jacobian tr")


def agrees(watched, logits, temperature=1.0):
    """The page comes to show the library's probabilities and Jacobian of some logits."""
    z = np.array(logits) / temperature
    text = [f"y{i + 1}\u00a0=\u00a0{100 * y:.2f}\u00a0%" for i, y in enumerate(treadle.softmax(z))]
    expect(watched.page.locator(".probability")).to_have_text(text)
    cells = [
        watched.module("/parts/numbers.js", "m.fixed(a[0])", float(value))
        for value in (treadle.softmax_jacobian(z) / temperature).ravel()
    ]
    expect(watched.page.locator("#jacobian button")).to_have_text(cells)
    expect(watched.page.locator("#verdict")).to_contain_text("✓ Measured as well")


def test_logits_temperature_and_classes_do_what_they_say(visit):
    watched = visit("/softmax")
    page = watched.page
    agrees(watched, [2, 1, 0.1])
    page.get_by_role("slider", name="Logit 2").fill("3.5")
    agrees(watched, [2, 3.5, 0.1])
    page.get_by_role("spinbutton", name="Logit 3 as a number").fill("-1.25")
    agrees(watched, [2, 3.5, -1.25])
    page.locator("#temperature").fill("-3")
    expect(page.locator("#temperature-said")).to_have_text("0.5")
    agrees(watched, [2, 3.5, -1.25], 0.5)
    page.locator("#more").click()
    agrees(watched, [2, 3.5, -1.25, 0], 0.5)
    page.get_by_role("radio", name="Class 4 is the true one").check()
    expect(page.locator("#gradient dt").first).to_have_text("loss, −log y4")
    page.locator("#fewer").click()
    agrees(watched, [2, 3.5, -1.25], 0.5)
    assert watched.until("target=3")["logits"] == "2,3.5,-1.25"


def test_a_logit_is_dragged(visit):
    watched = visit("/softmax")
    box = watched.page.get_by_role("slider", name="Logit 1").bounding_box()
    mouse = watched.page.mouse
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    mouse.up()
    logit = float(watched.page.get_by_role("spinbutton", name="Logit 1 as a number").input_value())
    assert 7 < logit < 9.5
    agrees(watched, [logit, 1, 0.1])


def test_each_cell_of_the_jacobian_explains_itself(visit):
    watched = visit("/softmax#logits=0,0&temperature=2")
    page = watched.page
    page.locator('[data-cell="0 0"]').hover()
    says = page.locator("#explained")
    expect(says).to_have_text("∂y1/∂z1 = y1 (1 − y1) / T = 0.5 · (1 − 0.5) / 2 = 0.125")
    watched.tab_to('[data-cell="1 0"]')
    expect(says).to_have_text("∂y2/∂z1 = y2 (0 − y1) / T = 0.5 · (0 − 0.5) / 2 = −0.125")


def test_the_formula_as_written_breaks_and_the_other_does_not(visit):
    watched = visit("/softmax")
    page = watched.page
    for shift, n_failing in ((0, 0), (20, 1), (120, 2), (720, 3)):
        page.locator("#shift").fill(str(shift))
        expect(page.locator("#formats td.wrong")).to_have_count(n_failing)
        expect(page.locator("#formats td:last-child.right")).to_have_count(3)
    expect(page.locator("#formats-say")).to_contain_text("fails in float16 and float32 and float64")
    agrees(watched, [722, 721, 720.1])


def test_the_program_is_the_rooms(visit):
    watched = visit("/softmax#logits=1,5&target=2", permissions=["clipboard-read", "clipboard-write"])
    watched.page.locator("#python button").click()
    expect(watched.page.locator("#python [role=status]")).to_have_text("Copied.")
    names = {}
    exec(watched.page.evaluate("navigator.clipboard.readText()"), names)
    assert (names["z"].tolist(), names["target"]) == ([1, 5], 1)


def test_the_keyboard_alone_solves_every_task(visit):
    watched = visit("/softmax")
    page = watched.page
    for number, (n_down, slider, key) in enumerate(
        ((2, "#shift", "ArrowRight"), (1, "#temperature", "ArrowLeft"), (1, "#shift", "PageUp"))
    ):
        watched.tab_to(f"[name=task-{number}]")
        for _ in range(n_down):
            page.keyboard.press("ArrowDown")
        watched.tab_to(f"#tasks li:nth-child({number + 1}) button")
        page.keyboard.press("Enter")
        expect(page.locator("#shift-said")).to_have_text("0")
        agrees(watched, [2, 1, 0.1])
        watched.tab_to(slider)
        done = page.locator("#current-task .end")
        for _ in range(14):
            page.keyboard.press(key)
        expect(done).to_contain_text("✓ As you guessed.")
    watched.tab_to('[data-cell="0 1"]')
    expect(page.locator("#explained")).to_contain_text(re.compile("^∂y1/∂z2 = "))
