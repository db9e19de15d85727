"""The room of back-propagation in a browser: its numbers, its steps, its checks and its tasks."""

import re

import numpy as np
from playwright.sync_api import expect

from treadle import Network, Objective, Parameters, select_engine
from treadle.server.rooms.planted_errors import ERRORS

FRAGMENT = (
    "#sizes=2,3,2&activation=tanh&X=1,0.5;-0.5,1&labels=0,1"
    "&parameters=0.5,-0.8,0.3,0.2,0.6,-0.4,0.7,-0.2,0.1,0.9,-0.5,0.4,0,0.1,0,0.2,-0.2"
)


def problem(page):
    """What the address says, in the library: its loss and its gradients."""
    page.wait_for_timeout(250)  # it is written a moment later
    state = dict(part.split("=") for part in page.evaluate("location.hash.slice(1)").split("&"))
    network = Network(tuple(map(int, state["sizes"].split(","))), state["activation"])
    parameters = Parameters(network, np.array([float(v) for v in state["parameters"].split(",")]))
    X = np.array([[float(v) for v in row.split(",")] for row in state["X"].split(";")])
    labels = np.array([int(v) for v in state["labels"].split(",")])
    engine, objective = select_engine("numpy").engine, Objective(l2=float(state.get("penalty", 0)))
    loss, gradients = engine.loss_and_gradients(parameters, X, labels, objective=objective)
    return loss, gradients, parameters, X


def fixed(value, decimals):
    text = f"{value:.{decimals}f}"
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "\u2212")


def agree(page, gradients):
    """The table comes to have these gradients, in its order: all weights, then all biases."""
    cells = page.locator("#checks tr:not(.array) td:nth-child(2)")
    expect(cells).to_have_text([fixed(value, 6) for value in gradients.flat])


def go_to(page, equation, layer):
    for _ in range(30):
        title = page.locator("#equation-title").inner_text()
        if f"({equation})" in title and (f"layer {layer}:" in title or layer is None):
            return
        page.locator("#forward").click()
    raise AssertionError(f"no step of equation {equation}, layer {layer}")


def test_the_gradients_are_the_engines(visit):
    watched = visit("/backprop")
    for sizes in ("1,2,2", "2,3,2", "2,4,3", "3,3,3", "2,3,3,2"):
        gradients_are_the_engines(watched, sizes)


def gradients_are_the_engines(watched, sizes):
    page = watched.page
    page.locator("#sizes").select_option(sizes)
    expect(page.locator("#verdict")).to_contain_text(
        f"All {Network(tuple(map(int, sizes.split(',')))).n_parameters} gradients agree"
    )
    loss, gradients, _, _ = problem(page)
    agree(page, gradients)
    expect(page.locator("#engine-says")).to_contain_text("to the last bit")
    go_to(page, 4, None)
    expect(page.locator("#meaning")).to_contain_text(f"In all J = {watched.shown(float(loss), 6)}.")


def test_each_step_shows_its_equation_with_its_numbers(visit):
    watched = visit("/backprop" + FRAGMENT)
    page = watched.page
    _, gradients, parameters, X = problem(page)
    z1 = X @ parameters.weights[0] + parameters.biases[0]
    seen = []
    while True:
        title = page.locator("#equation-title").inner_text()
        seen.append(re.search(r"\((\d)\)$", title).group(1))
        output = page.locator("#matrices table").last.locator("button").all_inner_texts()
        if seen == ["1"]:
            assert output == [fixed(value, 3) for value in z1.ravel()]
            expect(page.locator("#equation")).to_have_text("z1 = a0 W1 + b1")
        if title.endswith("(7)") and "layer 1" in title:
            assert output == [fixed(value, 3) for value in gradients.weights[0].ravel()]
            expect(page.locator("#checks tr.hot")).to_have_count(7)
        if page.locator("#forward").get_attribute("aria-disabled"):
            break
        page.locator("#forward").click()
    assert "".join(seen) == "12124578678"
    page.locator("#back").click()
    expect(page.locator("#equation-title")).to_contain_text("(7)")
    page.locator("#step").fill("0")
    expect(page.locator("#equation-title")).to_have_text("1. Forward, layer 1: the sums (1)")
    page.locator('[data-cell="z1 0 1"]').hover()
    # 1 * -0.8 + 0.5 * 0.6 + 0.1
    expect(page.locator("#explained")).to_have_text(
        "z1, row 1, column 2: 1 · (−0.8) + 0.5 · 0.6 + 0.1 = −0.4"
    )
    expect(page.locator("#picture svg")).to_have_attribute("aria-label", re.compile("layer 1 2: −0.4;"))


