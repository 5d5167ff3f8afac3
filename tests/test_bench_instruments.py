"""The bench of the instruments: its talks, its damage, what it counts as lost, false and late; all pure."""

from __future__ import annotations

import random

import pytest

from bench.fuzz_codecs import cuts, others
from bench.instruments_codecs import BY_AGREEMENT, SECONDS, TRANSPORT, accepted, families, fed, judge
from bench.instruments_fuzz import Fuzzed, figures
from bench.instruments_lost import Row, Said, damages, hole, lost, most_lost, said, targets
from bench.instruments_mutants import PIECE, damaged, mutants, noise
from bench.instruments_processes import CABIN, DRIVEN
from bench.instruments_rack import Sent, noted
from bench.instruments_reaction import latencies
from bench.instruments_talk import driver_of, talk
from drivers import DECODERS, DRIVERS, gymcu
from drivers.events import Event, NoValue, PressureResult, Reading, Trouble, Wave
from simulators.body import Body
from simulators.rack import MODELS

ROWS: list[Row] = [(float((37 * n) % 101),) for n in range(400)]


NONE = NoValue("aborted")


# --- talks and damage


def test_every_decoder_has_somebody_to_listen_to() -> None:
    assert {name for names in families() for name in names} == set(DECODERS)
    assert set(BY_AGREEMENT) | set(TRANSPORT) <= set(DECODERS)
    for name in ("gymcu90614", "a-and-d", "ble-scale", "phd-scale", "omron-hem790it", "fipp"):
        frames = talk(name, 20.0)
        decoder = DECODERS[name]()
        assert any(not isinstance(event, Trouble) for frame in frames for event in decoder.feed(frame)), name


def test_a_talk_is_the_same_every_time() -> None:
    assert talk("detecto", 5.0, faults=True) == talk("detecto", 5.0, faults=True)


def test_every_driver_has_an_instrument_on_the_bench() -> None:
    assert {driver.protocol for name in DRIVEN if (driver := driver_of(name))} == set(DRIVERS)
    assert set(CABIN) <= set(DRIVEN)
    assert driver_of("ble-heart-rate") is None


def test_noise_and_mutants_are_as_many_bytes_as_asked_for_and_the_same_again() -> None:
    count, heard = 3 * PIECE + 5, [bytes(range(256)) * 20]
    for pieces in (list(noise(count, 1)), list(mutants(heard, count, 1))):
        assert sum(map(len, pieces)) == count
        assert all(pieces)
    assert list(noise(count, 1)) == list(noise(count, 1))
    assert list(mutants(heard, count, 1)) == list(mutants(heard, count, 1))


def test_damage_is_seldom_and_of_every_kind() -> None:
    data = bytes(20_000)
    spoilt = damaged(data, random.Random(3))
    assert spoilt != data
    assert abs(len(spoilt) - len(data)) < 40
    assert 20 < sum(byte != 0 for byte in spoilt) < 200


def test_cuts_put_together_are_the_input() -> None:
    data = bytes((7 * n) % 256 for n in range(500))
    assert b"".join(cuts(data)) == data
    assert len(cuts(data)) > 20
    assert b"".join(cuts(b"")) == b""


def test_a_fuzzer_watches_what_its_decoder_is_made_of() -> None:
    left = others("ble-scale")
    assert "drivers.gatt_values" not in left and "drivers.gatt" not in left
    assert {"drivers.nonin", "drivers.suntech_frames", "drivers.ieee11073.agent"} <= set(left)


# --- what is lost


@pytest.mark.parametrize(("gone", "expected"), [(0, 0), (1, 1), (5, 5)])
def test_a_hole_is_as_long_as_what_is_missing(gone: int, expected: int) -> None:
    assert hole(ROWS, ROWS[:100] + ROWS[100 + gone :]) == expected


def test_a_wrong_sample_or_one_too_many_is_no_hole() -> None:
    assert hole(ROWS, [*ROWS[:100], (500.0,), *ROWS[101:]]) == 0
    assert hole(ROWS, [*ROWS[:100], (500.0,), *ROWS[100:]]) == 0
    assert hole(ROWS, ROWS[:-20]) == 0, "they wait for their block"
    assert hole(ROWS, ROWS[:100]) == 300


