"""HealthyPi v5 and v4: the maker's layout to the byte, what stands for nothing, and what only looks like a frame."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, healthypi_frames, healthypi_v4, healthypi_v5
from drivers.errors import Unplugged
from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value, Wave
from drivers.healthypi_frames import PING, PONG, SET_AUTOSTREAM, STREAM_START, STREAM_STOP, Framer, encode_command
from drivers.pipe import pipe
from drivers.stream import Line, _open_port
from simulators.body import Body
from simulators.healthypi import Five
from tests.protocol_vectors import Vector, read_vectors

# Protocol sheet ecg-healthypi and its vectors: constructed from the layout of the maker's firmware.
NORMAL = bytes.fromhex("0afa160002f0050000cafeffff0039650c0072c00d00480e61480f000b")
NO_FINGER = bytes.fromhex("0afa160002ecffffff00000000ff64000000c800000000000000000" + "00b")
FALSE_HEADER = bytes.fromhex("0afa1600020afa0000" + "00" * 15 + "623c0c000b")
FOUR = bytes.fromhex("0afa1400027800d3fff2a50700922c09004c0e0e62475078c0000b")
FALSE_HEADS = bytes.fromhex("0afa160002") + bytes.fromhex("0afa160002") * 4 + bytes.fromhex("0afa") + b"\x00\x0b"
"""A payload that repeats a whole head of a frame."""


def decoded(data: bytes, protocol: str = "healthypi-v5") -> list[Event]:
    decoder = DECODERS[protocol]()
    return [*decoder.feed(data), *decoder.flush()]  # type: ignore[attr-defined]


def samples(events: Sequence[Event]) -> list[float]:
    return [row[0] for event in events if isinstance(event, Wave) for row in event.samples]


def values(events: Sequence[Event]) -> dict[str, Value]:
    return {event.quantity: event.value for event in events if isinstance(event, Reading)}


def troubles(events: Sequence[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Trouble)]


def five(ecg: int = 1, hundredths: int = 3656, spo2: int = 97, heart: int = 72, breath: int = 15) -> bytes:
    return (
        b"\x0a\xfa\x16\x00\x02"
        + struct.pack("<iiBiihBBB", ecg, 0, 0, 1, 1, hundredths, spo2, heart, breath)
        + b"\0\x0b"
    )


def test_the_five_s_frame() -> None:
    events = decoded(NORMAL * 2)
    assert samples(events) == [1520.0, 1520.0]
    assert values(events) == {"spo2": 97.0, "heart_rate": 72.0, "respiratory_rate": 15.0, "temperature": 36.56}
    (wave,) = (event for event in events if isinstance(event, Wave))
    assert (wave.rate, wave.unit, wave.channels, wave.index) == (128.0, "1", ("I",), 0)


def test_a_zero_is_no_value() -> None:
    events = decoded(NO_FINGER * 2)
    assert samples(events) == [-20.0, -20.0]
    assert set(values(events).values()) == {NoValue("missing")}


def test_one_frame_alone_is_no_value_yet() -> None:
    assert values(decoded(NORMAL)) == {}
    assert values(decoded(five(heart=72) + five(heart=73) + five(heart=74))) == {}


@pytest.mark.parametrize("sentinel", [25, 255])
def test_what_the_firmware_cuts_to_a_byte_is_no_value(sentinel: int) -> None:
    found = values(decoded(five(spo2=sentinel, heart=sentinel) * 2))
    assert found["spo2"] == found["heart_rate"] == NoValue("out-of-range")


def test_numbers_are_told_when_they_change_and_else_once_a_second() -> None:
    events = decoded(five() * 128 + five(heart=80) * 128)
    told = [event.value for event in events if isinstance(event, Reading) and event.quantity == "heart_rate"]
    assert told == [72.0, 80.0]
    events = decoded(five() * 400)
    assert len([event for event in events if isinstance(event, Reading) and event.quantity == "spo2"]) == 4


@pytest.mark.parametrize("frame", [FALSE_HEADER, FALSE_HEADS])
def test_a_header_in_the_payload_breaks_nothing(frame: bytes) -> None:
    events = decoded(frame * 20)
    assert len(samples(events)) == 20
    assert troubles(events) == []


def test_opened_in_the_middle_of_such_a_payload_nothing_false_is_said() -> None:
    for cut in range(1, len(FALSE_HEADS)):
        events = decoded(FALSE_HEADS[cut:] + FALSE_HEADS * 3)
        assert samples(events) == [float(0x0016FA0A)] * 3


def test_the_trailer_and_the_next_header_must_fit() -> None:
    wrong = bytearray(NORMAL)
    wrong[-1] = 0x0C
    assert samples(decoded(bytes(wrong) + NORMAL * 2)) == [1520.0, 1520.0]
    decoder = healthypi_v5.Decoder()
    assert decoder.feed(NORMAL + b"\x0a\xfb\x16\x00\x02" + NORMAL) == []
    assert troubles(decoder.feed(NORMAL[:5])) == ["resync"]
    assert samples(decoder.flush()) == [1520.0]


@pytest.mark.parametrize("head", ["0afa150002", "0afa160102", "0afa160005", "0afa140002"])
def test_length_and_type_belong_together(head: str) -> None:
    assert samples(decoded((bytes.fromhex(head) + NORMAL[5:]) * 3)) == []


def test_a_damaged_frame_leaves_a_hole_of_its_size() -> None:
    spoilt = bytearray(NORMAL)
    spoilt[-2] = 0x55
    events = decoded(NORMAL * 3 + bytes(spoilt) + NORMAL * 3)
    assert [event.index for event in events if isinstance(event, Wave)] == [0, 4]
    assert Trouble("lost-samples", "damaged frames", 1) in events


def test_where_bytes_are_missing_the_index_starts_again() -> None:
    events = decoded(NORMAL * 3 + NORMAL[:-7] + NORMAL * 3)
    assert [event.index for event in events if isinstance(event, Wave)] == [0, 0]
    assert troubles(events) == ["lost-samples", "resync"]


def test_batches_of_the_zephyr_firmware_and_its_temperature() -> None:
    ecg = b"\x0a\xfa\x32\x00\x03" + struct.pack("<8i4iBB", *range(100, 108), 1, 2, 3, 4, 72, 15) + b"\0\x0b"
    light = b"\x0a\xfa\x13\x00\x04" + struct.pack("<8hBBB", *range(8), 97, 0x0E, 0x0E) + b"\0\x0b"
    events = decoded((ecg + light) * 2)
    assert samples(events) == [float(n) for n in range(100, 108)] * 2
    assert values(events) == {
        "heart_rate": 72.0,
        "respiratory_rate": 15.0,
        "spo2": 97.0,
        "temperature": NoValue("device-error"),
    }


def test_an_answer_between_frames_is_an_identity() -> None:
    events = decoded(NORMAL * 2 + PONG + NORMAL * 2)
    assert Identity("ProtoCentral HealthyPi 5") in events
    assert len(samples(events)) == 4
    assert troubles(events) == []


def test_the_four_s_frame_and_its_two_constants() -> None:
    events = decoded(FOUR * 2, "healthypi-v4")
    assert samples(events) == [120.0, 120.0]
    assert values(events) == {"spo2": 98.0, "heart_rate": 71.0, "respiratory_rate": 14.0, "temperature": 36.6}
    assert not [event for event in events if "pressure" in str(event)]
    (wave,) = (event for event in events if isinstance(event, Wave))
    assert (wave.rate, wave.unit, wave.channels, wave.flags) == (125.0, "1", ("I",), frozenset())


@pytest.mark.parametrize("bit", range(5))
def test_an_electrode_off_is_flagged_and_has_no_heart_rate(bit: int) -> None:
    off = bytearray(FOUR)
    off[24] |= 1 << bit
    events = decoded(bytes(off) * 2, "healthypi-v4")
    assert {event.flags for event in events if isinstance(event, Wave)} == {frozenset({"lead-off:I"})}
    assert values(events)["heart_rate"] == NoValue("missing")


def test_the_four_s_sentinels() -> None:
    empty = bytearray(FOUR)
    empty[17:22] = bytes(5)
    assert set(values(decoded(bytes(empty) * 2, "healthypi-v4")).values()) == {NoValue("missing")}


def test_commands() -> None:
    assert encode_command(PING) == bytes.fromhex("aa55010000")
    assert encode_command(STREAM_STOP) == bytes.fromhex("aa55110000")
    assert encode_command(STREAM_START) == bytes.fromhex("aa55100000")
    assert encode_command(SET_AUTOSTREAM, b"\x01") == bytes.fromhex("aa5513010101")
    assert encode_command(SET_AUTOSTREAM, b"\x00") == bytes.fromhex("aa5513010000")


STREAM = NORMAL * 4 + PONG + FALSE_HEADS * 3 + NORMAL[:-3] + FOUR + NORMAL * 3


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    for protocol in ("healthypi-v5", "healthypi-v4"):
        decoder = DECODERS[protocol]()
        pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
        assert [event for piece in pieces for event in decoder.feed(piece)] == DECODERS[protocol]().feed(STREAM)


@given(st.lists(st.sampled_from([NORMAL, NORMAL[:9], FOUR, PONG, b"\x0a\xfa", b"\x00\x0b"]) | st.binary(max_size=60)))
def test_no_soup_breaks_the_framer_or_grows_in_it(soup: list[bytes]) -> None:
    framer = Framer(healthypi_v5.LENGTHS)
    for piece in soup:
        framer.feed(piece)
        assert len(framer._pending) < healthypi_frames.AROUND + 50 + healthypi_frames.HEAD
    framer.flush()
    assert not framer._pending


# --- the maker's vectors ----------------------------------------------------------------------------------------

_NAMES = {
    "temp_C": "temperature",
    "temp": "temperature",
    "hr": "heart_rate",
    "rr": "respiratory_rate",
    "spo2": "spo2",
}
_RAW = {"bioz": slice(4, 8), "red": slice(9, 13), "ir": slice(13, 17)}
_RAW_4 = {"resp": slice(2, 4), "ir": slice(4, 8), "red": slice(8, 12)}


def check_expected(key: str, wanted: object, vector: Vector, events: list[Event]) -> None:
    """One key of a record against the events; a key that is not understood fails."""
    is_four = vector.ident.startswith("hpi4")
    payload = vector.data[5:-2]
    raw = _RAW_4 if is_four else _RAW
    if key in _NAMES:
        assert values(events)[_NAMES[key]] == (NoValue("missing") if wanted is None else wanted)
    elif key == "ecg":
        assert set(samples(events)) == {wanted}
    elif key in raw:  # not told: the driver says why
        assert int.from_bytes(payload[raw[key]], "little", signed=True) == wanted
    elif key == "bioz_skip":
        assert payload[8] == 0xFF and wanted is True
    elif key in ("rule", "note", "bp"):
        assert not [event for event in events if "pressure" in str(event)]
    elif key == "ads1292_status":
        assert payload[19] == int(str(wanted), 16)
    elif key == "leads_ok":
        assert all(not event.flags for event in events if isinstance(event, Wave)) is wanted
    else:
        raise AssertionError(f"{vector.ident}: nobody knows what {key} expects")


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    commands = {"ping": (PING, b""), "stop stream": (STREAM_STOP, b""), "auto-stream off": (SET_AUTOSTREAM, b"\x00")}
    seen = read_vectors(maker_vectors / "healthypi.txt")
    for vector in seen:
        if vector.direction == "host->device":
            assert encode_command(*commands[vector.expect["command"]]) == vector.data
            answers = Five(Body(1)).receive(vector.data, 0.0)
            assert answers == ([bytes.fromhex("aa55810000")] if "reply" in vector.expect else [])
            continue
        # Twice: no number is believed that one frame alone says.
        events = decoded(vector.data * 2, "healthypi-v4" if vector.ident.startswith("hpi4") else "healthypi-v5")
        for key, wanted in vector.expect.items():
            check_expected(key, wanted, vector, events)
    assert len(seen) == 7


# --- the drivers ------------------------------------------------------------------------------------------------


def test_the_port_is_opened_with_dtr_on() -> None:
    """Without it a v5 sends nothing (protocol sheet)."""
    master, slave = os.openpty()
    port = _open_port(os.ttyname(slave), Line(115200))
    try:
        assert port.dtr is True
    finally:
        port.close()
        os.close(master)
        os.close(slave)


async def test_a_silent_board_is_asked_to_stream_and_told_to_stop_in_the_end() -> None:
    here, there = pipe()
    events: list[Event] = []
    job = asyncio.create_task(healthypi_v5.Ecg(ask_s=0.02).run(here, events.append))
    heard = b""
    while encode_command(STREAM_START) not in heard:
        heard += await asyncio.wait_for(there.read(), 5)
    assert heard.startswith(encode_command(PING))
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    while encode_command(STREAM_STOP) not in heard:
        heard += await asyncio.wait_for(there.read(), 5)
    assert events == [Trouble("unconfirmed", healthypi_v5.UNCONFIRMED)]


async def test_a_board_that_streams_is_not_asked_again() -> None:
    here, there = pipe()
    job = asyncio.create_task(healthypi_v5.Ecg(ask_s=0.05).run(here, lambda event: None))
    await asyncio.sleep(0)
    for _ in range(20):
        await there.write(NORMAL * 3)
        await asyncio.sleep(0.01)
    heard = await asyncio.wait_for(there.read(), 5)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert heard == encode_command(PING) or heard.startswith(encode_command(PING))


@pytest.mark.parametrize("driver", [healthypi_v5.Ecg, healthypi_v4.Ecg])
async def test_unplugged_leaves_the_driver_bare(driver: type[healthypi_v5.Ecg]) -> None:
    here, there = pipe()
    there.close()
    with pytest.raises(Unplugged):
        await driver().run(here, lambda event: None)
