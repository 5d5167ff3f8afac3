"""The aiohttp application of the local API, and how it is served: on a loopback address and nowhere else."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from cabin_agent.face import Face
from cabin_agent.web.guard import Access, guard
from cabin_agent.web.problems import answer_problems
from cabin_agent.web.routes import MOST_BODY, Api
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


def make_app(
    face: Face, access: Access, allowed_hosts: frozenset[str], *, limits: Limits | None = None
) -> web.Application:
    """The application; pages may be added to it outside `/api/`, where no token is asked.

    `allowed_hosts` are the names, with or without port, that the `Host` header may have.
    """
    streams = Streams(face, access, limits or Limits())
    routes = Api(face, access, streams).routes()
    roles = {(route.method, route.path): route.roles for route in routes}
    app = web.Application(
        middlewares=[answer_problems, guard(access, allowed_hosts, roles)], client_max_size=MOST_BODY
    )
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(streams.stop)
    return app


@asynccontextmanager
async def serve(app: web.Application, port: int, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve `app` and give its URL; port 0 is any free port. Raises ValueError for an address that others reach."""
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError("the local API is served on a loopback address only: use 127.0.0.1 or ::1")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        bound = runner.addresses[0][1]
        yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
    finally:
        await runner.cleanup()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Pages may say how long they keep; everything else is kept by nobody."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
