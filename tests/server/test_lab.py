"""The lab over HTTP, as a browser and as an attacker ask it."""

import json
import socket
import threading
import time

import numpy as np
import pytest

from tests.server.running_lab import RunningLab
from treadle.server import guard

POINTS = [[1, 1.5], [2, 2], [3, 2.5], [4, 9]]


def test_the_address_lets_one_browser_in_once():
    lab = RunningLab()
    try:
        before = lab.request("GET", "/l1")
        assert before.status == 403
        assert "this browser has not been let in: stop treadle lab" in before.json["error"]
        assert lab.request("GET", "/?token=wrong").json["error"].startswith("this address was opened before")
        assert lab.request("POST", lab.address.removeprefix(lab.base), b"{}").status == 403
        lab.open()
        assert lab.request("GET", "/l1").status == 200
        again = lab.address.removeprefix(lab.base)
        assert lab.request("GET", again).headers["location"] == "/"
        stranger = lab.request("GET", again, cookie=None)
        assert stranger.status == 403
        assert "opened before, or is another server's" in stranger.json["error"]
    finally:
        code, errors = lab.stop()
    assert (code, errors) == (0, "Ctrl-C ends it\n")


@pytest.mark.parametrize(
    "path", ["/", "/l1", "/backprop", "/lab.css", "/report.css", "/l1/room.js", "/icon.svg"]
)
def test_pages_have_headers_that_keep_them_to_themselves(lab, path):
    answer = lab.request("GET", path)
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/l1", "/api/l1", "/nothing"])
def test_nothing_is_answered_without_the_cookie(lab, path):
    assert lab.request("GET", path, cookie=None).status == 403
    assert lab.ask(path, {}, cookie="treadle_lab_1=x").status == 403


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"host": "evil.example"}, "no other name is its own"),
        ({"host": None}, None),
        ({"origin": "https://evil.example"}, "comes from another site's"),
        ({"origin": "null"}, "comes from another site's"),
        ({"origin": None}, "says which page it comes from"),
    ],
)
def test_a_question_of_another_site_is_refused(lab, headers, message):
    answer = lab.ask("/api/l1", {"points": POINTS}, **headers)
    assert answer.status in (400, 403)
    if message is not None:
        assert message in answer.json["error"]


def test_a_body_is_json(lab):
    answer = lab.ask("/api/l1", {"points": POINTS}, content_type="text/plain")
    assert (answer.status, answer.json["error"]) == (415, "a body is JSON (application/json)")


def test_a_body_is_bounded(lab):
    answer = lab.request("POST", "/api/l1", b" " * (guard.MOST_BYTES + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert answer.json["error"] == "a body has at most 65536 bytes, and this one has more: send less"
    enough = json.dumps({"points": POINTS}).encode()
    assert lab.request("POST", "/api/l1", enough.ljust(guard.MOST_BYTES)).status == 200


def test_a_body_without_end_is_bounded_too(lab):
    """In chunks, whose number nobody says beforehand."""
    with socket.create_connection(("127.0.0.1", lab.port), timeout=30) as raw:
        head = (
            f"POST /api/l1 HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\nOrigin: {lab.base}\r\n"
            f"Cookie: {lab.cookie}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        raw.sendall(head.encode())
        for _ in range(guard.MOST_BYTES // 4096 + 1):
            raw.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "the body must be an object"),
        (b"{}", "points is missing"),
        (b'{"points": 3}', "points must be a list; got 3"),
        (b'{"points": [[1, 2]]}', "points must have at least 2 items; got 1"),
        (b'{"points": [[1, 2], [3]]}', r"points[1] must have at least 2 items; got 1"),
        (b'{"points": [[1, 2], [3, "4"]]}', "points[1][1] must be a number; got '4'"),
        (b'{"points": [[1, 2], [3, true]]}', "points[1][1] must be a number; got True"),
        (b'{"points": [[1, 2], [3, NaN]]}', "points[1][1] must be a finite number; got nan"),
        (b'{"points": [[1, 2], [3, 1e10]]}', "points[1][1] must be at most 1e+09; got 10000000000.0"),
        (b'{"points": [[1, 2], [3, 4]], "quantiles": [0]}', "quantiles[0] must be at least 0.01; got 0"),
        (b'{"points": [[1, 2], [3, 4]], "speed": 1}', "there is no speed"),
        (b'{"points": [[1, 2], [3, 4]], "own": {"slope": 1}}', "own.intercept is missing"),
        (b'{"points": ' + b"[" * 20000, "the body"),
        (b"\xff\xfe", "the body"),
    ],
)
def test_a_question_that_is_none_is_refused_in_words(lab, body, message):
    answer = lab.request("POST", "/api/l1", body)
    assert answer.status in (400, 422)
    assert message in answer.json["error"]


def test_too_many_points_are_refused(lab):
    points = np.random.default_rng(0).normal(size=(501, 2)).round(2).tolist()
    assert (
        lab.ask("/api/l1", {"points": points}).json["error"] == "points must have at most 500 items; got 501"
    )
    assert lab.ask("/api/l1", {"points": points[:500], "quantiles": [0.5]}).status == 200


def test_there_is_nothing_else(lab):
    for path in ("/nothing", "/../pyproject.toml", "/%2e%2e/lab.py", "/docs", "/redoc", "/l1/", "//l1"):
        answer = lab.request("GET", path)
        assert answer.status == 404, path
        assert "go to / for the rooms" in answer.json["error"]
    assert lab.ask("/l1", {}).json["error"] == "/l1 does not take a POST; questions are POSTs to /api/"
    assert lab.request("GET", "/api/openapi.json").json["paths"].keys() == {
        "/api/l1",
        "/api/backprop",
        "/api/backprop/draw",
        "/api/softmax",
    }


def test_more_than_can_wait_are_refused_and_the_pages_still_answer(lab):
    points = np.random.default_rng(1).normal(size=(500, 2)).round(3).tolist()
    question = {"points": points, "quantiles": [i / 12 for i in range(1, 12)]}
    statuses = []

    def ask():
        statuses.append(lab.ask("/api/l1", question).status)

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    assert lab.request("GET", "/l1").status == 200
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 503}
    assert lab.ask("/api/l1", {"points": POINTS}).status == 200
