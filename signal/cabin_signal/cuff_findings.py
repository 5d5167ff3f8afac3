"""The words that the analysis of a cuff measurement speaks: what was found, and why not more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cabin_signal.cuff_combined import Interval
from cabin_signal.cuff_deflation import Deflation
from cabin_signal.cuff_estimates import Estimate, Method

Reason = Literal[
    "no-deflation",
    "sampling-too-slow",
    "resolution-too-coarse",
    "samples-lost",
    "clipped",
    "too-few-beats",
    "loose-cuff",
    "tube-occluded",
    "movement",
    "tremor",
    "not-bracketed",
    "implausible",
    "too-long",
    "irregular-pulse",
    "deflation-fast",
    "deflation-slow",
]
"""Why there is no estimate, or why its interval is wide."""


@dataclass(frozen=True, slots=True)
class CuffFindings:
    """The estimate in mmHg and beats per minute; numbers are None where the verdict is "rejected"."""

    verdict: Literal["ok", "rejected"]
    reasons: tuple[Reason, ...] = ()
    """Why it is rejected; of an "ok", why it is less sure than it could be."""
    systolic: float | None = None
    diastolic: float | None = None
    mean: float | None = None
    pulse_rate: float | None = None
    beats: int = 0
    """Oscillations that were accepted."""
    systolic_interval: Interval | None = None
    """Holds the truth nine times in ten."""
    diastolic_interval: Interval | None = None
    estimates: Mapping[Method, Estimate] = field(default_factory=dict)
    """What each method found by itself, before what it is off by is taken out."""
    deflation: Deflation | None = None
    """Known also of a rejected cycle that has a slow fall."""
    irregular: bool | None = None
    """Whether the beats under the cuff came at uneven intervals; None where that cannot be told."""
