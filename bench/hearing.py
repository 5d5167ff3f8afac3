"""The hearing test's procedure on simulated listeners: how far its thresholds lie from the truth, and how sure it is.

Listener: false alarms, lapses, a psychometric function and a latency of its own (`simulators.listener`), thresholds
drawn evenly from 0 to 60 dB, which no person has: neighbouring frequencies of a person are alike, and go faster. The
bias of about +2.5 dB is the rule's own ("the lowest 5 dB step that is answered"), on which audiometric zero was
built. To compare with: clinical reference 5.6, table of 1500 runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cabin_signal.audiogram import Ear, ear
from cabin_signal.hearing_procedure import ORDER, Answer, EarRun, Finished, Plan, Presentation, begin, result, step
from simulators.listener import Listener
from simulators.physiology import AT_REST, Physiology

EARS: tuple[Ear, ...] = ("left", "right")
Truth = Mapping[tuple[Ear, int], float]

CASES: Mapping[str, tuple[Physiology, int, int]] = {
    "attentive, 2 of 3": (replace(AT_REST, listening_sd=3, false_alarm=0.0, lapse=0.0), 2, 3),
    "usual, 2 of 3": (replace(AT_REST, listening_sd=3, false_alarm=0.02, lapse=0.02), 2, 3),
    "unsure, 2 of 3": (replace(AT_REST, listening_sd=5, false_alarm=0.02, lapse=0.02), 2, 3),
    "hasty, 2 of 3": (replace(AT_REST, listening_sd=3, false_alarm=0.10, lapse=0.02), 2, 3),
    "presses at random, 2 of 3": (replace(AT_REST, listening_sd=3, false_alarm=0.30, lapse=0.05), 2, 3),
    "usual, 3 of 5": (replace(AT_REST, listening_sd=3, false_alarm=0.02, lapse=0.02), 3, 5),
}
"""Who listens, and how many ascents of how many have to agree."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of many tests; dB, seconds and parts of one."""

    case: str
    ears: int
    bias_db: float
    sd_db: float
    within_5_db: float
    """Part of the thresholds within 5 dB of the truth."""
    retest_sd_db: float
    found: float
    """Part of the frequencies for which a threshold was found."""
    presentations: float
    """For one ear, silences included."""
    seconds: float
    """For one ear."""
    doubted: float
    """Part of the ears that were told as doubtful."""
    refused: float
    """Part of the ears that were told as invalid."""


def tested(person: Physiology, truth: Truth, plan: Plan, rng: np.random.Generator) -> Mapping[Ear, EarRun]:
    """One test of one simulated listener."""
    state = begin(plan)
    while not isinstance(playing := state.playing, Finished):
        answer = Answer()
        if isinstance(playing, Presentation):
            listener = Listener(truth[playing.ear, playing.hz], person, rng)
            level = -np.inf if playing.db is None else playing.db
            answer = Answer((listener.takes_s(level),) if listener.hears(level) else ())
        state, _ = step(state, answer)
    return result(state)


def figures(case: str, tests: int = 300, seed: int = 1) -> Figures:
    """Many listeners of one kind, each tested once."""
    person, wanted, of = CASES[case]
    rng = np.random.default_rng((seed, 8253))
    runs, wrong = list[EarRun](), list[float]()
    for number in range(tests):
        truth: Truth = {(side, hz): rng.uniform(0, 60) for side in EARS for hz in ORDER}
        plan = Plan(dict.fromkeys(truth, 80.0), wanted=wanted, of=of, seed=number)
        for side, run in tested(person, truth, plan, rng).items():
            runs.append(run)
            wrong += [db - truth[side, hz] for hz, db in run.levels.items() if isinstance(db, float)]
    return _figures(case, runs, np.asarray(wrong))


def _figures(case: str, runs: list[EarRun], wrong: np.ndarray) -> Figures:
    judged = [ear(run.test) for run in runs]
    apart = [each.retest_db for each in judged if each.retest_db is not None]
    grades = [each.grade for each in judged]
    return Figures(
        case,
        len(runs),
        bias_db=float(wrong.mean()),
        sd_db=float(wrong.std()),
        within_5_db=float(np.mean(np.abs(wrong) <= 5)),
        retest_sd_db=float(np.std(apart)),
        found=len(wrong) / (len(runs) * len(ORDER)),
        presentations=float(np.mean([len(run.trials) for run in runs])),
        seconds=float(np.mean([run.spent_s for run in runs])),
        doubted=grades.count("usable") / len(grades),
        refused=grades.count("bad") / len(grades),
    )
