"""Leads the measures of a visit through the plan: starts each in its turn, and tells the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cabin_agent.attempts import Attempts, Told
from cabin_agent.clock import VisitClock
from cabin_agent.course import Course, TaskState, not_measured
from cabin_agent.face import Json, Refusal
from cabin_agent.instruments import Instruments
from cabin_agent.measuring import pressure
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.plan import Finished, Rules, Sit, Start, TaskName, Wait, next_step
from cabin_agent.results import Outcome

Tell = Callable[[Told], Coroutine[Any, Any, None]]
"""Keeps what was told; comes back when it is stored."""


class Conductor:
    """Runs the plan on the instruments until every task is settled."""

    def __init__(
        self,
        instruments: Instruments,
        clock: VisitClock,
        rules: Rules,
        course: Course,
        tell: Tell,
        changed: Callable[[], None],
    ) -> None:
        self.attempts = Attempts(instruments, clock, rules, course, changed)
        self._clock, self._rules = clock, rules
        self.course, self._tell, self._changed = course, tell, changed
        self._skips: set[str] = set()

    @property
    def waiting_to_sit(self) -> bool:
        """Whether the agent is asked to sit down now."""
        return self.attempts.waiting_to_sit

    async def run(self) -> None:
        """Conduct everything that is still to do."""
        while True:
            match next_step(self.course.progress(), self._clock.now() - self.course.begun_at, self._rules):
                case Finished():
                    # Readings without their mean are what a core leaves that was killed between the two.
                    if "pressure" in self.course.todo:
                        await self._close_pressure(None)
                    return
                case Sit():
                    await self._sit()
                case Wait(until=until):
                    waiting = self._clock.sleep_until((until or 0.0) + self.course.begun_at)
                    await self.attempts.unless_nudged(waiting)
                case Start(task=task):
                    await self._conduct(task)
            await self._settle_skips()

    def view(self) -> Json:
        """Plan, rest and time left now, as the API shows them."""
        return self.course.view(self._clock.now(), self._rules)

    def seated(self) -> None:
        """See `Attempts.seated`."""
        self.attempts.seated()

    def skip(self, task: str) -> None:
        """The agent refuses one task: an ordinary outcome, at once if it is running. Raises `Refusal`."""
        if task not in self.course.todo:
            raise Refusal("bad-value", "That measure is neither waiting nor running; nothing was skipped.")
        self._skips.add(task)
        if self.course.running in (None, task):
            self.attempts.nudge()

    async def _sit(self) -> None:
        if await self.attempts.unless_nudged(self.attempts.sit()):
            await self._tell(Told(seated_s=self.course.seated_at))

    async def _conduct(self, task: TaskName) -> None:
        self.course.running, self.course.attempt = task, 1
        try:
            await self.attempts.unless_nudged(self._inflate() if task == "pressure" else self._measure(task))
        finally:
            await self.attempts.leave_safe(task)

    async def _measure(self, task: TaskName) -> None:
        told, failure = await self.attempts.tried(task)
        if failure is None:
            return await self._settle(task, told, "done")
        return await self._settle(task, Told(self._missing(task, failure)), "failed")

    async def _inflate(self) -> None:
        """Take one pressure reading; the gap before the next one begins."""
        told, failure = await self.attempts.inflated()
        await (self._told(told) if failure is None else self._tell(told))
        if (failure is not None and failure.why == "absent") or not self.course.progress().more_readings:
            await self._close_pressure(failure)

    async def _close_pressure(self, failure: Unmeasured | None) -> None:
        """The protocol is over: the mean of the last two, or why there is none."""
        mean = pressure.mean(self.course.outcomes)
        if mean is not None:
            return await self._settle("pressure", Told((mean,)), "done")
        missing = self._missing("pressure", failure or Unmeasured("too-few-readings"))
        return await self._settle("pressure", Told(missing), "failed")

    async def _settle_skips(self) -> None:
        skips, self._skips = self._skips, set()
        self.attempts.calm()
        for name in [name for name in self.course.todo if name in skips]:
            await self._settle(name, Told(self._missing(name, Unmeasured("", "refused"))), "skipped")

    def _missing(self, task: TaskName, failure: Unmeasured) -> tuple[Outcome, ...]:
        return not_measured(task, failure.why, failure.detail, but=self.course.outcomes)

    async def _settle(self, task: TaskName, told: Told, state: TaskState) -> None:
        self.course.settle(task, state)
        await self._told(told)

    async def _told(self, told: Told) -> None:
        self.course.outcomes.extend(told.outcomes)
        # What was measured is stored even if the agent refuses the task at this very moment.
        await asyncio.shield(self._tell(told))
        self._changed()
