"""The ECG: samples put where they belong, holes left open, a rate that no hole falsifies, and an honest grade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.ecg import (
    SETTLE_S,
    STRIP_S,
    Channels,
    _graded,
    _heart_rate,
    _rate_lead,
    _settled,
    _told,
    analyse,
    assemble,
    measure,
)
from cabin_agent.results import Measure, NotMeasured, Outcome
from cabin_agent.stored import from_json, to_json
from cabin_signal.findings import Beat, Grade, QualitySpan
from cabin_signal.leads import MEASURED, TWELVE
from cabin_signal.rhythm import RhythmSpan
from cabin_signal.verdict import Fact
from drivers.events import Event, Trouble, Wave
from drivers.link import LinkState
from tests.bedside_fakes import bedside
from tests.cabin_signal_models import heart
from tests.visits import OXIMETER, evidence, single

FS = 250.0
BLOCK = 25
HEIGHTS = (0.8, 1.0, 0.5, 0.6, 0.8, 0.9, 1.0, 0.7)
"""Of the R peaks in the eight channels, mV."""


def eight(seconds: float, interval: float = 0.8, noise: float = 0.01) -> Channels:
    """A regular heart in eight channels (8, n)."""
    lead = heart(np.arange(0.3, seconds, interval), FS, seconds)
    rng = np.random.default_rng(7)
    return np.outer(HEIGHTS, lead) + rng.normal(0.0, noise, (8, len(lead)))


def waves(channels: Channels, *, lost: range = range(0), first: int = 0, railed: tuple[str, ...] = ()) -> list[Wave]:
    """The channels as the driver says them, without the blocks whose number is in `lost`."""
    flags = frozenset(f"railed:{name}" for name in railed)
    return [
        Wave("ecg", first + at, FS, "mV", MEASURED, tuple(map(tuple, channels[:, at : at + BLOCK].T.tolist())), flags)
        for number, at in enumerate(range(0, channels.shape[1], BLOCK))
        if number not in lost
    ]


# --- from blocks to channels ------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=8), st.integers(0, 10**6))
def test_every_sample_comes_where_its_number_says_and_the_rest_is_open(
    runs: list[tuple[int, int]], first: int
) -> None:
    blocks, index, expected = [], first, dict[int, float]()
    for length, skipped in runs:
        rows = tuple((float(index + n), -1.0) for n in range(length))
        blocks.append(Wave("ecg", index, FS, "mV", ("I", "II"), rows))
        expected |= {index + n - first: float(index + n) for n in range(length)}
        index += length + skipped
    names, channels = assemble(blocks)
    assert names == ("I", "II")
    assert channels.shape == (2, max(expected) + 1)
    for place, value in enumerate(channels[0]):
        assert value == expected[place] if place in expected else np.isnan(value)
    assert np.array_equal(np.isnan(channels[0]), np.isnan(channels[1]))


def test_a_railed_channel_is_open_only_where_it_was_railed() -> None:
    channels = eight(1.0)
    good, railed = waves(channels)[:5], waves(channels, railed=("V3",))[5:]
    _, assembled = assemble([*good, *railed])
    v3 = MEASURED.index("V3")
    assert np.isnan(assembled[v3, 125:]).all()
    assert np.array_equal(assembled[v3, :125], channels[v3, :125])
    assert not np.isnan(np.delete(assembled, v3, axis=0)).any()


def test_the_first_two_seconds_are_left_out() -> None:
    blocks = waves(eight(4.0), first=1000)
    kept = _settled(blocks)
    assert kept[0].index == 1000 + int(SETTLE_S * FS)
    assert kept == blocks[20:]


# --- from channels to findings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "rate"), [(0.8, 75.0), (1.2, 50.0), (0.5, 120.0)])
def test_a_regular_heart_is_counted_and_graded_good(interval: float, rate: float) -> None:
    read = analyse(MEASURED, eight(30.0, interval), FS)
    assert read.heart_rate == pytest.approx(rate, abs=0.2)
    assert len(read.beats) == pytest.approx(30.0 / interval, abs=1.1)
    assert {span.grade for span in read.quality[2:]} == {"good"}  # the first beat must be seen first
    assert [read.quality[0].start, read.quality[-1].end] == [0, 7500]


def test_twelve_leads_come_from_eight() -> None:
    channels = eight(10.0)
    strip = analyse(MEASURED, channels, FS).strip
    assert (strip.rate, strip.leads) == (FS, TWELVE)
    rows = dict(zip(strip.leads, np.array(strip.millivolts, dtype=float), strict=True))
    one, two = channels[0], channels[1]
    assert np.allclose(rows["III"], two - one, atol=1e-5)
    assert np.allclose(rows["aVF"], two - one / 2, atol=1e-5)
    for number, name in enumerate(MEASURED):
        assert np.allclose(rows[name], channels[number], atol=1e-5)


def test_what_was_lost_is_none_in_every_lead_that_needs_it() -> None:
    channels = eight(3.0)
    channels[1, 100:110] = np.nan
    strip = analyse(MEASURED, channels, FS).strip
    rows = dict(zip(strip.leads, strip.millivolts, strict=True))
    for name in TWELVE:
        limb = name in ("II", "III", "aVR", "aVL", "aVF")
        assert [value is None for value in rows[name][99:111]] == [False, *[limb] * 10, False]


@pytest.mark.parametrize("lost_s", [0.8, 1.6, 3.2])
def test_beats_that_fell_into_a_hole_do_not_slow_the_heart(lost_s: float) -> None:
    channels = eight(30.0)
    channels[:, 2500 : 2500 + int(lost_s * FS)] = np.nan
    assert analyse(MEASURED, channels, FS).heart_rate == pytest.approx(75.0, abs=1.0)


@pytest.mark.parametrize("channels", [np.full((8, 7500), np.nan), np.zeros((8, 7500))])
def test_without_a_heart_there_is_no_rate(channels: Channels) -> None:
    read = analyse(MEASURED, channels, FS)
    assert (read.heart_rate, len(read.beats)) == (None, 0)
    assert {span.grade for span in read.quality} == {"bad"}


def beats(*samples: int, fresh: int | None = None) -> tuple[Beat, ...]:
    return tuple(Beat(sample, sample, fresh=sample == fresh) for sample in samples)


def test_a_rate_takes_intervals_and_a_hole_is_none() -> None:
    assert _heart_rate((), FS) is None
    assert _heart_rate(beats(100), FS) is None
    assert _heart_rate(beats(100, 900, fresh=900), FS) is None
    assert _heart_rate(beats(100, 350, 600), FS) == 60.0
    assert _heart_rate(beats(100, 350, 1350, 1600, fresh=1350), FS) == 60.0
    assert _heart_rate(beats(100, 350, 1350, 1600), FS) == 30.0


def test_the_rate_is_counted_on_the_best_lead_that_is_there() -> None:
    channels = eight(30.0)
    assert MEASURED[_rate_lead(MEASURED, channels)] == "II"
    channels[1, : int(0.11 * 7500)] = np.nan
    assert MEASURED[_rate_lead(MEASURED, channels)] == "I"
    channels[0] = np.nan
    assert MEASURED[_rate_lead(MEASURED, channels)] == "V5"
    assert analyse(MEASURED, channels, FS).heart_rate == pytest.approx(75.0, abs=0.2)


def test_where_every_lead_has_holes_the_fullest_is_taken() -> None:
    channels = eight(30.0)
    channels[:, :1500] = np.nan
    channels[:4, :3000] = np.nan
    channels[5:, :3000] = np.nan
    assert MEASURED[_rate_lead(MEASURED, channels)] == "V3"


# --- the grade --------------------------------------------------------------------------------------------------


WHOLE: Channels = np.zeros((8, 7500))


def spans(good: int, usable: int = 0, bad: int = 0) -> tuple[QualitySpan, ...]:
    grades: list[Grade] = ["good"] * good + ["usable"] * usable + ["bad"] * bad  # type: ignore[assignment]
    why: dict[Grade, tuple[str, ...]] = {"good": (), "usable": ("mains",), "bad": ("muscle",)}
    return tuple(QualitySpan(n * 250, n * 250 + 250, grade, why[grade]) for n, grade in enumerate(grades))


@pytest.mark.parametrize(
    ("graded", "grade", "reasons"),
    [
        (spans(30), "good", set()),
        (spans(27, usable=3), "good", set()),
        (spans(26, usable=4), "usable", {"mains"}),
        (spans(28, bad=2), "good", set()),
        (spans(27, bad=3), "good", set()),
        (spans(24, usable=3, bad=3), "usable", {"mains", "muscle"}),
        (spans(26, bad=4), "bad", {"muscle"}),
        (spans(0, usable=30), "usable", {"mains"}),
        (spans(0, bad=30), "bad", {"muscle"}),
    ],
)
def test_a_tenth_may_be_poor(graded: tuple[QualitySpan, ...], grade: str, reasons: set[str]) -> None:
    found, why, figures = _graded(graded, WHOLE)
    assert (found, {*why}) == (grade, reasons)
    assert {*figures} == reasons


def test_an_electrode_that_was_off_is_said_and_a_good_strip_is_then_usable() -> None:
    channels = WHOLE.copy()
    channels[5] = np.nan
    assert _graded(spans(30), channels) == ("usable", ["electrode-off"], {})
    assert _graded(spans(20, bad=10), channels)[0] == "bad"


def test_samples_that_were_lost_are_said_as_lost_samples() -> None:
    channels = WHOLE.copy()
    channels[:, 100:120] = np.nan
    assert _graded(spans(30), channels) == ("usable", ["lost-samples"], {})


# --- one strip --------------------------------------------------------------------------------------------------


async def taken(*said: Event | LinkState, before: tuple[Outcome, ...] = (), **more: Any) -> tuple[Outcome, ...]:
    return await measure(bedside(*said, **more), before)


async def test_a_strip_and_its_rate_are_two_outcomes_with_their_evidence() -> None:
    side = bedside(*waves(eight(STRIP_S + SETTLE_S)))
    ecg, rate = await measure(side, ())
    assert isinstance(ecg, Measure)
    assert isinstance(rate, Measure)
    assert (ecg.name, rate.name) == ("ecg", "heart_rate")
    assert rate.values["value"].value == pytest.approx(75.0, abs=0.2)
    assert rate.values["value"].unit == "/min"
    assert ecg.strip is not None
    assert {len(row) for row in ecg.strip.millivolts} == {int(STRIP_S * FS)}
    assert (ecg.evidence.quality, ecg.evidence.mode) == ("good", "rhythm")
    assert rate.evidence.device is not None
    assert len(side.packed) == 1


async def test_a_strip_has_its_beats_its_intervals_and_the_beat_that_they_were_measured_on() -> None:
    ecg, _ = await taken(*waves(eight(STRIP_S + SETTLE_S)))
    assert isinstance(ecg, Measure)
    assert ecg.strip is not None
    assert len(ecg.strip.beats) == pytest.approx(STRIP_S / 0.8, abs=1.1)
    assert len(ecg.strip.used) > 30
    assert ecg.strip.usual is not None
    assert ecg.strip.usual.leads == TWELVE
    assert {"pr", "qrs", "qt", "qtc"} <= ecg.values.keys()
    assert ecg.values["qt"].value == pytest.approx(1000 * (0.26 + 2 * 0.045 + 0.026 + 2.5 * 0.009), abs=12)
    assert from_json(Measure, to_json(ecg)) == ecg


async def test_on_a_bad_strip_no_interval_is_measured() -> None:
    channels = eight(STRIP_S + SETTLE_S)
    channels += 2 * np.random.default_rng(2).standard_normal(channels.shape)
    ecg, _ = await taken(*waves(channels))
    assert isinstance(ecg, Measure)
    assert ecg.evidence.quality == "bad"
    assert ecg.values == {}
    assert set(ecg.missing.values()) == {"strip-bad"}


async def test_beats_are_those_of_all_leads_when_the_best_one_is_off_for_a_while() -> None:
    channels = eight(30.0)
    channels[MEASURED.index("II"), 3000:3500] = np.nan
    assert len(analyse(MEASURED, channels, FS).beats) == len(analyse(MEASURED, eight(30.0), FS).beats)


async def test_troubles_on_the_wire_are_survived() -> None:
    blocks: list[Event | LinkState] = [*waves(eight(32.0))]
    blocks[40:40] = [Trouble("checksum"), LinkState.MEASURING]
    ecg, _ = await taken(*blocks)
    assert isinstance(ecg, Measure)


async def test_a_lost_block_is_open_in_the_strip_and_told() -> None:
    ecg, rate = await taken(*waves(eight(32.0), lost=range(100, 104)))
    assert isinstance(ecg, Measure)
    assert isinstance(rate, Measure)
    assert ecg.strip is not None
    assert ecg.strip.millivolts[0].count(None) == 100
    assert (ecg.evidence.quality, ecg.evidence.reasons) == ("usable", ("lost-samples",))
    assert rate.values["value"].value == pytest.approx(75.0, abs=1.0)


async def test_with_every_electrode_off_there_is_no_strip() -> None:
    with pytest.raises(Unmeasured) as failed:
        await taken(*waves(eight(32.0), railed=MEASURED))
    assert (failed.value.detail, failed.value.why) == ("electrode-off", "failed")


async def test_a_strip_without_a_heart_has_no_rate_and_says_why() -> None:
    ecg, rate = await taken(*waves(np.zeros((8, 8000))))
    assert isinstance(ecg, Measure)
    assert ecg.evidence.quality == "bad"
    assert rate == NotMeasured("heart_rate", "failed", "too-few-beats")


async def test_a_pulse_that_counts_otherwise_is_noted() -> None:
    blocks = waves(eight(32.0))
    for pulse, differs in ((74.0, False), (95.0, True)):
        _, rate = await taken(*blocks, before=(single("pulse_rate", pulse, "/min", evidence(OXIMETER)),))
        assert isinstance(rate, Measure)
        assert ("pulse-heart-differ" in rate.evidence.notes) is differs


@pytest.mark.parametrize(("state", "detail"), [(LinkState.ABSENT, "unplugged"), (LinkState.STALE, "silent")])
async def test_an_amplifier_that_goes_away_ends_the_attempt_at_once(state: LinkState, detail: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        await taken(*waves(eight(3.0)), state)
    assert failed.value.detail == detail


async def test_an_amplifier_that_says_too_little_runs_into_the_limit() -> None:
    with pytest.raises(Unmeasured) as failed:
        await taken(*waves(eight(3.0)), speed=3000.0)
    assert failed.value.detail == "timeout"


# --- what a reader of the rhythm looks for ----------------------------------------------------------------------


REGULAR = RhythmSpan(0, 1, "regular", -0.4, 0, "none", "seen")
IRREGULAR = RhythmSpan(1, 2, "irregular", 0.4, 3, "extra-beats", "not-seen")


def test_the_first_irregular_window_is_told_or_else_the_first() -> None:
    assert _told([]) is None
    assert _told([REGULAR, IRREGULAR, replace(IRREGULAR, start=5)]) == IRREGULAR
    assert _told([REGULAR, replace(REGULAR, start=5)]) == REGULAR


def test_extra_beats_and_p_waves_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cabin_agent.measuring.ecg._told", lambda spans: IRREGULAR)
    read = analyse(MEASURED, eight(12.0), FS)
    assert (read.rhythm, read.seen) == (
        "irregular",
        (Fact("rhythm-extra-beats", {"extra": 3.0}), Fact("rhythm-no-p-wave")),
    )