def test_numbers_are_changed_where_they_stand(visit):
    watched = visit("/backprop" + FRAGMENT)
    page = watched.page
    for cell, value in (("X 0 0", "2.5"), ("W1 1 2", "-1.5"), ("b1 0 0", "0.7")):
        page.locator(f'[data-cell="{cell}"]').fill(value)
        expect(page.locator(f'[data-cell="{cell}"]')).to_be_focused()
    expect(page.locator('[data-cell="z1 0 0"]')).to_have_text(fixed(2.5 * 0.5 + 0.5 * 0.2 + 0.7, 3))
    _, gradients, parameters, X = problem(page)
    assert (X[0, 0], parameters.weights[0][1, 2], parameters.biases[0][0]) == (2.5, -1.5, 0.7)
    agree(page, gradients)
    go_to(page, 4, None)
    page.locator('[data-cell="class 1 0"]').fill("0")
    watched.until("labels=0,0")
    page.locator('[data-cell="class 1 0"]').fill("7")  # there are two classes: it stays what it was
    page.wait_for_timeout(300)
    assert "labels=0,0" in page.evaluate("location.hash")


def test_the_choices_do_what_they_say(visit):
    watched = visit("/backprop" + FRAGMENT)
    page = watched.page
    for control, value, said in (
        ("#activation", "relu", "activation=relu"),
        ("#penalty", "0.1", "penalty=0.1"),
        ("#rows", "4", "labels=0,1,0,1"),
    ):
        page.locator(control).select_option(value)
        watched.until(said)
        _, gradients, _, _ = problem(page)
        agree(page, gradients)
    expect(page.locator("#shown-row input")).to_have_count(4)
    before = page.locator("#picture svg").get_attribute("aria-label")
    page.get_by_role("radio", name="row 4").check()
    expect(page.locator("#picture svg")).not_to_have_attribute("aria-label", before)
    drawn = page.evaluate("location.hash")
    page.locator("#draw").click()
    page.wait_for_timeout(500)
    assert page.evaluate("location.hash") != drawn


PLANTED = (
    ("no_target", 5, ["W1", "W2", "b1", "b2"]),
    ("no_mean", 5, ["W1", "W2", "b1", "b2"]),
    ("no_derivative", 6, ["W1", "b1"]),
    ("sums_for_outputs", 7, ["W2"]),
    ("mean_of_rows", 8, ["b1", "b2"]),
)


def test_a_planted_error_is_seen_by_the_measurement(visit):
    watched = visit("/backprop" + FRAGMENT)
    page = watched.page
    choices = page.locator("#error option")
    assert choices.evaluate_all("(all) => all.map((one) => one.value)") == ["", *ERRORS, "secret"]
    for error, number, wrong in PLANTED:
        assert ERRORS[error].number == number
        expect(page.locator(f"#error option[value={error}]")).to_contain_text(f"({number})")
        page.locator("#error").select_option(error)
        expect(page.locator("#error-says")).to_contain_text(f"Equation ({number}) is wrong now")
        expect(page.locator("#checks tr.array:has(.wrong) th")).to_have_text(wrong)
        page.locator("#error").select_option("")
        expect(page.locator("#verdict")).to_contain_text("All 17 gradients agree")


def test_a_secret_error_is_found_and_told_only_then(visit):
    watched = visit("/backprop" + FRAGMENT + "&secret=2")
    page = watched.page
    expect(page.locator("#error")).to_have_value("secret")
    expect(page.locator("#error-says")).to_contain_text("One of these equations is wrong now")
    expect(page.locator("#python code")).to_have_text(
        "# The program has the secret error in it: find it first."
    )
    page.locator("#guess button", has_text="(7)").click()
    expect(page.locator("#guess-says")).to_have_text("✗ It is not (7).")
    page.locator("#guess button", has_text="(6)").click()
    expect(page.locator("#guess-says")).to_contain_text("✓ Yes, it is (6): the derivative of the activation")
    expect(page.locator("#python code")).to_contain_text("# (6): the planted error")
    watched.page.locator("#error").select_option("secret")
    assert page.evaluate("location.hash.includes('secret=')")


def test_the_program_is_the_rooms(visit):
    watched = visit("/backprop" + FRAGMENT, permissions=["clipboard-read", "clipboard-write"])
    watched.page.locator("#python button").click()
    expect(watched.page.locator("#python [role=status]")).to_have_text("Copied.")
    names = {}
    exec(watched.page.evaluate("navigator.clipboard.readText()"), names)
    loss, gradients, _, _ = problem(watched.page)
    assert abs(names["loss"] - loss) <= 1e-15
    np.testing.assert_allclose(names["gradients"].flat, gradients.flat, atol=1e-15)


def test_the_keyboard_alone_solves_every_task(visit):
    watched = visit("/backprop")
    page = watched.page
    downs = (1, 2, 1)
    for number, n_down in enumerate(downs):
        watched.tab_to(f"[name=task-{number}]")
        for _ in range(n_down):
            page.keyboard.press("ArrowDown")
        watched.tab_to(f"#tasks li:nth-child({number + 1}) button")
        page.keyboard.press("Enter")
        done = page.locator("#current-task .end")
        if number < 2:
            watched.tab_to("#forward")
            for _ in range(12):
                if done.inner_text():
                    break
                page.keyboard.press("Enter")
        else:
            for guess in (5, 6, 7, 8):
                if done.inner_text():
                    break
                watched.tab_to(f"#guess button:nth-child({guess - 4})")
                page.keyboard.press("Enter")
        expect(done).to_contain_text("✓ As you guessed.")
    watched.tab_to('[data-cell="z1 0 0"]')
    expect(page.locator("#explained")).to_contain_text("z1, row 1, column 1: ")
