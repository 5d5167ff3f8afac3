"""What the cabin keeps of one instrument beside its values: its counts, its clock, and what it sends again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from cabin_agent.config import InstrumentSettings
from cabin_agent.emptied import Emptied
from cabin_agent.fresh import Freshness, Old
from cabin_agent.inventory import Inventory, Known
from drivers import shows_empty
from drivers.events import DeviceClock, Event, Identity, Reading, SelfTest, Trouble, Wave
from drivers.link import OPEN_STATES, LinkState

log = logging.getLogger(__name__)

Wall = Callable[[], int]
"""UTC milliseconds since 1970."""


class Care:
    """Of one instrument of the configuration; `comparable` is False where time runs faster than real."""

    def __init__(
        self, settings: InstrumentSettings, inventory: Inventory, wall: Wall, *, comparable: bool, speed: float = 1.0
    ) -> None:
        self._settings, self._inventory, self._wall = settings, inventory, wall
        self._fresh = Freshness(comparable=comparable)
        self._emptied = Emptied(speed) if shows_empty(settings.protocol) else None
        self._known = inventory.of(settings.driver, settings.model, settings.serial)
        self._opened_s: float | None = None
        self._counted = False
        """Whether this opening is counted: not before the instrument had time to say who it is."""
        self._visit_began: datetime | None = None
        self.refused = 0
        """Readings that were not taken because they are old."""
        self.unconfirmed = ""
        """What of its wire nobody has confirmed, in one phrase of its driver; empty where nothing is said."""

    @property
    def known(self) -> Known:
        """What the inventory has of it."""
        return self._known

    @property
    def clock_offset_s(self) -> float | None:
        """What its clock shows less what it should, as it was last read since it was plugged in."""
        if self._fresh.offset is None:
            return None
        now = self._wall()
        return (self._fresh.offset - (_local(now) - _utc(now))).total_seconds()

    def visit(self, began_ms: int | None) -> None:
        """A visit began, or none is open."""
        if self._visit_began is not None:
            self._fresh.left(_utc(self._wall()))
        self._visit_began = None if began_ms is None else _utc(began_ms)
        if self._emptied is not None:
            self._emptied.visit()

    def heard(self, event: Event) -> Old | None:
        """Take note of `event`; why it is not to be taken as a reading of now, if it is not."""
        if isinstance(event, Trouble) and event.code == "unconfirmed" and event.detail != self.unconfirmed:
            self.unconfirmed = event.detail
            log.warning("The driver %s is not confirmed in %s.", self._settings.protocol, event.detail)
        if isinstance(event, Wave | Trouble):
            return None
        now = self._wall()
        match event:
            case Identity():
                self._met(event, now)
            case SelfTest():
                word = "passed" if event.passed else "failed"
                self._seen(now, self_test=word, self_test_ms=now)
            case DeviceClock():
                self._fresh.clock(event.shows, _utc(now))
                self._seen(now, clock_offset_s=self.clock_offset_s, clock_read_ms=now)
        old = self._fresh.judge(event, _utc(now), self._visit_began) or self._before_it_was_empty(event, now)
        self.refused += old is not None
        return old

    @property
    def not_emptied(self) -> bool:
        """Whether a scale shows what it may have weighed in an earlier visit."""
        return self._emptied is not None and self._emptied.doubtful

    def changed(self, state: LinkState) -> None:
        """The link is in this state now: count how often and for how long it is open."""
        if state in OPEN_STATES and self._opened_s is None:
            self._opened_s, self._counted = time.monotonic(), False
        elif state not in OPEN_STATES and self._opened_s is not None:
            # Whoever comes back may be another instrument, or the same one with its battery changed.
            self._fresh.offset = None
            self.tally()
            self._opened_s = None

    def tally(self) -> None:
        """Put the open time so far into the inventory."""
        if self._opened_s is None:
            return
        self._count()
        now_s = time.monotonic()
        self._seen(self._wall(), open_s=round(self._known.open_s + now_s - self._opened_s, 1))
        self._opened_s = now_s

    def ended(self, *, measured: bool) -> None:
        """One attempt to measure ended."""
        if measured:
            if self._emptied is not None:
                self._emptied.weighed()
            self._seen(self._wall(), measured=self._known.measured + 1)
        else:
            self._seen(self._wall(), failed=self._known.failed + 1)

    @property
    def due(self) -> date | None:
        """The last day on which its calibration is good; None where its last one is not configured."""
        last = self._settings.calibrated
        return None if last is None else last + timedelta(days=self._settings.calibration_days)

    def calibrated(self, day: date | None) -> None:
        """It was last calibrated on this day; None: nobody knows."""
        self._settings = replace(self._settings, calibrated=day)

    def past_due(self) -> bool:
        """Whether the calibration is too old today."""
        return self.due is not None and datetime.fromtimestamp(self._wall() / 1000, UTC).date() > self.due

    @property
    def refused_past_due(self) -> bool:
        """Whether it may not measure now, for its calibration is too old and the configuration is strict."""
        return self._settings.past_due == "refuse" and self.past_due()

    def _before_it_was_empty(self, event: Event, now: int) -> Old | None:
        if self._emptied is None or not isinstance(event, Reading):
            return None
        if event.quantity == "weight":
            self._emptied.heard(event, now / 1000)
        return "not-emptied" if self._emptied.doubtful else None

    def _met(self, said: Identity, now: int) -> None:
        """The instrument says who it is: from now on it is known by its own serial number."""
        settings = self._settings
        model = said.model if settings.model == settings.name else settings.model
        self._known = self._inventory.of(settings.driver, model, said.serial or settings.serial)
        self._count()
        if (self._known.model, self._known.firmware) != (model, said.firmware or ""):
            self._seen(now, model=model, firmware=said.firmware or "")

    def _count(self) -> None:
        if not self._counted:
            self._counted = True
            self._seen(self._wall(), openings=self._known.openings + 1)

    def _seen(self, now: int, **change: object) -> None:
        self._known = self._inventory.seen(self._known, now, **change)


def _local(wall_ms: int) -> datetime:
    """The time of day here, without a zone, as an instrument's clock shows it."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone().replace(tzinfo=None)


def _utc(wall_ms: int) -> datetime:
    """What instruments are compared by: no clock of theirs follows summer time, and ours must not jump beside it."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).replace(tzinfo=None)
