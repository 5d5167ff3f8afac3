"""What each measure can tell the agent while it runs, and from what it is known; pure.

Only what the agent can do something about is told; everything else is left to the grading. The tables say in which
order and how soon (`coaching.Holds`); the codes have their sentence (`reason.<code>`) and its remedy (`cure.<code>`)
in the wording catalogues. The audiometer says nothing before its test is over, so there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cabin_agent.measuring.coaching import Holds
from drivers.events import NoValue, Reading, Value

FINGER: Holds = {
    "sensor-disconnected": 0.5,
    "finger-out": 0.7,
    "ambient-light": 1.0,
    "movement": 1.0,
    "out-of-track": 1.0,
    "low-perfusion": 1.0,
    "weak-pulse": 1.5,
}
"""Oximetry."""

_FLAGS: Mapping[str, str] = {
    "sensor-disconnected": "sensor-disconnected",
    "finger-out": "finger-out",
    "out-of-track": "out-of-track",
    "artifact": "movement",
}
"""Word of the oximeter -> what the agent can do something about."""
_SEEN: Mapping[str, str] = {
    "finger-out": "weak-pulse",
    "saturation": "ambient-light",
    "ambient-light": "ambient-light",
    "low-perfusion": "low-perfusion",
    "movement": "movement",
}
"""Reason of our own look at the pleth -> the same. Where nothing pulsates the oximeter knows better whether a finger
is there: without its word it is a pulse that cannot be seen."""


def finger_wrong(flags: Collection[str], seen: Collection[str], *, weak: bool) -> set[str]:
    """What is wrong with a finger: from the oximeter's flags, our reasons of the pleth, and its last weak pulse."""
    wrong = {_FLAGS[flag] for flag in flags if flag in _FLAGS}
    if not wrong & {"sensor-disconnected", "finger-out"}:
        wrong |= {_SEEN[reason] for reason in seen if reason in _SEEN} | ({"low-perfusion"} if weak else set())
    return wrong


RIGHT_ARM = "electrode-off-right-arm"
ELECTRODES: Mapping[str, str] = {
    "I": "electrode-off-left-arm",
    "II": "electrode-off-left-leg",
    "V1": "electrode-off-v1",
    "V2": "electrode-off-v2",
    "V3": "electrode-off-v3",
    "V4": "electrode-off-v4",
    "V5": "electrode-off-v5",
    "V6": "electrode-off-v6",
}
"""Channel -> what is said of the electrode that is its own (I = left arm - right arm, II = left leg - right arm)."""

HEART: Holds = {
    "electrode-off": 0.4,
    RIGHT_ARM: 0.4,
    **dict.fromkeys(ELECTRODES.values(), 0.4),
    "saturation": 1.0,
    "flat": 1.0,
    "movement": 1.0,
    "mains": 1.0,
    "no-beats": 1.0,
}
"""ECG."""


def electrodes_off(off: Collection[str], channels: Collection[str]) -> set[str]:
    """The electrodes that are off where these channels stand at their rail: both limb leads share the right arm."""
    if channels and all(channel in off for channel in channels):
        return {"electrode-off"}
    lost = {ELECTRODES[channel] for channel in off if channel in ELECTRODES}
    limbs = {ELECTRODES["I"], ELECTRODES["II"]}
    return lost - limbs | {RIGHT_ARM} if limbs <= lost else lost


FOREHEAD: Holds = {"too-far": 1.0, "keep-still": 1.0, "ambient": 1.0}
"""Temperature."""

STILL_C = 0.3
"""Readings of a head that keeps still lie closer together."""


def forehead_wrong(celsius: float | None, readings: Sequence[float], flags: Collection[str]) -> set[str]:
    """What is wrong in front of the thermometer: what it sees (None: no person), what was kept before, its flags."""
    wrong = {"ambient"} if "ambient-out-of-range" in flags else set[str]()
    if celsius is None:
        return wrong | {"too-far"}
    moved = bool(readings) and abs(celsius - readings[-1]) > STILL_C
    return wrong | {"keep-still"} if moved else wrong


FEET: Holds = {"not-emptied": 1.0, "overload": 1.0, "nobody": 1.0, "moving": 1.0}
"""Weight and height."""


def feet_wrong(weight: Reading | None, before: Value | None) -> set[str]:
    """What is wrong on the scale: its newest weight (None: silence, as while none locks), and the one before."""
    if weight is None:
        return {"moving"}
    if isinstance(weight.value, NoValue):
        return {"overload"} if weight.value.why == "overload" else {"nobody"}
    return {"moving"} if "settling" in weight.flags and isinstance(before, float) else set()


ARM: Holds = {"loose-cuff": 1.0, "leak": 1.0, "movement": 0.5}
"""Blood pressure."""

TELLABLE: Mapping[str, Holds] = {
    "oximetry": FINGER,
    "ecg": HEART,
    "temperature": FOREHEAD,
    "size": FEET,
    "pressure": ARM,
    "hearing": {},
}
"""Task of the plan -> what it can tell while it runs."""

SLACK_S, SLACK_MMHG = 8.0, 30.0
"""A cuff that is on an arm is tighter than this after so long."""
STALL_S, STALL_MMHG, TIGHT_MMHG = 4.0, 4.0, 120.0
"""A pump that gains less in so long, below a pressure at which it may be done, loses it somewhere."""
JUMP_MMHG, JUMP_S = 8.0, 0.3
"""No pulse raises the pressure of a cuff so far from one sample to the next (oscillations stay below 5 mmHg), and no
pump does it so fast: the arm moved."""
AFTER_JUMP_S = 1.5
"""How long one movement counts as moving."""


class CuffWatch:
    """What the pressure of a cuff tells of how it sits and of the arm in it, sample by sample."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._highest = 0.0
        self._gained_at = 0.0
        self._falling = False
        self._moved_until = 0.0

    def heard(self, at_s: float, mmhg: float) -> set[str]:
        """What is wrong as of this sample: seconds since the inflation began, and mmHg."""
        self._follow(at_s, mmhg)
        wrong = {"movement"} if at_s < self._moved_until else set[str]()
        if not self._falling and at_s >= SLACK_S and self._highest < SLACK_MMHG:
            return wrong | {"loose-cuff"}
        stalled = at_s - self._gained_at >= STALL_S and SLACK_MMHG <= self._highest < TIGHT_MMHG
        return wrong | {"leak"} if stalled and not self._falling else wrong

    def _follow(self, at_s: float, mmhg: float) -> None:
        before_s, before = self._last or (at_s, mmhg)
        if self._falling and mmhg - before >= JUMP_MMHG and at_s - before_s <= JUMP_S:
            self._moved_until = at_s + AFTER_JUMP_S
        if mmhg >= self._highest + STALL_MMHG:
            self._highest, self._gained_at = mmhg, at_s
        self._falling = self._falling or mmhg < self._highest - 10
        self._last = (at_s, mmhg)
