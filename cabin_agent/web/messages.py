"""Bodies of requests and answers: JSON both ways, read within a time and a size."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import web

from cabin_agent.face import Json
from cabin_agent.web.problems import Problem

MOST_BODY = 65536
"""Bytes of any request's body."""
BODY_S = 10.0
"""Real seconds in which a body has to arrive."""


def answer(body: Json) -> web.Response:
    """JSON without NaN or infinity: those are no values, and raise ValueError."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return web.Response(text=text, content_type="application/json")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The object that a request carries; raises `Problem`."""
    if request.content_type != "application/json":
        raise Problem("not-json", "Send the body as JSON, with Content-Type: application/json.")
    raw = await raw_body(request)
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem("malformed", "The body of the request is not JSON: send an object, in UTF-8.") from None
    if not isinstance(body, dict):
        raise Problem("malformed", "The body of the request is not a JSON object: send {...}.")
    return body


async def raw_body(request: web.Request) -> bytes:
    """The bytes that a request carries; raises `Problem` for a body that comes too slowly."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise Problem("slow-request", "The body of the request did not arrive in time: send it again.") from None


def string(body: dict[str, Any], key: str, otherwise: str) -> str:
    """A member that has to be a string; `otherwise` is the sentence of the problem if it is none."""
    value = body.get(key)
    if not isinstance(value, str):
        raise Problem("bad-value", otherwise)
    return value


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
