"""The waveform around each beat, as the judgement of a rhythm needs it: cut out live, on one grid for every rate.

Path of rhythm monitoring, 0.5 to 40 Hz. Of each beat half a second is kept in steps of 8 ms: enough for a QRS of any
width and for the P wave before it.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples, Sections, high_pass, low_pass
from cabin_signal.stretch import Bridge, Stretch

STEP_S = 0.008
"""Between two values of a wave."""
BEFORE, AFTER = 32, 32
"""Values before the R peak, and from it on."""
DELAY_S = 0.008
"""Of the filters, about; all beats are shifted alike."""
LATEST_S = 4.0
"""A beat that has no wave by then has none."""

Wave = Samples
"""BEFORE + AFTER values in mV around one R peak."""


class BeatWaves:
    """Cuts waves out of one lead; memory of some seconds."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, above 80."""
        self._fs = fs
        self._bridge = Bridge()
        self._path = Sections(high_pass(2, 0.5, fs) + low_pass(4, 40, fs))
        self._kept = Stretch(int((LATEST_S + 3) * fs))
        self._grid = np.arange(-BEFORE, AFTER) * STEP_S * fs + DELAY_S * fs

    def update(self, x: Samples) -> None:
        """The newest samples in mV, at most a second; NaN are holes."""
        self._kept.append(self._path.update(self._bridge.update(x)[0]))

    def cut(self, at: int, now: int) -> Wave | None:
        """The wave of the beat at sample `at`, as known at sample `now`; None when not all of it is (yet) there."""
        first, last = at + int(np.floor(self._grid[0])), at + int(np.ceil(self._grid[-1]))
        if first < 0 or last >= now or now - at > LATEST_S * self._fs:
            return None
        piece = self._kept.window(first, last + 1)
        return (
            np.interp(at + self._grid, np.arange(first, last + 1), piece) if len(piece) == last + 1 - first else None
        )
