"""How loud a room may be while a tone is listened for: the gate of a hearing test outside a booth.

Levels of third-octave bands in dB re 20 µPa at the listener. Permitted levels: ISO 8253-1 for tones from 500 Hz on
(250 and 125 Hz: for those lowest tones) at 0 dB HL under supra-aural phones, as clinical reference 5.5 has them
**from memory: unconfirmed**. Another earphone is allowed its own attenuation in place of that of the TDH 39, and a
louder tone as much more noise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

PERMITTED_DB: Mapping[int, float] = {
    125: 28.0, 250: 19.0, 500: 18.0, 750: 20.0, 1000: 23.0, 1500: 27.0, 2000: 30.0, 3000: 34.0, 4000: 36.0,
    6000: 34.0, 8000: 33.0,
}  # fmt: skip
"""Tone in Hz -> level of its band; of 750, 1500, 3000 and 6000 Hz that of the nearest standard band."""
TDH39_DB: Mapping[int, float] = {125: 3, 250: 5, 500: 7, 1000: 15, 2000: 26, 4000: 32, 8000: 24}
"""Attenuation under which the permitted levels hold (Interacoustics AC40 manual, page 14)."""


def permitted_db(hz: int, level_db: float, attenuation: Mapping[int, float]) -> float:
    """Loudest band around `hz` in which a tone of `level_db` may be listened for; no attenuation known: TDH 39's."""
    phones = _at(hz, attenuation) if attenuation else _at(hz, TDH39_DB)
    return PERMITTED_DB[hz] + phones - _at(hz, TDH39_DB) + max(0.0, level_db)


def too_loud(hz: int, level_db: float, heard_db: float | None, attenuation: Mapping[int, float]) -> bool:
    """Whether a trial says nothing because of the room; a room that nobody measures is never too loud."""
    return heard_db is not None and heard_db > permitted_db(hz, level_db, attenuation)


def _at(hz: int, table: Mapping[int, float]) -> float:
    """Between two frequencies, on the scale of pitch."""
    known = sorted(table)
    return float(np.interp(np.log2(hz), np.log2(known), [table[each] for each in known]))
