"""The simulated Cyton board against the sheet's packets and commands (ecg-cyton, sections 2, 3 and 6)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.body import Array, Body
from simulators.cyton import Ecg
from simulators.cyton_commands import TIMEOUT
from simulators.physiology import LEADS, Physiology


class Held:
    """Electrodes at the same potentials for ever, in mV; NaN for none."""

    def __init__(self, millivolts: list[float]) -> None:
        self._millivolts = np.array(millivolts)

    def start(self, now: float) -> int:
        return 0

    def leads(self, first: int, count: int) -> Array:
        return np.tile(self._millivolts, (count, 1))


def counts(packet: bytes) -> list[int]:
    """The eight 24-bit numbers of a packet, by hand."""
    assert (len(packet), packet[0], packet[32] & 0xF0) == (33, 0xA0, 0xC0)
    return [int.from_bytes(packet[n : n + 3], "big", signed=True) for n in range(2, 26, 3)]


def streaming(board: Ecg, now: float = 0.0) -> Ecg:
    assert board.receive(b"b", now) == []
    return board


def text(frames: list[bytes]) -> str:
    return b"".join(frames).decode("ascii")


def test_packets_are_the_sheets_bytes() -> None:
    held = Held([1.0, 1.0, 0, 0, 0, 0, 0, 0])
    packets = streaming(Ecg(Body(1), held)).produce(2.0)
    assert len(packets) == 500
    assert packets[1] == bytes.fromhex("a0 01 00 ae c3 00 ae c3" + " 00" * 24 + " c0")
    assert [p[1] for p in packets] == [n % 256 for n in range(500)]


def test_the_least_step_and_both_ends_of_the_converter() -> None:
    step = 4500 / 24 / (2**23 - 1)
    held = Held([step, -step, 2 * step, -2 * step, 187.5, -200.0, 900.0, float("nan")])
    (packet, *_) = streaming(Ecg(Body(1), held)).produce(1.0)
    assert counts(packet) == [1, -1, 2, -2, 8388607, -8388608, 8388607, 8388607]


@pytest.mark.parametrize(("digit", "gain"), [("0", 1), ("1", 2), ("2", 4), ("3", 6), ("4", 8), ("5", 12), ("6", 24)])
def test_the_gain_is_honoured_for_its_channel_alone(digit: str, gain: int) -> None:
    board = Ecg(Body(1), Held([1.0] * 8))
    assert text(board.receive(f"x30{digit}0110X".encode(), 0.0)) == "Success: Channel set for 3$$$"
    (packet, *_) = streaming(board).produce(1.0)
    assert counts(packet)[2] == round(1000 / (4.5 / gain / (2**23 - 1) * 1e6))
    assert counts(packet)[1] == 44739


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"V", "v3.1.2$$$"),
        (b"d", "updating channel settings to default$$$"),
        (b"~~", "Sample rate is 250Hz$$$"),
        (b"~6", "Success: Sample rate is 250Hz$$$"),
        (b"~0", "Failure: Sample rate is 250Hz$$$"),
        (b"z110Z", "Success: Lead off set for 1$$$"),
        (b"z910Z", "Failure: invalid lead off setting$$$"),
        (b"x1030110X", "Success: Channel set for 1$$$"),
        (b"x1090110X", "Failure: invalid channel setting$$$"),
        (b"//", "Success: default$$$"),
        (b"<", "Time stamp ON$$$"),
        (b"s", ""),
        (b"1!2@", ""),
        (b"Q", ""),
    ],
)
def test_commands_and_their_answers(command: bytes, answer: str) -> None:
    assert text(Ecg(Body(1)).receive(command, 0.0)) == answer


def test_the_banner_and_the_registers_end_with_three_dollars() -> None:
    board = Ecg(Body(1))
    assert text(board.receive(b"v", 0.0)).endswith("Firmware: v3.1.2\n$$$")
    assert text(board.receive(b"?", 0.0)).count("gain 24") == 8


@given(st.lists(st.integers(1, 5), max_size=20))
def test_commands_in_any_cut(cuts: list[int]) -> None:
    data, board, said, at = b"vx1030110Xz110Z~~d", Ecg(Body(1)), "", 0
    for size in [*cuts, len(data)]:
        said += text(board.receive(data[at : at + size], 0.0))
        at += size
    assert said.count("$$$") == 5


def test_half_a_command_times_out_after_a_second() -> None:
    board = Ecg(Body(1))
    assert board.receive(b"x10", 0.0) == []
    assert board.produce(0.9) == []
    assert text(board.produce(1.1)) == TIMEOUT
    assert text(board.receive(b"V", 1.2)) == "v3.1.2$$$"


def test_while_streaming_only_data_is_sent_and_reset_stops_it() -> None:
    board = streaming(Ecg(Body(1)), 10.0)
    assert board.receive(b"V~~?", 10.1) == []
    assert len(board.produce(11.0)) == 250
    assert board.receive(b"b", 11.0) == []
    assert board.produce(12.0)[0][1] == 250
    assert board.receive(b"s", 12.0) == []
    assert board.produce(20.0) == []
    streaming(board, 30.0)
    assert board.produce(31.0)[0][1] == 0
    assert text(board.receive(b"v", 31.5)).endswith("$$$")
    assert board.produce(40.0) == []


def test_nothing_streams_before_it_is_told() -> None:
    assert Ecg(Body(1)).produce(100.0) == []


def test_the_body_is_seen_beat_by_beat_at_the_time_of_the_stream() -> None:
    body = Body(3, Physiology(heart_rate=70))
    packets = streaming(Ecg(body), 7.302).produce(37.302)
    lead = np.array([counts(p)[1] for p in packets]) * 4500 / 24 / (2**23 - 1)
    begin = np.ceil(7.302 * 250) / 250
    lead = lead - np.median(lead)
    for beat in body.beats(8, 37):
        n = round((beat.at - begin) * 250)
        assert abs(int(np.argmax(lead[n - 10 : n + 10])) - 10) <= 1
    assert 0.9 < lead.max() < 1.4


def test_an_electrode_that_is_off_rails_its_channel_and_no_other() -> None:
    body = Body(1)
    board = streaming(Ecg(body))
    body.change(0.0, {"electrodes_on": [lead for lead in LEADS if lead != "V3"]})
    off = np.array([counts(p) for p in board.produce(1.0)])
    assert (off[:, 4] == 8388607).all()
    assert (np.abs(np.delete(off, 4, axis=1)) < 400_000).all()
    body.change(1.0, {"electrodes_on": list(LEADS)})
    assert (np.abs([counts(p) for p in board.produce(2.0)]) < 400_000).all()


def test_channels_off_shorted_or_on_the_test_signal() -> None:
    board = Ecg(Body(1), Held([1.0] * 8))
    board.receive(b"2x3060010Xx4061110Xx5065110X", 0.0)
    board.receive(b"x3160110X", 0.0)
    rows = np.array([counts(p) for p in streaming(board).produce(3.0)])
    assert (rows[:, [1, 2, 3]] == 0).all()
    assert set(np.round(np.unique(rows[:, 4]) * 4500 / 24 / (2**23 - 1), 3)) == {-1.875, 1.875}
    assert (rows[:, 0] == 44739).all()
    board.receive(b"s@", 3.0)
    assert (np.array([counts(p) for p in streaming(board, 4.0).produce(5.0)])[:, 1] == 44739).all()


@pytest.mark.parametrize(
    ("letter", "levels", "edges"), [(b"0", {0.0}, 0), (b"p", {3.75}, 0), (b"=", {-1.875, 1.875}, 19)]
)
def test_signals_for_all_channels(letter: bytes, levels: set[float], edges: int) -> None:
    board = Ecg(Body(1))
    assert text(board.receive(letter, 0.0)).endswith("$$$")
    rows = np.array([counts(p) for p in streaming(board).produce(5.0)]) * 4500 / 24 / (2**23 - 1)
    assert set(np.round(np.unique(rows), 3)) == levels
    assert np.count_nonzero(np.diff(rows[:, 0])) == pytest.approx(edges, abs=1)


def test_time_stamps_count_milliseconds_of_the_stream() -> None:
    board = Ecg(Body(1), Held([0.0] * 8))
    board.receive(b"<", 0.0)
    packets = streaming(board).produce(1.0)
    assert {p[32] for p in packets} == {0xC4}
    assert [int.from_bytes(p[28:32], "big") for p in packets[:4]] == [0, 4, 8, 12]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.001, 0.9), min_size=1, max_size=15))
def test_any_pace_of_asking_gives_the_same_bytes(steps: list[float]) -> None:
    times = np.cumsum(steps)
    pieces, whole = streaming(Ecg(Body(1))), streaming(Ecg(Body(1)))
    assert [p for t in times for p in pieces.produce(float(t))] == whole.produce(float(times[-1]))


def faulty(fault: str) -> Ecg:
    board = Ecg(Body(1))
    board.fail(fault, True, 0.0)
    return board


def test_a_radio_burst_takes_packets_away_and_numbers_go_on() -> None:
    numbers = [packet[1] for packet in streaming(faulty("radio-burst")).produce(4.0)]
    assert len(numbers) == 1000 - 2 * 60
    assert numbers[0] == 60 and numbers[439:441] == [499 % 256, 560 % 256]


def test_a_railed_amplifier_rails_with_its_electrode_on() -> None:
    board = faulty("railed")
    assert {counts(packet)[2] for packet in streaming(board).produce(1.0)} == {8388607}
    board.fail("railed", False, 1.0)
    assert 8388607 not in {counts(packet)[2] for packet in board.produce(2.0)}


@pytest.mark.parametrize(
    ("fault", "command", "answer"),
    [
        ("board-off", b"v", "Failure: Communications timeout - Device failed to poll Host$$$"),
        ("board-off", b"b", ""),
        ("no-banner", b"v", ""),
        ("no-banner", b"V", "v3.1.2$$$"),
        ("wrong-channel", b"x1030110X", "Success: Channel set for 9$$$"),
        ("wrong-rate", b"~~", "Sample rate is 1000Hz$$$"),
        ("wrong-rate", b"~6", "Sample rate is 1000Hz$$$"),
    ],
)
def test_faults_of_the_board(fault: str, command: bytes, answer: str) -> None:
    board = faulty(fault)
    assert text(board.receive(command, 0.0)) == answer
    board.fail(fault, False, 1.0)
    assert "Failure" not in text(board.receive(b"v", 1.0))


def test_a_board_that_is_off_sends_nothing() -> None:
    board = streaming(Ecg(Body(1)))
    board.fail("board-off", True, 1.0)
    assert board.produce(2.0) == []


def test_stamped_packets_carry_the_upright_axis_in_its_turn() -> None:
    board = Ecg(Body(1), Held([0.0] * 8))
    board.receive(b"<", 0.0)
    axis = [int.from_bytes(packet[26:28], "big") for packet in streaming(board).produce(1.0)]
    assert axis[:20] == [0] * 9 + [8192] + [0] * 9 + [8192]
