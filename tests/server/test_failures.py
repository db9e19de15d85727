"""What the lab answers where an answer's own program fails."""

import json

import pytest

from tests.server.in_a_loop import run
from treadle.server import lab
from treadle.server.door import Door


def test_a_failure_is_told_in_json_and_shown_in_the_terminal(monkeypatch):
    def broken(question):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(lab, "answer_l1", broken)
    door = Door(7117)
    headers = {
        "host": "127.0.0.1:7117",
        "origin": "http://127.0.0.1:7117",
        "cookie": door.admit(door.address.partition("token=")[2]).partition(";")[0],
        "content-type": "application/json",
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/l1",
        "raw_path": b"/api/l1",
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body = [{"type": "http.request", "body": b'{"points": [[1, 2], [3, 4]]}'}]
    sent = []

    async def receive():
        return body.pop()

    async def send(message):
        sent.append(message)

    # Raised again once it was answered: the server writes the traceback.
    with pytest.raises(ZeroDivisionError):
        run(lab.make_lab(door)(scope, receive, send))
    assert sent[0]["status"] == 500
    said = json.loads(sent[1]["body"])["error"]
    assert said == "unexpected ZeroDivisionError: by nothing; the terminal of treadle lab shows where"
