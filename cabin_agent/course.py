"""Where the measures of a visit stand: what is settled, what runs, what is left; and how the screens show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from cabin_agent.face import Json
from cabin_agent.measuring import pressure
from cabin_agent.plan import (
    ATTEMPTS,
    NUMBERS,
    TASKS,
    Progress,
    Rules,
    TaskName,
    pressure_due,
    rest_needed,
    tasks_for,
    time_left,
)
from cabin_agent.results import Measure, NotMeasured, Outcome, WhyNot
from cabin_agent.visit import Visit

TaskState = Literal["waiting", "running", "done", "failed", "skipped"]


@dataclass(slots=True)
class Course:
    """The measures of one visit; moments are seconds of the visit's clock."""

    begun_at: float
    """When the visit began; the plan counts from here."""
    todo: list[TaskName]
    outcomes: list[Outcome] = field(default_factory=list)
    seated_at: float | None = None
    reading_ends: list[float] = field(default_factory=list)
    states: dict[str, TaskState] = field(default_factory=dict)
    running: TaskName | None = None
    attempt: int = 0

    def progress(self) -> Progress:
        """The course as the plan sees it."""
        return Progress(
            todo=tuple(self.todo),
            running=self.running,
            seated_at=None if self.seated_at is None else self.seated_at - self.begun_at,
            reading_ends=tuple(end - self.begun_at for end in self.reading_ends),
            more_readings=pressure.another(self.outcomes, len(self.reading_ends)),
        )

    def settle(self, task: TaskName, state: TaskState) -> None:
        """One task is over."""
        self.states[task] = state
        self.todo.remove(task)

    def view(self, now: float, rules: Rules) -> Json:
        """Plan, rest and time left at `now`, as the API shows them."""
        progress, since = self.progress(), now - self.begun_at
        return {
            **self._tasks_view(),
            "rest": _rest_view(progress, since, rules),
            "left_s": round(time_left(progress, since, rules), 1),
        }

    def directed_view(self, now: float, rules: Rules) -> Json:
        """The same where a doctor directs: nothing is planned, so that nobody knows the time left."""
        seated = self.seated_at
        rest = None
        if seated is not None:
            rest = {"seconds": round(now - seated, 1), "needed": rules.rest_s, "next_s": None}
        return {**self._tasks_view(), "rest": rest, "left_s": None}

    def _tasks_view(self) -> Json:
        known = {*self.states, *self.todo, *([self.running] if self.running else [])}
        return {
            "plan": [self._task_view(name) for name in TASKS if name in known],
            "running": [self.running] if self.running else [],
            "attempts": {"attempt": self.attempt, "of": ATTEMPTS} if self.running else None,
        }

    def _task_view(self, name: TaskName) -> Json:
        running = name == self.running
        return {
            "task": name,
            "number": NUMBERS[name],
            "instrument": TASKS[name].instrument,
            "state": "running" if running else self.states.get(name, "waiting"),
            "attempt": self.attempt if running else 0,
        }


def _rest_view(progress: Progress, now: float, rules: Rules) -> Json | None:
    if progress.seated_at is None:
        return None
    needed = rest_needed(progress, rules)
    due = pressure_due(progress, rules)
    next_s = None if due is None else round(max(0.0, due - now), 1)
    return {"seconds": round(now - progress.seated_at, 1), "needed": round(needed, 1), "next_s": next_s}


def resumed(visit: Visit, boot_id: str, now: float) -> Course:
    """The course of a stored visit; after another boot the rest obtained is unknown and begins anew."""
    same_boot = visit.boot_id == boot_id
    course = Course(
        begun_at=visit.started_s if same_boot else now,
        todo=list(tasks_for(visit.measures)),
        outcomes=list(visit.outcomes),
        seated_at=visit.seated_s if same_boot else None,
        reading_ends=list(visit.reading_ends_s) if same_boot else [now] * _readings(visit.outcomes),
    )
    for name in tuple(course.todo):
        if _settled(name, course):
            course.settle(name, _state(name, visit.outcomes))
    return course


def directed(visit: Visit, boot_id: str, now: float) -> Course:
    """The course of a stored consultation: what was measured, and nothing to do until a doctor says so."""
    course = resumed(visit, boot_id, now)
    states: dict[str, TaskState] = {
        name: _state(name, visit.outcomes) for name in TASKS if _named(name, visit.outcomes)
    }
    return replace(course, todo=[], states=states)


def _named(name: TaskName, outcomes: Iterable[Outcome]) -> bool:
    return any(outcome.name in TASKS[name].yields for outcome in outcomes)


def _readings(outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.name == "blood_pressure" for outcome in outcomes)


def _settled(name: TaskName, course: Course) -> bool:
    names = {outcome.name for outcome in course.outcomes}
    return TASKS[name].yields[-1] in names


def _state(name: TaskName, outcomes: Iterable[Outcome]) -> TaskState:
    mine = [outcome for outcome in outcomes if outcome.name in TASKS[name].yields]
    if any(isinstance(outcome, Measure) for outcome in mine):
        return "done"
    refused = any(isinstance(outcome, NotMeasured) and outcome.why == "refused" for outcome in mine)
    return "skipped" if refused else "failed"


def not_measured(task: TaskName, why: WhyNot, detail: str, *, but: Iterable[Outcome] = ()) -> tuple[Outcome, ...]:
    """Every measure of a task that has no outcome yet, as not measured."""
    have = {outcome.name for outcome in but}
    return tuple(NotMeasured(name, why, detail) for name in TASKS[task].yields if name not in have)
