"""Bodies of requests and answers: JSON both ways, read within a time and a size.

Anybody on this machine may send a body to the routes that ask for no account (launch, sign-in, offer): those are
shorter, have less time, and few of them are read at once (`cabin_agent.web.door`).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import web

from cabin_agent.face import Json
from cabin_agent.web.door import door_of
from cabin_agent.web.problems import Problem

MOST_BODY = 65536
"""Bytes of any request's body."""
BODY_S = 10.0
"""Real seconds in which a body has to arrive."""
MOST_OF_STRANGERS = 4096
"""Bytes of a JSON body for which no account speaks."""
STRANGERS_S = 2.0
"""Real seconds in which such a body has to arrive."""
_LATE = "The body of the request did not arrive in time: send it again."


def answer(body: Json) -> web.Response:
    """JSON without NaN or infinity: those are no values, and raise ValueError."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return web.Response(text=text, content_type="application/json")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The object that the request of an account carries; raises `Problem`."""
    _check_json(request)
    try:
        async with asyncio.timeout(BODY_S):
            raw = await request.read()
    except (TimeoutError, ConnectionError):
        raise Problem("slow-request", _LATE) from None
    return _object(raw)


async def strangers_json(request: web.Request) -> dict[str, Any]:
    """The object that a request carries for which no account speaks; raises `Problem`."""
    _check_json(request)
    return _object(await strangers_body(request, MOST_OF_STRANGERS))


async def strangers_body(request: web.Request, most: int) -> bytes:
    """The body, of `most` bytes at most, of a request for which no account speaks; raises `Problem`."""
    body = bytearray()
    with door_of(request).reading():
        try:
            async with asyncio.timeout(STRANGERS_S):
                async for piece in request.content.iter_any():
                    body += piece
                    if len(body) > most:
                        raise Problem("too-large", f"The body of this request has {most} bytes at most: send less.")
        except (TimeoutError, ConnectionError):
            raise Problem("slow-request", _LATE) from None
    return bytes(body)


def _check_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        raise Problem("not-json", "Send the body as JSON, with Content-Type: application/json.")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem("malformed", "The body of the request is not JSON: send an object, in UTF-8.") from None
    if not isinstance(body, dict):
        raise Problem("malformed", "The body of the request is not a JSON object: send {...}.")
    return body


def string(body: dict[str, Any], key: str, otherwise: str) -> str:
    """A member that has to be a string; `otherwise` is the sentence of the problem if it is none."""
    value = body.get(key)
    if not isinstance(value, str):
        raise Problem("bad-value", otherwise)
    return value


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
