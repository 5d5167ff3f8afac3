"""A finished audiogram: can its thresholds be believed, ear by ear, and do the ears differ.

Everything is a function of the finished test: thresholds, the repeat at 1 kHz, and every tone and silence that was
presented. Air conduction alone, without masking. Sources: ISO 8253-1 (repeat at 1 kHz within 5 dB) and clinical
reference 5.1, 5.6 and 5.7 (catch trials, anticipation, asymmetry, interaural attenuation of 40 dB).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cabin_signal.audiogram_grades import MEAN_HZ, Level, NoAverage, NoResponse, average, number
from cabin_signal.plausibility import judge

Ear = Literal["left", "right"]

RETEST_SAME_DB, RETEST_OTHER_DB = 5.0, 10.0
FEWEST_SILENCES = 6
"""Silences for each ear before its false answers can be counted."""
FALSE_SOME, FALSE_MANY = 0.10, 0.20
ANTICIPATED_S = 0.15
"""Nobody answers a tone so soon: the button was pressed for something else."""
ASYMMETRY_MEAN_DB, ASYMMETRY_DB, ASYMMETRY_TONES = 15.0, 20.0, 2
MASKING_DB = 40.0
"""A tone this much louder than the other ear's threshold may have been heard there (supra-aural phones)."""

EarReason = Literal[
    "false-answers", "false-answers-some", "catch-trials-few", "retest-differs", "retest-near", "retest-missing",
    "implausible", "not-tested",
]  # fmt: skip
"""Why an ear's thresholds are doubtful."""

EarVerdict = Literal["good", "usable", "bad"]

SPOILS: frozenset[EarReason] = frozenset({"false-answers", "retest-differs", "implausible"})
"""Reasons that make an ear bad; every other one leaves it usable."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One presentation, or a silence in its place."""

    hz: int
    db: float | None
    """Level of the tone; None for a silence. A press between two windows is a silence that was answered."""
    answered_s: float | None
    """Seconds from the onset to the answer; None where there was none."""


@dataclass(frozen=True, slots=True)
class EarTest:
    """What was found of one ear."""

    levels: Mapping[int, Level]
    """Frequency in Hz -> threshold in dB, `NoResponse`, or None where it was not tested."""
    retest: Level = None
    """The threshold at 1 kHz found again at the end; None where it was not."""
    trials: Sequence[Trial] | None = None
    """Everything presented; None where the instrument does not tell."""


@dataclass(frozen=True, slots=True)
class FalseAnswers:
    """How often the button was pressed without a tone to be pressed for."""

    silences: int
    """Silences, and tones answered too soon to have been heard."""
    answered: int

    @property
    def rate(self) -> float | None:
        """Part of the silences that was answered; None for too few of them."""
        return self.answered / self.silences if self.silences >= FEWEST_SILENCES else None


@dataclass(frozen=True, slots=True)
class EarFindings:
    """How far one ear's thresholds can be believed."""

    grade: EarVerdict
    reasons: tuple[EarReason, ...]
    retest_db: float | None
    """Second minus first threshold at 1 kHz; None where one is missing."""
    false_answers: FalseAnswers | None


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """How far the ears differ; facts, as dB of the worse ear over the better one."""

    mean_db: float | None
    """Difference of the means of 500, 1000, 2000 and 4000 Hz; None where one ear has none."""
    worse: Ear | None
    """The ear with the higher mean; None where neither."""
    tones: tuple[int, ...]
    """Frequencies that differ by 20 dB or more."""
    masking: Mapping[int, Ear]
    """Frequency -> worse ear whose threshold proves nothing without masking: 40 dB or more."""

    @property
    def marked(self) -> bool:
        """15 dB between the means, or 20 dB at two frequencies."""
        return (self.mean_db or 0.0) >= ASYMMETRY_MEAN_DB or len(self.tones) >= ASYMMETRY_TONES


@dataclass(frozen=True, slots=True)
class AudiogramFindings:
    """Both ears and what they have to do with each other."""

    left: EarFindings
    right: EarFindings
    asymmetry: Asymmetry
    unit: Literal["dB HL", "dB relative"]
    """Without the RETSPL of exactly these phones the levels are relative."""


