"""How much of a lead is mains hum."""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples, Sections, notch


class MainsMeter:
    """Takes 50 and 60 Hz out with notches and hands back what they took."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; a mains frequency that this rate cannot show is left out."""
        self._notches = [Sections(notch(hertz, 5, fs)) for hertz in (50.0, 60.0) if hertz < 0.45 * fs]

    def update(self, x: Samples) -> Samples:
        """The hum in `x`, the larger of the two mains, as long as `x`, in its unit, rectified."""
        hum: Samples = np.zeros(len(x))
        for one in self._notches:
            hum = np.maximum(hum, np.abs(x - one.update(x)))
        return hum
