"""The manager on a stream: what is read goes in, what it answers is written, and its deadlines are kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from drivers.errors import DriverError, Unplugged
from drivers.events import Trouble
from drivers.ieee11073 import phdc
from drivers.ieee11073.agent import Agent
from drivers.ieee11073.manager import Manager
from drivers.ieee11073.session import Moment, Outcome
from drivers.instrument import Emit
from drivers.stream import Stream
from drivers.together import together

UNCONFIRMED = "reject codes and the time of a release are those of open stacks: the standard was not at hand"


class Conversation:
    """The manager of one instrument of `kind`, for as many streams as there are, one after the other.

    What was told once is known again on the next stream, so that an instrument that was unplugged before its report
    was confirmed tells it once.
    """

    def __init__(self, kind: str, time_scale: float, set_clock: bool) -> None:
        if time_scale <= 0:
            raise DriverError(f"The {kind} takes a time scale above 0.")
        self._kind = kind
        self._manager = Manager(kind, Agent(time_scale))
        self._set_clock = set_clock
        self._changed = asyncio.Event()

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak until the stream ends; raises `DriverError` for an instrument of another kind."""
        phdc.look(stream, self._kind)
        emit(Trouble("unconfirmed", UNCONFIRMED))
        await self._carry_out(self._manager.connect(_moment()), stream, emit)
        try:
            await together(self._listen(stream, emit), self._watch(stream, emit))
        finally:
            with suppress(Unplugged):
                await self._carry_out(self._manager.end(_moment()), stream, emit)

    def ask(self, *, measuring: bool) -> None:
        """A measurement is waited for from now on, or no longer."""
        self._manager.ask(_moment() if measuring else None)

    async def _listen(self, stream: Stream, emit: Emit) -> None:
        while True:
            data = await stream.read()
            outcome = self._manager.receive(data, _moment(_time_of_day() if self._set_clock else None))
            await self._carry_out(outcome, stream, emit)
            self._changed.set()
            if self._manager.mismatch is not None:
                raise DriverError(self._manager.mismatch)

    async def _watch(self, stream: Stream, emit: Emit) -> None:
        while True:
            self._changed.clear()
            due = self._manager.due
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - _moment().s)):
                    await self._changed.wait()
            await self._carry_out(self._manager.tick(_moment()), stream, emit)

    async def _carry_out(self, outcome: Outcome, stream: Stream, emit: Emit) -> None:
        # Answered first: an agent that waits for its answer says nothing else.
        for reply in outcome.replies:
            await stream.write(reply)
        for event in outcome.events:
            emit(event)


def _moment(wall: datetime | None = None) -> Moment:
    return Moment(asyncio.get_running_loop().time(), wall)


def _time_of_day() -> datetime:
    return datetime.now().astimezone().replace(tzinfo=None)
