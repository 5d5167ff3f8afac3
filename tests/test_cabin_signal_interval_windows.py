"""Stretches of thirty seconds, each with its intervals or the reasons why it has none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cabin_signal.interval_windows import interval_windows
from tests.interval_models import Heart

NAMES = ("pr", "qrs", "qt", "qtc")


def test_each_stretch_has_its_own_intervals() -> None:
    strip = Heart(leads=1, fs=250, seconds=75, noise=0.01).record()
    told = interval_windows(strip.leads[0], strip.fs, strip.beats)
    assert [(one["start"], one["end"]) for one in told] == [(0, 7500), (7500, 15000), (15000, 18750)]
    for one in told:
        assert one["qt"] == pytest.approx(strip.truth.qt, abs=15)
        assert one["qtc"].keys() == {"fridericia", "bazett", "framingham", "hodges"}
        assert one["reasons"] == {}
        assert one["beats"] >= 12
    assert json.loads(json.dumps(told)) == told


def test_a_rest_of_less_than_ten_seconds_is_no_stretch() -> None:
    strip = Heart(leads=1, fs=250, seconds=39).record()
    assert len(interval_windows(strip.leads[0], strip.fs, strip.beats)) == 1
    assert interval_windows(strip.leads[0, :2000], strip.fs, []) == []


def test_a_stretch_without_beats_has_only_reasons() -> None:
    (told,) = interval_windows(np.zeros(7500), 250.0, [])
    assert [told[name] for name in NAMES] == [None] * 4
    assert told["reasons"] == dict.fromkeys(NAMES, "few-beats")
    assert (told["beats"], told["noise_uv"]) == (0, None)


def test_what_is_not_stated_is_none_with_its_reason() -> None:
    strip = Heart(leads=1, fs=250, fibrillating=True).record()
    (told,) = interval_windows(strip.leads[0], strip.fs, strip.beats)
    assert told["pr"] is None
    assert told["reasons"]["pr"] == "no-p"
