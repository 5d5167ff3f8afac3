"""Medlab EG01010: both protocols to the byte, what is unconfirmed kept untold, and a rate that must be right."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, medlab_1, medlab_2
from drivers.errors import Unplugged
from drivers.events import Event, Identity, NoValue, Reading, Trouble, Wave
from drivers.medlab_1 import RATE, SET_UP, RateWatch
from drivers.medlab_frames import LONGEST_NAME, Block, Blocks, Number, Status, check
from drivers.pipe import pipe
from tests.protocol_vectors import Vector, read_vectors

# Maker's manual v1.06: page 12; page 17 (identity); the rest constructed from pages 18 and 19.
STREAM_1 = bytes.fromhex("f8202325fa78f82525")
LEAD_OFF = bytes.fromhex("fb11f88080")
WAVE_1, WAVE_2 = bytes.fromhex("f81880"), bytes.fromhex("f82c9341")
PULSE = bytes.fromhex("f94148")
IDENTITY = bytes.fromhex("fd454730313031304830533631" + "00")


def decoded(data: bytes, protocol: str) -> list[Event]:
    decoder = DECODERS[protocol]()
    return [*decoder.feed(data), *decoder.flush()]  # type: ignore[attr-defined]


def samples(events: Sequence[Event]) -> list[float]:
    return [row[0] for event in events if isinstance(event, Wave) for row in event.samples]


def waves(events: Sequence[Event]) -> list[Wave]:
    return [event for event in events if isinstance(event, Wave)]


def rates(events: Sequence[Event]) -> list[object]:
    return [event.value for event in events if isinstance(event, Reading) and event.quantity == "heart_rate"]


def troubles(events: Sequence[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Trouble)]


def checked(marker: int, *content: int) -> bytes:
    return bytes([marker, (marker + sum(content)) & 0x7F, *content])


def status(speed: int = 1, lead: int = 0x02, electrodes: int = 0x1F) -> bytes:
    return checked(0xFC, electrodes, lead, 0x24 | speed, 0)


# --- protocol 1 -------------------------------------------------------------------------------------------------


def test_the_stream_of_page_12() -> None:
    events = decoded(STREAM_1, "medlab-1")
    assert samples(events) == [32.0, 35.0, 37.0, 37.0, 37.0]
    assert rates(events) == [120.0]
    (wave,) = waves(events)
    assert (wave.rate, wave.unit, wave.channels, wave.flags) == (300.0, "1", ("II",), frozenset())


def test_a_rate_that_stands_alone_is_settling() -> None:
    events = decoded(bytes.fromhex("fa48 fa4a fa78 fa78"), "medlab-1")
    told = ["".join(event.flags) for event in events if isinstance(event, Reading)]
    assert told == ["settling", "locked", "settling", "locked"]


def test_lead_off_is_flagged_until_a_pulse_is_found() -> None:
    events = decoded(LEAD_OFF + b"\xfa\x48\xf8\x81\x82", "medlab-1")
    assert [(wave.flags, len(wave.samples)) for wave in waves(events)] == [({"lead-off:II"}, 2), (frozenset(), 2)]
    assert rates(events) == [NoValue("sensor-disconnected"), 72.0]


@pytest.mark.parametrize(
    ("rate", "why"), [(0, "missing"), (24, "out-of-range"), (241, "out-of-range"), (246, "out-of-range")]
)
def test_a_rate_that_no_heart_has_is_no_value(rate: int, why: str) -> None:
    assert [event.why for event in rates(decoded(bytes([0xFA, rate]), "medlab-1")) if isinstance(event, NoValue)] == [
        why
    ]


def test_respiration_is_no_pulse() -> None:
    (event,) = decoded(b"\xf9\x0f", "medlab-1")
    assert isinstance(event, Reading) and (event.quantity, event.value) == ("respiratory_rate", 15.0)


@pytest.mark.parametrize("soup", ["fafa48", "faf820", "fb12", "fe48", "f7", "f8f720"])
def test_a_marker_without_its_byte_and_one_that_is_not_defined(soup: str) -> None:
    events = decoded(bytes.fromhex(soup), "medlab-1")
    assert "malformed" in troubles(events)
    assert samples(events) in ([], [32.0]) and len(rates(events)) <= 1


def test_what_comes_before_the_first_marker_is_nothing() -> None:
    assert decoded(b"\x48\x80\x80", "medlab-1") == []


def test_the_rate_is_counted_against_the_clock() -> None:
    watch = RateWatch(RATE, 0.0)
    assert not watch.count(300, 1.0, 0.4, 1.0)
    assert watch.right is None
    assert watch.count(300, 2.0, 0.4, 1.0) and watch.right is True
    assert watch.count(200, 4.0, 0.4, 1.0) and watch.right is False
    fast = RateWatch(RATE, 0.0)
    assert not fast.count(1200, 0.2, 0.4, 20.0)
    assert fast.count(1200, 0.4, 0.4, 20.0) and fast.right is True


async def test_samples_at_another_rate_are_not_told_and_the_module_is_set_up_again() -> None:
    here, there = pipe()
    events: list[Event] = []
    job = asyncio.create_task(medlab_1.Ecg(time_scale=20.0).run(here, events.append))
    heard = b""
    for _ in range(40):
        await there.write(b"\xf8" + bytes([128] * 10))
        await asyncio.sleep(0.02)
    while heard.count(SET_UP) < 2:
        heard += await asyncio.wait_for(there.read(), 5)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert troubles(events)[:2] == ["unconfirmed", "unexpected-reply"]
    assert not waves(events)
    assert heard.startswith(b"ND0G15S0")


# --- protocol 2 -------------------------------------------------------------------------------------------------


def test_wave_blocks() -> None:
    assert Blocks().feed(WAVE_1 + WAVE_2) == [Block((128,)), Block((147, 65))]
    events = decoded(WAVE_1 + WAVE_2, "medlab-2")
    assert samples(events) == [128.0, 147.0], "the second sample of a block is the breathing"
    assert {(wave.rate, wave.channels, wave.unit) for wave in waves(events)} == {(100.0, ("II",), "1")}


def test_neither_value_is_told_as_the_pulse() -> None:
    assert Blocks().feed(PULSE) == [Number(0xF9, 72)]
    events = decoded(PULSE + checked(0xFA, 72) + PULSE, "medlab-2")
    assert rates(events) == []
    assert troubles(events) == ["unconfirmed"]


def test_identity() -> None:
    assert decoded(IDENTITY, "medlab-2") == [Identity("Medlab EG01010 H0", firmware="S61")]


@pytest.mark.parametrize(("speed", "rate"), [(0, 50.0), (1, 100.0), (2, 150.0), (3, 300.0)])
@pytest.mark.parametrize(("bit", "lead"), [(1, "I"), (2, "II"), (4, "III")])
def test_the_status_names_and_times_the_lead(speed: int, rate: float, bit: int, lead: str) -> None:
    assert Blocks().feed(status(speed, bit)) == [Status(int(rate), lead, mains=False)]
    (wave,) = waves(decoded(status(speed, bit) + WAVE_1, "medlab-2"))
    assert (wave.rate, wave.channels) == (rate, (lead,))


def test_a_change_of_the_rate_starts_the_index_again() -> None:
    found = waves(decoded(status() + WAVE_1 * 6 + status(3) + WAVE_1 * 4, "medlab-2"))
    assert [(wave.index, wave.rate) for wave in found] == [(0, 100.0), (4, 100.0), (0, 300.0)]


@pytest.mark.parametrize("lead", [0x00, 0x03, 0x07])
def test_without_one_lead_there_is_no_wave(lead: int) -> None:
    assert waves(decoded(status(lead=lead) + WAVE_1 * 4, "medlab-2")) == []


def test_mains_is_flagged() -> None:
    (wave,) = waves(decoded(status(electrodes=0x3F) + WAVE_1, "medlab-2"))
    assert wave.flags == {"mains"}


def test_a_wrong_check_costs_one_sample_that_is_known_to_be_missing() -> None:
    events = decoded(WAVE_1 * 24 + b"\xf8\x18\x81" + WAVE_1 * 4, "medlab-2")
    assert [wave.index for wave in waves(events)] == [*range(0, 24, 4), 25]
    assert troubles(events) == ["lost-samples", "checksum"]


@pytest.mark.parametrize("broken", [b"\xf8\x18", b"\xf8\x80", b"\xf8\x18\x80\x80"])
def test_where_bytes_are_missing_the_index_starts_again(broken: bytes) -> None:
    events = decoded(WAVE_1 * 24 + broken + WAVE_1 * 4, "medlab-2")
    assert {wave.index for wave in waves(events)} <= set(range(0, 28, 4))
    assert waves(events)[-1].index == 0
    assert troubles(events) == ["lost-samples", "resync"]


@pytest.mark.parametrize("at", range(1, 6))
def test_a_damaged_status_is_not_believed(at: int) -> None:
    spoilt = bytearray(status(3, 0x01))
    spoilt[at] ^= 0x01
    decoder = medlab_2.Decoder()
    assert "Wave" not in str(decoder.feed(bytes(spoilt) + WAVE_1))
    assert decoder.status is None


def test_checks_are_those_of_the_manual() -> None:
    assert [check(WAVE_1, 4), check(WAVE_2, 4), check(PULSE, 7)] == [0x8, 0xC, 0x41]


async def test_no_sample_is_told_before_the_status() -> None:
    here, there = pipe()
    events: list[Event] = []
    job = asyncio.create_task(medlab_2.Ecg().run(here, events.append))
    assert await asyncio.wait_for(there.read(), 5) == b"I"
    await there.write(WAVE_1 * 40 + IDENTITY)
    await asyncio.sleep(0.01)
    assert not waves(events) and isinstance(events[-1], Identity)
    await there.write(status() + WAVE_1 * 40)
    await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert set(samples(events)) == {128.0}


# --- both -------------------------------------------------------------------------------------------------------

STREAM = STREAM_1 + LEAD_OFF + WAVE_1 * 5 + status() + PULSE + IDENTITY + WAVE_2[:3] + WAVE_1 * 3 + STREAM_1


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    for protocol in ("medlab-1", "medlab-2"):
        decoder = DECODERS[protocol]()
        pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
        assert [event for piece in pieces for event in decoder.feed(piece)] == DECODERS[protocol]().feed(STREAM)


@given(st.lists(st.sampled_from([WAVE_1, status(), PULSE, IDENTITY, b"\xfd"]) | st.binary(max_size=60)))
def test_no_soup_grows_in_the_blocks(soup: list[bytes]) -> None:
    blocks = Blocks()
    for piece in soup:
        blocks.feed(piece)
        assert len(blocks._pending) <= LONGEST_NAME + 1


@pytest.mark.parametrize("driver", [medlab_1.Ecg, medlab_2.Ecg])
async def test_unplugged_leaves_the_driver_bare(driver: type[medlab_1.Ecg]) -> None:
    here, there = pipe()
    there.close()
    with pytest.raises(Unplugged):
        await driver().run(here, lambda event: None)


def check_expected(vector: Vector, key: str, wanted: object, events: list[Event]) -> None:
    """One key of a record against the events; a key that is not understood fails."""
    found = samples(events)
    match key:
        case "samples" if vector.ident == "medlab-p2-wave2":
            assert Blocks().feed(vector.data) == [Block(tuple(wanted))]  # type: ignore[arg-type]
            assert found == [147.0]
        case "samples":
            assert found[: len(wanted)] == wanted  # type: ignore[arg-type]
        case "samples_after":
            assert found[-len(wanted) :] == wanted  # type: ignore[arg-type]
        case "pulse":
            assert rates(events) == [wanted]
        case "lead_off":
            assert all("lead-off:II" in wave.flags for wave in waves(events)) is wanted
        case "ctr":
            assert vector.data[1] >> 4 == wanted
        case "type":
            assert rates(events) == [] and troubles(events) == ["unconfirmed"]
        case "value":
            assert Blocks().feed(vector.data) == [Number(vector.data[0], wanted)]  # type: ignore[arg-type]
        case "name" | "hw":
            assert str(wanted) in str(events)
        case "sw":
            assert [event.firmware for event in events if isinstance(event, Identity)] == [wanted]
        case _:
            raise AssertionError(f"{vector.ident}: nobody knows what {key} expects")


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    seen = read_vectors(maker_vectors / "medlab_ecg.txt")
    for vector in seen:
        events = decoded(vector.data, "medlab-1" if "-p1-" in vector.ident else "medlab-2")
        for key, wanted in vector.expect.items():
            check_expected(vector, key, wanted, events)
    assert len(seen) == 6
