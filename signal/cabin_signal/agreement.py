"""Do the pulse in the finger and the heart in the ECG count the same?

Two rates of the same minutes can be compared as they are (`pulse_against_heart`). Where both waveforms were recorded
on one clock, each heart beat is looked up in the finger (`pulses_of_beats`): how late its pulse comes, how much that
wanders, and how many beats reach the finger at all (the pulse deficit of extra beats and of irregular rhythms). A
pulse belongs to the beat 100 to 500 ms before it (clinical.md 2.4).

Everything is of plain lists, to be asked again with every window of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

Verdict = Literal["agree", "near", "differ", "cannot-tell"]
""""differ" is a fact for the doctor (movement, extra beats that reach no finger); both rates are shown."""

NEAREST_S, FARTHEST_S = 0.1, 0.5
"""A pulse comes so long after its heart beat."""
FEWEST_BEATS = 10
"""Beats that must have been judged before anything is said of them."""
LEAST_PART = 0.5
"""... and the part of all beats that they must be."""
WIDEST_MS = 60.0
"""Delays that spread further are those of two clocks, or of chance."""


@dataclass(frozen=True, slots=True)
class RateAgreement:
    """Two rates of the same minutes, per minute."""

    pulse_rate: float
    heart_rate: float
    verdict: Literal["agree", "near", "differ"]


@dataclass(frozen=True, slots=True)
class BeatAgreement:
    """Heart beats and pulses of one stretch, on one clock."""

    verdict: Verdict
    pulse_rate: float | None
    """Per minute, over the stretches in which both could be seen; None where nothing can be told."""
    heart_rate: float | None
    judged: int
    """Heart beats at which the finger could be seen."""
    missing: int
    """Those without a pulse."""
    delay_ms: float | None
    """Median time from the R peak to the systolic peak; None where nothing can be told."""
    spread_ms: float | None
    """Median distance of the delays from their median."""

    @property
    def deficit(self) -> float | None:
        """Heart beats without a pulse, percent; None where nothing can be told."""
        return None if self.verdict == "cannot-tell" else 100 * self.missing / self.judged


Spans = Sequence[tuple[float, float]]
"""Stretches [start, end) in seconds."""


def pulse_against_heart(pulse_rate: float, heart_rate: float) -> RateAgreement:
    """Within 3 /min or 5 % they agree; beyond 5 /min and 10 % they differ; percent are of the heart rate."""
    apart = abs(pulse_rate - heart_rate)
    if apart <= max(3.0, 0.05 * heart_rate):
        return RateAgreement(pulse_rate, heart_rate, "agree")
    return RateAgreement(pulse_rate, heart_rate, "differ" if apart > max(5.0, 0.1 * heart_rate) else "near")


def pairs(beats: Sequence[float], pulses: Sequence[float]) -> list[tuple[int, int | None]]:
    """Each beat's position in `beats` with that of its pulse in `pulses`, None where none came in time.

    Both are times in seconds, in order. A pulse belongs to one beat. Of two beats that it could belong to (a heart
    above 150 a minute, an extra beat) it is that whose delay is nearer to the usual one of these lists.
    """
    first = _in_order(beats, pulses, None)
    delays = [pulses[j] - beats[i] for i, j in first if j is not None]
    return _in_order(beats, pulses, median(delays)) if delays else first


def pulses_of_beats(beats: Sequence[float], pulses: Sequence[float], unseen: Spans = ()) -> BeatAgreement:
    """What the finger made of these heart beats.

    Times in seconds, in order, on one clock; in the stretches `unseen` the pleth (or the ECG) was too poor: beats
    whose pulse would fall there are left out. "cannot-tell" below ten judged beats, where fewer than half could be
    judged, or where the delays have no common value.
    """
    judged = [b for b in beats if not _touches(b, b + FARTHEST_S, unseen)]
    matched = pairs(judged, pulses)
    delays = [1000 * (pulses[j] - judged[i]) for i, j in matched if j is not None]
    missing = len(judged) - len(delays)
    enough = len(judged) >= max(FEWEST_BEATS, LEAST_PART * len(beats))
    usual = median(delays) if delays else None
    spread = median(abs(d - usual) for d in delays) if usual is not None else None
    rates = _rates(judged, matched, unseen)
    if not enough or rates is None or spread is None or spread > WIDEST_MS:
        return BeatAgreement("cannot-tell", None, None, len(judged), missing, None, None)
    verdict = pulse_against_heart(*rates).verdict
    return BeatAgreement(verdict, *rates, len(judged), missing, usual, spread)


def _in_order(beats: Sequence[float], pulses: Sequence[float], usual: float | None) -> list[tuple[int, int | None]]:
    matched: list[tuple[int, int | None]] = []
    j = 0
    for i, beat in enumerate(beats):
        while j < len(pulses) and pulses[j] < beat + NEAREST_S:
            j += 1
        fits = j < len(pulses) and pulses[j] <= beat + FARTHEST_S
        if fits and not _is_of_next(pulses[j], beat, beats[i + 1] if i + 1 < len(beats) else None, usual):
            matched.append((i, j))
            j += 1
        else:
            matched.append((i, None))
    return matched


def _is_of_next(pulse: float, beat: float, following: float | None, usual: float | None) -> bool:
    """Whether a pulse that could be this beat's is rather the next one's."""
    if following is None or pulse < following + NEAREST_S:
        return False
    return usual is None or abs(pulse - following - usual) < abs(pulse - beat - usual)


def _rates(
    beats: Sequence[float], matched: Sequence[tuple[int, int | None]], unseen: Spans
) -> tuple[float, float] | None:
    """(pulse, heart) per minute over the time between neighbouring beats that were both judged."""
    steps = [
        (matched[i + 1][1] is not None, after - before)
        for i, (before, after) in enumerate(pairwise(beats))
        if not _touches(before, after, unseen)
    ]
    seconds = sum(step for _, step in steps)
    return (60 * sum(seen for seen, _ in steps) / seconds, 60 * len(steps) / seconds) if seconds > 0 else None


def _touches(start: float, end: float, spans: Spans) -> bool:
    return any(a < end and start < b for a, b in spans)
