"""An ECG in counts of unknown size: brought to the height of its own beats, so that its beats can be found.

The analysis knows what is flat, noisy or railed in millivolts. Where nobody can say how many counts one has, the
usual beat is taken to be one millivolt high: true enough to find beats and to tell noise from them, and nothing else.
No amplitude that follows from it may be told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE_UNKNOWN = "scale-unknown"
"""Code of the wording catalogues: a note of the strip, and why its intervals have no value."""
WINDOW_S = 2.0
"""Holds a beat of every heart above 30 a minute."""


def relative(channels: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """`channels` (n, samples) in units of each one's own usual beat, around 0; NaN stays, and flat stays flat."""
    return np.array([_relative(row, round(WINDOW_S * rate)) for row in channels]).reshape(channels.shape)


def _relative(row: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    pieces = [row[start : start + window] for start in range(0, len(row), window)]
    heights = [float(np.ptp(known)) for piece in pieces if len(known := piece[~np.isnan(piece)])]
    usual = float(np.median(heights)) if heights else 0.0
    return (row - np.nanmedian(row)) / usual if usual > 0 else row * 0.0
