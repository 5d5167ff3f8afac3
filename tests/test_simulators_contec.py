"""The simulated Contec oximeters against the maker's layout and what open readers saw (sheet contec-cms50)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.body import Body
from simulators.contec import RATE, OximeterOld, OximeterV7, Shown, packet
from simulators.physiology import Physiology

BEGIN, END = bytes.fromhex("7d 81 a1 80 80 80 80 80 80"), bytes.fromhex("7d 81 a2 80 80 80 80 80 80")


def begun(body: Body, at: float = 20.0) -> OximeterV7:
    device = OximeterV7(body)
    device.opened(at)
    assert device.receive(BEGIN, at) == []
    return device


def plain(raw: bytes) -> list[int]:
    """The data of a packet by the document's own sum."""
    return [(byte & 0x7F) + 128 * (raw[1] >> place & 1) for place, byte in enumerate(raw[2:])]


def test_packets_are_laid_out_as_in_the_document() -> None:
    assert packet(0x01, bytes((0x45, 0x40, 0x07, 75, 98, 0x5E, 0x01))) == bytes.fromhex("01 80 c5 c0 87 cb e2 de 81")
    assert packet(0x0D, b"\x01") == bytes.fromhex("0d 80 81")
    seen = Shown(64, 75, 98, 3.5, 5, True, False, True)
    assert OximeterV7(Body(1))._packet(seen) == bytes.fromhex("01 80 c5 c0 88 cb e2 de 81")
    assert OximeterOld(Body(1))._frame(Shown(42, 72, 97, 3.0, 4, True, False, True)) == bytes.fromhex(
        "c4 2a 05 48 61"
    )


def test_the_new_one_says_nothing_until_it_is_asked_and_stops_when_it_is_told() -> None:
    device = OximeterV7(Body(1))
    device.opened(0.0)
    assert device.produce(10.0) == []
    assert device.receive(BEGIN[:4], 10.0) == device.receive(BEGIN[4:], 10.0) == []
    assert len(device.produce(11.0)) == RATE
    assert device.receive(END, 11.0) == [bytes.fromhex("0c 80")]
    assert device.produce(20.0) == []


def test_answers() -> None:
    device = OximeterV7(Body(1))
    assert device.receive(bytes.fromhex("7d 81 aa 80 80 80 80 80 80"), 0.0) == [packet(0x04, b"CMS50D+")]
    assert device.receive(bytes.fromhex("7d 81 af 80 80 80 80 80 80"), 0.0) == []
    assert device.receive(bytes.fromhex("7d 81 b1 96 9e 85 80 80 80"), 0.0) == [bytes.fromhex("0b 81 b1 80")]
    assert device.receive(bytes.fromhex("7d 81 b6 80 80 80 80 80 80"), 0.0) == [bytes.fromhex("0b 81 b6 85")]
    assert device.receive(bytes(20), 0.0) == []


def test_values_follow_the_body() -> None:
    body = Body(1, Physiology(heart_rate=150, spo2=93, perfusion=4.0))
    data = plain(begun(body).produce(25.0)[-1])
    assert data[3] == pytest.approx(150, abs=6)
    assert data[4] == 93
    assert data[5] + 256 * data[6] == 400
    old = OximeterOld(body)
    old.opened(20.0)
    frame = old.produce(25.0)[-1]
    assert (frame[2] & 0x40) << 1 | frame[3] == data[3]
    assert frame[4] == 93


def test_the_wave_carries_the_beats() -> None:
    body = Body(1, Physiology(heart_rate=75))
    frames = begun(body).produce(40.0)
    wave = np.array([plain(frame)[1] & 0x7F for frame in frames])
    assert 30 < np.ptp(wave) < 127
    beeps = sum(plain(frame)[0] >> 6 & 1 for frame in frames)
    assert beeps == pytest.approx(len(body.beats(20.0, 40.0)), abs=1)


def test_without_a_finger_everything_is_invalid() -> None:
    body = Body(1)
    body.change(0.0, {"finger_in": False})
    assert plain(begun(body).produce(20.1)[-1]) == [0x80, 0x40, 0x10, 0xFF, 0x7F, 0xFF, 0xFF]
    old = OximeterOld(body)
    assert old.produce(1.0)[-1] == bytes.fromhex("90 00 20 00 00")


@pytest.mark.parametrize("fault", OximeterV7.own_faults)
def test_every_fault_is_seen_on_the_wire_and_ends(fault: str) -> None:
    device, sound = begun(Body(1)), begun(Body(1))
    device.fail(fault, True, 20.0)
    assert device.produce(21.0) != sound.produce(21.0)
    device.fail(fault, False, 21.0)
    device.receive(BEGIN, 21.0)
    assert device.produce(22.0) == sound.produce(22.0)


@pytest.mark.parametrize("fault", OximeterOld.own_faults)
def test_every_fault_of_the_old_one_too(fault: str) -> None:
    device, sound = OximeterOld(Body(1)), OximeterOld(Body(1))
    device.fail(fault, True, 0.0)
    assert device.produce(21.0) != sound.produce(21.0)
    device.fail(fault, False, 21.0)
    assert device.produce(22.0) == sound.produce(22.0)


@pytest.mark.parametrize("model", [OximeterV7, OximeterOld])
@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.floats(0.001, 0.9), min_size=1, max_size=15))
def test_any_pace_of_asking_gives_the_same_bytes(
    model: type[OximeterV7] | type[OximeterOld], steps: list[float]
) -> None:
    times = [20.0 + float(t) for t in np.cumsum(steps)]
    one, other = model(Body(1)), model(Body(1))
    for device in (one, other):
        device.opened(20.0)
        device.receive(BEGIN, 20.0)
    assert [frame for t in times for frame in one.produce(t)] == other.produce(times[-1])
