"""The aiohttp application of the local API, and how it is served: on a loopback address and nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from cabin_agent.face import Face
from cabin_agent.voice import Voice, installed_voice
from cabin_agent.web.door import KEEP_ALIVE_S, Door, hold_door
from cabin_agent.web.guard import Access, guard
from cabin_agent.web.messages import MOST_BODY
from cabin_agent.web.pages import Pages, installed_pages
from cabin_agent.web.problems import answer_problems
from cabin_agent.web.routes import Api
from cabin_agent.web.stream import Limits, Streams

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "cabin",
}
"""On every response."""

DOOR = web.AppKey("door", Door)


def make_app(
    face: Face,
    access: Access,
    allowed_hosts: frozenset[str],
    *,
    limits: Limits | None = None,
    pages: Pages | None = None,
    voice: Voice | None = None,
    door: Door | None = None,
) -> web.Application:
    """The application: the API, and the pages (those that are installed) outside `/api/`, where no token is asked.

    `allowed_hosts` are the names, with or without port, that the `Host` header may have.
    """
    pages, voice, door = pages or installed_pages(), voice or installed_voice(), door or Door()
    streams = Streams(face, access, limits or Limits(), pages.build)
    routes = Api(face, access, streams, voice, pages.build).routes()
    roles = {(route.method, route.path): route.roles for route in routes}
    app = web.Application(
        middlewares=[hold_door(door), answer_problems, guard(access, allowed_hosts, roles)],
        client_max_size=MOST_BODY,
    )
    app[DOOR] = door
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
    pages.add_to(app)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(streams.stop)
    return app


@asynccontextmanager
async def serve(app: web.Application, port: int, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve `app` and give its URL; port 0 is any free port. Raises ValueError for an address that others reach."""
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError("the local API is served on a loopback address only: use 127.0.0.1 or ::1")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0, keepalive_timeout=KEEP_ALIVE_S)
    await runner.setup()
    try:
        door = (app.get(DOOR) or Door()).lead_to(runner.server)
        listener = await asyncio.get_running_loop().create_server(door, address, port)
        try:
            bound = listener.sockets[0].getsockname()[1]
            yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
        finally:
            listener.close()
    finally:
        await runner.cleanup()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Pages may say how long they keep; everything else is kept by nobody."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
