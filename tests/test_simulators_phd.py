"""The simulated agents: their bytes against documented ones, their associations, their faults."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import phd_wire as wire
from simulators.body import Body
from simulators.device import Frames
from simulators.phd import SCALE, TENSIOMETER, Oximeter, Scale, Tensiometer, Thermometer
from simulators.phd_agent import REPEAT_S, RETRY_S, WAITING
from simulators.phd_usb import PREAMBLE
from simulators.phd_wire import Item, Thing
from simulators.usb_setup import Setup

AT = wire.clock(datetime.fromisoformat("2026-11-21T22:30:05"))
ACCEPTED, UNKNOWN = (bytes.fromhex(f"e300 002c 000{result} 5079 0026") + bytes(38) for result in (0, 3))
GET = bytes.fromhex("e700 000e 000c 0001 0103 0006 0000 0000 0000")


def confirmation(event: bytes, verdict: str = "") -> bytes:
    """The manager's answer to an event."""
    info = bytes.fromhex(verdict)
    body = event[12:14] + bytes(4) + event[18:20] + len(info).to_bytes(2) + info
    data = event[6:8] + b"\x02\x01" + len(body).to_bytes(2) + body
    return b"\xe7\x00" + (len(data) + 2).to_bytes(2) + len(data).to_bytes(2) + data


def operating(device: Oximeter | Scale | Tensiometer | Thermometer) -> None:
    device.opened(0.0)
    (asked,) = device.produce(0.0)
    assert asked[:4] == bytes.fromhex("e200 0032")
    assert device.receive(ACCEPTED, 0.0) == []


def reports(frames: Frames) -> Frames:
    return [frame for frame in frames if frame[:2] == b"\xe7\x00" and frame[8:10] == b"\x01\x01"]


# --- bytes --------------------------------------------------------------------------------------------------------


def test_a_weight_is_the_sheets() -> None:
    weight = Item(Thing(1, 57664, 1731, decimals=2, wide=True), (72.35,), AT)
    documented = "e700 002a 0028 0006 0101 0022 0000 ffffffff 0d1d 0018 f000 0005 0001 0010 0001 000c fe001c43"
    assert wire.event(6, wire.FIXED, wire.fixed(5, [weight])).hex() == (documented + AT.hex()).replace(" ", "")


def test_pressures_are_the_sheets() -> None:
    pressures = TENSIOMETER.things[0]
    items = [Item(pressures, (121, 79, 93), AT), Item(Thing(2, 18474, 2720), (68,), AT)]
    documented = (
        "e700 003e 003c 0002 0101 0036 0000 ffffffff 0d1d 002c f000 0001 0002 0024 0001 0012 0003 0006 0079 004f 005d"
        + AT.hex() + "0002 000a 0044" + AT.hex()
    )  # fmt: skip
    assert wire.event(2, wire.FIXED, wire.fixed(1, items)).hex() == documented.replace(" ", "")


@pytest.mark.parametrize(
    ("value", "decimals", "wide", "documented"),
    [(60.0, 1, False, "f258"), (98.0, 0, False, "0062"), (None, 0, False, "07ff"), (None, 2, True, "007fffff"),
     (-10.0, 1, True, "ffffff9c"), (36.7, 1, True, "ff00016f")],
)  # fmt: skip
def test_numbers(value: float | None, decimals: int, wide: bool, documented: str) -> None:
    assert wire.number(value, decimals, wide).hex() == documented


def test_a_clock_that_was_never_set_is_nothing_but_zeros() -> None:
    assert wire.clock(None) == bytes(8)
    assert AT.hex() == "2026112122300500"


# --- associations -------------------------------------------------------------------------------------------------


def test_it_asks_again_until_it_is_answered() -> None:
    scale = Scale(Body(1))
    assert scale.produce(1.0) == [], "nobody is there"
    scale.opened(1.0)
    assert len(scale.produce(1.0)) == 1
    assert scale.produce(1.0 + RETRY_S / 2) == []
    assert scale.produce(1.0 + RETRY_S)[0][44:46] == b"\x05\xdc"


def test_it_describes_itself_and_sends_what_it_measures_until_that_is_confirmed() -> None:
    scale = Scale(Body(1))
    operating(scale)
    (described,) = scale.receive(GET, 0.0)
    assert b"PHD scale" in described
    (first,) = scale.produce(5.0)
    assert scale.produce(5.0) == []
    (again,) = scale.produce(5.0 + REPEAT_S)
    assert first == again
    scale.receive(confirmation(first), 9.0)
    assert scale.produce(9.0) == []


def test_a_configuration_of_its_own_is_reported_once() -> None:
    scale = Scale(Body(1))
    scale.fail("unknown-config-first", True, 0.0)
    scale.opened(0.0)
    (asked,) = scale.produce(0.0)
    assert asked[44:46] == b"\x3f\xf0"
    (report,) = scale.receive(UNKNOWN, 0.0)
    assert report[18:20] == b"\x0d\x1c"
    (second,) = scale.receive(confirmation(report, "3ff0 0002"), 0.0)
    assert second[22:24] == b"\x40\x00"
    assert scale.receive(confirmation(second, "4000 0000"), 0.0) == []
    assert reports(scale.produce(5.0))


