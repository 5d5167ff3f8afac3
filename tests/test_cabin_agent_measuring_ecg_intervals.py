"""What a strip's measure says of its intervals, and what it says where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cabin_agent.measuring.ecg_intervals import intervals, without
from cabin_agent.wording import LANGUAGES, catalogue
from cabin_signal.intervals import Reason
from cabin_signal.leads import MEASURED, TWELVE
from tests.interval_models import Array, Heart, Strip

EIGHT = Heart(leads=8, fs=250, seconds=20, noise=0.005)


def channels(strip: Strip, **gone: Any) -> Array:
    x = strip.leads.copy()
    for name in gone:
        x[MEASURED.index(name)] = np.nan
    return x


def test_every_interval_is_a_component_in_whole_milliseconds() -> None:
    strip = EIGHT.record()
    found = intervals(channels(strip), strip.fs, strip.beats)
    assert list(found.values) == ["pr", "qrs", "qt", "qtc", "qtc_bazett", "qtc_framingham", "qtc_hodges"]
    assert {quantity.unit for quantity in found.values.values()} == {"ms"}
    assert all(quantity.value == int(quantity.value) for quantity in found.values.values())
    assert found.values["qt"].value == pytest.approx(strip.truth.qt, abs=16)
    assert (found.missing, found.notes) == ({}, ())


def test_the_usual_beat_is_there_in_twelve_leads_with_the_ends_of_what_is_stated() -> None:
    strip = EIGHT.record()
    found = intervals(channels(strip, V3=None), strip.fs, strip.beats)
    beat = found.usual
    assert beat is not None
    assert beat.leads == TWELVE
    assert [name for name, row in zip(beat.leads, beat.millivolts, strict=True) if None in row] == ["V3"]
    assert set(beat.marks_ms) == {"p_on", "qrs_on", "qrs_off", "t_end"}
    assert beat.marks_ms["qrs_off"] - beat.marks_ms["qrs_on"] == pytest.approx(found.values["qrs"].value, abs=1)
    assert len(found.used) > 10


def test_what_is_not_stated_has_its_reason_and_no_mark() -> None:
    strip = Heart(leads=8, fs=250, fibrillating=True).record()
    found = intervals(channels(strip), strip.fs, strip.beats)
    assert found.missing["pr"] == "no-p"
    assert "qtc" in found.missing
    assert "qrs" in found.values
    assert found.usual is not None
    assert "p_on" not in found.usual.marks_ms


def test_one_lead_alone_is_said_to_be_an_indication() -> None:
    strip = EIGHT.record()
    alone = dict.fromkeys(name for name in MEASURED if name != "II")
    assert intervals(channels(strip, **alone), strip.fs, strip.beats).notes == ("intervals-indicative",)


def test_a_strip_that_cannot_be_measured_says_so_of_every_interval() -> None:
    strip = EIGHT.record()
    found = intervals(channels(strip), strip.fs, strip.beats[:3])
    assert found == without("few-beats")
    assert found.missing == dict.fromkeys(("pr", "qrs", "qt", "qtc"), "few-beats")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_component_has_its_words(language: Any) -> None:
    texts = catalogue(language)
    assert [code for code in (*Reason.__args__, "strip-bad") if f"interval.{code}" not in texts] == []  # type: ignore[attr-defined]
    names = ("pr", "qrs", "qt", "qtc", "qtc_bazett", "qtc_framingham", "qtc_hodges")
    assert [name for name in names if f"component.{name}" not in texts] == []
