"""The L1 room in a browser: what it shows is the library's, and every control does what it says."""

import numpy as np
import pytest
from playwright.sync_api import expect

from treadle import LADRegressor
from treadle.server.rooms.l1 import MOST_POINTS

FIELDS = {"outlier": 10, "leverage": 8, "segment": 4, "turn": 5, "spread": 200}


def points_of(watched, example):
    return np.array(watched.module("/l1/examples.js", "m.EXAMPLES[a[0]].points", example))


def line_of(watched, model):
    text = "m.lineText(a[0], a[1])"
    return watched.module("/parts/numbers.js", text, float(model.intercept_), float(model.coef_[0]))


def fitted(points, quantile=0.5):
    return LADRegressor(quantile).fit(points[:, :1], points[:, 1])


def marks(watched, kind=""):
    return watched.page.locator(f"#plot .point{kind}")


def curve(watched, kind):
    return watched.page.locator(f"#plot .curve.{kind}")


def drag(watched, locator, dx, dy):
    box = locator.locator(".mark").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = watched.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + dx / 2, y + dy / 2)
    mouse.move(x + dx, y + dy)
    mouse.up()


def test_the_numbers_are_the_librarys(visit):
    watched = visit("/l1")
    watched.page.locator("#numbers summary").click()
    for example in FIELDS:
        numbers_are_the_librarys(watched, example)


def numbers_are_the_librarys(watched, example):
    watched.page.locator("#example").select_option(example)
    points = points_of(watched, example)
    assert len(points) == FIELDS[example]
    model = fitted(points)
    expect(watched.page.locator("#line")).to_have_text(line_of(watched, model))
    expect(watched.page.locator("#sum")).to_have_text(watched.shown(model.objective_, 7))
    expect(watched.page.locator("#sum-uy")).to_have_text(watched.shown(model.objective_, 7))
    expect(watched.page.locator("#sum-u")).to_have_text("0.000")
    expect(watched.page.locator("#sum-ux")).to_have_text("0.000")
    expect(watched.page.locator("#verdict")).to_have_text("✓ Proved: no line has a smaller sum of distances.")
    expect(marks(watched)).to_have_count(len(points))
    u = model.certificate_.dual_vector(points[:, :1], points[:, 1])
    expect(marks(watched, ".up")).to_have_count(int(np.sum(u == 1)))
    expect(marks(watched, ".down")).to_have_count(int(np.sum(u == -1)))
    expect(watched.page.locator("#plot .region path")).to_have_count(int(not model.certificate_.unique))
    cells = watched.page.locator("#table tr:first-child td").all_inner_texts()
    residual = points[0, 1] - model.predict(points[:1, :1])[0]
    assert cells == [watched.shown(float(v), 5) for v in (*points[0], residual, u[0])]


def test_an_outlier_is_dragged_and_only_least_squares_follows(visit):
    watched = visit("/l1")
    l1, squares = curve(watched, "l1").get_attribute("d"), curve(watched, "train").get_attribute("d")
    drag(watched, marks(watched).nth(9), 0, -60)
    expect(watched.page.locator("#example")).to_have_value("")
    expect(curve(watched, "train")).not_to_have_attribute("d", squares)
    expect(curve(watched, "l1")).to_have_attribute("d", l1)
    y = watched.page.locator("#y").input_value()
    assert float(y) > 9.5
    assert f"8.5,{y}" in watched.until("points=")["points"]


def test_what_is_dragged_is_answered_at_the_end(visit):
    watched = visit("/l1")
    drag(watched, marks(watched).nth(0), 200, -150)
    points = points_of(watched, "outlier")
    points[0] = (
        float(watched.page.locator("#x").input_value()),
        float(watched.page.locator("#y").input_value()),
    )
    assert points[0, 0] > 3 and points[0, 1] > 3
    expect(watched.page.locator("#line")).to_have_text(line_of(watched, fitted(points)))


