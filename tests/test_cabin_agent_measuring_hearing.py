"""The hearing record: thresholds as the audiometer gave them, and what was not tested as exactly that."""

from __future__ import annotations

from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.hearing import LIMIT_S, measure, thresholds_of
from cabin_agent.results import Measure, Threshold
from drivers.events import HearingRecord, NoValue, Trouble, Value, Why
from drivers.link import LinkState
from tests.bedside_fakes import bedside

Side = Literal["left", "right"]
FREQUENCIES = (250, 500, 1000, 2000, 3000, 4000, 6000, 8000)


def record(ear: Side, **more: Value) -> HearingRecord:
    values: dict[int, Value] = dict.fromkeys(FREQUENCIES, 20.0)
    return HearingRecord(ear, values | {int(hz[1:]): value for hz, value in more.items()}, 0, 1, 2)


def only(taken: tuple[object, ...]) -> Measure:
    (outcome,) = taken
    assert isinstance(outcome, Measure)
    return outcome


def test_thresholds_are_told_from_low_to_high() -> None:
    values: dict[int, Value] = {8000: 35.0, 250: -5.0, 1000: NoValue("no-response"), 500: NoValue("not-tested")}
    assert thresholds_of(HearingRecord("left", values, 0, 1, 2)) == [
        Threshold("left", 250, -5.0),
        Threshold("left", 500, None, "not-tested"),
        Threshold("left", 1000, None, "no-response"),
        Threshold("left", 8000, 35.0),
    ]


@pytest.mark.parametrize("why", get_args(Why))
def test_no_value_stays_no_value_whatever_its_reason(why: Why) -> None:
    (threshold,) = thresholds_of(HearingRecord("right", {1000: NoValue(why)}, 0, 1, 2))
    assert threshold.db_hl is None
    assert threshold.why == ("no-response" if why == "no-response" else "not-tested")


NOTHING = st.builds(NoValue, st.sampled_from(get_args(Why)))


@given(
    st.sampled_from(("left", "right")),
    st.dictionaries(st.sampled_from(FREQUENCIES), st.floats(-10, 120) | NOTHING),
)
def test_every_frequency_has_one_threshold(ear: Side, values: dict[int, Value]) -> None:
    told = thresholds_of(HearingRecord(ear, values, 0, 1, 2))
    assert [each.hz for each in told] == sorted(values)
    for each in told:
        value = values[each.hz]
        assert each.ear == ear
        assert (each.db_hl is None) is isinstance(value, NoValue) is (each.why is not None)
        assert isinstance(value, NoValue) or each.db_hl == value


async def test_both_ears_are_waited_for_and_a_repeated_one_counts_once() -> None:
    side = bedside(record("right"), Trouble("checksum"), record("right", h1000=25.0), record("left"))
    hearing = only(await measure(side, ()))
    assert len(hearing.thresholds) == 2 * len(FREQUENCIES)
    assert Threshold("right", 1000, 25.0) in hearing.thresholds
    assert (hearing.name, hearing.values, hearing.evidence.mode) == ("hearing", {}, "air-conduction")
    assert (hearing.evidence.quality, hearing.evidence.reasons) == ("good", ())
    assert hearing.evidence.device is not None
    assert hearing.evidence.device.kind == "audiometer"


async def test_a_frequency_of_speech_that_was_not_tested_lowers_the_grade() -> None:
    hearing = only(await measure(bedside(record("left", h500=NoValue("not-tested")), record("right")), ()))
    assert (hearing.evidence.quality, hearing.evidence.reasons) == ("usable", ("not-tested",))


async def test_a_tone_that_was_not_heard_is_a_result_and_250_hz_may_be_left_out() -> None:
    left = record("left", h8000=NoValue("no-response"), h250=NoValue("not-tested"))
    hearing = only(await measure(bedside(left, record("right")), ()))
    assert hearing.evidence.quality == "good"


async def test_one_ear_alone_is_no_measure() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measure(bedside(record("left"), speed=LIMIT_S * 50), ())
    assert (failed.value.detail, failed.value.why) == ("timeout", "failed")


@pytest.mark.parametrize(("state", "detail"), [(LinkState.ABSENT, "unplugged"), (LinkState.STALE, "silent")])
async def test_an_audiometer_that_goes_away_fails_at_once(state: LinkState, detail: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        await measure(bedside(LinkState.MEASURING, record("left"), state), ())
    assert failed.value.detail == detail
