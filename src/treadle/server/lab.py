"""Makes the application of ``treadle lab``: pages, questions of the rooms, and refusals in words.

Work is bounded: bodies by the guard, sizes by each room's question, and at most ``AT_ONCE`` answers are
computed at a time, in threads of their own, with ``MOST_WAITING`` more that wait.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from treadle.errors import TreadleError
from treadle.server.door import Door
from treadle.server.guard import Application, Guard
from treadle.server.pages import read_pages
from treadle.server.refusals import refusal_body, what_is_wrong
from treadle.server.rooms.backprop import BackpropQuestion, DrawQuestion, answer_backprop, answer_draw
from treadle.server.rooms.l1 import L1Question, answer_l1
from treadle.server.rooms.softmax import SoftmaxQuestion, answer_softmax

AT_ONCE, MOST_WAITING = 2, 8

Question = TypeVar("Question", bound=BaseModel)


def make_lab(door: Door) -> Application:
    """Make the application behind a door.

    Parameters
    ----------
    door : Door
        Whose token lets one browser in.
    """
    # Its pages of documentation load scripts from elsewhere: there are none.
    app = FastAPI(title="treadle lab", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="answer")
    n_asked = 0
    pages = read_pages()

    async def computed(answer: Callable[[Question], dict[str, Any]], question: Question) -> Response:
        """Compute in a thread, so that the server goes on answering."""
        nonlocal n_asked
        if n_asked >= AT_ONCE + MOST_WAITING:
            what = f"{AT_ONCE} answers are being computed and {MOST_WAITING} wait: ask again in a moment"
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, what)
        n_asked += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(pool, answer, question)
        finally:
            n_asked -= 1
        return Response(json.dumps(found, allow_nan=False), media_type="application/json")

    @app.post("/api/l1", response_class=Response)
    async def l1(question: L1Question) -> Response:
        return await computed(answer_l1, question)

    @app.post("/api/backprop", response_class=Response)
    async def backprop(question: BackpropQuestion) -> Response:
        return await computed(answer_backprop, question)

    @app.post("/api/backprop/draw", response_class=Response)
    async def draw(question: DrawQuestion) -> Response:
        return await computed(answer_draw, question)

    @app.post("/api/softmax", response_class=Response)
    async def softmax(question: SoftmaxQuestion) -> Response:
        return await computed(answer_softmax, question)

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        found = pages.get(f"/{path}")
        if found is None:
            what = f"there is no page /{path}; go to / for the rooms"
            return _refusal(HTTPStatus.NOT_FOUND, what)
        return Response(found.body, media_type=found.media_type)

    @app.exception_handler(RequestValidationError)
    async def wrong_question(_request: Request, error: RequestValidationError) -> Response:
        return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, what_is_wrong(error.errors()))

    @app.exception_handler(TreadleError)
    async def refused(_request: Request, error: TreadleError) -> Response:
        return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    @app.exception_handler(HTTPStatus.BAD_REQUEST)
    async def unreadable(_request: Request, error: HTTPException) -> Response:
        return _refusal(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {error.detail}")

    @app.exception_handler(HTTPStatus.METHOD_NOT_ALLOWED)
    async def wrong_method(request: Request, _error: HTTPException) -> Response:
        what = f"{request.url.path} does not take a {request.method}; questions are POSTs to /api/"
        return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, what)

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> Response:
        what = f"unexpected {type(error).__name__}: {error}; the terminal of treadle lab shows where"
        return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, what)

    return Guard(app, door)


def _refusal(status: HTTPStatus, what: str) -> Response:
    return Response(refusal_body(what), status, media_type="application/json")