def test_lost_frames_are_counted_by_quantity() -> None:
    pulse, spo2 = Reading("pulse_rate", 60.0, "/min"), Reading("spo2", 97.0, "%")
    whole = said([pulse, spo2] * 10)
    assert lost(whole, said([pulse, spo2] * 9 + [pulse, Trouble("checksum")]), {}) == 1
    assert lost(whole, whole, {}) == 0
    six = Said(waves={"ecg": ROWS})
    assert lost(six, Said(waves={"ecg": ROWS[:100] + ROWS[107:]}), {"ecg": 6}) == 2


def test_targets_are_settled_frames_of_each_length_and_damage_is_everywhere() -> None:
    frames = [b"hello", *[b"abc", b"defg"] * 20]
    assert sorted({len(frames[at]) for at in targets(frames)}) == [3, 4]
    assert all(at >= len(frames) // 2 for at in targets(frames))
    spoilt = list(damages(b"abc"))
    assert len(spoilt) == 9 and all(len(each) == 3 and each != b"abc" for each in spoilt)
    assert len(set(damages(bytes(5000)))) < 400


class Doubting:
    """Believes no byte behind a bad one for five more: what the bench must find out."""

    def __init__(self) -> None:
        self._doubt = 0

    def feed(self, data: bytes) -> list[Event]:
        """A reading for each "a" that is believed."""
        found: list[Event] = []
        for byte in data:
            self._doubt = 6 if byte != ord("a") else self._doubt - 1
            if self._doubt <= 0:
                found.append(Reading("spo2", 97.0, "%"))
        return found


def test_a_decoder_that_loses_too_much_is_found_out() -> None:
    assert most_lost(Doubting, [b"a"] * 40) == 6
    assert most_lost(gymcu.Decoder, talk("gymcu90614", 10.0)) == 1


# --- what is false


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Reading("weight", 70.0, "kg", frozenset({"locked"})), True),
        (Reading("weight", 70.0, "kg", frozenset({"settling"})), False),
        (Reading("spo2", NoValue("missing"), "%"), False),
        (PressureResult(120.0, 80.0, 95.0, 60.0, 60), True),
        (PressureResult(NONE, NONE, NONE, NONE, 0, "movement"), False),
        (Wave("ecg", 0, 250.0, "mV", ("I",), ((0.0,),)), False),
        (Trouble("checksum"), False),
    ],
)
def test_what_somebody_would_believe(event: Event, expected: bool) -> None:
    assert accepted(event) is expected


class Breaking:
    """Breaks on a zero."""

    def feed(self, data: bytes) -> list[Event]:
        """Raise, or say a sample."""
        if 0 in data:
            raise ValueError("zero")
        return [Wave("ecg", 0, 250.0, "mV", ("I",), ((0.0,), (1.0,)))]


def test_a_decoder_that_raises_is_counted_and_goes_on() -> None:
    tally = fed(Breaking, [b"\1", b"\0", b"\2"])
    assert (tally.failed, tally.samples, tally.count) == (1, 4, 3)


def test_a_decoder_is_judged_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, "gymcu90614", 4.0)
    verdict = judge(("gymcu90614",), 8192)
    assert verdict.random.count == verdict.mutated.count == 8192
    assert (verdict.random.failed, verdict.mutated.failed, verdict.lost) == (0, 0, 1)
    assert verdict.mutated.readings > 0


def test_a_decoder_that_broke_under_the_fuzzer_is_named() -> None:
    rules, *_ = figures([Fuzzed(("nonin",), 100), Fuzzed(("fipp",), broke="fipp: 00")])
    assert rules.met is False
    assert rules.remark == "fipp"


# --- what is late


def test_an_event_is_as_late_as_the_frame_that_completed_it() -> None:
    frames = talk("gymcu90614", 3.0)
    sent: Sent = [("gymcu90614", float(n), frame) for n, frame in enumerate(frames)]
    decoder = DECODERS["gymcu90614"]()
    heard = [("gymcu90614", at + 0.002, event) for _, at, frame in sent for event in decoder.feed(frame)]
    found = latencies("gymcu90614", sent, heard)
    assert len(found) == len(heard) > 10
    assert found == pytest.approx([2.0] * len(heard))
    assert len(latencies("gymcu90614", sent, heard, since=10.0)) == len([at for _, at, _ in heard if at >= 10.0])


def test_what_was_sent_before_the_port_was_opened_is_not_counted() -> None:
    sent: Sent = [("other", 0.0, b"x")]
    device = noted(MODELS["gymcu90614"], "gymcu90614", sent)(Body())
    device.produce(1.0)
    before = len(sent)
    device.opened(1.0)
    assert before > 1 and sent == [("other", 0.0, b"x")]
    device.produce(2.0)
    assert len(sent) > 1
