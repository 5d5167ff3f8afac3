"""A whole hearing test that nobody attends: which tone or silence comes next, and what the answers amount to.

`step(state, answer) -> (state, next)`: no clock, no sound, no chance but a seed. Frequencies in ISO 8253-1's order,
one ear after the other; the first tones familiarise; one slot in five, nobody knows which, is silent; 1 kHz is found
again at the end, and further frequencies too while the two differ by more than 5 dB.
Source: clinical reference 5.1 (method, order, retest), 5.4 (safety), 5.5 (noise), 5.6 (silences, stop rules).

What cannot be believed is told, not repaired: the trials go to `cabin_signal.audiogram`, which judges them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cabin_signal.audiogram import (
    ANTICIPATED_S,
    FALSE_MANY,
    RETEST_SAME_DB,
    Ear,
    EarTest,
    Trial,
    false_answers,
    retest,
)
from cabin_signal.audiogram_grades import Level
from cabin_signal.hearing_search import (
    FIRST_DB,
    Familiar,
    Search,
    Undecided,
    familiar,
    familiarised,
    search,
    searched,
)

ORDER = (1000, 2000, 3000, 4000, 6000, 500)
"""Hz. 8000 and 250 may be added: the one depends on how the phones sit, the other on a very quiet room."""
BLOCK = 5
"""Of so many slots one is silent: 20 %."""
MOST_SPOILT = 3
"""So often a trial is repeated because of a noise or of the sound card."""
FAMILIAR_TRIES, MOST_REMINDERS = 2, 3
NEXT_ABOVE_DB = 20.0
"""A frequency begins so far above the threshold of the one before."""

Spoilt = Literal["room-noise", "sound-broken"]
Left = Literal["room-noise", "sound-broken", "undecided", "time-over", "unfamiliar"]
"""Why a frequency has no threshold, in words of `cabin_signal.verdict`."""
Words = Literal["press-when-heard", "only-when-heard"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be tested and how; seconds, dB of the phones' scale."""

    loudest: Mapping[tuple[Ear, int], float]
    """Loudest level of each ear and frequency; what is missing cannot be tested."""
    order: tuple[int, ...] = ORDER
    first: Ear = "right"
    wanted: int = 2
    of: int = 3
    """2 of 3 ascents, or 3 of 5 (slower by half, spread a tenth less)."""
    tone_s: float = 1.0
    window_s: float = 2.0
    """After the onset, in which an answer counts."""
    pause_s: tuple[float, float] = (0.7, 2.2)
    """Between the end of a window and the next onset, by chance."""
    budget_s: float = 480.0
    """For one ear; what is not found by then is left out."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Presentation:
    """Play this now: a pause, then a tone or the same time of silence; answers count until `window_s`."""

    ear: Ear
    hz: int
    db: float | None
    """None: silence."""
    pause_s: float
    tone_s: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Reminder:
    """Tell the person how it is done, and go on when they are ready."""

    words: Words


@dataclass(frozen=True, slots=True)
class Finished:
    """There is nothing more to play."""

    abandoned: bool = False
    """Too many reminders were needed."""


Next = Presentation | Reminder | Finished


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a presentation."""

    pressed_s: tuple[float, ...] = ()
    """When the button was pressed, seconds after the onset; negative in the pause before it."""
    spoilt: Spoilt | None = None
    """The room was too loud, or the card did not play what it was given: the trial says nothing."""


@dataclass(frozen=True, slots=True)
class EarRun:
    """What was found of one ear so far."""

    ear: Ear
    levels: Mapping[int, Level] = field(default_factory=dict)
    again: Mapping[int, Level] = field(default_factory=dict)
    """Found for the second time."""
    why: Mapping[int, Left] = field(default_factory=dict)
    """Why a frequency has no threshold."""
    trials: tuple[Trial, ...] = ()
    spent_s: float = 0.0

    @property
    def test(self) -> EarTest:
        """As `cabin_signal.audiogram` judges it."""
        return EarTest(self.levels, self.again.get(1000), self.trials)


