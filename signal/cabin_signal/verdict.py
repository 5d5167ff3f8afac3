"""One verdict for each measure from everything known of it: a table of rules, and a function that reads it.

Whatever an analysis, a repeat, a limit or another instrument says of a measure is a `Fact`: a word and its figures.
`RULES` says of each word how much it weighs and what cures it, the most curable first: the order in which causes are
told. The words are codes; the sentences that the agent and the doctor read are made of them elsewhere.
Source: clinical reference 8.2 to 8.5: repeat before any flag, never dropped silently, facts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MeasureName = Literal[
    "weight", "height", "bmi", "spo2", "pulse_rate", "heart_rate", "temperature", "blood_pressure",
    "blood_pressure_mean", "ecg", "hearing",
]  # fmt: skip
"""What can be judged; "ecg" is the strip with its rhythm."""

Verdict = Literal["accepted", "accepted-with-doubt", "repeat", "refused"]
"""In the order in which one outweighs the other."""
VERDICTS: tuple[Verdict, ...] = ("accepted", "accepted-with-doubt", "repeat", "refused")

Weight = Literal["note", "doubt", "once", "hard"]
"""note: told, and weighs nothing. doubt: the value stands, doubted. once: measured again, and if that is no longer
possible the value stands, doubted. hard: measured again, and if that is no longer possible there is no value."""

OUTCOME: Mapping[Weight, tuple[Verdict, Verdict]] = {
    "note": ("accepted", "accepted"),
    "doubt": ("accepted-with-doubt", "accepted-with-doubt"),
    "once": ("repeat", "accepted-with-doubt"),
    "hard": ("repeat", "refused"),
}
"""What a weight leads to while the measure can be repeated, and when it cannot."""

Action = Literal[
    "insert-finger", "press-electrodes", "seat-cuff", "step-on", "come-closer", "hold-still", "cover-sensor",
    "warm-hand", "move-phone", "lower-arm", "rest", "close-door", "press-when-heard", "measure-again", "call-nurse",
]  # fmt: skip
"""The one thing to do before measuring again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    action: Action
    weight: Weight = "hard"
    figures: tuple[str, ...] = ()
    """Names of the figures that belong to the word, all of them or none; "percent" is of the recording's time."""


_SHARE = ("percent",)
_INTERVALS = ("systolic_low", "systolic_high", "diastolic_low", "diastolic_high")

RULES: Mapping[str, Rule] = {
    # Not in contact: at once curable, and everything else follows from it.
    "finger-out": Rule("insert-finger", figures=_SHARE),
    "no-pulse": Rule("insert-finger"),
    "out-of-track": Rule("insert-finger"),
    "electrode-off": Rule("press-electrodes", figures=_SHARE),
    "saturation": Rule("press-electrodes", figures=_SHARE),
    "flat": Rule("press-electrodes", figures=_SHARE),
    "loose-cuff": Rule("seat-cuff"),
    "tube-occluded": Rule("seat-cuff", "doubt"),
    "not-bracketed": Rule("lower-arm"),
    "nobody": Rule("step-on"),
    "tare": Rule("step-on", "once", ("empty",)),
    "too-far": Rule("come-closer"),
    # Disturbed.
    "movement": Rule("hold-still", figures=_SHARE),
    "tremor": Rule("hold-still", "doubt"),
    "unstable": Rule("hold-still", figures=("spread",)),
    "ambient-light": Rule("cover-sensor", figures=_SHARE),
    "low-perfusion": Rule("warm-hand", figures=_SHARE),
    "weak-pulse": Rule("warm-hand"),
    "mains": Rule("move-phone", figures=_SHARE),
    "no-beats": Rule("press-electrodes", figures=_SHARE),
    "too-few-beats": Rule("hold-still"),
    # Circumstances.
    "rest-short": Rule("rest", "doubt", ("rest",)),
    "ambient": Rule("close-door", "doubt"),
    "ambient-out-of-range": Rule("close-door", "doubt"),
    "ambient-changed": Rule("close-door", "doubt"),
    # Repeats and limits.
    "readings-differ": Rule("hold-still", "once", ("spread", "tolerance")),
    "unusual": Rule("measure-again", "once"),
    "confirmed": Rule("measure-again", "note"),
    "above": Rule("measure-again", "note", ("limit",)),
    "below": Rule("measure-again", "note", ("limit",)),
    "pressure-above": Rule("measure-again", "note"),
    "implausible": Rule("measure-again"),
    "too-few": Rule("measure-again"),
    "mixed": Rule("measure-again"),
    "lost-samples": Rule("measure-again", "doubt"),
    # Crossed with something else.
    "disagree": Rule("measure-again", "doubt"),
    "cuff-disagrees": Rule("seat-cuff", "doubt", _INTERVALS),
    "cuff-agrees": Rule("seat-cuff", "note", _INTERVALS),
    "cuff-cannot-tell": Rule("seat-cuff", "note"),
    "pulse-heart-differ": Rule("hold-still", "doubt", ("pulse", "heart")),
    "pulse-deficit": Rule("hold-still", "doubt", ("percent_of_beats",)),
    "pulse-delay": Rule("measure-again", "note", ("delay",)),
    "rhythm-irregular-cuff": Rule("rest", "doubt"),
    "rhythm-irregular": Rule("measure-again", "note"),
    "rhythm-unanalysable": Rule("hold-still", "doubt"),
    "rhythm-extra-beats": Rule("measure-again", "note", ("extra",)),
    "rhythm-every-other-beat": Rule("measure-again", "note", ("extra",)),
    "rhythm-p-wave": Rule("measure-again", "note"),
    "rhythm-no-p-wave": Rule("measure-again", "note"),
    # A pressure whose numbers cannot stand together, and why our own look at the cuff cannot tell.
    "systolic": Rule("measure-again"),
    "diastolic": Rule("measure-again"),
    "pulse-pressure": Rule("measure-again"),
    "mean-outside": Rule("measure-again"),
    "pulse-rate": Rule("measure-again"),
    "too-long": Rule("lower-arm", "doubt"),
    "clipped": Rule("measure-again", "note"),
    "irregular-pulse": Rule("rest", "doubt"),
    "deflation-fast": Rule("seat-cuff", "note"),
    "deflation-slow": Rule("seat-cuff", "note"),
    "no-deflation": Rule("measure-again", "note"),
    "samples-lost": Rule("measure-again", "note"),
    "sampling-too-slow": Rule("call-nurse", "note"),
    "resolution-too-coarse": Rule("call-nurse", "note"),
    # Hearing.
    "false-answers": Rule("press-when-heard", figures=("answered", "silences")),
    "false-answers-some": Rule("press-when-heard", "doubt", ("answered", "silences")),
    "retest-differs": Rule("press-when-heard", figures=("apart",)),
    "retest-near": Rule("press-when-heard", "doubt", ("apart",)),
    "unfamiliar": Rule("press-when-heard", "doubt"),
    "undecided": Rule("press-when-heard", "doubt"),
    "room-noise": Rule("close-door", "doubt"),
    "sound-broken": Rule("measure-again", "doubt"),
    "time-over": Rule("measure-again", "doubt"),
    "room-unwatched": Rule("close-door", "note"),
    "retest-missing": Rule("measure-again", "note"),
    "catch-trials-few": Rule("measure-again", "doubt"),
    "not-tested": Rule("measure-again", "doubt"),
    "masking-needed": Rule("call-nurse", "doubt", ("hz",)),
    "asymmetry": Rule("call-nurse", "note", ("apart",)),
    "levels-relative": Rule("call-nurse", "note"),
    # The instrument.
    "calibration-due": Rule("call-nurse", "doubt"),
    "no-reason-given": Rule("measure-again"),
    # Why an interval of the ECG is not stated: the strip is none the worse for it.
    "few-beats": Rule("hold-still", "note"),
    "noise": Rule("hold-still", "note"),
    "no-p": Rule("measure-again", "note"),
    "no-qrs": Rule("measure-again", "note"),
    "t-small": Rule("measure-again", "note"),
    "t-unseen": Rule("measure-again", "note"),
    "unsteady": Rule("hold-still", "note"),
    "rate-unstable": Rule("measure-again", "note"),
    "out-of-range": Rule("measure-again", "note"),
}
"""Word -> rule, the most curable first."""

