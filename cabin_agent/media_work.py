"""What comes to the core over a call: requests of the doctor's page and still pictures, done one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal, Protocol

from cabin_agent.face import Json
from cabin_agent.media.wire import Picture

log = logging.getLogger(__name__)

MOST_ASKS = 32
"""Requests of a doctor's page that may wait for their answers."""
MOST_PICTURES = 4
"""Still pictures that may wait to be kept."""

CallState = Literal["connected", "lost", "closed"]


class Caller(Protocol):
    """Who leads the consultation (`consultation.Consultation`)."""

    async def asked(self, session: str, message: Json) -> Json:
        """The answer to a request of the doctor's page."""
        ...

    async def kept(self, picture: Picture) -> None:
        """Keep a still picture."""
        ...

    def moved(self, session: str, state: CallState) -> None:
        """Where a call stands now."""
        ...

    def link_moved(self) -> None:
        """The media process came or went."""
        ...


class Work:
    """The requests of one media process; `reply` gets each request with its answer."""

    def __init__(self, caller: Caller, reply: Callable[[Json, Json], None]) -> None:
        self.asking: str | None = None
        """The call in which something is asked that is not answered yet."""
        self._caller, self._reply = caller, reply
        self._waiting: asyncio.Queue[Json | Picture] = asyncio.Queue()
        self._pictures = 0
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, item: Json | Picture) -> None:
        """Put it behind what waits; where too much waits, a request is refused and a picture is not kept."""
        if isinstance(item, Picture):
            if self._pictures >= MOST_PICTURES:
                log.error("a still picture was not kept: too many came at once")
                return
            self._pictures += 1
        elif self._waiting.qsize() >= MOST_ASKS:
            self._reply(item, {"ok": False, "code": "busy", "text": "Too much was asked at once: try again."})
            return
        self._waiting.put_nowait(item)

    async def run(self) -> None:
        """Do everything in the order in which the doctor did it; a defect ends nothing but its own request.

        Cancelled, because the media process is gone, it leaves what is under way to come to its end: half an end of
        a consultation would leave a call open and an instrument running.
        """
        while True:
            job = asyncio.create_task(self._done(await self._waiting.get()), name="request of the doctor's page")
            self._under_way.add(job)
            job.add_done_callback(self._under_way.discard)
            await asyncio.shield(job)

    async def _done(self, item: Json | Picture) -> None:
        try:
            await self._do(item)
        except Exception as defect:
            log.error("a request of the doctor's page failed: %s", type(defect).__name__)
            if not isinstance(item, Picture):
                self._reply(item, {"ok": False, "code": "internal", "text": "The cabin failed to do this."})
        self.asking = None

    async def _do(self, item: Json | Picture) -> None:
        if isinstance(item, Picture):
            self._pictures -= 1
            await self._caller.kept(item)
        else:
            self.asking = item["session"]
            self._reply(item, await self._caller.asked(item["session"], item))
