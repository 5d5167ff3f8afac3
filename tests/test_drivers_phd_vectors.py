"""Every IEEE 11073 record of the makers' vectors, through the decoder, the encoder and the simulated agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers import DECODERS
from drivers.events import DeviceClock, Event, Identity, NoValue, PressureResult, Reading, Trouble, Value
from drivers.ieee11073 import apdu
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.apdu import Abort, AssociationRequest, Presentation, Release, decode
from drivers.ieee11073.configurations import STANDARDS, Configuration, decode_report
from drivers.ieee11073.mder import float32, sfloat
from drivers.ieee11073.phdc import read_function
from drivers.ieee11073.reports import Observation, observations
from drivers.phd import Decoder
from simulators.body import Body
from simulators.phd import Scale
from tests.phd_messages import association, context_of
from tests.protocol_vectors import Vector, read_vectors

EXPECTED = 83
NO_TIME = datetime.fromisoformat("0001-01-01")
ENDED = {"undefined": 0, "buffer overflow": 1, "response timeout": 2, "configuration timeout": 3}
RESULTS = {"accepted": 0, "rejected-permanent": 1, "accepted-unknown-config": 3}
GROUPS = {
    "f3 cf 20 10 08 03 10 51 11 00 f3 21 20 10 08 03 10 51 11 00": {"spo2": 97.5, "pulse_rate": 80.1},
    "00 62 00 00 20 08 07 03 12 10 00 00 00 49 00 62": {"spo2": 98.0, "pulse_rate": 73.0},
}
"""A grouped report's bytes -> what the sheet and the scanner's map say they are."""


@pytest.fixture(scope="session")
def vectors(maker_vectors: Path) -> dict[str, Vector]:
    found = {each.ident: each for each in read_vectors(maker_vectors / "ieee11073.txt")}
    assert len(found) == EXPECTED
    return found


def whole(vector: Vector) -> bytes:
    """The record with the headers that a "partial" one lacks."""
    partial = vector.expect.get("partial", "")
    if "starts at the OCTET STRING length" in partial:
        return b"\xe7\x00" + len(vector.data).to_bytes(2) + vector.data
    if "starts at the invoke-id" in partial:
        return b"\xe7\x00" + (len(vector.data) + 2).to_bytes(2) + len(vector.data).to_bytes(2) + vector.data
    if vector.ident == "opentele-AssociationRequestPacketTest-noninAssociationRequest":
        return b"\xe2\x00" + len(vector.data).to_bytes(2) + vector.data
    return vector.data


def heard(data: bytes, before: bytes = b"") -> list[Event]:
    """What a new decoder makes of `data` after `before`, whole and byte by byte."""
    decoder = DECODERS["ieee11073"]()
    assert isinstance(decoder, Decoder)
    decoder.feed(before)
    events = decoder.feed(data) + decoder.flush()
    slow = Decoder()
    drip = [event for byte in before + data for event in slow.feed(bytes([byte]))] + slow.flush()
    assert drip[len(drip) - len(events) :] == events
    return events


def numbers(events: list[Event]) -> list[Reading | PressureResult]:
    return [event for event in events if isinstance(event, Reading | PressureResult)]


# --- the meaning of each key of an expectation -------------------------------------------------------------------


def request(vector: Vector) -> AssociationRequest:
    message = decode(whole(vector))
    assert isinstance(message, AssociationRequest)
    return message


def presented(vector: Vector) -> Presentation:
    message = decode(whole(vector))
    assert isinstance(message, Presentation)
    return message


def report(vector: Vector, context: Configuration | None) -> list[Observation]:
    assert context is not None
    return observations(apdu.decode_event(presented(vector).body), context)


def number(text: float | str) -> Value:
    return NoValue("missing") if text == "NaN" else float(text)


def by_hand(raw: str) -> tuple[Value, ...]:
    """Compound of SFLOATs with a time behind it."""
    data = bytes.fromhex(raw)
    return tuple(sfloat(int.from_bytes(data[at : at + 2])) for at in range(4, len(data) - 8, 2))


def check_obs(vector: Vector, expected: list[Mapping[str, Any]], context: Configuration | None) -> None:
    seen = report(vector, context)
    assert [each.handle for each in seen] == [each["handle"] for each in expected]
    for found, wanted in zip(seen, expected, strict=True):
        if "raw" in wanted:
            assert found.values == by_hand(wanted["raw"])
            continue
        names = ("value", "basic", "simple", "sys", "dia", "map")
        assert found.values == tuple(number(wanted[name]) for name in names if name in wanted)
        assert found.taken == datetime.fromisoformat(wanted["time"])
        assert found.unit == wanted.get("unit", found.unit)
        assert set(wanted) <= {*names, "handle", "time", "unit"}
    check_told(vector, expected, context)


def check_told(vector: Vector, expected: list[Mapping[str, Any]], context: Configuration | None) -> None:
    """What leaves the decoder: as many as there are, each with its own value, and the newest last."""
    assert context is not None
    told = numbers(heard(whole(vector), context_of(vector.ident)[1]))
    assert not [each for each in heard(whole(vector), context_of(vector.ident)[1]) if isinstance(each, Trouble)]
    wanted: list[tuple[datetime, str, tuple[Value, ...]]] = []
    for each in expected:
        code = context.metrics[each["handle"]].code
        taken = datetime.fromisoformat(each["time"]) if "time" in each else NO_TIME
        quantity = mdc.QUANTITIES.get(code)
        if quantity is not None:
            raw = number(each.get("value", each.get("basic", each.get("simple", "NaN"))))
            pound = each.get("unit") == 1760 and isinstance(raw, float)
            wanted.append((taken, quantity.name, (raw * 0.45359237 if pound and isinstance(raw, float) else raw,)))
        elif code == mdc.PRESSURES:
            pulses = [other for other in expected if other["time"] == each["time"] and other["handle"] == 2]
            parts = [number(each[part]) for part in ("sys", "dia", "map")]
            wanted.append((taken, "pressure", (*parts, number(pulses[0]["value"]) if pulses else NoValue("missing"))))
    found = [(each.taken, _name(each), _values(each)) for each in told]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
    assert [each[0] for each in found] == sorted(each[0] for each in wanted)


def _name(event: Event) -> str:
    return event.quantity if isinstance(event, Reading) else "pressure"


def _values(event: Event) -> tuple[Value, ...]:
    if isinstance(event, PressureResult):
        return event.systolic, event.diastolic, event.mean, event.pulse_rate
    assert isinstance(event, Reading)
    return (event.value,)


def check_persons(vector: Vector, expected: list[Mapping[str, Any]], context: Configuration | None) -> None:
    (person,) = expected
    check_obs(vector, person["obs"], context)
    assert {each.person for each in report(vector, context)} == {int(person["person"], 16)}
    assert set(person) == {"person", "obs"}


def check_groups(vector: Vector, expected: list[Mapping[str, Any]], _: Configuration | None) -> None:
    (group,) = expected
    assert set(group) <= {"raw", "person"}
    told = numbers(heard(whole(vector), context_of(vector.ident)[1]))
    assert {each.quantity: each.value for each in told if isinstance(each, Reading)} == GROUPS[group["raw"]]
    for each in told:
        assert isinstance(each, Reading)
        assert each.detail.get("user") == (int(group["person"], 16) if "person" in group else None)


def check_objects(vector: Vector, expected: list[Mapping[str, Any]], _: Configuration | None) -> None:
    found = decode_report(apdu.decode_event(presented(vector).body).info)
    for each in expected:
        assert set(each) <= {"obj_class", "handle", "attributes", "type", "unit", "val_map", "metric_spec", "other"}
        if each["obj_class"] in mdc.SCANNERS:
            assert found.scanners[each["handle"]]
            continue
        metric = found.metrics[each["handle"]]
        partition, code = each["type"]
        assert (metric.code, metric.unit) == (code if partition == 2 else 0, each["unit"])
        assert [list(pair) for pair in metric.layout] == each["val_map"]
    assert set(found.metrics) | set(found.scanners) == {each["handle"] for each in expected}
    assert heard(whole(vector)) == []


def check_attributes(vector: Vector, expected: Mapping[str, str], _: Configuration | None) -> None:
    found = apdu.decode_attributes(presented(vector).body)
    assert {str(name): value.hex() for name, value in found.items()} == expected
    identity, clock = heard(whole(vector))
    assert isinstance(identity, Identity)
    assert identity.serial == "DE124567"
    assert identity.model.startswith("TheCompany ")
    assert clock == DeviceClock(datetime.fromisoformat("2007-02-01T12:05"))


def check_reason(vector: Vector, expected: str | int, _: Configuration | None) -> None:
    message = decode(vector.data)
    assert isinstance(message, Abort | Release)
    assert message.reason == (ENDED[expected] if isinstance(expected, str) else expected)
    troubles = heard(vector.data)
    assert bool(troubles) == isinstance(message, Abort)


def check_malformed(vector: Vector, _: str, __: Configuration | None) -> None:
    for ident, context in [("", b""), *((f"{number:04X}", association(number)) for number in STANDARDS)]:
        events = heard(vector.data, context)
        assert numbers(events) == [], ident
        assert [event for event in events if isinstance(event, Trouble)], ident


def check_float(vector: Vector, expected: float, _: Configuration | None) -> None:
    assert float32(int.from_bytes(vector.data)) == expected


def check_result(vector: Vector, expected: str, _: Configuration | None) -> None:
    if vector.data[:2] == b"\xe3\x00":
        system = vector.data[30:38]
        assert apdu.encode_association_response(RESULTS[expected], system) == vector.data
    else:
        assert whole(vector)[-2:] == RESULTS[expected].to_bytes(2)


def check_preamble(vector: Vector, expected: object, _: Configuration | None) -> None:
    signature, rest = vector.data[:16], vector.data[16:]
    assert signature == b"PhdcQoSSignature"
    assert rest == bytes([1, 1, 8, 0])
    (told,) = heard(vector.data)
    assert isinstance(told, Trouble)
    assert read_function(vector.data).specializations == ()


def check_response(vector: Vector, expected: str, _: Configuration | None) -> None:
    """An answer of ours is what our encoder makes; one of an agent says nothing by itself."""
    message = presented(vector)
    if vector.direction == "device->host":
        if expected != "response get":
            assert heard(whole(vector)) == []
        return
    if expected == "response event":
        happened = apdu.decode_event(message.body)
        encoded = apdu.encode_event_response(
            message.invoke, happened.handle, happened.kind, happened.info, happened.time
        )
    elif expected == "get":
        encoded = apdu.encode_get(message.invoke)
    else:
        encoded = apdu.encode_action(message.invoke, 0, int.from_bytes(message.body[2:4]), message.body[6:])
    assert encoded == whole(vector)


def check_kind(vector: Vector, expected: str, context: Configuration | None) -> None:
    if expected == "association request":
        assert apdu.decode(whole(vector)) == request(vector)
        assert heard(whole(vector)) == []
    elif expected.startswith(("response", "get", "confirmed action")):
        check_response(vector, expected, context)
    else:
        assert expected in (
            "association response", "abort", "release request", "release response", "event report",
            "confirmed event report",
        )  # fmt: skip


def at(start: int, size: int = 2) -> Callable[[Vector, Any, Configuration | None], None]:
    """A number at a place of the whole message."""

    def check(vector: Vector, expected: Any, _: Configuration | None) -> None:
        found = whole(vector)[start : start + size]
        assert found == (bytes.fromhex(expected) if isinstance(expected, str) else expected.to_bytes(size))

    return check


def encoding(vector: Vector, expected: str, context: Configuration | None) -> None:
    at(20 if vector.data[:2] == b"\xe2\x00" or "Assoc" in vector.ident else 14)(vector, expected, context)


def system_type(vector: Vector, expected: str, context: Configuration | None) -> None:
    at(30 if whole(vector)[:2] == b"\xe2\x00" else 24, 4)(vector, expected, context)


def system_id(vector: Vector, expected: str, context: Configuration | None) -> None:
    at(36 if whole(vector)[:2] == b"\xe2\x00" else 30, 8)(vector, expected, context)


def spoken(vector: Vector, expected: str, context: Configuration | None) -> None:
    """In prose: what stands beside it says the same in bytes."""
    assert expected


CHECKS: Mapping[str, Callable[[Vector, Any, Configuration | None], None]] = {
    "apdu": at(0),
    "length": at(2),
    "kind": check_kind,
    "proto": at(12),
    "encoding": encoding,
    "systype": system_type,
    "system_id": system_id,
    "dev_config_id": at(44),
    "data_req_mode_flags": at(46),
    "init_agent": at(48, 1),
    "init_manager": at(49, 1),
    "result": check_result,
    "reason": check_reason,
    "invoke_id": at(6),
    "choice": at(8),
    "handle": at(12),
    "event_time": at(14, 4),
    "event_type": at(18),
    "config_id": at(22),
    "config": at(22),
    "data_req_id": at(22),
    "report_no": at(24),
    "action": at(14),
    "attr_ids": at(14),
    "attr_count": at(14),
    "count": at(14),
    "attributes_hex": check_attributes,
    "objects": check_objects,
    "obs": check_obs,
    "persons": check_persons,
    "groups": check_groups,
    "malformed": check_malformed,
    "partial": spoken,
    "note": spoken,
    "rule": spoken,
    "float": check_float,
    "unit": spoken,
    "transfers": check_preamble,
    "version": check_preamble,
    "qos_bits": check_preamble,
    "opaque": check_preamble,
}
"""Every key that an expectation may have."""


def idents() -> list[str]:
    """The names are known before the folder is looked for, so that each record is a test of its own."""
    return [f"record {number}" for number in range(EXPECTED)]


@pytest.mark.parametrize("name", idents())
def test_a_record_means_what_it_says(name: str, vectors: dict[str, Vector]) -> None:
    vector = list(vectors.values())[int(name.split()[1])]
    context = context_of(vector.ident, vectors)[0]
    for key, expected in vector.expect.items():
        CHECKS[key](vector, expected, context)


def test_no_beginning_of_a_record_is_a_reading(vectors: dict[str, Vector]) -> None:
    for vector in vectors.values():
        data = whole(vector)
        context = context_of(vector.ident, vectors)[1]
        for end in range(0, len(data), 1 if len(data) < 150 else 7):
            decoder = Decoder()
            decoder.feed(context)
            assert numbers(decoder.feed(data[:end]) + decoder.flush()) == [], vector.ident


def test_what_a_host_says_does_no_harm_to_a_simulated_agent(vectors: dict[str, Vector]) -> None:
    for vector in vectors.values():
        device = Scale(Body(1))
        device.opened(0.0)
        (asked,) = device.produce(0.0)
        assert asked[:2] == b"\xe2\x00"
        answers = device.receive(whole(vector), 0.0) if vector.direction == "host->device" else []
        if vector.expect.get("result") == "accepted-unknown-config":
            assert answers[0][18:20] == b"\x0d\x1c"
        else:
            assert answers == []


def test_pressures_and_pulses_of_two_reports_are_joined_and_the_newest_is_last(vectors: dict[str, Vector]) -> None:
    prefix = "opentele-AndBloodPressureConfirmedMeasurementDataPacketTest-confirmedMeasurementWith"
    decoder = Decoder()
    decoder.feed(association(0x02BC))
    assert decoder.feed(whole(vectors[prefix + "BloodPressure"])) == []
    told = decoder.feed(whole(vectors[prefix + "Pulse"]))
    assert [_values(each) for each in told] == [
        (126, 71, 86, 54), (130, 66, 103, 50), (127, 72, 84, 53), (109, 77, 89, 56), (114, 67, 90, 55),
    ]  # fmt: skip
    assert decoder.flush() == []
