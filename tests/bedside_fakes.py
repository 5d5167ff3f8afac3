"""A bedside without instruments: one that says what a test has it say, as soon as it is started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from cabin_agent.clock import VisitClock
from cabin_agent.instruments import Ear
from cabin_agent.measuring.bedside import Bedside
from cabin_agent.results import Device
from cabin_signal.temperature import RoomReason
from drivers.events import Event
from drivers.link import LinkState
from tests.visits import device


class Bench:
    """Stands for `cabin_agent.instruments.Instruments` with one instrument."""

    def __init__(self, said: Iterable[Event | LinkState]) -> None:
        self._said = list(said)
        self._ear: Ear | None = None
        self.started: list[str] = []
        self.due: set[str] = set()
        self.hand: set[str] = set()
        self.wrong_room: tuple[RoomReason, ...] = ()

    @contextmanager
    def listen(self, kind: str) -> Iterator[Ear]:
        self._ear = Ear()
        try:
            yield self._ear
        finally:
            self._ear = None

    async def start(self, kind: str) -> None:
        assert self._ear is not None, "whoever starts an instrument listens already"
        self.started.append(kind)
        for item in self._said:
            self._ear.put(item if isinstance(item, LinkState) else (item, 0.0))

    def tones(self, kind: str) -> object | None:
        """None: it makes its own hearing test."""
        return None

    def device(self, kind: str) -> Device:
        return device(kind, "protocol", "model")

    def care(self, kind: str) -> Any:
        return SimpleNamespace(past_due=lambda: kind in self.due, not_emptied=False)

    def shows_empty(self, kind: str) -> bool:
        return kind not in self.hand

    def started_by_person(self, kind: str) -> bool:
        return kind in self.hand

    def room(self) -> tuple[RoomReason, ...]:
        return self.wrong_room

    def site(self, kind: str) -> str | None:
        return "left-arm" if kind == "tensiometer" else None


def bedside(*said: Event | LinkState, speed: float = 1.0, rest_s: float | None = None) -> Bedside:
    """A bedside whose instrument says all this when it is started, and then falls silent."""
    return Bedside(cast(Any, Bench(said)), VisitClock(speed), rest_s=rest_s)
