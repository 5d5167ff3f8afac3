"""The content `application/vnd.cabin.appointments+cbor`: everybody who is expected at one cabin.

    appointments = det { 1: 1, 2: number u, 3: [ * appointment ] }
    appointment  = { 1: code tstr, 2: kind tstr, 3: subject_system tstr, 4: subject tstr,
                     5: [ * measure tstr ],         ; empty: the whole check-up
                     6: from u, 7: until u }        ; UTC ms; `until` is after `from`

`number` rises from one list of a cabin to the next, and each list replaces the one before. No error here says
anything of a content but a code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast, get_args

from cabin_agent.appointments import KINDS, SYSTEM, Appointment, Kind
from cabin_agent.results import MeasureName
from sync import cbor
from sync.postbox import Unfit

VERSION = 1
MOST = 512
_LIMIT = (1 << 63) - 1
_MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)


@dataclass(frozen=True, slots=True)
class AppointmentList:
    """One post of this type."""

    number: int
    appointments: tuple[Appointment, ...]


def encode_appointments(content: AppointmentList) -> bytes:
    """The bytes to seal; `ValueError` where a cabin would refuse them."""
    listed = [
        {
            1: each.code,
            2: each.kind,
            3: each.subject_system,
            4: each.subject,
            5: list(each.measures),
            6: each.from_ms,
            7: each.until_ms,
        }
        for each in content.appointments
    ]
    data = cbor.encode({1: VERSION, 2: content.number, 3: listed})
    try:
        decode_appointments(data)
    except Unfit as unfit:
        raise ValueError(f"a cabin would refuse these appointments: {unfit}") from None
    return data


def decode_appointments(data: bytes) -> AppointmentList:
    """The content of a post; raises `Unfit` with "malformed", "version" or "code-twice"."""
    try:
        item = cbor.decode(data, MOST)
    except cbor.MalformedCbor:
        raise Unfit("malformed") from None
    if not isinstance(item, dict):
        raise Unfit("malformed")
    match item:
        case {1: int(version)} if version != VERSION:
            raise Unfit("version")
        case {1: int(), 2: int(number), 3: list(listed)} if len(item) == 3 and 0 < number < _LIMIT:
            found = tuple(_appointment(each) for each in listed)
            if len({each.code for each in found}) != len(found):
                raise Unfit("code-twice")
            return AppointmentList(number, found)
    raise Unfit("malformed")


def _appointment(item: cbor.Plain) -> Appointment:
    if not isinstance(item, dict):
        raise Unfit("malformed")
    match item:
        case {
            1: str(code),
            2: ("checkup" | "consultation") as kind,
            3: str(system),
            4: str(subject),
            5: list(measures),
            6: int(begins),
            7: int(ends),
        } if len(item) == 7 and 0 <= begins < ends < _LIMIT:
            named = re.fullmatch(r"[0-9]{6}", code) and re.fullmatch(SYSTEM, system) and subject.strip()
            if named and len({str(each) for each in measures}) == len(measures):
                return Appointment(code, _kind(kind), system, subject, _measures(measures), begins, ends)
    raise Unfit("malformed")


def _kind(word: str) -> Kind:
    return next(each for each in KINDS if each == word)


def _measures(listed: list[cbor.Plain]) -> tuple[MeasureName, ...]:
    if not all(each in _MEASURES for each in listed):
        raise Unfit("malformed")
    return tuple(cast(MeasureName, each) for each in listed)
