"""The simulated Nonin module against the maker's frame layout (protocol sheet nonin, section 2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.body import Body
from simulators.nonin import Oximeter, Oximeter1, Oximeter2
from simulators.nonin_9560 import Oximeter8, Oximeter13
from simulators.nonin_finger import Counts, Spot
from simulators.physiology import Physiology


class Still:
    """A finger that gives the same counts and values for ever."""

    def __init__(self, counts: list[int], spot: Spot, percent: float = 3.0) -> None:
        self._counts, self._spot, self._percent = np.array(counts), spot, percent

    def start(self, now: float) -> int:
        return 0

    def counts(self, first: int, count: int) -> Counts:
        return np.asarray(self._counts[np.arange(first, first + count) % len(self._counts)])

    def spot(self, index: int, since: float) -> Spot:
        return self._spot

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:
        return np.ones(count, dtype=bool)

    def perfusion(self) -> float:
        return self._percent


def packets(frames: list[bytes]) -> list[list[bytes]]:
    """Whole packets of 25 frames, each beginning with SYNC."""
    starts = [n for n, frame in enumerate(frames) if frame[0] & 1]
    return [frames[n : n + 25] for n in starts if n + 25 <= len(frames)]


def rate_of(packet: list[bytes], frame: int) -> int:
    """The maker's rule, for the frame (counted from 1) with the high bits."""
    return (packet[frame - 1][3] & 3) << 7 | packet[frame][3] & 0x7F


def test_every_frame_has_its_sum_and_every_25th_is_marked() -> None:
    frames = Oximeter(Body(1)).produce(10.0)
    assert len(frames) == 750
    assert all(len(f) == 5 and f[0] & 0x80 and sum(f[:4]) % 256 == f[4] for f in frames)
    marks = [n for n, f in enumerate(frames) if f[0] & 1]
    assert marks == list(range(marks[0], 750, 25))


def test_the_status_bits_of_the_sheet() -> None:
    # DF7 frame of the sheet, 7 section 8: 0x81 is SYNC without a flag, pleth 0x9606, float 0.
    frames = Oximeter(Body(1), Still([0x9606], Spot(96, 94, 94))).produce(1.0)
    assert frames[0] == bytes.fromhex("83 96 06 00 1f")
    assert frames[1] == bytes.fromhex("82 96 06 5e 7c")
    assert frames[2] == bytes.fromhex("82 96 06 60 7e")
    low = Oximeter(Body(1), Still([1], Spot(), percent=0.2)).produce(1.0)
    assert {f[0] & 0x06 for f in low} == {0x04}
    marginal = Oximeter(Body(1), Still([1], Spot(), percent=0.4)).produce(1.0)
    assert {f[0] & 0x06 for f in marginal} == {0x06}


def test_a_captured_packet_is_laid_out_the_same(maker_vectors: Path) -> None:
    text = (maker_vectors / "nonin.txt").read_text()
    record = text.split("@id nonin-df7-packet-2253\n", 1)[1].split("@id", 1)[0]
    captured = bytes.fromhex(record.split("@hex", 1)[1].split("\n", 1)[0])
    real = [captured[n : n + 5] for n in range(0, 125, 5)]
    ours = Oximeter(
        Body(1), Still([int.from_bytes(f[1:3], "big") for f in real], Spot(spo2=98, rate=100, slow_rate=99))
    ).produce(1 / 3)
    assert [f[1:3] for f in ours] == [f[1:3] for f in real]
    assert [f[0] & 0x81 for f in ours] == [f[0] & 0x81 for f in real]
    # The values that the capture states with the same meaning: HR, SpO2, revision, -D, fast, E-HR, HR-D.
    for frame in (1, 2, 3, 4, 6, 7, 8, 9, 10, 14, 15, 20, 21):
        assert ours[frame - 1][3] == real[frame - 1][3], frame


def test_values_follow_the_body() -> None:
    body = Body(1, Physiology(heart_rate=150, spo2=93))
    packet = packets(Oximeter(body).produce(30.0))[-1]
    assert rate_of(packet, 1) == pytest.approx(150, abs=6)
    assert rate_of(packet, 14) == pytest.approx(150, abs=5)
    assert [packet[n - 1][3] for n in (3, 9, 10, 11, 16, 17)] == [93] * 6
    assert packet[3][3] == 0x2D


def test_nothing_is_known_before_the_fourth_pulse() -> None:
    packet = packets(Oximeter(Body(1)).produce(2.0))[0]
    assert rate_of(packet, 1) == rate_of(packet, 20) == 511
    assert packet[2][3] == packet[8][3] == 127


def test_the_pleth_carries_the_beats_and_the_perfusion_bits_mark_them() -> None:
    body = Body(1, Physiology(heart_rate=75))
    frames = Oximeter(body).produce(40.0)
    shown = np.array([bool(f[0] & 0x02) for f in frames])
    begins = np.flatnonzero(shown[1:] & ~shown[:-1]) + 1
    assert len(begins) == pytest.approx(len(body.beats(0, 40)), abs=1)
    runs = [int(np.argmin(shown[n:])) for n in begins[:-1]]
    assert set(runs) == {12}
    pleth = np.array([int.from_bytes(f[1:3], "big") for f in frames])
    assert all(pleth[n] > np.percentile(pleth, 75) for n in begins[2:])
    assert np.ptp(pleth) > 10_000


