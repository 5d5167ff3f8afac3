"""An instrument that `cabin monitor` opens itself, without a cabin: kept alive as the daemon keeps it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from cabin_agent.event_json import event_json
from cabin_agent.face import Json
from cabin_agent.first_end import first_end
from cabin_agent.fresh import Freshness
from cabin_agent.monitoring.capture_file import CaptureFile
from cabin_agent.monitoring.shown import Shown
from cabin_agent.traffic import Traffic
from drivers import DRIVERS
from drivers.capture import Way
from drivers.errors import DriverError
from drivers.events import DeviceClock, Event, SelfTest, Trouble
from drivers.keeper import Keeper
from drivers.link import LinkState

LOOK_S = 0.25
QUEUE = 4096
"""Events that wait to be shown; the oldest goes when the terminal does not keep up."""


class Alone:
    """The instrument at `url`, which speaks `protocol`; whatever is simulated is accepted and marked."""

    def __init__(self, url: str, protocol: str, capture: CaptureFile | None) -> None:
        self.kind = DRIVERS[protocol].kind
        self.left_open = ""
        """Why the instrument may not have been left safe, as a sentence; empty where it was."""
        self._url, self._protocol, self._capture = url, protocol, capture
        self._traffic = Traffic(None if capture is None else self._note)
        self._clock, self._self_test, self._unconfirmed = Freshness(comparable=True), "", ""
        self._events: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._usable = asyncio.Event()
        self._keeper = Keeper(
            self.kind, url, DRIVERS[protocol](), self._heard, self._changed, True, note=self._traffic.wire
        )

    async def run(self, shown: Shown, start: bool) -> None:
        """Show it until cancelled; it is started once, when it is ready, and left safe.

        Raises `DriverError` where it refuses to start.
        """
        keeping = asyncio.create_task(self._keeper.run())
        try:
            ended = await first_end(self._look(shown), self._tell(shown), self._begin(start))
        finally:
            await self._leave_safe(start)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        if ended is not None:
            raise ended

    async def _begin(self, start: bool) -> None:
        """Start it once, if it is to be, and let it measure."""
        if start:
            await self._usable.wait()
            await self._keeper.start()
        await asyncio.Event().wait()

    async def _leave_safe(self, started: bool) -> None:
        if not started:
            return
        try:
            await self._keeper.stop()
        except DriverError as error:
            self.left_open = str(error)

    async def _look(self, shown: Shown) -> None:
        while True:
            shown.told(self._row())
            await asyncio.sleep(LOOK_S)

    async def _tell(self, shown: Shown) -> None:
        while True:
            shown.said(event_json(await self._events.get()))

    def _row(self) -> Json:
        """As a cabin's `GET instruments` shows one, as far as it is known without the cabin's settings."""
        keeper, said = self._keeper, self._keeper.identity
        offset = self._clock.offset
        return {
            "name": self.kind,
            "kind": self.kind,
            "protocol": self._protocol,
            "url": self._url,
            "state": keeper.state.value,
            "reason": keeper.reason,
            "age_s": None if keeper.last_seen is None else round(time.monotonic() - keeper.last_seen, 3),
            "model": said.model if said else self.kind,
            "serial": said.serial if said else None,
            "firmware": said.firmware if said else None,
            "calibration_due": None,
            "past_due": False,
            "self_test": self._self_test or None,
            "clock_offset_s": None if offset is None else offset.total_seconds(),
            "unconfirmed": self._unconfirmed or None,
            "simulated": keeper.simulated,
            **self._traffic.view(),
        }

    def _heard(self, _: str, event: Event, __: float) -> None:
        self._traffic.heard(event)
        if isinstance(event, SelfTest):
            self._self_test = "passed" if event.passed else "failed"
        elif isinstance(event, Trouble) and event.code == "unconfirmed":
            self._unconfirmed = event.detail
        elif isinstance(event, DeviceClock):
            self._clock.clock(event.shows, datetime.now(UTC).astimezone().replace(tzinfo=None))
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)

    def _changed(self, _: str, state: LinkState, __: str) -> None:
        if state in (LinkState.READY, LinkState.MEASURING):
            self._usable.set()

    def _note(self, way: Way, data: bytes) -> None:
        if self._capture is not None:
            self._capture.note(way, data, simulated=self._keeper.simulated is not False)
