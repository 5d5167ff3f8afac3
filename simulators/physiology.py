"""Who sits in the simulated cabin: what the person's body is like, and what they have put on.

Ranges are those of a living adult (clinical reference 8.4), so that a mistyped command is refused rather than played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from simulators.device import WrongUse

LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The eight independent leads of a 12-lead ECG, in the order of the amplifier's channels."""

FREQUENCIES = (125, 250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
"""Audiometer tones in Hz, in the order of the TM 262 record (protocol sheet audiometer, A)."""


@dataclass(frozen=True, slots=True)
class Physiology:
    """The body itself; every field may be changed while the simulation runs."""

    heart_rate: float = 68.0
    """Mean, beats per minute; breathing makes it vary by 3 %."""
    premature_every: int = 0
    """Every n-th beat comes early and wide, with a small pulse and a full compensatory pause; 0 for none."""
    irregular: bool = False
    """Successive intervals without any order and no P wave, at the same mean rate."""
    spo2: float = 97.0
    perfusion: float = 3.0
    """Pulse modulation at the finger, per cent; under 0.15 the cuff finds no pulse either."""
    systolic: float = 124.0
    diastolic: float = 78.0
    temperature: float = 36.2
    """Of the spot at which the infrared sensor looks, Celsius: the surface, not the core."""
    ambient: float = 23.4
    weight: float = 72.4
    """kg."""
    height: float = 175.0
    """cm."""
    left: tuple[float, ...] = (10, 10, 5, 5, 0, 5, 10, 10, 15, 20, 15)
    """Level heard half of the time, dB HL, one for each of `FREQUENCIES`."""
    right: tuple[float, ...] = (15, 10, 10, 10, 10, 15, 20, 35, 50, 40, 25)
    false_alarm: float = 0.02
    """Probability of pressing the button without having heard (clinical reference 9.5)."""
    lapse: float = 0.01
    """Probability of missing a tone that is clearly audible."""
    listening_sd: float = 2.0
    """Spread of the psychometric function, dB."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What touches the person just now."""

    finger_in: bool = True
    cuff_on: bool = True
    on_scale: bool = True
    facing: bool = True
    """The face is in front of the thermometer."""
    moving: bool = False
    electrodes_on: frozenset[str] = frozenset(LEADS)


AT_REST = Physiology()
ALL_ON = Presence()

RANGES: Mapping[str, tuple[float, float]] = {
    "heart_rate": (30, 220),
    "premature_every": (0, 1000),
    "spo2": (50, 100),
    "perfusion": (0.02, 20),
    "systolic": (50, 280),
    "diastolic": (20, 180),
    "temperature": (-5, 50),
    "ambient": (-5, 50),
    "weight": (2, 350),
    "height": (50, 250),
    "left": (-10, 120),
    "right": (-10, 120),
    "false_alarm": (0, 0.9),
    "lapse": (0, 0.9),
    "listening_sd": (0.1, 20),
}
"""Accepted values; of an ear, of each of its thresholds."""

BODY_FIELDS = tuple(f.name for f in fields(Physiology))
PRESENCE_FIELDS = tuple(f.name for f in fields(Presence))


def change_physiology(body: Physiology, asked: Mapping[str, object]) -> Physiology:
    """`body` with the fields of `asked` (as JSON gives them) that are its own; raise `WrongUse` for a bad value."""
    new = {name: _value(name, value) for name, value in asked.items() if name in BODY_FIELDS}
    changed = replace(body, **new)  # type: ignore[arg-type]
    if changed.systolic - changed.diastolic < 10:
        raise WrongUse(
            "The systolic pressure must be at least 10 mmHg above the diastolic one; change both together."
        )
    if changed.premature_every == 1:
        raise WrongUse("premature_every must be 0 for none, or 2 and more: not every beat can be premature.")
    return changed


def change_presence(presence: Presence, asked: Mapping[str, object]) -> Presence:
    """`presence` with the fields of `asked` that are its own; raise `WrongUse` for a bad value."""
    new = {name: _contact(name, value) for name, value in asked.items() if name in PRESENCE_FIELDS}
    return replace(presence, **new)  # type: ignore[arg-type]


def check_change(body: Physiology, presence: Presence, asked: Mapping[str, object]) -> None:
    """Raise `WrongUse` where a person like that cannot be changed so."""
    check_names(asked)
    change_physiology(body, asked)
    change_presence(presence, asked)


def check_names(asked: Iterable[str]) -> None:
    """Raise `WrongUse` when a name is no field of the body."""
    known = (*BODY_FIELDS, *PRESENCE_FIELDS)
    for name in asked:
        if name not in known:
            raise WrongUse(f"The body has no “{name}”; it has {', '.join(known)}.")


def _value(name: str, value: object) -> object:
    if name == "irregular":
        return _truth(name, value)
    if name in ("left", "right"):
        return _ear(name, value)
    number = _number(name, value)
    return int(number) if name == "premature_every" else number


def _number(name: str, value: object) -> float:
    low, high = RANGES[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise WrongUse(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)  # type: ignore[arg-type]


def _ear(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != len(FREQUENCIES):
        raise WrongUse(f"{name} must be {len(FREQUENCIES)} thresholds in dB HL, from 125 Hz to 8000 Hz.")
    return tuple(_number(name, level) for level in value)


def _contact(name: str, value: object) -> object:
    return _electrodes(value) if name == "electrodes_on" else _truth(name, value)


def _electrodes(value: object) -> frozenset[str]:
    if not isinstance(value, list | tuple | frozenset | set) or not set(value) <= set(LEADS):
        raise WrongUse(f"electrodes_on must be a list of leads among {', '.join(LEADS)}.")
    return frozenset(value)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongUse(f"{name} must be true or false.")
    return value
