"""The cells of the fault matrix: an instrument, a fault, a moment; and who the body is before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drivers.instrument import Presented
from drivers.link import LinkState
from simulators.physiology import FREQUENCIES, Physiology

Moment = Literal["before", "idle", "start", "middle", "end"]
MOMENTS: tuple[Moment, ...] = ("before", "idle", "start", "middle", "end")

BEFORE = Physiology(false_alarm=0.0, lapse=0.0)
AFTER = Physiology(
    heart_rate=104.0,
    spo2=92.0,
    perfusion=2.0,
    systolic=152.0,
    diastolic=98.0,
    temperature=38.4,
    ambient=21.0,
    weight=81.3,
    height=182.0,
    left=tuple(45.0 for _ in FREQUENCIES),
    right=tuple(40.0 for _ in FREQUENCIES),
    false_alarm=0.0,
    lapse=0.0,
)
"""Who the body is when the fault comes: what an instrument goes on saying of the one before is false."""

SHORT_S, LASTS_S = 0.1, 0.35
"""Seconds of the wall that a fault lasts at least, and at most while nothing is seen of it."""
HOLDING, HELD_S = frozenset({"held-display", "sensor-disconnected", "finger-out", "stuck-value", "tipped"}), 1.2
"""Faults in which an old value may stay, or that need two messages to be seen, and how long they last."""
BY_NEW_PERSON = frozenset({"tipped"})
"""Faults that are over once the person has left: a scale is believed again when it has shown its zero."""
READY_S = 2.0
"""From the end of the fault to ready."""
LATE_S = 0.4
"""What an event may be late on a busy machine."""
SPLIT_S = 2.0
"""A message of which the end came after a silence says what was before it: in life, no longer ago than this."""
LIMIT_S = 30.0
START_S = 5.0
"""Whoever gives an order waits no longer."""
WELL = frozenset({LinkState.READY, LinkState.MEASURING})
TONE = Presented("left", 1000, 70.0, pause_s=0.2, tone_s=0.5, window_s=2.0)
PRESENCE = {"oximeter": "finger_in", "scale": "on_scale", "thermometer": "facing"}
"""Kind -> what begins a measurement without an order."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How one instrument is run."""

    model: str
    """As `simulators.rack.MODELS` names it."""
    protocol: str
    """As `drivers.DRIVERS` names it."""
    speed: float
    arguments: Mapping[str, object] = field(default_factory=dict)
    pumps: bool = False
    """Whether the pressure in its cuff is told."""
    per_mv: float = 1.0
    """Counts of a millivolt, of a recorder that does not say how many it has."""
    once: bool = False
    """Whether it tells one value of each finger, and without one says nothing: it is well as long as it is open."""
    infrared: bool = False
    """Whether it tells the temperature of whatever it looks at."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix."""

    setting: Setting
    fault: str
    moment: Moment
    unseen: bool = False
    """Nobody could tell while it lasts: what is said meanwhile is not judged."""
    ready_s: float = READY_S

    def __str__(self) -> str:
        return f"{self.setting.model}, {self.fault}, {self.moment}"
