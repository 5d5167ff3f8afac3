"""Live waves and values: described before the first frame, marked as simulated, holes flagged, bounded in number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cabin_agent import live
from cabin_agent.broadcast import Broadcast
from cabin_agent.face import Json
from cabin_agent.frames import Frame, decode_frame
from cabin_agent.live import READING_GAP_S, Live
from drivers.events import Identity, NoValue, PressureResult, Reading, Trouble, Wave
from tests.fake_face import problems_of

EVENT = {"$ref": "#/components/schemas/StreamEvent"}
Watch = AsyncIterator[Json | bytes]


class Eye:
    """One screen: everything that was told so far, frames decoded."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    async def told(self) -> list[Json | Frame]:
        found: list[Json | Frame] = []
        while True:
            coming = asyncio.ensure_future(anext(self._watch))
            await asyncio.sleep(0)
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
                return found
            item = coming.result()
            found.append(decode_frame(item) if isinstance(item, bytes) else item)


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(live, "time", clock)
    return clock


def wave(index: int, count: int = 5, **more: Any) -> Wave:
    known: dict[str, Any] = {"stream": "ecg", "rate": 250.0, "unit": "mV", "channels": ("I", "II")}
    fields = known | more
    fields.setdefault("samples", tuple((float(n) / 10,) * len(fields["channels"]) for n in range(count)))
    return Wave(index=index, **fields)


def reading(value: float | NoValue = 97.0, quantity: Any = "spo2", *flags: str) -> Reading:
    return Reading(quantity, value, "%", frozenset(flags))


def frames(told: list[Json | Frame]) -> list[Frame]:
    return [each for each in told if isinstance(each, Frame)]


def of_type(told: list[Json | Frame], kind: str) -> list[Json]:
    return [each for each in told if isinstance(each, dict) and each["type"] == kind]


def descriptions(told: list[Json | Frame]) -> list[Json]:
    return of_type(told, "wave")


async def test_a_stream_is_described_once_before_its_first_frame() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0), 0.0)
        shown.show("ecg", wave(5), 0.0)
        told = await Eye(watch).told()
    assert told[0] == {
        "type": "wave", "stream": "ecg", "number": 1, "rate": 250.0, "unit": "mV", "channels": ["I", "II"],
    }  # fmt: skip
    assert problems_of(told[0], EVENT) == []
    assert [frame.seq for frame in frames(told)] == [0, 1]
    assert len(told) == 3 + len(of_type(told, "wave-clock"))


async def test_each_stream_is_described_and_counted_by_itself() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0), 0.0)
        shown.show("oximeter", wave(0, stream="pleth", unit="1", channels=("pleth",), rate=75.0), 0.0)
        shown.show("ecg", wave(5), 0.0)
        told = await Eye(watch).told()
    assert [each["stream"] for each in descriptions(told)] == ["ecg", "pleth"]
    assert [(frame.stream, frame.seq) for frame in frames(told)] == [("ecg", 0), ("pleth", 0), ("ecg", 1)]


async def test_a_newcomer_has_the_stream_described_again() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as first:
        shown.show("ecg", wave(0), 0.0)
        await Eye(first).told()
        with broadcast.watch(waves=True) as second:
            shown.show("ecg", wave(5), 0.0)
            for watch in (first, second):
                told = await Eye(watch).told()
                assert (len(descriptions(told)), len(frames(told))) == (1, 1)
                assert descriptions(told) == told[:1]


async def test_a_stream_that_changes_is_described_again() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0), 0.0)
        shown.show("ecg", wave(0, rate=500.0), 0.0)
        shown.show("ecg", wave(5, rate=500.0), 0.0)
        assert [each["rate"] for each in descriptions(await Eye(watch).told())] == [250.0, 500.0]


async def test_what_was_lost_between_two_blocks_is_flagged_on_the_next() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        for index in (100, 105, 111, 116, 0, 5):
            shown.show("ecg", wave(index), 0.0)
        told = frames(await Eye(watch).told())
    assert ["gap" in frame.flags for frame in told] == [False, False, True, False, True, False]


async def test_a_long_block_is_several_frames_with_one_gap_and_their_own_times() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0), 0.0)
        shown.show("ecg", wave(250, count=300), 0.0)
        shown.show("ecg", wave(550), 0.0)
        told = frames(await Eye(watch).told())
    assert [(frame.seq, frame.t0_us, "gap" in frame.flags) for frame in told] == [
        (0, 0, False), (1, 1_000_000, True), (2, 2_020_000, False), (3, 2_200_000, False),
    ]  # fmt: skip


