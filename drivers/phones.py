"""What one pair of headphones on one sound card plays at which level: the calibration file, or none.

    model = "HDA 200"                # on the plate
    serial = "012345"
    date = 2026-03-02                # of the calibration
    coupler = "IEC 60318-1"          # on which it was made
    [retspl]                         # Hz = dB re 20 µPa on that coupler that are 0 dB HL (ISO 389)
    1000 = 5.5
    [left]                           # Hz = dB re 20 µPa that a full-scale sine makes, the mixer locked
    1000 = 110.0
    [right]
    1000 = 109.4
    [loudest]                        # optional: Hz = dB HL that are not exceeded; 80 where nothing is said
    [attenuation]                    # optional: Hz = dB of the room that the phones keep out
    [microphone]                     # optional: dB re 20 µPa at full scale of the card's microphone
    full_scale = 112.0

Level of a tone: dBFS = dB HL + RETSPL - full scale (clinical reference 5.4). Without a file, or without RETSPL of
exactly these phones, levels are relative: nobody knows what 40 of them are, and nobody may call them dB HL.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import floor
from pathlib import Path
from typing import Literal

from drivers.errors import PortError

Ear = Literal["left", "right"]
EARS: tuple[Ear, ...] = ("left", "right")
TONES = (125, 250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
"""Frequencies of an audiogram, Hz."""
LOUDEST_DB = 80.0
"""Nobody attends the test (clinical reference 5.4)."""
LOWEST_DB, HIGHEST_DB = -10.0, 100.0
HEADROOM_DB = 1.0
LONGEST = 64 * 1024
"""Bytes of a calibration file that are read."""
STEP_DB = 5.0
RELATIVE_FULL_SCALE_DB = 100.0
"""What full scale is called where there is no calibration: no level of anything."""


@dataclass(frozen=True, slots=True)
class Phones:
    """Headphones and what is known of them."""

    model: str = "headphones"
    serial: str | None = None
    calibrated: date | None = None
    """None: levels are relative."""
    zero_dbfs: Mapping[tuple[Ear, int], float] = field(default_factory=dict)
    """Ear and Hz -> dBFS of the tone of level 0."""
    most: Mapping[int, float] = field(default_factory=dict)
    """Hz -> level that is not exceeded, where it is not `LOUDEST_DB`."""
    attenuation: Mapping[int, float] = field(default_factory=dict)
    microphone_db: float | None = None
    """dB re 20 µPa at the microphone's full scale; None where nobody measured it."""

    def dbfs(self, ear: Ear, hz: int, db: float) -> float:
        """How a tone of level `db` is to be played; raises KeyError where this ear was not calibrated for it."""
        return self.zero_dbfs[ear, hz] + db

    @property
    def loudest(self) -> Mapping[tuple[Ear, int], float]:
        """Ear and Hz -> loudest level that may be and can be played, in steps of 5 dB."""
        tops = {
            (ear, hz): min(self.most.get(hz, LOUDEST_DB), -HEADROOM_DB - zero)
            for (ear, hz), zero in self.zero_dbfs.items()
        }
        return {place: STEP_DB * floor(top / STEP_DB) for place, top in tops.items() if top >= 0}


RELATIVE = Phones(zero_dbfs={(ear, hz): -RELATIVE_FULL_SCALE_DB for ear in EARS for hz in TONES})
"""Phones of which nothing is known."""


def read_phones(file: Path) -> Phones:
    """The calibration in `file`; raises `PortError` in one sentence that says what is wrong with it."""
    try:
        told = tomllib.loads(_content(file))
    except OSError as error:
        raise PortError(f"The calibration {file} cannot be read ({error.strerror}): correct the path.") from error
    except ValueError as error:
        raise PortError(f"The calibration {file} is not TOML: write it as docs/headphone.toml shows.") from error
    try:
        return _phones(told)
    except (KeyError, TypeError, ValueError) as error:
        raise PortError(f"The calibration {file} is not complete ({error}): see docs/headphone.toml.") from error


def _content(file: Path) -> str:
    """Of a file, and not of whatever a path may lead to; raises `OSError` and `ValueError`."""
    if file.exists() and not file.is_file():
        raise ValueError("no file")
    with file.open("rb") as opened:
        return opened.read(LONGEST).decode()


def _phones(told: Mapping[str, object]) -> Phones:
    retspl = _levels(told, "retspl")
    zero = {(ear, hz): retspl[hz] - full for ear in EARS for hz, full in _levels(told, ear).items() if hz in retspl}
    day = told["date"]
    if type(day) is not date or not zero:
        raise ValueError("a date, and one frequency at least that is in [retspl] and [left] or [right]")
    return Phones(
        model=_text(told, "model"),
        serial=_text(told, "serial"),
        calibrated=day,
        zero_dbfs=zero,
        most={hz: _between(db, LOWEST_DB, HIGHEST_DB) for hz, db in _levels(told, "loudest", {}).items()},
        attenuation=_levels(told, "attenuation", {}),
        microphone_db=_microphone(told.get("microphone", {})),
    )


def _microphone(told: object) -> float | None:
    if not isinstance(told, Mapping) or "full_scale" not in told:
        return None
    return _between(told["full_scale"], 60, 160)


def _text(told: Mapping[str, object], key: str) -> str:
    value = told[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"'{key}' is a text")
    return value


def _levels(told: Mapping[str, object], key: str, otherwise: Mapping[str, float] | None = None) -> dict[int, float]:
    """A table of frequencies and dB."""
    table = told.get(key, otherwise)
    if not isinstance(table, Mapping):
        raise ValueError(f"[{key}] is missing")
    return {_hz(hz): _between(db, -60, 160) for hz, db in table.items()}


def _hz(text: str) -> int:
    if int(text) not in TONES:
        raise ValueError(f"{text} Hz is no tone of an audiogram")
    return int(text)


def _between(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"a level from {low:g} to {high:g} dB")
    return float(value)
