"""How far each second of a lead can be trusted, and why not further.

Simple, explainable rules of the kind of the CinC 2011 challenge: what the agent or the nurse can do something about
gets a word of its own. Limits are in mV.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples, Sections, low_pass
from cabin_signal.findings import QualitySpan, grade_of
from cabin_signal.mains import MainsMeter
from cabin_signal.stretch import Bridge, Stretch

FLAT_MV = 0.05
"""Less than this from top to bottom in a second is no ECG."""
RAIL_MV = 3.0
"""An amplifier's rail is not nearer to zero."""
RAIL_PART = 0.1
"""Part of a second at one extreme value that is saturation."""
HUM_MV, MUCH_HUM_MV = 0.1, 0.5
"""Mean rectified mains that hurts, and that spoils."""
DRIFT_MV, MUCH_DRIFT_MV = 1.0, 4.0
"""Range of the baseline in a second that hurts, and that spoils."""
UNCLEAR, LOST = 0.65, 0.45
"""Clearness below which movement hurts, and spoils."""
PAUSE_S = 3.0
"""Longest time without a beat."""


class EcgQuality:
    """Grades one second after the other; its filters run once a second, when the second is complete."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._fs = fs
        self._bridge = Bridge()
        self._mains = MainsMeter(fs)
        self._baseline = Sections(low_pass(2, 1.0, fs))
        self._raw = Stretch(int(np.ceil(fs)))
        self._last_beat = 0

    def update(self, block: Samples) -> None:
        """The newest samples in mV, NaN where there are none; at most what is left of the second."""
        self._raw.append(block)

    def beat(self, sample: int) -> None:
        """There is a beat at `sample`."""
        self._last_beat = sample

    def grade(self, start: int, end: int, clearness: float | None) -> QualitySpan:
        """The grade of samples [start, end), which follow those graded before; `clearness` as the detector has it."""
        raw = self._raw.window(start, end)
        x, _ = self._bridge.update(raw)
        hum, drift = float(np.mean(self._mains.update(x))), float(np.ptp(self._baseline.update(x)))
        if off := _contact(raw):
            return QualitySpan(start, end, "bad", tuple(off), 0.0)
        spoiling, hurting = _disturbed(hum, drift, clearness)
        if end - self._last_beat > PAUSE_S * self._fs:
            spoiling.add("no-beats")
        elif clearness is None:
            hurting.add("no-beats")  # nothing is good before the first beat was seen
        grade = grade_of(spoiling, hurting)
        score = 0.0 if grade == "bad" and clearness is None else clearness
        return QualitySpan(start, end, grade, tuple(sorted(spoiling | hurting)), score)


def _disturbed(hum: float, drift: float, clearness: float | None) -> tuple[set[str], set[str]]:
    """What spoils, and what hurts."""
    clear = 1.0 if clearness is None else clearness
    # Beats that do not stand out of hum are the hum's doing: the agent is not told to keep still for it.
    unclear = "mains" if hum > HUM_MV else "movement"
    spoils, hurts = clear < LOST, clear < UNCLEAR
    spoiling = {
        word
        for word, much in (("mains", hum > MUCH_HUM_MV), ("movement", drift > MUCH_DRIFT_MV), (unclear, spoils))
        if much
    }
    hurting = {
        word for word, some in (("mains", hum > HUM_MV), ("movement", drift > DRIFT_MV), (unclear, hurts)) if some
    }
    return spoiling, hurting


def _contact(raw: Samples) -> set[str]:
    """What is wrong where the electrode gives no ECG at all."""
    real = raw[np.isfinite(raw)]
    if len(real) < 0.8 * len(raw):
        return {"electrode-off"}
    if _at_rail(real):
        return {"saturation"}
    return {"flat"} if float(np.ptp(real)) < FLAT_MV else set()


def _at_rail(real: Samples) -> bool:
    most = RAIL_PART * len(real)
    top, bottom = float(real.max()), float(real.min())
    at_top = abs(top) > RAIL_MV and int(np.sum(real == top)) > most
    return at_top or (abs(bottom) > RAIL_MV and int(np.sum(real == bottom)) > most)
