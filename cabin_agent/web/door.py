"""How many connections the local API holds, and for how long one that asks nothing.

Every program of this machine may connect to a loopback port. Past `MOST` connections the one that has been idle for
longest makes room; where all of them are being answered, the newcomer is turned away. A connection that has not sent
a whole request in `HEAD_S` is closed. A request for which no account speaks is answered while its body comes, and so
holds its place: of those, `STRANGERS` at most are read at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Middleware

from cabin_agent.web.problems import Handler, Problem

MOST = 64
HEAD_S = 5.0
"""Real seconds for the first request's head."""
KEEP_ALIVE_S = 30.0
"""Real seconds that a connection may wait for its next request."""
STRANGERS = 8
"""Bodies for which no account speaks that are read at once."""


class Door:
    """The connections of one server; a factory of protocols for `loop.create_server`."""

    def __init__(self, most: int = MOST, head_s: float = HEAD_S) -> None:
        self._most, self._head_s = most, head_s
        self._server: web.Server | None = None
        self._reading = 0
        self._open: dict[asyncio.BaseProtocol, Connection] = {}
        """By the protocol that speaks HTTP on it; the longest idle first."""

    def lead_to(self, server: web.Server | None) -> Door:
        """Let newcomers in to this server."""
        self._server = server
        return self

    def __call__(self) -> asyncio.Protocol:
        """A protocol for one newcomer."""
        if self._server is None or not self._room():
            return TurnedAway()
        speaker = self._server()
        self._open[speaker] = Connection(speaker, self._open, self._head_s)
        return self._open[speaker]

    @property
    def held(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    @contextmanager
    def answering(self, speaker: asyncio.BaseProtocol) -> Iterator[None]:
        """While a request of this connection is answered, the connection is not idle."""
        connection = self._open.get(speaker)
        if connection is not None:
            connection.asked()
        try:
            yield
        finally:
            if connection is not None and self._open.pop(speaker, None) is not None:
                connection.busy = False
                self._open[speaker] = connection

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While the body of a request comes for which no account speaks; raises `Problem` where too many do."""
        if self._reading >= STRANGERS:
            raise Problem("crowded", "Too many ask to be let in at this moment: try again in a few seconds.")
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1

    def _room(self) -> bool:
        if len(self._open) < self._most:
            return True
        for connection in self._open.values():
            if not connection.busy:
                connection.close()
                return True
        return False


class Connection(asyncio.Protocol):
    """Passes everything on to the protocol that speaks HTTP, and watches the clock until the first request."""

    def __init__(
        self, speaker: asyncio.Protocol, open_ones: dict[asyncio.BaseProtocol, Connection], head_s: float
    ) -> None:
        self.busy = False
        self._speaker, self._open, self._head_s = speaker, open_ones, head_s
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def asked(self) -> None:
        """A whole request came."""
        self.busy = True
        if self._deadline is not None:
            self._deadline.cancel()

    def close(self) -> None:
        """Let go of it at once."""
        self._open.pop(self._speaker, None)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self._deadline = asyncio.get_running_loop().call_later(self._head_s, self.close)
        self._speaker.connection_made(transport)
        if self._speaker not in self._open:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.close()
        self._speaker.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._speaker.data_received(data)

    def eof_received(self) -> bool | None:
        """See `asyncio.Protocol`."""
        return self._speaker.eof_received()

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._speaker.pause_writing()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._speaker.resume_writing()


class TurnedAway(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once."""
        cast(asyncio.Transport, transport).abort()


_DOOR: web.RequestKey[Door] = web.RequestKey("door", Door)


def door_of(request: web.Request) -> Door:
    """The door through which a request came."""
    return request[_DOOR]


def hold_door(door: Door) -> Middleware:
    """The middleware that tells `door` which connections are being answered, and each request its door."""

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_DOOR] = door
        with door.answering(request.protocol):
            return await handler(request)

    return hold
