"""Messages of an IEEE 11073 agent, for tests: built by hand, and the context in which a record is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.ieee11073.apdu import decode_event
from drivers.ieee11073.configurations import STANDARDS, Configuration, decode_report
from tests.protocol_vectors import Vector

SYSTEM = bytes.fromhex("1122334455667788")
REPORTED = {
    "antidote-H241_ID_05DC": "antidote-H221_ID_05DC",
    "antidote-H241": "antidote-H221",
    "antidote-blood_pressure": "antidote-blood_pressure-roiv_mdc_noti_config",
    "antidote-pulse_oximeter": "antidote-pulse_oximeter-pulse_oximeter_noti_config_with_scanner",
    "antidote-weighing_scale": "antidote-weighing_scale-roiv_mdc_noti_config",
}
"""Beginning of a record's name -> the record that configures it."""
NUMBERED = {
    "0190": 0x0190, "-oxi-": 0x0190, "02BC": 0x02BC, "-bp-": 0x02BC, "BloodPressure": 0x02BC, "05DC": 0x05DC,
    "Weight": 0x05DC, "thermometer": 0x0320,
}  # fmt: skip
"""Part of a record's name -> the standard configuration that it is read with."""

_reports: dict[str, bytes] = {}


def association(number: int, *, units: int = 0, encodings: int = 0x8000, protocol: int = 0x5079) -> bytes:
    """AARQ of an agent that offers a configuration."""
    info = bytes.fromhex("80000000") + encodings.to_bytes(2) + bytes.fromhex("80000000") + units.to_bytes(4)
    info += bytes.fromhex("00800000 0008") + SYSTEM + number.to_bytes(2) + bytes.fromhex("0001 01 00 0000 0000")
    body = bytes.fromhex("80000000 0001") + (len(info) + 4).to_bytes(2) + protocol.to_bytes(2)
    body += len(info).to_bytes(2) + info
    return b"\xe2\x00" + len(body).to_bytes(2) + body


def presentation(invoke: int, choice: int, body: bytes) -> bytes:
    """PRST."""
    data = invoke.to_bytes(2) + choice.to_bytes(2) + len(body).to_bytes(2) + body
    return b"\xe7\x00" + (len(data) + 2).to_bytes(2) + len(data).to_bytes(2) + data


def event(invoke: int, kind: int, info: bytes, *, choice: int = 0x0101, handle: int = 0) -> bytes:
    """An event report."""
    body = handle.to_bytes(2) + b"\xff\xff\xff\xff" + kind.to_bytes(2) + len(info).to_bytes(2) + info
    return presentation(invoke, choice, body)


def fixed(*items: tuple[int, str]) -> bytes:
    """Information of a fixed scan report: handle and bytes of each item."""
    parts = b"".join(
        handle.to_bytes(2) + len(data).to_bytes(2) + data
        for handle, data in ((h, bytes.fromhex(d)) for h, d in items)
    )
    return bytes.fromhex("f0000000") + len(items).to_bytes(2) + len(parts).to_bytes(2) + parts


def variable(*items: tuple[int, Mapping[int, str]]) -> bytes:
    """Information of a variable scan report: handle and attributes of each item."""
    parts = b""
    for handle, attributes in items:
        data = b"".join(attribute(name, value) for name, value in attributes.items())
        parts += handle.to_bytes(2) + len(attributes).to_bytes(2) + len(data).to_bytes(2) + data
    return bytes.fromhex("f0000000") + len(items).to_bytes(2) + len(parts).to_bytes(2) + parts


def configuration(number: int, *objects: tuple[int, Mapping[int, str]]) -> bytes:
    """Information of a configuration report of numeric objects: handle and attributes of each."""
    parts = b""
    for handle, attributes in objects:
        data = b"".join(attribute(name, value) for name, value in attributes.items())
        parts += b"\0\6" + handle.to_bytes(2) + len(attributes).to_bytes(2) + len(data).to_bytes(2) + data
    return number.to_bytes(2) + len(objects).to_bytes(2) + len(parts).to_bytes(2) + parts


def attribute(name: int, value: str) -> bytes:
    """One attribute."""
    data = bytes.fromhex(value)
    return name.to_bytes(2) + len(data).to_bytes(2) + data


def description(invoke: int, attributes: Sequence[tuple[int, str]]) -> bytes:
    """The response to a get of the agent's own attributes."""
    data = b"".join(attribute(name, value) for name, value in attributes)
    return presentation(invoke, 0x0203, bytes(2) + len(attributes).to_bytes(2) + len(data).to_bytes(2) + data)


def context_of(ident: str, vectors: Mapping[str, Vector] | None = None) -> tuple[Configuration | None, bytes]:
    """The configuration that a record is read with, and the messages that make a decoder know it."""
    for name, each in (vectors or {}).items():
        _reports[name] = each.data
    number = next((number for part, number in NUMBERED.items() if part in ident), None)
    if number is not None and ident not in REPORTED:
        return STANDARDS[number], association(number)
    source = next((source for begin, source in REPORTED.items() if ident.startswith(begin)), None)
    if source is None or source not in _reports or source == ident:
        return None, b""
    report = _reports[source]
    return decode_report(decode_event(report[12:]).info), report
