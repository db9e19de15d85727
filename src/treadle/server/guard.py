"""Stands before the lab's application: sender, token, size of the body, headers of every answer.

It is plain ASGI, so that nothing of a request that is refused is parsed. Bodies are read whole here, up to
``MOST_BYTES`` and for ``MOST_SECONDS`` at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from treadle.server.door import Door
from treadle.server.refusals import refusal_body

# As ASGI has them. Any: values of several types, by their names.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_BYTES = 1 << 16
MOST_SECONDS = 10.0

# Nothing is loaded from elsewhere, framed, or kept by the browser.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ASK_AGAIN = "stop treadle lab with Ctrl-C, start it again, and open the address that it prints"


class Guard:
    """Lets requests through to an application, or answers in its place."""

    def __init__(self, app: Application, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            return  # there are no web sockets, and nothing to do at start and end
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *ours]
            await send(message)

        wrong = self.door.wrong_sender(scope["method"], headers)
        if wrong is not None:
            await _refuse(send_guarded, HTTPStatus.FORBIDDEN, wrong)
            return
        if not self.door.knows(headers):
            await self._admit(scope, send_guarded)
            return
        if scope["path"] == "/" and b"token=" in scope["query_string"]:
            # Once more, by the browser that is in already: the address bar is to lose the token.
            await _answer(send_guarded, HTTPStatus.SEE_OTHER, b"", [(b"location", b"/")])
            return
        if scope["method"] not in ("GET", "HEAD"):
            body = await self._body(headers, receive, send_guarded)
            if body is None:
                return
            receive = _replayed(body)
        await self.app(scope, receive, send_guarded)

    async def _admit(self, scope: Message, send: Send) -> None:
        """Exchange the address's token for the cookie, or refuse."""
        try:
            tokens = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8).get("token", [])
        except ValueError:  # more fields than anybody needs
            tokens = []
        if scope["path"] == "/" and scope["method"] == "GET" and len(tokens) == 1:
            cookie = self.door.admit(tokens[0])
            if cookie is not None:
                headers = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
                await _answer(send, HTTPStatus.SEE_OTHER, b"", headers)
                return
            what = "this address was opened before, or is another server's"
        else:
            what = "this browser has not been let in"
        await _refuse(send, HTTPStatus.FORBIDDEN, f"{what}: {ASK_AGAIN}")

    async def _body(self, headers: dict[str, list[str]], receive: Receive, send: Send) -> bytes | None:
        """Read the whole body; None where the request was refused, or its sender has left."""
        kinds = headers.get("content-type", [])
        if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
            await _refuse(send, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body is JSON (application/json)")
            return None
        body = bytearray()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > MOST_BYTES:
                        what = f"a body has at most {MOST_BYTES} bytes, and this one has more: send less"
                        await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what)
                        return None
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            what = f"the body did not arrive within {MOST_SECONDS:g} seconds: send it again"
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, what)
            return None


def _replayed(body: bytes) -> Receive:
    """Return a ``receive`` that gives a body that was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _refuse(send: Send, status: HTTPStatus, what: str) -> None:
    await _answer(send, status, refusal_body(what), [(b"content-type", b"application/json")])


async def _answer(send: Send, status: HTTPStatus, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    close = [(b"connection", b"close")] if status >= 400 else []
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, length, *close]})
    await send({"type": "http.response.body", "body": body})