def test_the_address_brings_everything_back(visit):
    fragment = (
        "#points=1,2;3,4.5;5,5;8,1;9,9&view=0,10,0,12&quantile=0.25&proof=quantile&own=3,6&deciles=1&point=4"
    )
    watched = visit("/l1" + fragment)
    points = np.array([[1, 2], [3, 4.5], [5, 5], [8, 1], [9, 9.0]])
    expect(watched.page.locator("#line")).to_have_text(line_of(watched, fitted(points, 0.25)))
    expect(watched.page.locator("#point-name")).to_have_text("Point 4 of 5")
    expect(watched.page.locator("#quantile")).to_have_value("0.25")
    expect(watched.page.locator("#own")).to_be_checked()
    expect(curve(watched, "decile")).to_have_count(9)
    watched.page.wait_for_timeout(300)
    written = watched.page.evaluate("location.hash")
    assert set(written[1:].split("&")) == set(fragment[1:].split("&"))
    watched.page.evaluate("location.hash = 'example=turn'")
    expect(watched.page.locator("#point-name")).to_have_text("Point 3 of 5")
    expect(watched.page.locator("#own")).not_to_be_checked()


@pytest.mark.parametrize(
    "fragment", ["#points=1,2", "#points=a,b;c,d", "#view=3,1,0,0&quantile=7&own=x", "#%%%=&="]
)
def test_a_spoiled_address_opens_the_room_all_the_same(visit, fragment):
    watched = visit("/l1" + fragment)
    expect(watched.page.locator("#verdict")).to_contain_text("Proved")
    expect(marks(watched)).to_have_count(10)


def test_quantiles_and_least_squares_come_and_go(visit):
    watched = visit("/l1#example=spread")
    page, points = watched.page, points_of(watched, "spread")
    expect(page.locator("#which")).to_be_hidden()
    page.locator("#with-quantile").check()
    expect(curve(watched, "quantile")).to_have_count(1)
    page.locator("#quantile").fill("0.9")
    expect(page.locator("#share")).to_have_text("90 %")
    page.get_by_label("of the quantile’s line").check()
    expect(page.locator("#line")).to_have_text(line_of(watched, fitted(points, 0.9)))
    expect(page.locator("#up")).to_have_text("1.8")
    expect(page.locator("#down")).to_have_text("−0.2")
    page.locator("#deciles").check()
    expect(curve(watched, "decile")).to_have_count(9)
    page.locator("#with-quantile").uncheck()
    expect(curve(watched, "quantile")).to_have_count(0)
    expect(page.locator("#line")).to_have_text(line_of(watched, fitted(points)))
    page.locator("#least-squares").uncheck()
    expect(curve(watched, "train")).to_have_count(0)


def test_a_line_of_ones_own_is_dragged_and_refused(visit):
    watched = visit("/l1")
    watched.page.locator("#own").check()
    says = watched.page.locator("#own-says")
    expect(says).to_contain_text(
        "more than the least. Claim that it is the best, and the proof refuses it: the intercept"
    )
    before = says.inner_text()
    drag(watched, watched.page.locator("#plot .handle").nth(1), 0, 80)
    expect(says).not_to_have_text(before)
    model = fitted(points_of(watched, "outlier"))
    watched.page.wait_for_timeout(300)  # the address is written a moment later
    left, right = map(float, watched.until("own=")["own"].split(","))
    view = watched.module("/l1/examples.js", "m.viewOf(m.EXAMPLES.outlier.points)")
    points = points_of(watched, "outlier")
    line = left + (right - left) * (points[:, 0] - view[0]) / (view[1] - view[0])
    loss = float(np.abs(points[:, 1] - line).sum())
    expect(says).to_contain_text(f"the sum {watched.shown(loss, 7)}")
    expect(says).to_contain_text(f"{watched.shown(loss - model.objective_, 4)} more than the least")


def test_points_are_added_removed_pasted_and_shown(visit):
    watched = visit("/l1")
    page = watched.page
    page.locator("#add").click()
    expect(page.locator("#point-name")).to_have_text("Point 11 of 11")
    page.locator("#plot svg").dblclick(position={"x": 300, "y": 60})
    expect(page.locator("#point-name")).to_have_text("Point 12 of 12")
    page.locator("#remove").click()
    expect(marks(watched)).to_have_count(11)
    page.locator("#previous").click()
    expect(page.locator("#point-name")).to_have_text("Point 10 of 11")
    page.locator("#next").click()
    expect(page.locator("#point-name")).to_have_text("Point 11 of 11")
    page.locator("summary", has_text="Paste").click()
    for text, message in (
        ("1 2\n3", "Line 2 is not two numbers: 3"),
        ("1,2", "two points at least"),
        ("x,y\n1,2\n2,one", "Line 3 is not two numbers: 2,one"),
        ("1,2\n2,1e12", "up to 1e9"),
        ("1,2\n" * (MOST_POINTS + 1), f"This page takes {MOST_POINTS} points; these are {MOST_POINTS + 1}."),
    ):
        page.locator("#pasted").fill(text)
        page.locator("#paste").click()
        expect(page.locator("#pasted-said")).to_contain_text(message)
    page.locator("#pasted").fill("x;y\n100; 5\n200\t9\n\n300 7.5\n")
    page.locator("#paste").click()
    expect(page.locator("#pasted-said")).to_have_text("3 points.")
    expect(page.locator("#line")).to_have_text(
        line_of(watched, fitted(np.array([[100, 5], [200, 9], [300, 7.5]])))
    )
    page.locator("#y").fill("5000")
    expect(marks(watched, ".away")).to_have_count(1)
    page.locator("#fit").click()
    expect(marks(watched, ".away")).to_have_count(0)


