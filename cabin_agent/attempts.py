"""How a task is tried on its instrument, whoever asked for it: retried, repeated, stopped, left safe."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cabin_agent.clock import VisitClock
from cabin_agent.course import Course
from cabin_agent.face import Refusal
from cabin_agent.hearing_view import HearingView
from cabin_agent.instruments import Instruments
from cabin_agent.measuring.bedside import Bedside, Unmeasured
from cabin_agent.measuring.repeat import again, confirmed
from cabin_agent.measuring.tasks import CONDUCT
from cabin_agent.plan import ATTEMPTS, TASKS, Rules, TaskName
from cabin_agent.results import Outcome
from drivers.errors import DriverError

log = logging.getLogger(__name__)

NEWS_S = 2.0
"""Real seconds in which an idle instrument shows that it lives."""
GRACE_S = 5.0
"""Real seconds that an unplugged instrument is waited for: a plug is pushed back by a hand, at any speed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the visit has to keep after a task, a pressure reading, or the agent's sitting down or standing up."""

    outcomes: tuple[Outcome, ...] = ()
    tracks: tuple[bytes, ...] = ()
    seated_s: float | None = None
    stood: bool = False
    """The agent stood up: the rest begins anew with the next sitting down."""
    reading_ends_s: tuple[float, ...] = ()


Tried = tuple[Told, Unmeasured | None]
"""What a task gave; with a failure it gave no value, and what is told holds no outcome."""


class Attempts:
    """Makes one measure at a time with the agent; `changed` is called whenever there is something new to show."""

    def __init__(
        self,
        instruments: Instruments,
        clock: VisitClock,
        rules: Rules,
        course: Course,
        changed: Callable[[], None],
    ) -> None:
        self._instruments, self._clock, self._rules = instruments, clock, rules
        self.course, self._changed = course, changed
        self.messages: tuple[str, ...] = ()
        """Codes of what the agent should read now."""
        self.hearing: HearingView | None = None
        """Where a hearing test stands that the cabin itself makes."""
        self.waiting_to_sit = False
        self._nudged = asyncio.Event()
        self._seated = asyncio.Event()

    def seated(self) -> None:
        """The agent sits, back supported, cuff on. Raises `Refusal` when nobody asked."""
        if not self.waiting_to_sit:
            raise Refusal("not-now", "The cabin is not waiting for the agent to sit down.")
        self.waiting_to_sit = False
        self._seated.set()

    async def sit(self) -> None:
        """Ask the agent to sit down, and wait for it: the rest counts from then."""
        self._seated.clear()
        self.waiting_to_sit = True
        self._changed()
        try:
            await self._seated.wait()
        finally:
            self.waiting_to_sit = False
        self.course.seated_at = self._clock.now()

    async def tried(self, task: TaskName) -> Tried:
        """Try a task, at most `ATTEMPTS` times; a value that is unusual or too poor is measured once more."""
        failure, first = Unmeasured("unplugged", "absent"), Told()
        for self.course.attempt in range(1, ATTEMPTS + 1):
            result = await self._attempt(task)
            if isinstance(result, Unmeasured):
                failure = result
                if failure.why == "absent":
                    break
            elif first.outcomes or (cause := again(result.outcomes)) is None:
                repeated = confirmed(first.outcomes, result.outcomes)
                return Told(repeated, (*first.tracks, *result.tracks)), None
            else:
                first = result
                self._say(cause)
        # Unusual, and the repeat gave nothing: the value stands as it is.
        return (first, None) if first.outcomes else (Told(), failure)

    async def inflated(self) -> Tried:
        """Take one pressure reading; a failed inflation counts too, for the arm was squeezed."""
        for self.course.attempt in range(1, ATTEMPTS + 1):
            result = await self._attempt("pressure")
            if isinstance(result, Told) or result.detail != "instrument-failed":
                break  # a start that was refused inflated nothing
        ended = self._clock.now()
        self.course.reading_ends.append(ended)
        if isinstance(result, Told):
            return replace(result, reading_ends_s=(ended,)), None
        return Told(reading_ends_s=(ended,)), result

    async def leave_safe(self, task: TaskName) -> None:
        """Nothing runs any more: stop the task's instrument; one that does not confirm is in `Instruments.unsafe`."""
        self.course.running, self.messages, self.hearing = None, (), None
        stopping = asyncio.ensure_future(self._stop(TASKS[task].instrument))
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            # Everything ends meanwhile: the cuff is opened all the same, and it is heard whether it was.
            await asyncio.wait({stopping})
            raise

    async def _stop(self, kind: str) -> None:
        try:
            await self._instruments.stop(kind)
        except DriverError as error:
            log.error("%s", error)

    def nudge(self) -> None:
        """Stop what runs, until `calm`."""
        self._nudged.set()

    def calm(self) -> None:
        """Let the next work run."""
        self._nudged.clear()

    async def unless_nudged(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do `work` to its end, or stop it at a nudge; True if it came to its end."""
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

    async def _attempt(self, task: TaskName) -> Told | Unmeasured:
        """One try: what it gave, or why it gave nothing. A defect in a measure ends that measure alone."""
        bedside = Bedside(self._instruments, self._clock, self._say, self._show, self._rested(), self._rules.rest_s)
        self._changed()
        kind = TASKS[task].instrument
        old = self._old_readings(kind)
        try:
            await self._wait_for(kind)
            outcomes = await CONDUCT[task](bedside, tuple(self.course.outcomes))
            self._ended(kind, measured=True)
            return Told(outcomes, tuple(bedside.packed))
        except Unmeasured as failure:
            result = Unmeasured(self._old_word(kind), failure.why) if self._old_readings(kind) > old else failure
        except DriverError:
            result = Unmeasured("instrument-failed")
            await self._news_of(kind)
        except Exception as defect:  # an instrument that fails, fails alone
            log.error("measure %s ended by a defect: %s", task, type(defect).__name__)
            result = Unmeasured("instrument-failed")
        self._ended(kind, measured=False)
        self._say(result.detail)
        return result

    def _old_readings(self, kind: str) -> int:
        """How many readings of its memory this instrument has sent, all refused."""
        care = self._instruments.care(kind)
        return care.refused if care is not None else 0

    def _old_word(self, kind: str) -> str:
        """What to say of readings that were all refused because they are old."""
        care = self._instruments.care(kind)
        return "not-emptied" if care is not None and care.not_emptied else "old-reading"

    def _ended(self, kind: str, *, measured: bool) -> None:
        if (care := self._instruments.care(kind)) is not None:
            care.ended(measured=measured)

    def _rested(self) -> float | None:
        seated = self.course.seated_at
        return None if seated is None else round(self._clock.now() - seated, 1)

    async def _wait_for(self, kind: str) -> None:
        """Wait a moment for an instrument that is not there; raises `Unmeasured` when it stays away, or may not."""
        care = self._instruments.care(kind)
        if care is not None and care.refused_past_due:
            raise Unmeasured("calibration-due", "absent")
        if self._instruments.comes_and_goes(kind):
            return
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

    def _show(self, view: HearingView | None) -> None:
        """Show where a hearing test stands; a change of its part done alone is seen at the next look."""
        before, self.hearing = self.hearing, view
        if (before and (before.stage, before.ear)) != (view and (view.stage, view.ear)):
            self._changed()

    def _say(self, code: str) -> None:
        """Show one sentence to the agent, by its code; nothing for an empty one."""
        self.messages = (code,) if code else ()
        self._changed()
