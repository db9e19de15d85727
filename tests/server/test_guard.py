"""The guard alone, with an application behind it that says what reached it."""

import asyncio
import json

import pytest

from tests.server.in_a_loop import run
from treadle.server import guard
from treadle.server.door import Door
from treadle.server.guard import Guard


async def reached(scope, receive, send):
    body = (await receive())["body"]
    after = (await receive())["type"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body + b" " + after.encode()})


def guarded():
    """A guard whose token was used, and the headers that get by it."""
    door = Door(7117)
    cookie = door.admit(door.address.partition("token=")[2]).partition(";")[0]
    headers = {
        "host": "127.0.0.1:7117",
        "origin": "http://127.0.0.1:7117",
        "cookie": cookie,
        "content-type": "application/json; charset=utf-8",
    }
    return Guard(reached, door), headers


def answered(app, headers, messages, pause=0.0, query=b""):
    """Status and body of what a POST gets."""
    sent = []

    async def receive():
        if not messages:
            await asyncio.sleep(pause)
            return {"type": "http.disconnect"}
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/l1",
        "query_string": query,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    run(app(scope, receive, send))
    return (sent[0]["status"], sent[1]["body"]) if sent else None


def test_a_body_in_parts_comes_whole_and_ends():
    app, headers = guarded()
    parts = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    assert answered(app, headers, parts) == (200, b"abc http.disconnect")


def test_whoever_leaves_is_not_answered():
    app, headers = guarded()
    assert answered(app, headers, [{"type": "http.request", "body": b"ab", "more_body": True}]) is None


def test_a_body_that_takes_too_long_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(guard, "MOST_SECONDS", 0.05)
    app, headers = guarded()
    status, body = answered(
        app, headers, [{"type": "http.request", "body": b"a", "more_body": True}], pause=5
    )
    assert status == 408
    assert json.loads(body)["error"] == "the body did not arrive within 0.05 seconds: send it again"


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_no_request_is_left_alone(kind):
    app, _ = guarded()

    async def never(*_):
        raise AssertionError("nothing is received or sent")

    run(app({"type": kind}, never, never))


def test_a_stranger_with_too_many_fields_is_refused():
    app, headers = guarded()
    status, body = answered(app, headers | {"cookie": "no=1"}, [], query=b"&".join([b"token=a"] * 9))
    assert status == 403
    assert "this browser has not been let in" in json.loads(body)["error"]
