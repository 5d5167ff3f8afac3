"""The measures of a consultation: single ones, ordered by the doctor, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cabin_agent.attempts import Attempts, Told
from cabin_agent.clock import VisitClock
from cabin_agent.conductor import Tell
from cabin_agent.course import Course, not_measured
from cabin_agent.face import Json, Refusal
from cabin_agent.instruments import Instruments
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.plan import NUMBERS, TASKS, Rules, TaskName, task_named
from cabin_agent.results import Outcome

STOPPED = Unmeasured("aborted", "interrupted")
"""The doctor stopped it, or the consultation ended."""
REFUSED = Unmeasured("", "refused")
"""The agent stopped it."""


class Directed:
    """Obeys one order after the other until cancelled; there may be none for a long time.

    Before the first measure that is made sitting, the agent is asked to sit; after one that is made standing, again.
    A pressure is one reading, and its rest is what was obtained since the agent sat down.
    """

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
        self.order: TaskName | None = None
        """What was ordered last, until its instrument was left safe."""
        self._ordered = asyncio.Event()
        self._stopped: Unmeasured | None = None
        self._begun = False
        """Whether the person has felt something of the order, or refused it: then it has an outcome."""
        self._settled = False
        """Whether it has its outcome."""
        self._unstored: list[Told] = []
        """What is on its way to the disk."""

    @property
    def waiting_to_sit(self) -> bool:
        """Whether the agent is asked to sit down now."""
        return self.attempts.waiting_to_sit

    async def run(self) -> None:
        """Obey until cancelled; whatever runs then is left safe."""
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            if self.order is not None:
                await self._obey(self.order)

    def view(self) -> Json:
        """What was ordered, what runs and the rest now, as the API shows them."""
        return self.course.directed_view(self._clock.now(), self._rules)

    def start(self, task: str) -> None:
        """Order one measure, also one that was made before. Raises `Refusal`."""
        known = task_named(task)
        if known is None:
            raise Refusal("bad-value", f"No measure is called so; there are: {', '.join(TASKS)}.")
        if self.order is not None:
            raise Refusal("busy", f"Instrument {NUMBERS[self.order]} is in use: wait for it, or stop it first.")
        self.order, self._stopped, self._begun, self._settled = known, None, False, False
        self._ordered.set()
        self._changed()

    def stop(self, task: str) -> None:
        """Stop the ordered measure, whatever it is waiting for. Raises `Refusal`."""
        if self.order is None or self.order != task:
            raise Refusal("not-now", "That measure is not running: there is nothing to stop.")
        self._halt(STOPPED)

    def skip(self, _: str) -> None:
        """The agent refuses what was ordered: it stops at once, by whatever name it was called. Raises `Refusal`."""
        if self.order is None:
            raise Refusal("not-now", "No measure is running; nothing was skipped.")
        self._halt(REFUSED)

    def seated(self) -> None:
        """See `Attempts.seated`."""
        self.attempts.seated()

    def broken_off(self) -> Told:
        """What has to be kept if everything ends now: what is not stored yet, and why the order gave nothing."""
        outcomes = [outcome for told in self._unstored for outcome in told.outcomes]
        tracks = tuple(track for told in self._unstored for track in told.tracks)
        if self.order is not None and self._begun and not self._settled:
            outcomes += _missing(self.order, self._stopped or STOPPED)
        return Told(tuple(outcomes), tracks)

    def _halt(self, why: Unmeasured) -> None:
        self._stopped = self._stopped or why
        # A stop before the agent sat down leaves nothing to tell, unless it is the agent who refused.
        self._begun = self._begun or why is REFUSED
        self.attempts.nudge()

    async def _obey(self, task: TaskName) -> None:
        try:
            await self._carry_out(task)
        finally:
            self.attempts.calm()
            self.order = None
            self._changed()

    async def _carry_out(self, task: TaskName) -> None:
        try:
            await self.attempts.unless_nudged(self._measure(task))
        finally:
            await self.attempts.leave_safe(task)
        if self._begun and not self._settled:
            await self._settle(task, Told(_missing(task, self._stopped or STOPPED)), done=False)

    async def _measure(self, task: TaskName) -> None:
        await self._stand_or_sit(task)
        self.course.running, self.course.attempt, self._begun = task, 1, True
        told, failure = await (self.attempts.inflated() if task == "pressure" else self.attempts.tried(task))
        if failure is not None:
            told = replace(told, outcomes=_missing(task, failure))
        await self._settle(task, told, done=failure is None)

    async def _stand_or_sit(self, task: TaskName) -> None:
        if TASKS[task].standing:
            if self.course.seated_at is not None:
                self.course.seated_at = None
                await self._tell(Told(stood=True))
        elif self.course.seated_at is None:
            await self.attempts.sit()
            await self._tell(Told(seated_s=self.course.seated_at))

    async def _settle(self, task: TaskName, told: Told, *, done: bool) -> None:
        skipped = self._stopped is REFUSED
        self._settled = True
        self.course.states[task] = "done" if done else "skipped" if skipped else "failed"
        self.course.outcomes.extend(told.outcomes)
        self._unstored.append(told)
        # What was measured is stored even if it is stopped at this very moment.
        await asyncio.shield(self._store(told))
        self._changed()

    async def _store(self, told: Told) -> None:
        """Until it is stored it is not forgotten, and from that very moment it is: nobody may keep it twice."""
        await self._tell(told)
        self._unstored = [each for each in self._unstored if each is not told]


def _missing(task: TaskName, failure: Unmeasured) -> tuple[Outcome, ...]:
    """Why an order gave nothing; of a pressure, one reading was ordered and no mean."""
    missing = not_measured(task, failure.why, failure.detail)
    return tuple(outcome for outcome in missing if outcome.name != "blood_pressure_mean")