def test_a_refusal_or_an_abort_makes_it_begin_anew() -> None:
    scale = Scale(Body(1))
    operating(scale)
    (first,) = scale.produce(5.0)
    scale.receive(b"\xe6\x00\x00\x02\x00\x00", 5.0)
    (asked,) = scale.produce(6.0)
    assert asked[:2] == b"\xe2\x00"
    scale.receive(ACCEPTED, 6.0)
    (told_again,) = scale.produce(6.0)
    assert told_again[12:] == first[12:], "what was not confirmed is not lost"


def test_a_release_is_answered() -> None:
    scale = Scale(Body(1))
    operating(scale)
    assert scale.receive(b"\xe4\x00\x00\x02\x00\x00", 1.0) == [b"\xe5\x00\x00\x02\x00\x00"]


def test_its_clock_can_be_set() -> None:
    scale = Scale(Body(1))
    operating(scale)
    order = "e700 001a 0018 0002 0107 0012 0000 0c17 000c 2026112122300500 00000000"
    assert scale.receive(bytes.fromhex(order), 1.0)[0][8:10] == b"\x02\x07"
    (report,) = scale.produce(5.0)
    assert bytes.fromhex("2026112122300900") in report


# --- faults -------------------------------------------------------------------------------------------------------


def test_stored_measurements_come_out_of_order_one_object_a_report() -> None:
    cuff = Tensiometer(Body(1))
    cuff.fail("stored-batch", True, 0.0)
    operating(cuff)
    (pressures,) = cuff.produce(0.0)
    cuff.receive(confirmation(pressures), 0.0)
    (pulses,) = cuff.produce(0.0)
    assert int.from_bytes(pressures[26:28]) == int.from_bytes(pulses[26:28]) == 5
    times = [pressures[42 + 22 * n : 50 + 22 * n].hex() for n in range(5)]
    assert times != sorted(times)


@pytest.mark.parametrize(("fault", "units"), [("test-association", 0x20000000), ("abort", 0x40000000)])
def test_a_fault_ends_the_association(fault: str, units: int) -> None:
    scale = Scale(Body(1))
    operating(scale)
    scale.fail(fault, True, 1.0)
    (leaving,) = scale.produce(1.0)
    assert leaving[0] in (0xE4, 0xE6)
    (asked,) = scale.produce(2.0)
    assert int.from_bytes(asked[26:30]) == units
    scale.fail(fault, True, 3.0)
    assert scale.produce(3.0) == []


def test_pounds_are_told_with_their_unit() -> None:
    scale = Scale(Body(1))
    scale.fail("other-unit", True, 0.0)
    scale.opened(0.0)
    scale.produce(0.0)
    (report,) = scale.receive(UNKNOWN, 0.0)
    assert bytes.fromhex("0996 0002 06e0") in report
    scale.receive(confirmation(report, "4000 0000"), 0.0)
    (weight,) = scale.produce(5.0)
    assert bytes.fromhex("ff00063c") in weight


def test_nobody_gives_no_weight_and_no_temperature() -> None:
    body = Body(1)
    body.change(0.0, {"on_scale": False, "facing": False})
    for device in (Scale(body), Thermometer(body)):
        operating(device)
        assert device.produce(20.0) == []


def test_what_nobody_fetches_is_not_kept_for_ever() -> None:
    scale = Scale(Body(1))
    for second in range(0, 600, 5):
        scale.produce(float(second))
    operating(scale)
    told = 0
    for _ in range(2 * WAITING):
        for report in reports(scale.produce(600.0)):
            told += 1
            scale.receive(confirmation(report), 600.0)
    assert told <= WAITING + 1


@given(st.binary(max_size=80))
def test_whatever_a_host_writes_is_borne(data: bytes) -> None:
    scale = Scale(Body(1))
    operating(scale)
    scale.receive(data, 1.0)
    scale.produce(5.0)


# --- USB ----------------------------------------------------------------------------------------------------------


def test_its_descriptors_name_its_specialization() -> None:
    assert Scale.usb.extra.hex() == "042002010630" + "00010f10"
    assert Scale.usb.interface_class == 0x0F
    assert SCALE.plate.specialization == 0x100F


def test_a_host_may_ask_for_the_preamble_and_against_it() -> None:
    scale = Scale(Body(1))
    assert scale.control(Setup(0xA1, 0, 0, 0, 2), b"", 0.0) == bytes(2)
    assert scale.control(Setup(0x21, 3, 0x0101, 0, 0), b"", 0.0) == b""
    scale.opened(0.0)
    assert scale.produce(0.0)[0] == PREAMBLE
    assert scale.control(Setup(0x21, 1, 1, 0, 0), b"", 0.0) == b""
    assert scale.produce(RETRY_S)[0][:2] == b"\xe2\x00"
    assert scale.control(Setup(0x21, 9, 1, 0, 0), b"", 0.0) is None