CUFF = Rule("seat-cuff", "note")
"""What else our own look at the cuff pressure says, "cuff-...": the instrument's value stands without it."""
UNKNOWN = Rule("measure-again", "doubt")
"""A word that the table does not have: told as it is, and doubted."""

ALIASES: Mapping[MeasureName, Mapping[str, str]] = {
    "spo2": {"saturation": "ambient-light"},
    "pulse_rate": {"saturation": "ambient-light"},
    "blood_pressure": {"disagree": "cuff-disagrees"},
    "blood_pressure_mean": {"disagree": "cuff-disagrees"},
}
"""Where one word has another cause at this instrument: light drives a pleth to its rail, a loose electrode an ECG."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a measure."""

    word: str
    figures: Mapping[str, float] = field(default_factory=dict)
    hurts: bool = False
    """True where it only hurt the value, and weighs no more than a doubt."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The verdict on one measure."""

    measure: MeasureName
    verdict: Verdict
    facts: tuple[Fact, ...]
    """Why, the most curable first; those that weigh nothing come last."""
    action: Action | None
    """What to do before measuring again; None where the value is accepted."""

    @property
    def causes(self) -> tuple[Fact, ...]:
        """The facts that made the verdict worse than accepted."""
        return tuple(fact for fact in self.facts if weight_of(fact) != "note")


def fuse(measure: MeasureName, facts: Iterable[Fact], *, again: bool = False) -> Fused:
    """The verdict from all facts; `again`: the measure can still be repeated."""
    kept = {fact.word: fact for fact in (_named(measure, each) for each in facts)}
    ordered = tuple(sorted(kept.values(), key=_place))
    verdicts: list[Verdict] = [OUTCOME[weight_of(fact)][0 if again else 1] for fact in ordered]
    worst: Verdict = max(verdicts, key=VERDICTS.index, default="accepted")
    causes = [fact for fact, verdict in zip(ordered, verdicts, strict=True) if verdict != "accepted"]
    return Fused(measure, worst, ordered, rule_of(causes[0].word).action if causes else None)


def refused(measure: MeasureName, fact: Fact) -> Fused:
    """What is said of a measure that gave no value for the reason of `fact`."""
    named = _named(measure, fact)
    return Fused(measure, "refused", (named,), rule_of(named.word).action)


def rule_of(word: str) -> Rule:
    """The line of the table for a word."""
    return RULES.get(word, CUFF if word.startswith("cuff-") else UNKNOWN)


def weight_of(fact: Fact) -> Weight:
    """How much a fact weighs."""
    weight = rule_of(fact.word).weight
    return "doubt" if fact.hurts and weight in ("once", "hard") else weight


def _named(measure: MeasureName, fact: Fact) -> Fact:
    word = ALIASES.get(measure, {}).get(fact.word, fact.word)
    return Fact(word, fact.figures, fact.hurts)


_ORDER = {word: number for number, word in enumerate(RULES)}


def _place(fact: Fact) -> tuple[bool, int, str]:
    return weight_of(fact) == "note", _ORDER.get(fact.word, len(_ORDER)), fact.word
