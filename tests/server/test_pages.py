"""The pages' files: what there is, and that they ask for nothing else."""

import re

from treadle.server.pages import read_pages

PAGES = read_pages()


def test_every_link_and_import_of_a_page_is_a_page():
    n = 0
    for address, page in PAGES.items():
        text = page.body.decode()
        folder = address.rpartition("/")[0]
        for target in re.findall(r"(?:href|src)=\"([^\"#]+)\"|from \"([^\"]+)\"", text):
            found = target[0] or target[1]
            if found.startswith("./"):
                found = f"{folder}/{found[2:]}"
            assert found in PAGES, (address, found)
            n += 1
    assert n > 30


def test_no_page_names_another_place():
    """But for the names that SVG's elements have."""
    for address, page in PAGES.items():
        places = set(re.findall(r"https?://[^\s\"'<>)]+", page.body.decode()))
        assert places <= {"http://www.w3.org/2000/svg"}, address
        assert b"style=" not in page.body or address.endswith(".js"), address


def test_the_look_is_the_reports():
    assert b"--good: #0072b2" in PAGES["/report.css"].body
    assert b"{%" not in PAGES["/report.css"].body and b"{{" not in PAGES["/report.css"].body
    for address in ("/", "/l1", "/softmax", "/backprop"):
        assert b'href="/report.css"' in PAGES[address].body
        assert PAGES[address].media_type == "text/html; charset=utf-8"


def test_each_room_is_linked_from_each_page():
    rooms = {address for address, page in PAGES.items() if page.media_type.startswith("text/html")} - {"/"}
    assert rooms == {"/l1", "/softmax", "/backprop"}
    for address in ("/", *rooms):
        for room in rooms:
            assert f'href="{room}"'.encode() in PAGES[address].body
