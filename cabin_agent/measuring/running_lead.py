"""The best lead of an ECG, analysed while it runs: which lead that is may change, the cost of one lead stays.

The analysis of a second takes well under a millisecond; it is done once a second and not at every block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cabin_signal.ecg import SLOWEST_HZ, EcgFindings, EcgStream
from drivers.events import Wave

RATE_LEADS = ("II", "I", "V5", "V2", "V4", "V3", "V6", "V1")
"""Leads that the rate is counted on, the best first."""
STEP_S = 1.0
LONGEST_HOLE_S = 2.0
"""After a longer hole a strip, and its analysis, begin anew."""
AGED_S = 4.0
"""A rate is as old as its last beat; one older than this is no longer the present one."""


def off(wave: Wave) -> frozenset[str]:
    """The channels of this block whose electrode is off: the amplifier says so, or stands at its rail."""
    return frozenset(flag.partition(":")[2] for flag in wave.flags if flag.startswith(("railed:", "lead-off:")))


class RunningLead:
    """Findings on the best lead, a second at a time, from blocks as they come."""

    def __init__(self) -> None:
        self._lead = ""
        self._rate = 1.0
        self._stream: EcgStream | None = None
        self._parts: list[NDArray[np.float64]] = []
        self._held = 0
        self._expected: int | None = None
        self._seen = 0
        """Samples that the present analysis was given."""
        self._bpm, self._beat_s = 0.0, -AGED_S

    def heard(self, wave: Wave) -> EcgFindings | None:
        """Take one block; findings whenever another second is full. Below 100 Hz, or not in mV, there are none."""
        if wave.rate < SLOWEST_HZ or wave.unit != "mV":
            return None
        hole = 0 if self._expected is None else wave.index - self._expected
        self._expected = wave.index + len(wave.samples)
        lead = self._best(wave)
        same = (lead, wave.rate) == (self._lead, self._rate) and 0 <= hole <= LONGEST_HOLE_S * wave.rate
        if self._stream is None or not same:
            self._stream, hole = self._begin(lead, wave.rate), 0
        self._hold(np.full(hole, np.nan))
        self._hold(self._samples(wave))
        return self._analysed(self._stream) if self._held >= STEP_S * wave.rate else None

    @property
    def heart_rate(self) -> float | None:
        """Beats per minute over the last ten seconds; None where no beat was found lately."""
        return self._bpm if self._beat_s >= 0 and self._seen / self._rate - self._beat_s <= AGED_S else None

    def _begin(self, lead: str, rate: float) -> EcgStream:
        self._lead, self._rate = lead, rate
        self._parts, self._held, self._seen = [], 0, 0
        self._beat_s = -AGED_S
        return EcgStream(rate)

    def _best(self, wave: Wave) -> str:
        """The lead analysed so far as long as its electrode is on; else the best that is on."""
        lost = off(wave)
        if self._lead in wave.channels and self._lead not in lost:
            return self._lead
        there = [name for name in RATE_LEADS if name in wave.channels and name not in lost]
        return there[0] if there else self._lead or wave.channels[0]

    def _samples(self, wave: Wave) -> NDArray[np.float64]:
        if self._lead in off(wave):
            return np.full(len(wave.samples), np.nan)
        column = wave.channels.index(self._lead)
        return np.asarray([row[column] for row in wave.samples], dtype=np.float64)

    def _hold(self, part: NDArray[np.float64]) -> None:
        self._parts.append(part)
        self._held += len(part)

    def _analysed(self, stream: EcgStream) -> EcgFindings:
        findings = stream.update(np.concatenate(self._parts))
        self._seen += self._held
        self._parts, self._held = [], 0
        for point in findings.heart_rate:
            self._bpm, self._beat_s = point.bpm, point.t
        return findings
