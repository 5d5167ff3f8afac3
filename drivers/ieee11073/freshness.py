"""Whether an agent measured just now or tells of earlier days: told by its own clock, never by ours; pure.

An agent keeps what nobody fetched, and sends it all when it is connected, not in the order of time (sheet, section
7): what was measured on another person must never pass for this one's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from drivers.ieee11073.reports import Observation

FRESH = timedelta(minutes=2)
"""What is older was stored: long enough for an instrument that connects only after it has measured."""
AHEAD = timedelta(minutes=2)
"""What is dated further ahead of the agent's own clock was dated by another setting of it."""
TICK = timedelta(seconds=2)
"""Clocks count seconds, and the question takes a moment to be answered."""
RUSH_S = 5.0
"""So long after the last dated one an agent without a clock is taken to have told all that it has stored."""
KEPT = 256
"""Observations that are known again; an instrument stores fewer."""


class Freshness:
    """The agent's clock, when it was last asked to measure, and what it has told already. `now` is in seconds."""

    def __init__(self, time_scale: float = 1.0) -> None:
        self._time_scale = time_scale
        self._shown: tuple[datetime, float] | None = None
        self._asked: float | None = None
        self._rushing: float | None = None
        """When something stored was told last, or could be; None where nobody told of an association."""
        self._told: OrderedDict[int, None] = OrderedDict()

    def clock(self, shows: datetime | None, now: float) -> None:
        """The agent's clock shows this; None where it has none, or one that was never set."""
        self._shown = None if shows is None else (shows, now)

    def begin(self, now: float) -> None:
        """An association is in operation from `now` on: what the agent has stored comes first."""
        self._rushing = now

    def ask(self, now: float | None) -> None:
        """From `now` on a measurement is waited for; None when no longer."""
        self._asked = now

    def stored(self, report: Iterable[Observation], now: float) -> list[tuple[Observation, bool]]:
        """The observations of one report that were not told before, each with whether it was stored."""
        report = list(report)
        superseded = _superseded(report)
        return [
            (each, number in superseded or self._is_old(each.taken, bool(superseded), now))
            for number, each in enumerate(report)
            if not self._known(each)
        ]

    def _is_old(self, taken: datetime | None, among_others: bool, now: float) -> bool:
        if self._shown is None:
            return among_others or self._is_rush(taken, now)
        if taken is None:
            return False
        if not -AHEAD <= self._at(now) - taken <= FRESH:
            return True
        return self._asked is not None and taken < self._at(self._asked) - TICK

    def _is_rush(self, taken: datetime | None, now: float) -> bool:
        """Whether `now` is a time of what was stored; without a clock nothing else tells it from what is new."""
        if self._rushing is None or (now - self._rushing) * self._time_scale > RUSH_S:
            return False
        # What is measured just now goes on without a date; a memory is told date by date.
        self._rushing = self._rushing if taken is None else now
        return True

    def _at(self, now: float) -> datetime:
        """What the agent's clock shows at `now`."""
        if self._shown is None:
            raise ValueError("The agent's clock is not known: look at it first.")
        shows, since = self._shown
        passed = timedelta(seconds=(now - since) * self._time_scale)
        return shows + min(passed, datetime.max - shows)  # noqa: DTZ901 - as the clock that is shown

    def _known(self, each: Observation) -> bool:
        """Whether it was told before; one without a date never was."""
        if each.taken is None:
            return False
        # Only a fingerprint is kept: nothing measured outlives its visit here.
        key = hash((each.handle, each.taken, each.person, each.values))
        known = key in self._told
        self._told[key] = None
        self._told.move_to_end(key)
        while len(self._told) > KEPT:
            self._told.popitem(last=False)
        return known


def _superseded(report: list[Observation]) -> set[int]:
    """Positions of those that are not the newest of their object and person; all of these where one has no date."""
    newest: dict[tuple[int, int | None], int] = {}
    old: set[int] = set()
    for number, each in enumerate(report):
        key = (each.handle, each.person)
        other = newest.setdefault(key, number)
        if other == number:
            continue
        before = report[other].taken
        if each.taken is None or before is None:
            old |= {number, other}
        elif each.taken > before:
            old.add(other)
            newest[key] = number
        else:
            old.add(number)
    return old
