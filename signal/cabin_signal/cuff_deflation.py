"""How a cuff is let down: the slow fall in the recording, how fast it is, and the steps of a valve taken out.

At 2 to 3 mmHg a second, or a beat, the crossings are read to a few mmHg; faster, and the beats lie too far apart;
much slower, and the veins fill up below the cuff (clinical reference 1.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cabin_signal.filters import Samples

EMPTY_MMHG, LEAST_PEAK_MMHG, LEAST_FALL_MMHG = 15.0, 60.0, 40.0
SHORTEST_S, FEWEST_SAMPLES = 5.0, 10
DUMP_MMHG_S = 15.0
"""A cuff that empties faster is being opened, not measured."""
BUMP_S = 2.0
"""An arm that pushed comes back to where the pressure was within so long; that is no opening."""
FAST_MMHG_S, SLOW_MMHG_S = 5.0, 1.5
FAST_MMHG_BEAT = 6.0
STEP_S, LEAST_STEP_MMHG = 0.2, 3.0
STEEPER = 1.3
"""A pulse climbs faster than it runs off: a fall steeper than this many of the climbs around it is the valve's."""
AROUND_S = 2.0
STIRRED_MMHG, RISE_MMHG = 1.5, 5.0
"""A cuff that is being let down gains nothing between pulses: an arm stirred, and an arm that moved or was bent."""

Pace = Literal["deflation-fast", "deflation-slow"]


@dataclass(frozen=True, slots=True)
class Deflation:
    """How fast the cuff was let down."""

    mmhg_s: float
    """mmHg a second, over the whole fall."""
    mmhg_beat: float | None
    """mmHg from beat to beat; None where there is no rate of beats."""
    stepped: bool
    """True where a valve let the air out in steps."""

    @property
    def pace(self) -> Pace | None:
        """What is wrong with the speed, if anything."""
        if self.mmhg_s > FAST_MMHG_S or (self.mmhg_beat is not None and self.mmhg_beat > FAST_MMHG_BEAT):
            return "deflation-fast"
        return "deflation-slow" if self.mmhg_s < SLOW_MMHG_S else None


def deflation(t: Samples, p: Samples) -> slice | None:
    """The samples of the slow fall, from the top to the opening of the cuff; None where there is none to speak of.

    `t` in seconds, rising; `p` in mmHg, as long.
    """
    if len(p) < FEWEST_SAMPLES or float(p.max()) < LEAST_PEAK_MMHG:
        return None
    start = int(np.argmax(p))
    end = start + _opening(t[start:], p[start:])
    if end - start < FEWEST_SAMPLES or t[end - 1] - t[start] < SHORTEST_S:
        return None
    return slice(start, end) if p[start] - float(p[start:end].min()) >= LEAST_FALL_MMHG else None


def _opening(t: Samples, p: Samples) -> int:
    """The first sample of an empty cuff, or of the second in which it is opened and not only let go by an arm."""
    later, before = np.searchsorted(t, t + 1.0), np.searchsorted(t, t - BUMP_S)
    fallen = np.where(later < len(p), p - p[np.minimum(later, len(p) - 1)], 0.0)
    for at in np.flatnonzero((p <= EMPTY_MMHG) | (fallen > DUMP_MMHG_S)).tolist():
        if p[at] <= EMPTY_MMHG or float(p[before[at] : at + 1].min() - p[later[at]]) > DUMP_MMHG_S:
            return at
    return len(p)


def speed(t: Samples, p: Samples, pulse_rate: float | None, stepped: bool) -> Deflation:
    """How fast the fall `p` (mmHg) at `t` (s) is, beats per minute known or not."""
    slope = -float(np.polyfit(t - t[0], p, 1)[0])
    return Deflation(round(slope, 2), round(slope * 60 / pulse_rate, 2) if pulse_rate else None, stepped)


def valve_steps(p: Samples, fs: float) -> NDArray[np.bool_]:
    """Which samples of an even fall belong to a step of the valve, `p` in mmHg at `fs` a second."""
    width, reach = max(1, round(STEP_S * fs)), round(AROUND_S * fs)
    change = np.zeros(len(p))
    change[:-width] = p[width:] - p[:-width]
    climbs = _highest_around(change, reach)
    steps = np.flatnonzero(change < -np.maximum(LEAST_STEP_MMHG, STEEPER * climbs))
    inside = np.zeros(len(p), dtype=bool)
    for offset in range(width + 1):
        inside[np.minimum(steps + offset, len(p) - 1)] = True
    return inside


def levelled(p: Samples, inside: NDArray[np.bool_]) -> Samples:
    """The fall without the steps that `inside` marks: what follows is lifted by what they let out."""
    let_out = np.where(inside, np.diff(p, prepend=p[0]), 0.0)
    return np.asarray(p - np.cumsum(let_out))


def _highest_around(x: Samples, reach: int) -> Samples:
    """The largest value within `reach` samples on either side, found in blocks of half that."""
    block = max(1, reach // 2)
    padded = np.concatenate((x, np.full(-len(x) % block, -np.inf)))
    tops = padded.reshape(-1, block).max(axis=1)
    wide = np.concatenate((np.full(2, -np.inf), tops, np.full(2, -np.inf)))
    highest = np.max([wide[k : k + len(tops)] for k in range(5)], axis=0)
    return np.asarray(np.repeat(highest, block)[: len(x)])
