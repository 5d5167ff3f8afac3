"""The plan of measures: what to do next so that the rest before the pressure is never idle.

Standing measures come first; then the agent sits, puts the cuff on, and the rest runs while still and silent measures
are made inside it and inside the gaps between two pressures. Nothing else is measured while the cuff inflates. The
rest is shortened, never below its minimum, only when the budget of the visit asks for it; what was obtained is stored
with the value. Protocol: three readings one minute apart after five minutes of rest (ESH 2021).

Pure: seconds of the visit come in as arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from cabin_agent.results import MeasureName

TaskName = Literal["size", "oximetry", "temperature", "ecg", "hearing", "pressure"]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that the agent does with one instrument."""

    name: TaskName
    instrument: str
    """Kind of the instrument it needs."""
    yields: tuple[MeasureName, ...]
    standing: bool
    estimate_s: float
    """What it takes an agent who does it for the first time, in seconds."""


TASKS: dict[TaskName, Task] = {
    task.name: task
    for task in (
        Task("size", "scale", ("weight", "height", "bmi"), standing=True, estimate_s=20.0),
        Task("oximetry", "oximeter", ("spo2", "pulse_rate"), standing=False, estimate_s=35.0),
        Task("temperature", "thermometer", ("temperature",), standing=False, estimate_s=10.0),
        Task("ecg", "ecg", ("ecg", "heart_rate"), standing=False, estimate_s=42.0),
        Task("hearing", "audiometer", ("hearing",), standing=False, estimate_s=120.0),
        Task("pressure", "tensiometer", ("blood_pressure", "blood_pressure_mean"), standing=False, estimate_s=30.0),
    )
}
"""Every task, in the order in which it is offered; the estimate of the pressure is that of one reading."""

ATTEMPTS = 3
"""One try and at most two retries; after that the measure is skipped with its reason."""

NUMBERS: dict[str, int] = {name: number for number, name in enumerate(TASKS, start=1)}
"""The number by which agent and doctor both call the task's instrument."""


