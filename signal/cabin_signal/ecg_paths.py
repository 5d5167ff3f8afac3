"""The two ways of an ECG: one to count and look at, one to measure on. Both are causal and keep their state.

The high-pass decides what may be measured. After the test pulse of IEC 60601-2-25 (3 mV for 100 ms) a corner of
0.5 Hz leaves an undershoot of a millivolt, which in a patient is a depressed ST segment and a T wave that ends
elsewhere; 0.05 Hz of first order leaves 0.092 mV, within the limit of 0.1 mV (clinical.md 3.2). Hence no ST and no QT
from the rhythm path: `intervals.measure` takes raw millivolts and filters them by itself.
"""

from __future__ import annotations

import math

import numpy as np

from cabin_signal.filters import Samples, Section, Sections, high_pass, low_pass
from cabin_signal.mains import HIGHEST, MainsRemover
from cabin_signal.stretch import Bridge

RHYTHM_HZ = (0.5, 40.0)
MEASUREMENT_HZ = (0.05, 150.0)


class MeasurementPath:
    """0.05 to 150 Hz, without mains: for amplitudes and intervals.

    Neither corner is steeper than first order: a second-order low-pass would itself undershoot the pulse by 4 %.
    """

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; where it is too low for 150 Hz, it is the upper limit itself."""
        self._bridge, self._mains = Bridge(), MainsRemover(fs)
        self._band = Sections(high_pass(1, MEASUREMENT_HZ[0], fs) + _upper(fs))

    def update(self, block: Samples) -> Samples:
        """The block (mV, NaN where there is none) through the path, as long as the block; NaN stays NaN."""
        bridged, real = self._bridge.update(self._mains.update(block))
        passed = self._band.update(bridged)
        passed[~real] = float("nan")
        return passed


def whole_strip(channel: Samples, fs: float) -> Samples:
    """A recorded strip (mV, NaN where there is none) for measurement: 0 to 150 Hz, without mains.

    There is no high-pass: even 0.05 Hz lets the line droop by 10 microvolts after a T wave, which moves the end of T
    by 2 ms. In a recording a line through the PR levels takes out the drift without that (`median_beat`).
    """
    bridged, real = Bridge().update(MainsRemover(fs).update(channel))
    passed = Sections(_upper(fs)).update(bridged) if _upper(fs) else bridged
    return np.where(real, passed, np.nan)


def _upper(fs: float) -> list[Section]:
    """To 150 Hz without overshoot: first order, or below four times that, where its pole would ring, three taps."""
    high = MEASUREMENT_HZ[1]
    if high >= HIGHEST * fs:
        return []
    if fs > 4 * high:
        return low_pass(1, high, fs)
    side = (1 - math.sqrt(0.5)) / (2 - 2 * math.cos(2 * math.pi * high / fs))
    return [(side, 1 - 2 * side, side, 1.0, 0.0, 0.0)]


class RhythmPath:
    """0.5 to 40 Hz: a steady line to watch and to count on. Its ST and T are not those of the heart."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; ValueError where it is 80 or less."""
        low, high = RHYTHM_HZ
        self._bridge = Bridge()
        self._band = Sections(high_pass(1, low, fs) + low_pass(2, high, fs))

    def update(self, block: Samples) -> Samples:
        """The block (mV, NaN where there is none) through the path, as long as the block; NaN stays NaN."""
        bridged, real = self._bridge.update(block)
        passed = self._band.update(bridged)
        passed[~real] = float("nan")
        return passed