def test_finger_out_loses_recording_values_at_once_and_display_values_after_ten_seconds() -> None:
    body = Body(1)
    module = Oximeter(body)
    good = packets(module.produce(20.0))[-1]
    body.change(20.0, {"finger_in": False})
    soon = packets(module.produce(29.0))
    late = packets(module.produce(34.0))[3:]
    assert all(f[0] & 0x18 == 0x18 for p in soon + late for f in p)
    assert {rate_of(p, 1) for p in soon + late} == {511}
    assert {p[2][3] for p in soon + late} == {127}
    assert {(rate_of(p, 20), p[8][3]) for p in soon} == {(rate_of(good, 20), 97)}
    assert {(rate_of(p, 20), p[8][3]) for p in late} == {(511, 127)}
    body.change(34.0, {"finger_in": True})
    back = packets(module.produce(36.0))
    assert rate_of(back[-1], 1) == 511
    assert not back[-1][0][0] & 0x18
    assert rate_of(packets(module.produce(50.0))[-1], 1) != 511


def test_moving_marks_an_artifact() -> None:
    body = Body(1)
    body.change(0.0, {"moving": True})
    assert all(f[0] & 0x20 for f in Oximeter(body).produce(1.0))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.001, 0.9), min_size=1, max_size=15))
def test_any_pace_of_asking_gives_the_same_bytes(steps: list[float]) -> None:
    times = np.cumsum(steps)
    module = Oximeter(Body(1))
    pieces = [f for t in times for f in module.produce(float(t))]
    assert pieces == Oximeter(Body(1)).produce(float(times[-1]))


def test_a_late_host_joins_where_the_body_is() -> None:
    body = Body(1)
    module = Oximeter(body)
    module.opened(7.31)
    frames = module.produce(9.0)
    early = Oximeter(body).produce(20.0)
    first = next(n for n in range(500, 600) if early[n : n + 5] == frames[:5])
    assert first / 75 == pytest.approx(7.31, abs=1 / 75)
    assert module.receive(b"\x02\x70\x02\x02\x07\x03", 9.0) == []


# --- the other formats and the 9560 -------------------------------------------------------------------------------

STILL = Spot(spo2=97, rate=72, slow_rate=72)


def test_format_2_has_its_lead_byte_and_eight_bits_of_pleth() -> None:
    # Firmware revision 0x2D instead of the documented 0x30; everything else is the packet of pufferfish's test.
    frames = Oximeter2(Body(1), Still([0x0100], STILL)).produce(1 / 3)
    assert frames[0] == bytes.fromhex("01 83 01 00 85")
    assert frames[1] == bytes.fromhex("01 82 01 48 cc")
    assert frames[2] == bytes.fromhex("01 82 01 61 e5")
    assert all(len(f) == 5 and f[0] == 1 and sum(f[:4]) % 256 == f[4] for f in frames)


def test_formats_1_and_8_say_a_frame_a_second() -> None:
    assert Oximeter1(Body(1), Still([1], STILL)).produce(3.5) == [bytes.fromhex("80 48 61")] * 4
    quick = Oximeter8(Body(1), Still([1], Spot(spo2=98, rate=57, slow_rate=57)))
    assert quick.produce(3.5) == [bytes.fromhex("80 39 62 00")] * 4
    assert quick.produce(11.5)[-1] == bytes.fromhex("80 39 62 20"), "SmartPoint"


def test_format_1_without_a_sensor_and_format_8_without_a_finger() -> None:
    module = Oximeter1(Body(1), Still([1], STILL, percent=0.1))
    module.fail("sensor-disconnected", True, 0.0)
    assert module.produce(0.5) == [bytes.fromhex("e3 7f 7f")]
    body = Body(1)
    quick = Oximeter8(body, Still([1], Spot(spo2=98, rate=57, slow_rate=57)))
    quick.produce(2.5)
    body.change(2.5, {"finger_in": False})
    assert quick.produce(4.5) == [bytes.fromhex("a0 39 62 08")] * 2, "held on the display"
    assert quick.produce(14.5)[-1] == bytes.fromhex("a3 7f 7f 08")


def test_format_13_sends_one_packet_for_each_finger() -> None:
    body = Body(1)
    spot = Oximeter13(body, Still([1], STILL))
    assert spot.produce(11.9) == []
    assert spot.produce(60.0) == [bytes.fromhex("00 02 00 0d 00 0e 20 26 11 21 22 30 12 00 02 00 00 48 00 61 87 03")]
    body.change(60.0, {"finger_in": False})
    assert spot.produce(70.0) == []
    body.change(70.0, {"finger_in": True})
    assert len(spot.produce(90.0)) == 1


def test_the_9560_answers_within_five_seconds_and_changes_its_format() -> None:
    spot = Oximeter13(Body(1), Still([1], STILL))
    spot.opened(10.0)
    assert spot.receive(bytes.fromhex("02 72 00 03"), 11.0) == [bytes.fromhex("02 f2 06 1a 0b 15 16 1e 0b 03")]
    assert spot.receive(bytes.fromhex("02 70 02 02 05 03"), 11.0) == [b"\x15"]
    assert spot.receive(bytes.fromhex("55 02 70 04 02 07"), 11.0) == []
    assert spot.receive(bytes.fromhex("01 7e 03"), 11.0) == [b"\x06"]
    assert spot.receive(bytes.fromhex("02 72 06 32 0c 1f 0e 1e 0f 03 02 72 00 03"), 12.0) == [
        b"\x06",
        bytes.fromhex("02 f2 06 32 0c 1f 0e 1e 0f 03"),
    ]
    assert spot.receive(bytes.fromhex("02 72 00 03"), 15.1) == []
    frames = spot.produce(16.0)
    assert len(frames) >= 75 and all(len(f) == 5 and f[0] & 0x80 for f in frames)
    assert any(p[6][3] for p in packets(frames)), "its timer runs"