BY_HAND_S = 20.0
"""What it takes beside to find the button of an instrument that the person starts, and to wait for its own signal."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol's figures, in seconds."""

    rest_s: float = 300.0
    rest_minimum_s: float = 180.0
    gap_s: float = 60.0
    budget_s: float = 600.0
    readings: int = 3
    sit_s: float = 5.0
    """From standing to seated."""
    closing_s: float = 24.0
    """Results, ticket and the three questions."""
    opening_s: float = 36.0
    """Language, code, information, consent and exclusion questions."""
    hearing_s: float = TASKS["hearing"].estimate_s
    """What the hearing test takes: longer than an audiometer's own where the cabin makes it tone by tone."""
    by_hand: frozenset[TaskName] = frozenset()
    """Tasks whose instrument the person starts."""

    def takes_s(self, task: TaskName) -> float:
        """What a task takes in this cabin, in seconds."""
        usual = self.hearing_s if task == "hearing" else TASKS[task].estimate_s
        return usual + (BY_HAND_S if task in self.by_hand else 0.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the measures have come, in seconds since the visit began."""

    todo: tuple[TaskName, ...]
    running: TaskName | None = None
    seated_at: float | None = None
    reading_ends: tuple[float, ...] = ()
    more_readings: bool = True
    """Whether the pressure protocol asks for another reading."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin this task now."""

    task: TaskName


@dataclass(frozen=True, slots=True)
class Sit:
    """Ask the agent to sit down and put the cuff on: the rest begins."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to begin before this time; None while something runs."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """Every task is settled."""


Step = Start | Sit | Wait | Finished


def task_named(name: str) -> TaskName | None:
    """The task that is called so, if there is one."""
    return next((task for task in TASKS if task == name), None)


def task_of(measure: MeasureName) -> TaskName:
    """The task that yields a measure."""
    return next(name for name, task in TASKS.items() if measure in task.yields)


def tasks_for(measures: tuple[str, ...]) -> tuple[TaskName, ...]:
    """The tasks that yield the measures asked for; every task if none is named."""
    return tuple(name for name, task in TASKS.items() if not measures or set(task.yields) & set(measures))


def rest_needed(progress: Progress, rules: Rules) -> float:
    """Seconds of rest before the first pressure: full where the budget allows it, never under the minimum."""
    if progress.seated_at is None:
        return rules.rest_s
    readings = rules.readings * rules.takes_s("pressure") + (rules.readings - 1) * rules.gap_s
    left = rules.budget_s - progress.seated_at - readings - rules.closing_s
    return min(rules.rest_s, max(rules.rest_minimum_s, left))


def pressure_due(progress: Progress, rules: Rules) -> float | None:
    """When the next inflation may begin; None where no pressure is to be taken."""
    if "pressure" not in progress.todo or not progress.more_readings or progress.seated_at is None:
        return None
    rested = progress.seated_at + rest_needed(progress, rules)
    # Readings from before a reboot leave no rest behind them: the agent has sat down anew.
    return max(rested, progress.reading_ends[-1] + rules.gap_s) if progress.reading_ends else rested


def next_step(progress: Progress, now: float, rules: Rules) -> Step:
    """What to do at `now`; one thing at a time, and nothing while the cuff inflates."""
    if progress.running is not None:
        return Wait(None)
    standing = [name for name in progress.todo if TASKS[name].standing]
    if standing:
        return Start(standing[0])
    if not progress.todo:
        return Finished()
    if progress.seated_at is None:
        return Sit()
    return _seated_step(progress, now, rules)


def _seated_step(progress: Progress, now: float, rules: Rules) -> Step:
    due = pressure_due(progress, rules)
    still = [name for name in progress.todo if name != "pressure"]
    if due is None:
        return Start(still[0]) if still else Finished()
    if now >= due:
        return Start("pressure")
    fitting = [name for name in still if now + rules.takes_s(name) <= due]
    return Start(fitting[0]) if fitting else Wait(due)


@dataclass(frozen=True, slots=True)
class Slot:
    """One line of the timeline, in seconds since the visit began."""

    what: str
    begin: float
    end: float


@dataclass
class _Rehearsal:
    """A run of the plan on its own estimates."""

    progress: Progress
    now: float
    rules: Rules
    slots: list[Slot] = field(default_factory=list)

    def run(self) -> list[Slot]:
        while not isinstance(step := next_step(self.progress, self.now, self.rules), Finished):
            self._do(step)
        return self.slots

    def _do(self, step: Step) -> None:
        match step:
            case Sit():
                self._pass("sit", self.now + self.rules.sit_s)
                self.progress = replace(self.progress, seated_at=self.now)
            case Wait(until=until) if until is not None:
                self._pass("rest" if not self.progress.reading_ends else "gap", until)
            case Start(task="pressure"):
                self._pass("pressure", self.now + self.rules.takes_s("pressure"))
                ends = (*self.progress.reading_ends, self.now)
                self.progress = replace(
                    self.progress, reading_ends=ends, more_readings=len(ends) < self.rules.readings
                )
                if not self.progress.more_readings:
                    self._settle("pressure")
            case Start(task=task):
                self._pass(task, self.now + self.rules.takes_s(task))
                self._settle(task)

    def _pass(self, what: str, end: float) -> None:
        self.slots.append(Slot(what, self.now, end))
        self.now = end

    def _settle(self, task: str) -> None:
        self.progress = replace(self.progress, todo=tuple(name for name in self.progress.todo if name != task))


def timeline(measures: tuple[str, ...] = (), rules: Rules | None = None) -> list[Slot]:
    """The whole visit on the plan's own estimates, from the first touch to good-bye."""
    rules = rules or Rules()
    opening = Slot("questions", 0.0, rules.opening_s)
    slots = _Rehearsal(Progress(tasks_for(measures)), rules.opening_s, rules).run()
    end = slots[-1].end if slots else rules.opening_s
    return [opening, *slots, Slot("results and good-bye", end, end + rules.closing_s)]


def time_left(progress: Progress, now: float, rules: Rules) -> float:
    """Seconds from `now` to good-bye, recomputed from what is still to do; a running task counts as just begun."""
    spent = rules.takes_s(progress.running) if progress.running else 0.0
    ends, more = progress.reading_ends, progress.more_readings
    if progress.running == "pressure":
        ends = (*ends, now + spent)
        more = more and len(ends) < rules.readings
    todo = tuple(name for name in progress.todo if name != progress.running or (name == "pressure" and more))
    ahead = replace(progress, running=None, todo=todo, reading_ends=ends, more_readings=more)
    slots = _Rehearsal(ahead, now + spent, rules).run()
    end = slots[-1].end if slots else now + spent
    return end - now + rules.closing_s
