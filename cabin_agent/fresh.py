"""Whether a reading with a device's own time belongs to this visit: pure.

Instruments with a memory send what they measured yesterday, and send again what they sent already (protocol sheets
omron-usb-hid section 4, ieee11073-phdc section 7, ble-gatt). Their clocks have no zone and are as wrong as whoever
set them: the offset that was measured is taken off before a time is compared, and a time whose clock was never
measured is compared with nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Literal

from drivers.events import Event, HearingRecord, PressureResult, Reading

Old = Literal["from-memory", "before-the-visit", "repeated", "in-the-future", "not-emptied"]
"""Why a reading is refused; the last is the word of `cabin_agent.emptied`."""

GRACE = timedelta(seconds=60)
"""Clocks that show whole minutes, and the moment between a touch and the visit."""
KEPT_RECORDS = 16
"""Records of hearing tests that are known again, two of each."""
KEPT = 1024
"""Readings that are known again; an instrument with a memory stores fewer."""


class Freshness:
    """Judges the readings of one instrument; the time of a clock that never jumps comes in as an argument."""

    def __init__(self, *, comparable: bool = True) -> None:
        """`comparable`: False where time runs faster than real, and no clock can be compared with another."""
        self._comparable = comparable
        self.offset: timedelta | None = None
        """What the device's clock shows less what it should; None while nobody has measured it."""
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._records: OrderedDict[int, bool] = OrderedDict()
        """Records of a hearing test; whether the present visit was the first to get it."""
        self._left: datetime | None = None
        """When the last visit ended."""

    def clock(self, shows: datetime | None, now: datetime) -> None:
        """Take what the device's clock shows at `now`; None: it says that it does not know the time."""
        self.offset = None if shows is None else shows - now

    def left(self, now: datetime) -> None:
        """A visit is over: what was measured until `now` is that person's, and what was sent stays known."""
        self._left = now
        self._records = OrderedDict.fromkeys(self._records, False)

    def judge(self, event: Event, now: datetime, visit_began: datetime | None) -> Old | None:
        """Why `event` is not to be taken; None where it is."""
        if isinstance(event, HearingRecord):
            return None if self._is_of_this_visit(event, visit_began is not None) else "repeated"
        if not isinstance(event, Reading | PressureResult):
            return None
        if "from-memory" in event.flags:
            return "from-memory"
        if event.taken is None:
            return None
        if self._repeats(event):
            return "repeated"
        if self.offset is None or not self._comparable:
            return None
        try:
            taken = event.taken - self.offset
        except OverflowError:  # no clock is thousands of years off: it was set between the two
            return "before-the-visit"
        if visit_began is not None and taken < self._earliest(visit_began):
            return "before-the-visit"
        return "in-the-future" if taken > now + GRACE else None

    def _earliest(self, visit_began: datetime) -> datetime:
        """Of a reading of this visit."""
        earliest = visit_began - GRACE
        return earliest if self._left is None else min(visit_began, max(earliest, self._left))

    def _is_of_this_visit(self, record: HearingRecord, open_now: bool) -> bool:
        """False for what was sent before it: an audiometer without a clock keeps its last test and sends it again.

        In one visit it may be sent again as often as it takes. A new test has another sequence digit, so that only
        the last few are kept: the digit comes round.
        """
        mark = hash((record.ear, record.sequence, tuple(sorted(record.thresholds.items()))))
        self._records.setdefault(mark, open_now)
        while len(self._records) > KEPT_RECORDS:
            self._records.popitem(last=False)
        return self._records[mark]

    def _repeats(self, event: Reading | PressureResult) -> bool:
        """Whether this was sent before: one time for one quantity is one reading."""
        # Only a fingerprint is kept: nothing of a person outlives its visit here.
        mark = hash((event.quantity if isinstance(event, Reading) else "pressure", event.taken))
        repeated = mark in self._seen
        self._seen[mark] = None
        self._seen.move_to_end(mark)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return repeated
