"""One media process at the other end of the unix socket: what it says, what it is told, and when it counts as dead.

It is trusted with nothing but the call. Silence, anything that is not of the protocol (`media.wire`), or not reading
for `wire.DEAD_S` ends the connection; its calls are then closed, and no measure notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

from cabin_agent.call_link import media_down
from cabin_agent.face import Json, Refusal
from cabin_agent.first_end import first_end
from cabin_agent.media import wire
from cabin_agent.media.wire import Picture
from cabin_agent.media_work import Caller, CallState, Work

log = logging.getLogger(__name__)

OFFER_S = 10.0
"""Real seconds in which an offer is answered."""
REPLY_S = 0.3
"""Real seconds that a call stays open for an answer that is under way."""
MOST_WAITING = 4 << 20
"""Bytes that may wait for a media process before it is given up."""
MOST_SESSIONS = 16
CODES = frozenset({"bad-offer", "busy"})
"""Reasons of the media process that are passed on as they are."""

STATES: dict[str, CallState] = {"connected": "connected", "lost": "lost", "closed": "closed"}
Watch = Callable[[], AbstractContextManager[AsyncIterator[Json | bytes]]]
"""Everything that changes from now on, waves included, as long as the block is not left."""


class Peer:
    """One connection. `came` is told when the process has introduced itself, `changed` when its state changed."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        watch: Watch,
        caller: Caller,
        came: Callable[[Peer], None],
        changed: Callable[[], None],
    ) -> None:
        self.state: Json = {}
        """What it said last of its cameras and its sound; empty before its hello."""
        self._reader, self._writer = reader, writer
        self._watch, self._caller, self._came, self._changed = watch, caller, came, changed
        self._heard = 0.0
        self._number = 0
        self._offers: dict[int, asyncio.Future[str]] = {}
        self._sessions: dict[str, CallState | None] = {}
        """Calls that were offered over this connection; None until it said something of one."""
        self._work = Work(caller, self._reply)
        self._pump: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve it until it ends; raises nothing but cancellation, and leaves no call open."""
        self._heard = asyncio.get_running_loop().time()
        try:
            error = await first_end(self._read(), self._beat(), self._work.run())
            if error is not None:
                raise error
        except (OSError, TimeoutError, wire.BadWire) as error:
            log.warning("the media process is given up: %s", str(error) or type(error).__name__)
        except Exception as defect:  # measures go on, and the media process connects again
            log.error("the link to the media process ended by a defect: %s", type(defect).__name__)
        finally:
            self._stop_pump()
            self.abort()
            self._end_calls()

    def abort(self) -> None:
        """Let go of it."""
        self._writer.transport.abort()

    def send(self, item: wire.Item) -> None:
        """Send one item without waiting; whoever lets too much wait is let go."""
        if self._writer.transport.get_write_buffer_size() > MOST_WAITING:
            log.warning("the media process does not read: it is given up")
            self.abort()
        elif not self._writer.transport.is_closing():
            self._writer.write(wire.encode(item))

    async def offer(self, session: str, sdp: str, language: str) -> str:
        """The answer to an offer; raises `Refusal` "bad-offer", "busy" or "media-down"."""
        if len(self._sessions) >= MOST_SESSIONS:
            raise Refusal("busy", "Too many calls were begun: wait a moment, then join again.")
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._offers[number], self._sessions[session] = answer, None
        self.send({"type": "offer", "re": number, "session": session, "sdp": sdp, "language": language})
        try:
            async with asyncio.timeout(OFFER_S):
                sdp_answer: str = await answer
                return sdp_answer
        except TimeoutError:
            raise media_down() from None
        finally:
            self._offers.pop(number, None)
            if answer.cancelled() or answer.exception() is not None:
                self.close(session)

    def tell(self, session: str, event: Json) -> None:
        """Pass one event on to one call alone, if this process has it."""
        if session in self._sessions:
            self.send({"type": "event", "session": session, "event": event})

    def close(self, session: str) -> None:
        """End one call, if this process has it; whoever asked something in it is given `REPLY_S` for the answer."""
        if session == self._work.asking:
            asyncio.get_running_loop().call_later(REPLY_S, self._close, session)
        else:
            self._close(session)

    def _close(self, session: str) -> None:
        if self._sessions.pop(session, "unknown") != "unknown":
            self.send({"type": "close", "session": session})
            self._follow_calls()

    # --- what it says -------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        decoder = wire.Decoder()
        while data := await self._reader.read(65536):
            for item in decoder.feed(data):
                self._heard = asyncio.get_running_loop().time()
                self._take(item)

    def _take(self, item: wire.Item) -> None:
        if isinstance(item, Picture):
            self._work.take(item)
        elif isinstance(item, bytes):
            raise wire.BadWire("it sent a waveform")
        else:
            match item.get("type"):
                case "hello" | "state":
                    self._introduced(item)
                case "answer" | "refused":
                    self._answered(item)
                case "session":
                    self._session(_text(item, "session"), STATES.get(_text(item, "state")))
                case "ask":
                    _text(item, "session")
                    self._work.take(item)
                case _:  # a beat, or a word of a later version
                    pass

    def _introduced(self, message: Json) -> None:
        known, first = self.state, message["type"] == "hello"
        if not first and not known:
            raise wire.BadWire("it did not introduce itself")
        self.state = {key: value for key, value in message.items() if key not in ("type", "pid")}
        if first:
            self._came(self)
        elif self.state != known:
            self._changed()

    def _answered(self, message: Json) -> None:
        offer = self._offers.get(message["re"]) if isinstance(message.get("re"), int) else None
        if offer is None or offer.done():
            return
        if message["type"] == "answer":
            offer.set_result(_text(message, "sdp"))
        else:
            code = _text(message, "code")
            offer.set_exception(Refusal(code, _text(message, "text")) if code in CODES else media_down())

    def _session(self, session: str, state: CallState | None) -> None:
        """A call that was not offered over this connection is of an earlier life: nobody watches over it, it ends."""
        if state is None:
            return
        if session not in self._sessions:
            if state != "closed":
                self.send({"type": "close", "session": session})
            return
        if state == "closed":
            del self._sessions[session]
        else:
            self._sessions[session] = state
        self._follow_calls(anew=state == "connected")
        self._moved(session, state)

    def _reply(self, asked: Json, answer: Json) -> None:
        session = asked.get("session")
        self.send({"type": "reply", "session": session, "re": asked.get("id"), **answer})
        if session not in self._sessions:
            self.send({"type": "close", "session": session})

    # --- what it is told ----------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Beat, and watch over the other end's life. What has arrived already is read before its age is judged."""
        loop = asyncio.get_running_loop()
        while True:
            self.send({"type": "beat"})
            await self._drain()
            await asyncio.sleep(wire.BEAT_S)
            if loop.time() - self._heard > wire.DEAD_S:
                raise TimeoutError("it is silent")

    def _follow_calls(self, *, anew: bool = False) -> None:
        """Pass on what changes while somebody is connected; whoever connects has it all described anew."""
        connected = "connected" in self._sessions.values()
        if anew or not connected:
            self._stop_pump()
        if connected and self._pump is None:
            self._pump = asyncio.create_task(self._pass_on(), name="waves to the media process")

    def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _pass_on(self) -> None:
        try:
            with self._watch() as changes:
                async for change in changes:
                    self._tell(change)
                    await self._drain()
        except (OSError, TimeoutError):
            self.abort()

    def _tell(self, change: Json | bytes) -> None:
        try:
            self.send(change if isinstance(change, bytes) else {"type": "event", "event": change})
        except (ValueError, TypeError) as error:
            log.error("an event was not passed on: %s", type(error).__name__)

    async def _drain(self) -> None:
        """Wait for a process that reads slowly; TimeoutError for one that does not read."""
        try:
            async with asyncio.timeout(wire.DEAD_S):
                await self._writer.drain()
        except TimeoutError:
            raise TimeoutError("it does not read") from None

    def _end_calls(self) -> None:
        for offer in self._offers.values():
            if not offer.done():
                offer.set_exception(media_down())
        sessions, self._sessions = self._sessions, {}
        for session, state in sessions.items():
            if state is not None:
                self._moved(session, "closed")

    def _moved(self, session: str, state: CallState) -> None:
        try:
            self._caller.moved(session, state)
        except Exception as defect:
            log.error("the consultation could not follow its call: %s", type(defect).__name__)


def _text(message: Json, key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise wire.BadWire(f"a message without its {key}")
    return value