def audiogram(left: EarTest, right: EarTest, *, calibrated: bool) -> AudiogramFindings:
    """Everything that can be said of a finished test; `calibrated`: the phones have their RETSPL."""
    unit: Literal["dB HL", "dB relative"] = "dB HL" if calibrated else "dB relative"
    return AudiogramFindings(ear(left), ear(right), asymmetry(left.levels, right.levels), unit)


def ear(test: EarTest) -> EarFindings:
    """One ear: plausibility, repeat at 1 kHz, and false answers."""
    wrong = None if test.trials is None else false_answers(test.trials)
    apart = retest(test.levels.get(1000), test.retest)
    found: list[tuple[EarReason, bool]] = [
        ("implausible", any(_impossible(level) for level in test.levels.values())),
        *_answers(wrong),
        ("retest-missing", test.trials is not None and apart is None),
        ("retest-near", apart is not None and RETEST_SAME_DB < abs(apart) < RETEST_OTHER_DB),
        ("retest-differs", apart is not None and abs(apart) >= RETEST_OTHER_DB),
        ("not-tested", any(number(test.levels.get(hz)) is None for hz in MEAN_HZ)),
    ]
    reasons = tuple(reason for reason, holds in found if holds)
    grade: EarVerdict = "bad" if SPOILS.intersection(reasons) else "usable" if reasons else "good"
    return EarFindings(grade, reasons, apart, wrong)


def _answers(wrong: FalseAnswers | None) -> list[tuple[EarReason, bool]]:
    """Up to 10 % of the silences answered is good, up to 20 % a warning, more makes the ear invalid."""
    if wrong is None:
        return []
    rate = wrong.rate
    some = rate is not None and FALSE_SOME < rate <= FALSE_MANY
    return [
        ("catch-trials-few", rate is None),
        ("false-answers-some", some),
        ("false-answers", rate is not None and rate > FALSE_MANY),
    ]


def _impossible(level: Level) -> bool:
    db = level.above_db if isinstance(level, NoResponse) else level
    return db is not None and judge("threshold", db) == "implausible"


def retest(first: Level, second: Level) -> float | None:
    """Second minus first threshold, dB; None unless both are numbers."""
    if first is None or second is None or isinstance(first, NoResponse) or isinstance(second, NoResponse):
        return None
    return float(second) - float(first)


def false_answers(trials: Sequence[Trial]) -> FalseAnswers:
    """Answers to silences; an answer within 150 ms of a tone's onset is one, for it cannot have been to the tone."""
    silent = [trial for trial in trials if trial.db is None or _anticipated(trial)]
    return FalseAnswers(len(silent), sum(trial.answered_s is not None for trial in silent))


def _anticipated(trial: Trial) -> bool:
    return trial.answered_s is not None and trial.answered_s < ANTICIPATED_S


def asymmetry(left: Mapping[int, Level], right: Mapping[int, Level]) -> Asymmetry:
    """How far two ears differ, where both were tested; an ear without response counts with its loudest level."""
    apart = {hz: _differ(left[hz], right[hz]) for hz in sorted({*left} & {*right})}
    known = {hz: db for hz, db in apart.items() if db is not None}
    masking: dict[int, Ear] = {hz: "left" if db > 0 else "right" for hz, db in known.items() if abs(db) >= MASKING_DB}
    tones = tuple(hz for hz, db in known.items() if abs(db) >= ASYMMETRY_DB)
    one, other = average(left), average(right)
    if isinstance(one, NoAverage) or isinstance(other, NoAverage):
        return Asymmetry(None, None, tones, masking)
    mean = one.db - other.db
    worse: Ear | None = "left" if mean > 0 else "right" if mean < 0 else None
    return Asymmetry(abs(mean), worse, tones, masking)


def _differ(left: Level, right: Level) -> float | None:
    one, other = number(left), number(right)
    return None if one is None or other is None else one - other
