"""Who comes in, and who does not."""

import re

import pytest

from treadle.server.door import Door


def door_and_token():
    door = Door(7117)
    return door, re.fullmatch(r"http://127\.0\.0\.1:7117/\?token=([\w-]{32})", door.address).group(1)


def test_the_token_is_exchanged_once():
    door, token = door_and_token()
    assert door.admit(token[:-1]) is None
    assert door.admit("") is None
    assert door.admit("h\u00e9") is None
    cookie = door.admit(token)
    assert re.fullmatch(r"treadle_lab_7117=[\w-]{32}; Path=/; HttpOnly; SameSite=Strict", cookie)
    assert token not in cookie
    assert door.admit(token) is None


def test_the_cookie_is_known_among_others_and_no_other():
    door, token = door_and_token()
    pair = door.admit(token).partition(";")[0]
    assert door.knows({"cookie": [f"a=b; {pair}; c=d"]})
    assert not door.knows({"cookie": [pair + "x"]})
    assert not door.knows({"cookie": [pair.replace("7117", "7118")]})
    assert not door.knows({"cookie": ["treadle_lab_7117=", "\x00;;==", "treadle_lab_7117"]})
    assert not door.knows({})


def test_two_servers_have_different_secrets():
    (one, token), (other, _) = door_and_token(), door_and_token()
    assert one.address != other.address
    assert other.admit(token) is None


@pytest.mark.parametrize("host", ["127.0.0.1:7117", "localhost:7117", "LOCALHOST:7117"])
def test_its_own_pages_may_ask(host):
    door = Door(7117)
    assert door.wrong_sender("GET", {"host": [host]}) is None
    assert door.wrong_sender("POST", {"host": [host], "origin": [f"http://{host}"]}) is None


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["evil.example:7117"],
        ["127.0.0.1"],
        ["127.0.0.1:7118"],
        ["127.0.0.1:7117", "127.0.0.1:7117"],
        ["[::1]:7117"],
    ],
)
def test_a_name_that_was_bound_to_this_address_is_refused(hosts):
    message = "this server is 127.0.0.1:7117 or localhost:7117, and no other name is its own"
    assert Door(7117).wrong_sender("GET", {"host": hosts}) == message


@pytest.mark.parametrize(
    "origins",
    [
        ["https://evil.example"],
        ["null"],
        ["http://127.0.0.1:8000"],
        ["https://127.0.0.1:7117"],
        ["http://localhost:7117"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_sites_are_refused(method, origins):
    said = Door(7117).wrong_sender(method, {"host": ["127.0.0.1:7117"], "origin": origins})
    assert said == "requests come from the lab's own pages, and this one comes from another site's"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_what_computes_says_where_it_comes_from(method):
    said = Door(7117).wrong_sender(method, {"host": ["127.0.0.1:7117"]})
    assert said == f"a {method} says which page it comes from (the header Origin), and this one does not"
