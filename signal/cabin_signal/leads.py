"""Twelve leads from the eight that a recorder measures (Einthoven's law and Goldberger's leads)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MEASURED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the eight measured channels."""
TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the twelve leads."""


def twelve_leads(eight: ArrayLike) -> NDArray[np.float64]:
    """Twelve leads (12, n) in the order of `TWELVE` from eight channels (8, n) in the order of `MEASURED`.

    Samples of a channel that is off are NaN; what is derived from them is NaN too, and the rest stays.
    ValueError for any other shape.
    """
    measured = np.asarray(eight, dtype=np.float64)
    if measured.ndim != 2 or measured.shape[0] != len(MEASURED):
        raise ValueError(f"twelve leads need 8 rows (I, II, V1 to V6), not an array of shape {measured.shape}")
    one, two = measured[0], measured[1]
    limb = np.stack((one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2))
    return np.concatenate((limb, measured[2:]))
