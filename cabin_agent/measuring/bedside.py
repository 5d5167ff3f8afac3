"""What every measure shares: the instruments, the clock, the recording, and how an attempt can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cabin_agent.clock import VisitClock
from cabin_agent.hearing_view import HearingView
from cabin_agent.instruments import USABLE, Ear, Instruments
from cabin_agent.measuring.coaching import Coach, Holds
from cabin_agent.recorder import Track
from cabin_agent.results import Evidence, Grade, Measure, WhyNot
from cabin_signal.verdict import Fact
from drivers.events import Event, Trouble
from drivers.link import LinkState

HAND_S = 60.0
"""For a person to find the button, and for what the instrument does by itself before it measures."""
GRADES: tuple[Grade, ...] = ("good", "usable", "bad")


class Unmeasured(Exception):
    """One attempt that gave no value; `detail` is a code of the wording catalogues."""

    def __init__(self, detail: str, why: WhyNot = "failed") -> None:
        super().__init__(detail)
        self.detail, self.why = detail, why


@dataclass(slots=True)
class Bedside:
    """Where a measure takes place."""

    instruments: Instruments
    clock: VisitClock
    say: Callable[[str], None] = lambda _code: None
    """Shows one sentence to the agent, by its code."""
    show: Callable[[HearingView | None], None] = lambda _view: None
    """Shows where a hearing test stands; None when it is over."""
    rest_s: float | None = None
    """Seated rest obtained before this attempt; None while standing."""
    rest_wanted_s: float = 0.0
    """Rest that the protocol asks for before a pressure."""
    packed: list[bytes] = field(default_factory=list)
    """Tracks of this attempt, packed; kept by the conductor only with the value that they gave."""

    def by_hand(self, kind: str) -> bool:
        """Whether the person has to press a button of the instrument itself."""
        return self.instruments.started_by_person(kind)

    def longest(self, kind: str, seconds: float) -> float:
        """How long an instrument is waited for that takes `seconds` when the cabin starts it."""
        return seconds + (HAND_S if self.by_hand(kind) else 0.0)

    def coach(self, holds: Holds) -> Coach:
        """Who tells the agent what is wrong during this attempt."""
        return Coach(lambda code: self.say(code), holds)

    def track(self) -> Track:
        """A new stretch of the recording."""
        return Track(self.clock.wall_ms())

    def keep(self, track: Track) -> None:
        """Put a finished track into the recording."""
        if packed := track.packed():
            self.packed.append(packed)


def worst(*grades: Grade) -> Grade:
    """The poorest of several grades."""
    return max(grades, key=GRADES.index, default="good")


async def heard(ear: Ear, *kinds: type[Event]) -> AsyncIterator[Any]:
    """Events of the given types as they come; raises `Unmeasured` when the instrument goes away or falls silent."""
    async for event in heard_or_silence(ear, None, *kinds):
        yield event


async def heard_or_silence(ear: Ear, silence_s: float | None, *kinds: type[Event]) -> AsyncIterator[Any]:
    """As `heard`, and None after every `silence_s` real seconds in which nothing came."""
    clock = asyncio.get_running_loop().time
    due = None if silence_s is None else clock() + silence_s
    while True:
        try:
            async with asyncio.timeout_at(due):
                item = await ear.next()
        except TimeoutError:
            yield None
            due = clock() + (silence_s or 0.0)
            continue
        if isinstance(item, LinkState):
            if item not in USABLE and not ear.patient:
                raise Unmeasured("unplugged" if item is not LinkState.STALE else "silent")
        elif isinstance(item[0], kinds) and not isinstance(item[0], Trouble):
            yield item[0]
            due = None if silence_s is None else clock() + silence_s


@asynccontextmanager
async def within(bedside: Bedside, seconds: float, detail: str) -> AsyncIterator[None]:
    """Give a measure so many seconds of the visit; past them the attempt failed for `detail`."""
    try:
        async with bedside.clock.timeout(seconds):
            yield
    except TimeoutError:
        raise Unmeasured(detail) from None


def evidence(bedside: Bedside, kind: str, started_ms: int, grade: Grade, *reasons: str, **more: Any) -> Evidence:
    """Evidence of a value that instrument `kind` gave just now."""
    site = more.pop("site", bedside.instruments.site(kind))
    care = bedside.instruments.care(kind)
    if care is not None and care.past_due():
        more["notes"] = (*more.get("notes", ()), "calibration-due")
    return Evidence(
        quality=grade,
        reasons=tuple(dict.fromkeys(reasons)),
        device=bedside.instruments.device(kind),
        started_ms=started_ms,
        ended_ms=max(started_ms, bedside.clock.wall_ms()),
        site=site,
        **more,
    )


def figures_of(facts: Iterable[Fact]) -> dict[str, dict[str, float]]:
    """The figures of those facts that have some."""
    return {each.word: {name: round(x, 1) for name, x in each.figures.items()} for each in facts if each.figures}


def computed(sources: Sequence[Measure], grade: Grade, **more: Any) -> Evidence:
    """Evidence of a value that was computed from others."""
    return Evidence(
        quality=grade,
        reasons=tuple(dict.fromkeys(reason for source in sources for reason in source.evidence.reasons)),
        device=None,
        started_ms=min(source.evidence.started_ms for source in sources),
        ended_ms=max(source.evidence.ended_ms for source in sources),
        **more,
    )