def test_the_program_is_copied(visit):
    watched = visit("/l1#example=turn", permissions=["clipboard-read", "clipboard-write"])
    watched.page.locator("#python button").click()
    expect(watched.page.locator("#python [role=status]")).to_have_text("Copied.")
    names = {}
    exec(watched.page.evaluate("navigator.clipboard.readText()"), names)
    assert names["points"].tolist() == points_of(watched, "turn").tolist()
    assert names["model"].objective_ == 8


def test_the_keyboard_alone_moves_points_and_solves_the_first_task(visit):
    watched = visit("/l1")
    page = watched.page
    watched.tab_to(".point")
    assert watched.focused("ariaLabel") == "Point 10"
    page.keyboard.press("ArrowUp")
    assert float(page.locator("#y").input_value()) > 9
    page.keyboard.press("Shift+ArrowLeft")
    x = float(page.locator("#x").input_value())
    assert 8.4 < x < 8.5
    page.keyboard.press("Home")
    assert watched.focused("ariaLabel") == "Point 1"
    page.keyboard.press("PageDown")
    page.keyboard.press("Delete")
    expect(marks(watched)).to_have_count(9)
    assert watched.focused("ariaLabel") == "Point 2"
    watched.tab_to("[name=task-0]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    watched.tab_to("#tasks li:first-child button")
    page.keyboard.press("Enter")
    expect(marks(watched)).to_have_count(10)
    expect(page.locator("#verdict")).to_contain_text("Proved")
    watched.tab_to("#sky")
    page.keyboard.press("Space")
    done = page.locator("#current-task .end")
    expect(done).to_contain_text("✓ As you guessed.")
    expect(done).to_contain_text("It pulls with u = 1")
    assert page.locator("#y").input_value() == "1000000"
    watched.tab_to("#own")
    page.keyboard.press("Space")
    watched.tab_to(".handle")
    said = page.locator("#own-says").inner_text()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#own-says")).not_to_have_text(said)


def test_the_other_tasks_are_solved_and_a_wrong_guess_is_told(visit):
    watched = visit("/l1")
    page = watched.page
    tasks = page.locator("#tasks > ol > li")
    tasks.nth(1).get_by_label("Yes: the others are seven to one.").check()
    tasks.nth(1).get_by_role("button", name="Try it").click()
    expect(marks(watched)).to_have_count(8)
    expect(page.locator("#point-name")).to_have_text("Point 8 of 8")
    page.locator("#y").fill("3.5")
    expect(page.locator("#current-task .end")).to_contain_text("✗ Not as you guessed.")
    page.get_by_role("button", name="Leave the task").click()
    expect(page.locator("#current-task")).to_be_hidden()
    tasks.nth(2).get_by_label("Infinitely many.").check()
    tasks.nth(2).get_by_role("button", name="Try it").click()
    handle = page.locator("#plot .handle").nth(1)
    expect(handle).to_be_visible()
    handle.focus()
    for _ in range(60):
        if page.locator("#current-task .end").inner_text():
            break
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(60)
    expect(page.locator("#current-task .end")).to_contain_text("✓ As you guessed.")


def test_what_changed_is_said_to_a_screen_reader(visit):
    watched = visit("/l1")
    watched.page.locator("#sky").click()
    expect(watched.page.locator("#said")).to_contain_text("proved least. It lies")
    point = marks(watched).nth(9)
    expect(point).to_have_attribute("aria-valuetext", "x 8.5, y 1000000, pull 1")
    expect(point).to_have_attribute("role", "slider")
