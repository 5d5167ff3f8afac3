"""Leads the measures of a visit through the plan: starts each in its turn, retries, skips, and tells the outcomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cabin_agent.clock import VisitClock
from cabin_agent.course import Course, TaskState, not_measured
from cabin_agent.face import Refusal
from cabin_agent.instruments import Instruments
from cabin_agent.measuring import pressure
from cabin_agent.measuring.bedside import Bedside, Unmeasured
from cabin_agent.measuring.repeat import confirmed, unusual
from cabin_agent.measuring.tasks import CONDUCT
from cabin_agent.plan import TASKS, Finished, Rules, Sit, Start, TaskName, Wait, next_step
from cabin_agent.results import Outcome
from drivers.errors import DriverError

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""One try and at most two retries; after that the measure is skipped with its reason."""
NEWS_S = 2.0
"""Real seconds in which an idle instrument shows that it lives."""
GRACE_S = 5.0
"""Real seconds that an unplugged instrument is waited for: a plug is pushed back by a hand, at any speed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the visit has to keep after a task, a pressure reading, or the agent's sitting down."""

    outcomes: tuple[Outcome, ...] = ()
    tracks: tuple[bytes, ...] = ()
    seated_s: float | None = None
    reading_ends_s: tuple[float, ...] = ()


class Conductor:
    """Runs the plan on the instruments until every task is settled."""

    def __init__(
        self,
        instruments: Instruments,
        clock: VisitClock,
        rules: Rules,
        course: Course,
        tell: Callable[[Told], Coroutine[Any, Any, None]],
        changed: Callable[[], None],
    ) -> None:
        self._instruments, self._clock, self._rules = instruments, clock, rules
        self.course, self._tell, self._changed = course, tell, changed
        self.messages: tuple[str, ...] = ()
        """Codes of what the agent should read now."""
        self.waiting_to_sit = False
        self._skips: set[str] = set()
        self._nudged = asyncio.Event()
        self._seated = asyncio.Event()

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
                    await self._unless_nudged(self._clock.sleep_until((until or 0.0) + self.course.begun_at))
                case Start(task=task):
                    await self._conduct(task)
            await self._settle_skips()

    def seated(self) -> None:
        """The agent sits, back supported, cuff on. Raises `Refusal` when nobody asked."""
        if not self.waiting_to_sit:
            raise Refusal("not-now", "The cabin is not waiting for the agent to sit down.")
        self.waiting_to_sit = False
        self._seated.set()

    def skip(self, task: str) -> None:
        """The agent refuses one task: an ordinary outcome, at once if it is running. Raises `Refusal`."""
        if task not in self.course.todo:
            raise Refusal("bad-value", "That measure is neither waiting nor running; nothing was skipped.")
        self._skips.add(task)
        if self.course.running in (None, task):
            self._nudged.set()

    async def _sit(self) -> None:
        self.waiting_to_sit = True
        self._changed()
        finished = await self._unless_nudged(self._seated.wait())
        self.waiting_to_sit = False
        if finished:
            self.course.seated_at = self._clock.now()
            await self._tell(Told(seated_s=self.course.seated_at))

    async def _conduct(self, task: TaskName) -> None:
        self.course.running, self.course.attempt = task, 1
        try:
            await self._unless_nudged(self._inflate() if task == "pressure" else self._attempts(task))
        finally:
            self.course.running, self.messages = None, ()
            await self._leave_safe(TASKS[task].instrument)

    async def _leave_safe(self, instrument: str) -> None:
        """Stop an instrument; one that does not confirm is told to the agent, and the others go on."""
        try:
            await self._instruments.stop(instrument)
        except DriverError as error:
            log.error("%s", error)
            self._say("not-deflated")

    async def _attempts(self, task: TaskName) -> None:
        """Try a task, at most `ATTEMPTS` times, and settle it; an unusual value is measured once more."""
        failure, first = Unmeasured("unplugged", "absent"), Told()
        for self.course.attempt in range(1, ATTEMPTS + 1):
            result = await self._attempt(task)
            if isinstance(result, Unmeasured):
                failure = result
                if failure.why == "absent":
                    break
            elif first.outcomes or not unusual(result.outcomes):
                repeated = confirmed(first.outcomes, result.outcomes)
                return await self._settle(task, Told(repeated, (*first.tracks, *result.tracks)), "done")
            else:
                first = result
        if first.outcomes:  # unusual, and the repeat gave nothing: the value stands as it is
            return await self._settle(task, first, "done")
        return await self._settle(task, Told(self._missing(task, failure)), "failed")

    async def _inflate(self) -> None:
        """Take one pressure reading; a failed inflation counts too, and the gap before the next one begins."""
        for _ in range(ATTEMPTS):
            result = await self._attempt("pressure")
            if isinstance(result, Told) or result.detail != "instrument-failed":
                break  # a start that was refused inflated nothing
        ended = self._clock.now()
        self.course.reading_ends.append(ended)
        if isinstance(result, Told):
            await self._told(replace(result, reading_ends_s=(ended,)))
        else:
            await self._tell(Told(reading_ends_s=(ended,)))
            if result.why == "absent" or not self.course.progress().more_readings:
                await self._close_pressure(result)
                return
        if not self.course.progress().more_readings:
            await self._close_pressure(None)

    async def _close_pressure(self, failure: Unmeasured | None) -> None:
        """The protocol is over: the mean of the last two, or why there is none."""
        mean = pressure.mean(self.course.outcomes)
        if mean is not None:
            return await self._settle("pressure", Told((mean,)), "done")
        missing = self._missing("pressure", failure or Unmeasured("too-few-readings"))
        return await self._settle("pressure", Told(missing), "failed")

    async def _attempt(self, task: TaskName) -> Told | Unmeasured:
        """One try: what it gave, or why it gave nothing. A defect in a measure ends that measure alone."""
        bedside = Bedside(self._instruments, self._clock, self._say, self._rested(), self._rules.rest_s)
        self._changed()
        try:
            await self._wait_for(TASKS[task].instrument)
            outcomes = await CONDUCT[task](bedside, tuple(self.course.outcomes))
            return Told(outcomes, tuple(bedside.packed))
        except Unmeasured as failure:
            result = failure
        except DriverError:
            result = Unmeasured("instrument-failed")
            await self._news_of(TASKS[task].instrument)
        except Exception as defect:  # an instrument that fails, fails alone
            log.error("measure %s ended by a defect: %s", task, type(defect).__name__)
            result = Unmeasured("instrument-failed")
        self._say(result.detail)
        return result

    def _rested(self) -> float | None:
        seated = self.course.seated_at
        return None if seated is None else round(self._clock.now() - seated, 1)

    async def _wait_for(self, kind: str) -> None:
        """Wait a moment for an instrument that is not there; raises `Unmeasured` when it stays away."""
        with self._instruments.listen(kind) as ear:
            try:
                async with asyncio.timeout(GRACE_S if self._instruments.present(kind) else 0):
                    while not self._instruments.usable(kind):
                        await ear.next()
            except TimeoutError:
                raise Unmeasured("unplugged", "absent") from None

    async def _news_of(self, kind: str) -> None:
        """After a refusal, wait for a word of the instrument: it may be unplugged, and its link not know it yet."""
        if not self._instruments.usable(kind):
            return
        with self._instruments.listen(kind) as ear, suppress(TimeoutError):
            async with asyncio.timeout(NEWS_S):
                await ear.next()

    async def _settle_skips(self) -> None:
        skips, self._skips = self._skips, set()
        self._nudged.clear()
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

    def _say(self, code: str) -> None:
        """Show one sentence to the agent, by its code; nothing for an empty one."""
        self.messages = (code,) if code else ()
        self._changed()

    async def _unless_nudged(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do `work` to its end, or stop it when the agent refuses it; True if it came to its end."""
        doing, nudged = asyncio.ensure_future(work), asyncio.ensure_future(self._nudged.wait())
        try:
            await asyncio.wait({doing, nudged}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
            return doing.done()
        finally:
            nudged.cancel()
            doing.cancel()
            await asyncio.gather(doing, nudged, return_exceptions=True)
