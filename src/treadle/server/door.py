"""Decides who may come in: one browser of this machine, by a token that is used once.

A page of any site can make a browser send requests to 127.0.0.1, and by rebinding a name to that address it
can read the answers. So the Host has to be this server's own, what changes or computes has to come from its
own pages (Origin), and everything needs the cookie that the token was exchanged for. The cookie is HttpOnly
and SameSite=Strict, and its name has the port in it, since ports share cookies.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

HOSTS = ("127.0.0.1", "localhost")


class Door:
    """The token, the cookie and the names of one server.

    Parameters
    ----------
    port : int

    Attributes
    ----------
    address : str
        What to open, once, with the token in it.
    """

    def __init__(self, port: int) -> None:
        self.cookie_name = f"treadle_lab_{port}"
        self._token: str | None = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._hosts = {f"{host}:{port}" for host in HOSTS}
        self.address = f"http://{HOSTS[0]}:{port}/?token={self._token}"

    def wrong_sender(self, method: str, headers: Mapping[str, list[str]]) -> str | None:
        """Say what is wrong with a request's Host and Origin, None if nothing.

        ``headers`` have all values of each, by names in lower case.
        """
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return f"this server is {' or '.join(sorted(self._hosts))}, and no other name is its own"
        origins = headers.get("origin", [])
        if origins and (len(origins) > 1 or origins[0].lower() != f"http://{hosts[0].lower()}"):
            return "requests come from the lab's own pages, and this one comes from another site's"
        if not origins and method not in ("GET", "HEAD"):
            return f"a {method} says which page it comes from (the header Origin), and this one does not"
        return None

    def admit(self, token: str) -> str | None:
        """Exchange the token for the value of Set-Cookie; None if it is wrong or was used."""
        if self._token is None or not _equal(token, self._token):
            return None
        self._token = None
        return f"{self.cookie_name}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, headers: Mapping[str, list[str]]) -> bool:
        """Say whether a request has the cookie."""
        for header in headers.get("cookie", []):
            try:
                cookie = SimpleCookie(header).get(self.cookie_name)
            except CookieError:
                continue
            if cookie is not None and _equal(cookie.value, self._session):
                return True
        return False


def _equal(given: str, secret: str) -> bool:
    """Compare in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