@pytest.mark.parametrize("simulated", [True, False])
async def test_every_frame_and_value_says_whether_it_is_simulated(simulated: bool) -> None:
    broadcast = Broadcast()
    asked: list[str] = []

    def is_simulated(kind: str) -> bool:
        asked.append(kind)
        return simulated

    shown = Live(broadcast, is_simulated)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0), 0.0)
        shown.show("oximeter", reading(), 0.0)
        told = await Eye(watch).told()
    assert [("simulated" in frame.flags) for frame in frames(told)] == [simulated]
    assert [each["simulated"] for each in told if isinstance(each, dict) and "simulated" in each] == [simulated]
    assert asked == ["ecg", "oximeter"]


async def test_an_electrode_that_is_off_is_drawn_as_off() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(0, flags=frozenset({"railed:I"})), 0.0)
        assert "lead-off" in frames(await Eye(watch).told())[0].flags


async def test_where_nobody_looks_nothing_is_framed_and_the_next_who_looks_is_told_of_the_hole() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True):
        shown.show("ecg", wave(0), 0.0)
    with broadcast.watch(waves=False) as watch:
        shown.show("ecg", wave(5), 0.0)
        assert await Eye(watch).told() == []
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", wave(10), 0.0)
        told = await Eye(watch).told()
    assert (frames(told)[0].seq, "gap" in frames(told)[0].flags, len(descriptions(told))) == (1, True, 1)


async def test_a_value_is_told_as_the_contract_says(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: True)
    with broadcast.watch(waves=False) as watch:
        shown.show("oximeter", reading(97.0, "spo2", "low-perfusion", "artifact"), 12.345)
        (told,) = await Eye(watch).told()
    assert told == {
        "type": "reading", "instrument": "oximeter", "quantity": "spo2", "value": 97.0, "why": None, "unit": "%",
        "flags": ["artifact", "low-perfusion"], "simulated": True, "at_us": 12_345_000,
    }  # fmt: skip
    assert problems_of(told, EVENT) == []


async def test_no_value_is_told_as_none_with_its_reason(now: Now) -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=False) as watch:
        Live(broadcast, lambda _: False).show("oximeter", reading(NoValue("finger-out")), 0.0)
        (told,) = await Eye(watch).told()
    assert isinstance(told, dict)
    assert (told["value"], told["why"]) == (None, "finger-out")
    assert problems_of(told, EVENT) == []


async def test_values_of_one_quantity_keep_their_distance_and_others_do_not_wait(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=False) as watch:
        for _ in range(100):
            shown.show("oximeter", reading(), 0.0)
            shown.show("oximeter", reading(60.0, "pulse_rate"), 0.0)
            now.at += READING_GAP_S / 10
        told = await Eye(watch).told()
    quantities = [each["quantity"] for each in told if isinstance(each, dict)]
    assert 9 <= quantities.count("spo2") <= 11
    assert quantities.count("pulse_rate") == quantities.count("spo2")


async def test_a_finger_that_leaves_and_comes_back_is_told_at_once(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=False) as watch:
        for value in (97.0, NoValue("finger-out"), 97.0):
            shown.show("oximeter", reading(value), 0.0)
            now.at += READING_GAP_S / 2.5
        shown.show("oximeter", reading(96.0), 0.0)
        told = await Eye(watch).told()
    assert [each["value"] for each in told if isinstance(each, dict)] == [97.0, None, 96.0]


async def test_a_weight_that_locks_is_told_at_once(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=False) as watch:
        shown.show("scale", reading(70.0, "weight", "settling"), 0.0)
        shown.show("scale", reading(70.0, "weight", "locked"), 0.0)
        told = await Eye(watch).told()
    assert [each["flags"] for each in told if isinstance(each, dict)] == [["settling"], ["locked"]]


async def test_the_first_value_after_a_start_of_the_machine_is_shown(now: Now) -> None:
    now.at = 0.05
    broadcast = Broadcast()
    with broadcast.watch(waves=False) as watch:
        Live(broadcast, lambda _: False).show("oximeter", reading(), 0.0)
        assert len(await Eye(watch).told()) == 1


async def test_what_is_neither_wave_nor_value_is_not_shown() -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        shown.show("ecg", Trouble("checksum"), 0.0)
        shown.show("ecg", Identity("Cyton"), 0.0)
        assert await Eye(watch).told() == []


# --- where a waveform lies on the cabin's clock -----------------------------------------------------------------


