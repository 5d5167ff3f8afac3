"""The five serial formats of Nonin oximeters as the device writes them (protocol sheet nonin, sections 2 to 5).

Made from the maker's tables and never from a decoder of this house; `None` stands for no value, which is 511 for a
rate and 127 for a saturation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from simulators.nonin_finger import Counts, Spot

PACKET = 25
FIRMWARE = 0x2D
ALWAYS, DISCONNECTED, ARTIFACT, OUT_OF_TRACK, ALARM, RED, GREEN = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
"""STATUS of formats 2 and 7."""
NO_RATE, NO_SPO2 = 511, 127


@dataclass(frozen=True, slots=True)
class Moment:
    """What the device knows at one moment, for the formats that say it once."""

    seen: Spot
    shown: Spot
    """For the display: held for 10 s after the finger left."""
    status: int
    """As in formats 2 and 7."""
    battery_low: bool = False
    ready: bool = False
    """SmartPoint: a value of good quality was reached."""


def frames(form: int, status: NDArray[np.uint8], pleth: Counts, floats: NDArray[np.uint8]) -> list[bytes]:
    """Five-byte frames of format 2 or 7."""
    rows = np.zeros((len(status), 5), dtype=np.uint8)
    if form == 2:
        rows[:, 0], rows[:, 1], rows[:, 2] = 1, status, np.minimum(pleth >> 8, 254)
    else:
        rows[:, 0], rows[:, 1], rows[:, 2] = status, pleth >> 8, pleth & 0xFF
    rows[:, 3] = floats
    rows[:, 4] = rows[:, :4].sum(axis=1, dtype=np.int64) & 0xFF
    data = rows.tobytes()
    return [data[i : i + 5] for i in range(0, len(data), 5)]


def float_table(moment: Moment, timer: int = 0) -> bytes:
    """The 25 FLOAT bytes of a packet; TMR and STAT2 exist in the 9560 family only, whose timer is never 0."""
    seen, shown = moment.seen, moment.shown
    rate, slow, spo2 = _pair(seen.rate), _pair(seen.slow_rate), _saturation(seen.spo2)
    shown_rate, shown_slow, shown_spo2 = _pair(shown.rate), _pair(shown.slow_rate), _saturation(shown.spo2)
    stat2 = (0x20 * moment.ready | moment.battery_low) if timer else 0
    return bytes(
        (*rate, spo2, FIRMWARE, 0, timer >> 7 & 0x7F, timer & 0x7F, stat2, shown_spo2, spo2, spo2, 0, 0)
    ) + bytes((*slow, spo2, shown_spo2, 0, 0, *shown_rate, *shown_slow, 0, 0))


def second_1(moment: Moment) -> bytes:
    """The three bytes of format 1."""
    rate = NO_RATE if moment.seen.rate is None else moment.seen.rate
    said = 0x40 * bool(moment.status & DISCONNECTED) | _finger_bits(moment.status)
    return bytes((0x80 | said | rate >> 7, rate & 0x7F, _saturation(moment.seen.spo2)))


def second_8(moment: Moment) -> bytes:
    """The four bytes of format 8: the values are those of the display."""
    rate = NO_RATE if moment.shown.rate is None else moment.shown.rate
    more = 0x20 * moment.ready | 0x08 * bool(moment.status & (ALARM | DISCONNECTED)) | moment.battery_low
    return bytes((0x80 | _finger_bits(moment.status) | rate >> 7, rate & 0x7F, _saturation(moment.shown.spo2), more))


def spot_13(moment: Moment, taken: datetime | None, from_memory: bool = False) -> bytes:
    """One packet of format 13; a clock that was lost stands at zeros."""
    clock = bytes(8) if taken is None else bytes.fromhex(taken.strftime("%Y%m%d%H%M%S") + "00")
    rate = NO_RATE if moment.seen.rate is None else moment.seen.rate
    high = 0x02 * moment.ready | 0x01 * (moment.seen.rate is None)
    data = bytes(
        (
            *clock,
            high,
            0x10 * from_memory | moment.battery_low,
            rate >> 8,
            rate & 0xFF,
            0,
            _saturation(moment.seen.spo2),
        )
    )
    return bytes((0x00, 0x02, 0x00, 0x0D, 0x00, len(data), *data, sum(data) & 0xFF, 0x03))


def _finger_bits(status: int) -> int:
    """OOT, LPRF, MPRF and ARTF where formats 1 and 8 have them."""
    pulse = {RED: 0x10, RED | GREEN: 0x08}.get(status & (RED | GREEN), 0)
    return 0x20 * bool(status & OUT_OF_TRACK) | pulse | 0x04 * bool(status & ARTIFACT)


def _pair(rate: int | None) -> tuple[int, int]:
    """MSB and LSB of seven bits each (the maker's rule, not a shift by eight)."""
    value = NO_RATE if rate is None else rate
    return value >> 7, value & 0x7F


def _saturation(spo2: int | None) -> int:
    return NO_SPO2 if spo2 is None else spo2
