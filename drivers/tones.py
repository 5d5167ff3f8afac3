"""The samples of a test tone: pure, as they go to the sound card.

IEC 60645-1 (clinical reference 5.2): rise and fall of 20 to 50 ms without a jump, here raised cosines of 35 ms;
pulsed tones 225 ms on and 225 ms off. Stereo, left first, 48 kHz, 32 bits little-endian of which a card
plays 24. A tone is dithered in its own ear; the other ear, and every silence, is digital silence.
"""

from __future__ import annotations

from typing import Literal

RATE = 48_000
"""Frames per second."""
FRAME = 8
"""Bytes of one frame: two samples."""
RAMP_S = 0.035
PULSE_S = 0.225
FULL_SCALE = 2**31 - 1
DITHER = 2.0**-23
"""One step of 24 bits, in parts of full scale."""


def silence(seconds: float) -> bytes:
    """So long nothing at all."""
    return bytes(frames(seconds) * FRAME)


def frames(seconds: float) -> int:
    """Frames of a duration."""
    return round(seconds * RATE)


def tone(ear: Literal["left", "right"], hz: float, dbfs: float, seconds: float, *, pulsed: bool = False) -> bytes:
    """A tone of `dbfs` (its peak, against full scale) in one ear; a level above 0 raises ValueError."""
    import numpy as np

    if dbfs > 0:
        raise ValueError("a tone louder than full scale")
    count = frames(seconds)
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz / RATE * np.arange(count)) * _envelope(count, pulsed)
    # The same noise each time: a capture that is played again is the same to the byte.
    chance = np.random.default_rng(60645)
    wave += DITHER * (chance.random(count) - chance.random(count))
    stereo = np.zeros((count, 2), "<i4")
    stereo[:, 0 if ear == "left" else 1] = np.clip(np.rint(wave * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
    return stereo.tobytes()


def _envelope(count: int, pulsed: bool):  # type: ignore[no-untyped-def]  # numpy is loaded inside only
    """From 0 to 1 and back, once or in pulses that are each played whole."""
    import numpy as np

    on = frames(PULSE_S) if pulsed else count
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames(RAMP_S)) / frames(RAMP_S))
    pulse = np.ones(on)
    pulse[: len(rise)] = rise
    pulse[on - len(rise) :] = np.minimum(pulse[on - len(rise) :], rise[::-1])
    out = np.zeros(count)
    for start in range(0, count - on + 1, 2 * on):
        out[start : start + on] = pulse
    return out