async def test_each_second_says_where_the_time_of_a_stream_lies(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    with broadcast.watch(waves=True) as watch:
        for number in range(30):  # three seconds of 0.1 s blocks
            shown.show("ecg", wave(25 * number, count=25), 500.0 + (25 * number + 24) / 250.0 + 0.003)
            now.at += 0.1
        told = of_type(await Eye(watch).told(), "wave-clock")
    assert len(told) in (3, 4)
    assert {each["stream"] for each in told} == {"ecg"}
    assert [each["offset_us"] for each in told] == pytest.approx([500_003_000] * len(told), abs=1)
    assert all(problems_of(each, EVENT) == [] for each in told)


async def test_a_newcomer_is_told_the_clock_with_its_first_frame_and_knows_what_was_learnt_before(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: False)
    shown.show("ecg", wave(0, count=25), 10.0 + 24 / 250.0)
    with broadcast.watch(waves=True) as first:
        shown.show("ecg", wave(25, count=25), 10.0 + 49 / 250.0 + 0.05)
        assert [each["offset_us"] for each in of_type(await Eye(first).told(), "wave-clock")] == [10_000_000]
        with broadcast.watch(waves=True) as second:
            shown.show("ecg", wave(50, count=25), 10.0 + 74 / 250.0 + 0.05)
            assert len(of_type(await Eye(second).told(), "wave-clock")) == 1


# --- the heart rate of the running ECG ----------------------------------------------------------------------------


def beating(index: int, count: int, interval: int = 200) -> Wave:
    """An ECG of spikes on two leads, 250 samples a second."""
    rows = tuple(
        (1.0 - abs(n % interval - 4) / 5 if n % interval < 9 else 0.0,) * 2 for n in range(index, index + count)
    )
    return wave(index, samples=rows)


async def test_the_heart_rate_is_told_each_second_while_somebody_looks(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: True)
    shown.show("ecg", beating(0, 2500), 0.0)
    with broadcast.watch(waves=True) as watch:
        for number in range(120):  # twelve seconds
            shown.show("ecg", beating(2500 + 25 * number, 25), 7.0 + number / 10)
            now.at += 0.1
        told = of_type(await Eye(watch).told(), "reading")
    assert len(told) == 12
    assert (told[0]["value"], told[0]["why"]) == (None, "missing")
    assert told[-1]["value"] == pytest.approx(75.0, abs=0.2)
    assert (told[-1]["quantity"], told[-1]["unit"], told[-1]["simulated"]) == ("heart_rate", "/min", True)
    assert told[-1]["at_us"] == pytest.approx(18.9e6)
    assert all(problems_of(each, EVENT) == [] for each in told)


async def test_nobody_looks_and_no_heart_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted() -> None:
        raise AssertionError("counted for nobody")

    monkeypatch.setattr(live, "RunningLead", counted)
    broadcast = Broadcast()
    with broadcast.watch(waves=False) as watch:
        Live(broadcast, lambda _: False).show("ecg", beating(0, 2500), 0.0)
        assert await Eye(watch).told() == []


async def test_an_ecg_in_counts_is_drawn_without_millivolts_and_without_a_rate_of_ours(now: Now) -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as watch:
        shown = Live(broadcast, lambda _: True)
        for number in range(30):
            shown.show("ecg", wave(128 * number, 128, unit="1", channels=("I",), rate=128.0), 0.0)
            now.at += 1.0
        told = await Eye(watch).told()
    assert descriptions(told)[0]["unit"] == "1"
    assert problems_of(descriptions(told)[0], EVENT) == []
    assert all("counts" in frame.flags for frame in frames(told))
    assert of_type(told, "reading") == []


async def test_the_finger_clip_of_an_ecg_board_is_not_told_as_the_oximeter(now: Now) -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as watch:
        shown = Live(broadcast, lambda _: True)
        shown.show("ecg", reading(88.0), 0.0)
        shown.show("ecg", reading(72.0, "heart_rate"), 0.0)
        shown.show("oximeter", reading(97.0), 0.0)
        told = of_type(await Eye(watch).told(), "reading")
    assert [(each["instrument"], each["quantity"], each["value"]) for each in told] == [
        ("ecg", "heart_rate", 72.0),
        ("oximeter", "spo2", 97.0),
    ]


async def test_what_is_neither_wave_nor_reading_is_told_as_decode_prints_it(now: Now) -> None:
    broadcast = Broadcast()
    shown = Live(broadcast, lambda _: True)
    with broadcast.watch(waves=False) as watch:
        shown.show("tensiometer", PressureResult(125.0, 78.0, 94.0, NoValue("missing"), 12), now.at)
        (told,) = await Eye(watch).told()
    assert isinstance(told, dict) and problems_of(told, EVENT) == []
    said = told["said"]
    assert (said["event"], said["systolic"], said["pulse_rate"]) == (
        "pressure_result",
        125.0,
        {"no_value": "missing"},
    )
    assert (told["type"], told["instrument"], told["simulated"]) == ("said", "tensiometer", True)
