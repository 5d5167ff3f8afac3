"""The lead that is analysed while it runs: the best that is on, holes left open, the same findings as the whole."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_agent.measuring.running_lead import AGED_S, LONGEST_HOLE_S, RunningLead, off
from cabin_signal.ecg import EcgStream
from cabin_signal.findings import QualitySpan
from cabin_signal.leads import MEASURED
from drivers.events import Wave
from tests.test_cabin_agent_measuring_ecg import FS, eight, waves


def spans(lead: RunningLead, blocks: list[Wave]) -> list[QualitySpan]:
    found = [lead.heard(block) for block in blocks]
    return [span for each in found if each is not None for span in each.quality]


def test_the_running_analysis_is_that_of_the_whole_lead() -> None:
    channels = eight(20.0)
    whole = EcgStream(FS).update(channels[MEASURED.index("II")])
    assert spans(RunningLead(), waves(channels)) == [*whole.quality]


def test_the_rate_is_known_within_seconds_and_right() -> None:
    lead = RunningLead()
    for block in waves(eight(12.0)):
        lead.heard(block)
    assert lead.heart_rate == pytest.approx(75.0, abs=0.5)


def test_before_the_first_beats_there_is_no_rate() -> None:
    lead = RunningLead()
    assert lead.heart_rate is None
    for block in waves(eight(2.0)):
        lead.heard(block)
    assert lead.heart_rate is None


def test_a_rate_grows_old() -> None:
    lead, flat = RunningLead(), np.zeros((8, int((AGED_S + 3) * FS)))
    for block in waves(np.concatenate((eight(12.0), flat), axis=1)):
        lead.heard(block)
    assert lead.heart_rate is None


def test_another_lead_takes_over_when_the_electrode_goes() -> None:
    channels = eight(30.0)
    channels[MEASURED.index("II"), 2500:] = 180.0
    blocks = [*waves(channels)[:100], *waves(channels, railed=("II",))[100:]]
    lead = RunningLead()
    found = spans(lead, blocks)
    assert {span.grade for span in found[-15:]} == {"good"}
    assert lead.heart_rate == pytest.approx(75.0, abs=0.5)


def test_where_every_electrode_is_off_nothing_is_counted() -> None:
    lead = RunningLead()
    found = spans(lead, waves(eight(10.0), railed=MEASURED))
    assert {reason for span in found for reason in span.reasons} == {"electrode-off"}
    assert lead.heart_rate is None


def test_a_short_hole_stays_open_and_a_long_one_begins_anew() -> None:
    short = range(40, 44)
    found = spans(RunningLead(), waves(eight(20.0), lost=short))
    assert found[-1].end == 20 * FS
    long = range(40, 41 + int(LONGEST_HOLE_S * 10))
    found = spans(RunningLead(), waves(eight(20.0), lost=long))
    assert [span.start for span in found].count(0) == 2


def test_an_index_that_goes_back_begins_anew() -> None:
    blocks = waves(eight(5.0), first=1000)
    found = spans(RunningLead(), [*blocks, *waves(eight(5.0))])
    assert [span.start for span in found].count(0) == 2


def test_an_ecg_too_slow_to_be_analysed_is_left_alone() -> None:
    slow = Wave("ecg", 0, 50.0, "mV", ("I",), ((0.0,),) * 100)
    assert RunningLead().heard(slow) is None


def test_the_electrodes_that_are_off_are_read_from_the_flags() -> None:
    flags = frozenset({"railed:V3", "railed:I", "test"})
    assert off(Wave("ecg", 0, FS, "mV", ("I",), ((0.0,),), flags)) == {"V3", "I"}
