"""A hearing test that the cabin makes itself: tones from headphones, answers from a button, a procedure that is pure.

The procedure (`cabin_signal.hearing_procedure`) says what is played next; this file plays it, hears the button and
the room, and keeps everything that was played as evidence. The person begins it by the button that they will use.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cabin_agent.hearing_view import HearingStage, HearingView
from cabin_agent.measuring.bedside import (
    Bedside,
    Unmeasured,
    evidence,
    heard,
    within,
    worst,
)
from cabin_agent.results import Grade, HearingTest, Measure, Outcome, Threshold, Tone
from cabin_signal.audiogram import Ear, ear
from cabin_signal.audiogram_grades import Level, NoResponse
from cabin_signal.hearing_noise import too_loud
from cabin_signal.hearing_procedure import (
    Answer,
    EarRun,
    Finished,
    Plan,
    Presentation,
    Reminder,
    Spoilt,
    State,
    begin,
    progress,
    result,
    step,
)
from drivers.events import ButtonPress, RoomNoise, TonePlayed, ToneRange
from drivers.instrument import Presented, TonePlayer

LIMIT_S = 1200.0
"""Both ears at their budget, the instructions, and what a busy machine adds."""
READY_S = 120.0
"""In which somebody who was told something presses the button."""
HEARD_S = 0.25
"""Of the room, in one `RoomNoise`."""


async def measure(bedside: Bedside, player: TonePlayer) -> tuple[Outcome, ...]:
    """Test both ears; raises `Unmeasured` when no threshold was found at all."""
    started = bedside.clock.wall_ms()
    with bedside.instruments.listen("audiometer") as listener:
        events = heard(listener, ButtonPress, RoomNoise, TonePlayed, ToneRange)
        await bedside.instruments.start("audiometer")
        try:
            async with within(bedside, LIMIT_S, "timeout"):
                test = _Test(bedside, player, events, await _range(events))
                state = await test.conduct()
        finally:
            bedside.show(None)
    return (_measure_of(bedside, started, state, test),)


async def _range(events: AsyncIterator[object]) -> ToneRange:
    async for event in events:
        if isinstance(event, ToneRange):
            return event
    raise Unmeasured("silent")


@dataclass(slots=True)
class _Test:
    """One test under way."""

    bedside: Bedside
    player: TonePlayer
    events: AsyncIterator[object]
    phones: ToneRange
    watched: bool = False
    """Whether somebody who was calibrated listened to the room."""
    _early: list[float] = field(default_factory=list)
    """Presses since the last answers ended, seconds of the card."""

    async def conduct(self) -> State:
        """From the instructions to the end."""
        state = begin(Plan(self.phones.loudest, seed=secrets.randbits(32)))
        await self._told("ready", state)
        while not isinstance(playing := state.playing, Finished):
            if isinstance(playing, Reminder):
                await self._told(playing.words, state)
                answer = Answer()
            else:
                self._show("listen", state)
                answer = await self._answered(playing)
            state, _ = step(state, answer)
        return state

    def _show(self, stage: HearingStage, state: State) -> None:
        self.bedside.show(HearingView(stage, state.run.ear, round(progress(state), 3)))

    async def _told(self, stage: HearingStage, state: State) -> None:
        """Tell the person something, and wait until they press."""
        self._show(stage, state)
        async with within(self.bedside, READY_S, "timeout"):
            async for event in self.events:
                if isinstance(event, ButtonPress) and event.down:
                    break
        self._early.clear()

    async def _answered(self, wanted: Presentation) -> Answer:
        """Play one presentation; what the button and the room said of it."""
        played = await self.player.present(
            Presented(wanted.ear, wanted.hz, wanted.db, wanted.pause_s, wanted.tone_s, wanted.window_s)
        )
        presses, noises = self._early, list[RoomNoise]()
        async for event in self.events:
            if isinstance(event, ButtonPress) and event.down:
                presses.append(event.at_s)
            elif isinstance(event, RoomNoise):
                noises.append(event)
            elif event == played:
                break
        self._early = [at for at in presses if at > played.ended_s]
        times = tuple(at - played.onset_s for at in presses if at <= played.ended_s)
        return Answer(times, self._spoilt(wanted, played, noises))

    def _spoilt(self, wanted: Presentation, played: TonePlayed, noises: list[RoomNoise]) -> Spoilt | None:
        if not played.whole:
            return "sound-broken"
        meant = [each for each in noises if played.onset_s - HEARD_S <= each.at_s <= played.ended_s]
        levels = [each.bands.get(wanted.hz) for each in meant if "uncalibrated" not in each.flags]
        known = [level for level in levels if isinstance(level, float)]
        self.watched = self.watched or bool(known)
        loud = max(known, default=None)
        if wanted.db is not None and too_loud(wanted.hz, wanted.db, loud, self.phones.attenuation):
            return "room-noise"
        return None


def _measure_of(bedside: Bedside, started_ms: int, state: State, test: _Test) -> Measure:
    """The thresholds with everything that was played; raises `Unmeasured` where there is none."""
    runs = result(state)
    why = Counter(word for run in runs.values() for word in run.why.values())
    if not any(isinstance(level, float | NoResponse) for run in runs.values() for level in run.levels.values()):
        raise Unmeasured(why.most_common(1)[0][0] if why else "not-tested")
    calibrated = test.phones.calibrated
    judged = [ear(run.test) for run in runs.values()]
    grade: Grade = worst(*(each.grade for each in judged), "usable" if why else "good")
    reasons = [*(reason for each in judged for reason in each.reasons), *why]
    notes = () if test.watched else ("room-unwatched",)
    proof = evidence(bedside, "audiometer", started_ms, grade, *reasons, mode="air-conduction", notes=notes)
    tones = tuple(
        Tone(side, trial.hz, trial.db, trial.answered_s) for side, run in runs.items() for trial in run.trials
    )
    again = _thresholds(runs.values(), lambda run: run.again, calibrated)
    return Measure(
        "hearing",
        {},
        proof,
        thresholds=_thresholds(runs.values(), lambda run: run.levels, calibrated),
        hearing=HearingTest(calibrated, tones, again),
    )


def _thresholds(
    runs: Iterable[EarRun], of: Callable[[EarRun], Mapping[int, Level]], calibrated: bool
) -> tuple[Threshold, ...]:
    return tuple(_threshold(run.ear, hz, level, calibrated) for run in runs for hz, level in sorted(of(run).items()))


def _threshold(side: Ear, hz: int, level: Level, calibrated: bool) -> Threshold:
    """One threshold in the vocabulary of the results: a level without calibration is never a hearing level."""
    match level:
        case None:
            return Threshold(side, hz, None, "not-tested")
        case NoResponse():
            return Threshold(side, hz, None, "no-response", above_db=level.above_db)
        case _ if calibrated:
            return Threshold(side, hz, level)
        case _:
            return Threshold(side, hz, None, db_relative=level)
