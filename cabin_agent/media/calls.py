"""The call that there is: offers of the core make it, and one that it lets through takes the place of another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from cabin_agent.media import offer, wire
from cabin_agent.media.refusal import Refused
from cabin_agent.media.rig import Rig
from cabin_agent.media.session import Session

log = logging.getLogger(__name__)

OFFERS = 16
"""Offers that are remembered, so that a repeated one is refused."""
CLOSED = 64
"""Names of closed calls that are remembered, since one may be closed before its offer has been answered."""
REJOIN_S = 2.0
"""An offer so soon after a call's end takes its place, with its camera: the core closes the old call first."""


class Calls:
    """At most one call; an offer that the core lets through takes the place of the call before it."""

    def __init__(self, rig: Rig, tell: Callable[[wire.Item], bool]) -> None:
        self._rig = rig
        self._tell = tell
        self._core_up = True
        self._session: Session | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._offers: set[asyncio.Task[None]] = set()
        """Those of them that answer an offer."""
        self._turn = asyncio.Lock()
        self._seen: deque[bytes] = deque(maxlen=OFFERS)
        self._closed: deque[str] = deque(maxlen=CLOSED)
        self._left: tuple[str | None, float] = (None, 0.0)
        """Camera of the call that was closed last, and `time.monotonic()` of that."""

    def heard(self, message: wire.Json) -> None:
        """One message of the core."""
        match message.get("type"):
            case "offer":
                offered = self._start(self._offer(message))
                self._offers.add(offered)
                offered.add_done_callback(self._offers.discard)
            case "close":
                self._start(self._close(str(message.get("session"))))
            case "reply" if self._session is not None and message.get("session") == self._session.name:
                self._session.reply(message)
            case "event" if self._session is not None and isinstance(message.get("event"), dict):
                self._session.event(message["event"])

    def wave(self, frame: bytes) -> None:
        """One waveform frame of the core."""
        if self._session is not None:
            self._session.wave(frame)

    def core(self, up: bool) -> None:
        """Whether the core is there."""
        self._core_up = up
        if self._session is not None:
            self._session.core(up)

    def changed(self) -> None:
        """A camera or a card changed."""
        if self._session is not None:
            self._session.media()

    async def close(self) -> None:
        """End what there is; a call that is ending already is waited for."""
        for offered in tuple(self._offers):
            offered.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop()

    async def _offer(self, message: wire.Json) -> None:
        """Answer one offer, or refuse it; one at a time, since each closes the call before it."""
        async with self._turn:
            refusal = {"type": "refused", "re": message.get("re")}
            try:
                answer = await self._answered(message)
            except Refused as refused:
                words = refused.sentence(str(message.get("language")))
                self._tell({**refusal, "code": refused.code, "text": words})
            else:
                if not self._tell({"type": "answer", "re": message.get("re"), "sdp": answer}):
                    await self._drop()  # nobody passes the answer on, so no page will come

    async def _answered(self, message: wire.Json) -> str:
        sdp, name, language = message.get("sdp"), message.get("session"), str(message.get("language"))
        if not isinstance(sdp, str) or not isinstance(name, str):
            raise Refused("bad-offer")
        self._refuse_if_closed(name)
        self._note(sdp)
        camera = self._rig.cameras.chosen or self._just_left()
        session = Session(name, language, self._rig, self._tell, partial(self._ended, name))
        try:
            answer = await session.answer(sdp)
            self._refuse_if_closed(name)
        except BaseException:
            await session.close()
            raise
        await self._take_place(session)
        # It may have been closed while the one before it was: then nobody sees what a camera would show.
        if self._session is not session:
            raise Refused("bad-offer")
        session.core(self._core_up)
        self._rig.cameras.choose(self._rig.cameras.chosen or camera or self._rig.first)
        return answer

    async def _take_place(self, session: Session) -> None:
        before, self._session = self._session, session
        if before is not None:
            await asyncio.shield(self._start(before.close()))

    def _note(self, sdp: str) -> None:
        """Refuse an offer that was here before: its browser has long gone on, or somebody else repeats it."""
        mark = offer.mark(sdp)
        if mark in self._seen:
            raise Refused("bad-offer")
        self._seen.append(mark)

    def _refuse_if_closed(self, name: str) -> None:
        if name in self._closed:
            raise Refused("bad-offer")

    def _just_left(self) -> str | None:
        camera, left_at = self._left
        return camera if time.monotonic() - left_at < REJOIN_S else None

    def _ended(self, name: str) -> None:
        self._start(self._close(name))

    async def _close(self, name: str) -> None:
        self._closed.append(name)
        if self._session is not None and self._session.name == name:
            await self._drop()

    async def _drop(self) -> None:
        """Close the call; with nobody to see them, the cameras are closed too."""
        session, self._session = self._session, None
        if session is not None:
            self._left = (self._rig.cameras.chosen, time.monotonic())
            self._rig.cameras.choose(None)
            await session.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a message of the core could not be followed: %s", type(task.exception()).__name__)
