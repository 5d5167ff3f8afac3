"""The WebSocket `GET stream`: JSON events as text, waveform frames (`cabin_agent.frames`) as binary messages.

It speaks one way; a client says what it has to say over HTTP. Memory is bounded on both sides: `Face.watch` drops the
oldest frames of a watcher that does not keep up, at most one send buffer waits in the transport, and a socket that
takes nothing for `stall_s` is cut. Every `beat_s` a heartbeat goes out and the token is checked again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aiohttp import ClientError, WSCloseCode, WSMsgType, web

from cabin_agent.face import Face, Json
from cabin_agent.first_end import first_end
from cabin_agent.web.guard import KIOSK, TECHNICIAN, Access, account_of, token_of
from cabin_agent.web.problems import Problem, where

log = logging.getLogger(__name__)

OUTSIDE_A_VISIT = frozenset({"instrument", "delivery", "changed", "nurse", "dropped"})
"""Events that hold nothing of a person: nurse and doctor follow these alone, a technician in a real cabin too."""

FOR_A_PREVIEW = "said"
"""Type of the events that a technician gets between visits, and nobody else at any time."""

NOBODYS = frozenset({"ready", "cleaning", "out_of_order"})
"""States in which whatever an instrument sends is of no visit."""

_MOST_INCOMING = 4096
_CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket, and all of them together, may cost."""

    beat_s: float = 5.0
    """Between two heartbeats that a page can see."""
    ping_s: float = 10.0
    """Silence of a client before it is pinged; it is cut when half as long again passes without a pong."""
    stall_s: float = 5.0
    """How long one message may wait for a client that does not read."""
    buffer: int = 4096
    """Bytes written between two looks at whether the transport is full."""
    most: int = 16
    """Open streams."""


class Ended(Exception):
    """The stream is over; `code` is told to the client."""

    def __init__(self, code: WSCloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class Streams:
    """All open streams of one application."""

    def __init__(self, face: Face, access: Access, limits: Limits, build: str) -> None:
        self._face = face
        self._build = build
        self._access = access
        self._limits = limits
        self._open = 0
        self._stopping = asyncio.Event()

    async def stop(self, _: web.Application) -> None:
        """End every stream: the core is going down."""
        self._stopping.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One stream, from handshake to end."""
        waves = _asked_for_waves(request)
        if waves and account_of(request).role not in (KIOSK, TECHNICIAN):
            raise Problem(
                "forbidden",
                "Waveforms go to the kiosk, and to a technician between visits: a doctor sees them in the call.",
            )
        if self._open >= self._limits.most:
            raise Problem("too-many-streams", "Too many streams are open: close one, then try again.")
        socket = web.WebSocketResponse(
            timeout=_CLOSE_S,
            heartbeat=self._limits.ping_s,
            compress=False,
            max_msg_size=_MOST_INCOMING,
            writer_limit=self._limits.buffer,
        )
        if not socket.can_prepare(request):
            raise Problem("not-websocket", "This address is a WebSocket: open it with a WebSocket client.")
        self._open += 1
        try:
            await self._serve(request, socket, waves)
        finally:
            self._open -= 1
        return socket

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse, waves: bool) -> None:
        everything = self._all_events(request)
        wanted = partial(self._may_see, everything, account_of(request).role == TECHNICIAN)
        with self._face.watch(waves, wanted) as changes:
            await socket.prepare(request)
            ended = await first_end(
                self._write(socket, changes, everything, waves),
                self._beat(socket, lambda: self._entitled(request, everything)),
                _read(socket),
                self._stop(),
            )
        await _close(request, socket, _code(ended))

    async def _write(
        self, socket: web.WebSocketResponse, changes: AsyncIterator[Json | bytes], everything: bool, waves: bool
    ) -> None:
        hello = {"type": "hello", "api": 1, "build": self._build, "waves": waves, "everything": everything}
        await self._send(socket, hello)
        async for change in changes:
            await self._send(socket, change)
        raise Ended(WSCloseCode.GOING_AWAY)

    def _may_see(self, everything: bool, preview: bool, change: Json | bytes) -> bool:
        """Whether a reader may see this: all, or what is of nobody; a technician previews between visits.

        A wave's description is no sample: with it, a preview that was opened in a visit can draw after it.
        """
        sort = change.get("type") if isinstance(change, dict) else None
        if sort == FOR_A_PREVIEW:
            return preview and self._face.cabin()["state"] in NOBODYS
        if everything or sort in OUTSIDE_A_VISIT or (preview and sort == "wave"):
            return True
        return preview and self._face.cabin()["state"] in NOBODYS

    async def _beat(self, socket: web.WebSocketResponse, entitled: Callable[[], bool]) -> None:
        """A heartbeat is a timer by nature: it is what tells silence from death."""
        number = 0
        while True:
            await asyncio.sleep(self._limits.beat_s)
            if not entitled():
                raise Ended(WSCloseCode.POLICY_VIOLATION)
            number += 1
            await self._send(socket, {"type": "heartbeat", "number": number})

    async def _stop(self) -> None:
        await self._stopping.wait()
        raise Ended(WSCloseCode.GOING_AWAY)

    async def _send(self, socket: web.WebSocketResponse, message: Json | bytes) -> None:
        async with asyncio.timeout(self._limits.stall_s):
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(json.dumps(message, ensure_ascii=False, allow_nan=False))

    def _all_events(self, request: web.Request) -> bool:
        role = account_of(request).role
        return role == KIOSK or (role == TECHNICIAN and bool(self._face.status()["simulated"]))

    def _entitled(self, request: web.Request, everything: bool) -> bool:
        """Whether the token still opens what this stream carries."""
        account = self._access.who(token_of(request))
        return account is not None and (not everything or self._all_events(request))


def _asked_for_waves(request: web.Request) -> bool:
    waves = request.query.get("waves", "0")
    if waves not in ("0", "1"):
        raise Problem("bad-value", "'waves' is 0 or 1.")
    return waves == "1"


async def _read(socket: web.WebSocketResponse) -> None:
    """Take and forget what a client says, until it leaves; this is also what sees its pongs."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            break
    raise Ended(WSCloseCode.OK)


def _code(error: BaseException | None) -> WSCloseCode:
    if isinstance(error, Ended):
        return error.code
    if isinstance(error, TimeoutError | ClientError | OSError):
        return WSCloseCode.ABNORMAL_CLOSURE
    if error is not None:
        log.error("a stream failed: %s", where(error))
    return WSCloseCode.INTERNAL_ERROR


async def _close(request: web.Request, socket: web.WebSocketResponse, code: WSCloseCode) -> None:
    """Say goodbye to a client that has taken everything so far; cut any other, with all that waits for it.

    aiohttp's own close would wait for the buffer of a client that does not read.
    """
    transport = request.transport
    if transport is None:
        return
    if code is not WSCloseCode.ABNORMAL_CLOSURE and not transport.get_write_buffer_size():
        with suppress(TimeoutError, ClientError, OSError):
            async with asyncio.timeout(2 * _CLOSE_S):
                await socket.close(code=code)
    if not transport.is_closing() or transport.get_write_buffer_size():
        transport.abort()
