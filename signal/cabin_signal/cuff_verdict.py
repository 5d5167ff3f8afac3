"""Does the raw cuff pressure support what the instrument says? Agrees, disagrees, or cannot tell, and why.

The instrument's value stays the value of record, whatever comes out here: our own estimate is a check with an
uncertainty of its own (clinical reference, first finding). So it disagrees only where the instrument lies outside of
our 90 % interval by more than what a validated instrument may be off by, and says that it cannot tell where there is
no estimate, or where the value lies between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cabin_signal.cuff import CuffFindings, Reason
from cabin_signal.cuff_combined import Interval

Verdict = Literal["agrees", "disagrees", "cannot-tell"]

Why = Literal[
    "systolic-outside", "diastolic-outside", "mean-outside", "pulse-rate-differs", "pulse-heart-differ", "near-edge",
    "interval-wide",
]  # fmt: skip
"""What the instrument's values and ours differ in, or why they cannot be compared; or a `cuff.Reason`."""

ALLOWED_MMHG = 8.0
"""Standard deviation that ISO 81060-2 allows an instrument."""
WIDEST_MMHG = 22.0
"""Half of an interval that any value would lie in."""
RATE_APART, RATE_PART = 5.0, 0.1
"""Two rates of the same minute differ beyond both, /min and part of one of them (clinical reference 1.10)."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the instrument says, mmHg and beats per minute; None for what it does not say."""

    systolic: float
    diastolic: float
    mean: float | None = None
    pulse_rate: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceVerdict:
    """The verdict with its reasons; "agrees" can have some too: an irregular pulse, a deflation that was fast."""

    verdict: Verdict
    reasons: tuple[Why | Reason, ...] = ()


def device_verdict(stated: Stated, ours: CuffFindings, heart_rate: float | None = None) -> DeviceVerdict:
    """The instrument's values against ours; `heart_rate` is the ECG's of the same visit, if there is one."""
    rates = _rates(stated.pulse_rate, ours, heart_rate)
    if ours.systolic_interval is None or ours.diastolic_interval is None or ours.mean is None:
        return DeviceVerdict("disagrees" if rates else "cannot-tell", (*rates, *ours.reasons))
    high, low = ours.systolic_interval, ours.diastolic_interval
    wide = max(high.half, low.half)
    if wide > WIDEST_MMHG:
        return DeviceVerdict("disagrees" if rates else "cannot-tell", (*rates, "interval-wide", *ours.reasons))
    outside: list[tuple[Why, float]] = [
        ("systolic-outside", _beyond(stated.systolic, high)),
        ("diastolic-outside", _beyond(stated.diastolic, low)),
        ("mean-outside", 0.0 if stated.mean is None else abs(stated.mean - ours.mean) - wide),
    ]
    far: list[Why] = [why for why, by in outside if by > ALLOWED_MMHG]
    if far or rates:
        return DeviceVerdict("disagrees", (*far, *rates, *ours.reasons))
    if any(by > 0 for _, by in outside):
        return DeviceVerdict("cannot-tell", ("near-edge", *ours.reasons))
    return DeviceVerdict("agrees", ours.reasons)


def _beyond(value: float, interval: Interval) -> float:
    """How far a value lies outside of an interval, mmHg; 0 inside."""
    return max(interval.low - value, value - interval.high, 0.0)


def _rates(pulse: float | None, ours: CuffFindings, heart: float | None) -> tuple[Why, ...]:
    """Which rates of the same minutes differ; beats that are uneven have no one rate."""
    if pulse is None or ours.irregular:
        return ()
    said: list[tuple[Why, float | None]] = [("pulse-rate-differs", ours.pulse_rate), ("pulse-heart-differ", heart)]
    return tuple(why for why, other in said if other is not None and _apart(pulse, other))


def _apart(a: float, b: float) -> bool:
    return not abs(a - b) <= max(RATE_APART, RATE_PART * b)
