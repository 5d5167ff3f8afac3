"""The technician's words: each says one command, and what is no word is refused with those there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.device import WrongUse
from simulators.physiology import AT_REST, LEADS
from simulators.words import COLD, command

TWO = ("oximeter", "tensiometer")


def said(line: str, instruments: tuple[str, ...] = TWO) -> dict[str, Any]:
    return command(line, instruments, AT_REST)


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("heart_rate 90", {"heart_rate": 90.0}),
        ("heart-rate=90", {"heart_rate": 90.0}),
        ("spo2 93", {"spo2": 93.0}),
        ("temperature 38.2", {"temperature": 38.2}),
        ("pressure 150/95", {"systolic": 150.0, "diastolic": 95.0}),
        ("pressure 150 / 95", {"systolic": 150.0, "diastolic": 95.0}),
        ("rhythm irregular", {"irregular": True, "premature_every": 0}),
        ("rhythm regular", {"irregular": False, "premature_every": 0}),
        ("rhythm premature 4", {"irregular": False, "premature_every": 4}),
        ("finger cold", {"perfusion": COLD}),
        ("finger out", {"finger_in": False}),
        ("cuff off", {"cuff_on": False}),
        ("electrodes on", {"electrodes_on": list(LEADS)}),
        ("electrodes off", {"electrodes_on": []}),
        ("person moving", {"moving": True}),
        ("moving no", {"moving": False}),
    ],
)
def test_what_the_person_is_like(line: str, change: dict[str, object]) -> None:
    assert said(line) == {"body": change}


def test_hearing_is_changed_by_so_many_decibels_or_said_whole() -> None:
    assert said("hearing left +30") == {"body": {"left": [level + 30 for level in AT_REST.left]}}
    both = said("hearing both -5")["body"]
    assert both == {ear: [level - 5 for level in getattr(AT_REST, ear)] for ear in ("left", "right")}
    levels = [float(level) for level in range(0, 110, 10)]
    assert said("hearing right " + " ".join(map(str, levels))) == {"body": {"right": levels}}
    assert max(said("hearing left +200")["body"]["left"]) == 120.0, "no worse than an ear can be"


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("oximeter unplug", {"fault": "unplug", "instrument": "oximeter"}),
        ("unplug oximeter", {"fault": "unplug", "instrument": "oximeter"}),
        ("replug oximeter", {"clear": "unplug", "instrument": "oximeter"}),
        ("clear oximeter finger-out", {"clear": "finger-out", "instrument": "oximeter"}),
        ("clear silence tensiometer", {"clear": "silence", "instrument": "tensiometer"}),
    ],
)
def test_faults(line: str, asked: dict[str, str]) -> None:
    assert said(line) == asked


def test_the_only_instrument_need_not_be_named() -> None:
    assert said("unplug", ("ecg",)) == {"fault": "unplug", "instrument": "ecg"}
    assert said("replug", ("ecg",)) == {"clear": "unplug", "instrument": "ecg"}
    with pytest.raises(WrongUse, match="Say which instrument: oximeter, tensiometer"):
        said("unplug")


@pytest.mark.parametrize(
    "line",
    [
        "", "unplug oximeter tensiometer", "oximeter", "spo2", "spo2 many", "pressure 150", "pressure a/b",
        "rhythm waltz", "rhythm premature", "hearing", "hearing nose 3", "finger", "heart_rate 1 2",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_in_words(line: str) -> None:
    with pytest.raises(WrongUse) as refused:
        said(line)
    assert str(refused.value).endswith(".")


@given(st.text(max_size=60))
def test_any_line_is_a_command_or_refused(line: str) -> None:
    try:
        asked = said(line)
    except WrongUse:
        return
    assert set(asked) in ({"body"}, {"fault", "instrument"}, {"clear", "instrument"})