@dataclass(frozen=True, slots=True)
class State:
    """Where a test stands."""

    plan: Plan
    run: EarRun
    todo: tuple[int, ...]
    """Frequencies of this ear, the present one first."""
    work: Familiar | Search
    playing: Next
    again: bool = False
    """The frequencies are found for the second time."""
    slots: int = 0
    """Presentations of this ear."""
    spoilt: int = 0
    """Trials in a row that said nothing."""
    unfamiliar: int = 0
    """Familiarisations of this ear that failed."""
    reminders: int = 0
    reminded: bool = False
    """Of silences, in this ear."""
    ended: tuple[EarRun, ...] = ()


def begin(plan: Plan) -> State:
    """The first presentation is in `playing`."""
    return _open(plan, plan.first, (), 0)


def step(state: State, answer: Answer) -> tuple[State, Next]:
    """What comes next after the answer to what was played; after a reminder the answer is empty."""
    match state.playing:
        case Finished():
            return state, state.playing
        case Reminder():
            state = _next(state)
        case Presentation() as played:
            state = _answered(_noted(state, played, answer), played, answer)
    return state, state.playing


def result(state: State) -> Mapping[Ear, EarRun]:
    """What was found of each ear that was begun."""
    return {run.ear: run for run in (*state.ended, state.run)}


def progress(state: State) -> float:
    """Part of the test that is done, 0 to 1."""
    if isinstance(state.playing, Finished):
        return 1.0
    of = len(state.plan.order) + 1
    here = of - (1 if state.again else len(state.todo) + 1)
    return (of * len({run.ear for run in state.ended}) + here) / (2 * of)


def _answered(state: State, played: Presentation, answer: Answer) -> State:
    heard = _first(answer, played)
    if answer.spoilt is not None:
        state = _spoilt(state, answer.spoilt)
    elif played.db is None or (heard is not None and heard < ANTICIPATED_S):
        state = replace(state, spoilt=0)  # the method learns nothing of a silence, nor of a press too early
    else:
        state = _worked(replace(state, spoilt=0), heard is not None)
    return _next(state) if state.playing is played else state


def _noted(state: State, played: Presentation, answer: Answer) -> State:
    """The trial, and the pause before it if somebody pressed there, as they are counted later."""
    run, noted = state.run, list(state.run.trials)
    early = [at for at in answer.pressed_s if at < 0]
    if early:
        noted.append(Trial(played.hz, None, early[0] + played.pause_s))
    if answer.spoilt is None:
        noted.append(Trial(played.hz, played.db, _first(answer, played)))
    spent = run.spent_s + played.pause_s + played.window_s
    return replace(state, run=replace(run, trials=tuple(noted), spent_s=spent), slots=state.slots + 1)


def _first(answer: Answer, played: Presentation) -> float | None:
    return next((at for at in sorted(answer.pressed_s) if 0 <= at <= played.window_s), None)


def _spoilt(state: State, why: Spoilt) -> State:
    if state.spoilt + 1 < MOST_SPOILT:
        return replace(state, spoilt=state.spoilt + 1)
    return _settle(replace(state, spoilt=0), None, why)


def _worked(state: State, heard: bool) -> State:
    """The method after a tone that counts."""
    if isinstance(state.work, Familiar):
        return _familiarised(state, familiarised(state.work, heard))
    work = searched(state.work, heard)
    if work.found is None:
        return replace(state, work=work)
    if isinstance(work.found, Undecided):
        return _settle(state, None, "undecided")
    return _settle(state, work.found)


def _familiarised(state: State, work: Familiar) -> State:
    match work.ended:
        case None:
            return replace(state, work=work)
        case "done":
            begun = search(work.db - 10.0, work.loudest_db, state.plan.wanted, state.plan.of, "up")
            return replace(state, work=begun)
        case _ if state.unfamiliar + 1 < FAMILIAR_TRIES:
            anew = replace(state, work=familiar(work.loudest_db), unfamiliar=state.unfamiliar + 1)
            return _remind(anew, "press-when-heard")
        case _:
            return _close(state, "unfamiliar")


def _settle(state: State, level: Level, why: Left | None = None) -> State:
    """One frequency is done."""
    hz, run = state.todo[0], state.run
    if state.again:
        run = replace(run, again={**run.again, hz: level})
    else:
        run = replace(run, levels={**run.levels, hz: level}, why={**run.why, hz: why} if why else run.why)
    state = replace(state, run=run, todo=state.todo[1:])
    apart = retest(run.levels.get(hz), run.again.get(hz))
    if state.again and (apart is None or abs(apart) <= RETEST_SAME_DB):
        return _close(state, None)
    if not state.todo and not state.again:
        state = replace(state, todo=tuple(each for each in state.plan.order if each in run.levels), again=True)
    return _begin_frequency(state) if state.todo else _close(state, None)


def _begin_frequency(state: State) -> State:
    hz, levels = state.todo[0], state.run.levels
    before = levels.get(hz) if state.again else next(reversed([*levels.values()]), None)
    start = FIRST_DB if not isinstance(before, float) else min(FIRST_DB, before + NEXT_ABOVE_DB)
    if state.again and not isinstance(before, float):
        return _close(state, None)  # what was not found once is not found twice
    return replace(state, work=search(start, _loudest(state, hz), state.plan.wanted, state.plan.of))


def _next(state: State) -> State:
    """What is played now: a reminder, the end of the ear, a silence or a tone."""
    if state.run.spent_s > state.plan.budget_s:
        return _close(state, "time-over")
    wrong = false_answers(state.run.trials).rate
    if wrong is not None and wrong > FALSE_MANY and not state.reminded:
        return _remind(replace(state, reminded=True), "only-when-heard")
    return replace(state, playing=_presentation(state))


def _presentation(state: State) -> Presentation:
    plan, ear = state.plan, state.run.ear
    familiarising = isinstance(state.work, Familiar)
    silent = not familiarising and state.slots % BLOCK == _chance(plan, ear, state.slots // BLOCK).randrange(BLOCK)
    pause = round(_chance(plan, ear, state.slots, "pause").uniform(*plan.pause_s), 3)
    db = None if silent else state.work.db
    return Presentation(ear, state.todo[0], db, pause, plan.tone_s, plan.window_s)


def _chance(plan: Plan, *place: object) -> random.Random:
    return random.Random(f"{plan.seed} {place}")  # noqa: S311 - pauses, no secret


def _remind(state: State, words: Words) -> State:
    if state.reminders >= MOST_REMINDERS:
        return replace(state, playing=Finished(abandoned=True))
    return replace(state, reminders=state.reminders + 1, playing=Reminder(words))


def _close(state: State, why: Left | None) -> State:
    """This ear is done; what is left of it stays untested, for `why`."""
    run = state.run
    if why is not None and not state.again:
        run = replace(run, levels={**dict.fromkeys(state.todo), **run.levels})
        run = replace(run, why={**dict.fromkeys(state.todo, why), **run.why})
    if state.ended:
        return replace(state, run=run, playing=Finished())
    other: Ear = "left" if run.ear == "right" else "right"
    return _open(state.plan, other, (run,), state.reminders)


def _open(plan: Plan, ear: Ear, ended: tuple[EarRun, ...], reminders: int) -> State:
    """The beginning of an ear; one that no tone can reach is passed over."""
    todo = tuple(hz for hz in plan.order if (ear, hz) in plan.loudest)
    run = EarRun(ear, {hz: None for hz in plan.order if hz not in todo})
    work = familiar(plan.loudest[ear, todo[0]] if todo else FIRST_DB)
    state = State(plan, run, todo, work, Finished(), reminders=reminders, ended=ended)
    return replace(state, playing=_presentation(state)) if todo else _close(state, None)


def _loudest(state: State, hz: int) -> float:
    return state.plan.loudest[state.run.ear, hz]
