"""The verdict on every outcome of a visit, from its evidence and from what was measured beside it."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from cabin_agent.judged import judged
from cabin_agent.results import Measure, MeasureName, NotMeasured, Outcome, Quantity, Threshold, WhyNot
from cabin_agent.stored import from_json, to_json
from cabin_signal.verdict import Fact, Fused
from tests.visits import AUDIOMETER, CUFF, ECG, OXIMETER, THERMOMETER, evidence, missing, outcomes, pressure, single


def words(outcome: Outcome, *others: Outcome, again: bool = False) -> tuple[str, list[str]]:
    fused = judged(outcome, (outcome, *others), again=again)
    assert fused is not None
    return fused.verdict, [fact.word for fact in fused.facts]


def rate(name: MeasureName, value: float, **more: Any) -> Measure:
    return single(name, value, "/min", evidence(ECG if name == "heart_rate" else OXIMETER, **more))


def test_a_full_visit_is_judged_and_what_is_wrong_in_it_found() -> None:
    found = {each.name: judged(each, outcomes()) for each in outcomes()}
    assert {name for name, fused in found.items() if fused and fused.verdict != "accepted"} == {
        "ecg",
        "pulse_rate",
        "hearing",
    }


@pytest.mark.parametrize("why", ["refused", "skipped", "absent", "interrupted"])
def test_what_was_not_measured_is_not_judged(why: WhyNot) -> None:
    assert judged(NotMeasured("spo2", why, "unplugged"), ()) is None


def test_what_failed_is_refused_for_its_reason() -> None:
    assert judged(NotMeasured("spo2", "failed", "finger-out"), ()) == Fused(
        "spo2", "refused", (Fact("finger-out"),), "insert-finger"
    )
    assert words(NotMeasured("spo2", "failed")) == ("refused", ["no-reason-given"])
    assert words(NotMeasured("height", "implausible")) == ("refused", ["implausible"])
    assert words(NotMeasured("weight", "unstable", "a-word-of-tomorrow")) == ("refused", ["a-word-of-tomorrow"])
    for each in missing():
        judged(each, missing())


def test_a_reason_comes_with_the_time_that_it_held() -> None:
    proof = evidence(ECG, quality="usable", reasons=("mains", "movement"), figures={"mains": {"percent": 31.5}})
    fused = judged(Measure("ecg", {}, proof), ())
    assert fused is not None
    assert fused.facts == (Fact("movement", hurts=True), Fact("mains", {"percent": 31.5}, hurts=True))


def test_figures_survive_a_restart() -> None:
    proof = evidence(ECG, quality="usable", reasons=("mains",), figures={"mains": {"percent": 31.5}})
    measure = Measure("ecg", {}, proof)
    assert from_json(Measure, to_json(measure)) == measure


def test_the_pulse_and_the_heart_judge_each_other_in_either_order() -> None:
    pulse, heart = rate("pulse_rate", 60.0), rate("heart_rate", 90.0)
    assert words(pulse, heart) == words(heart, pulse) == ("accepted-with-doubt", ["pulse-heart-differ"])
    fused = judged(heart, (pulse, heart))
    assert fused is not None and fused.facts[0].figures == {"pulse": 60.0, "heart": 90.0}
    assert words(pulse, rate("heart_rate", 61.0)) == ("accepted", [])
    assert words(pulse) == ("accepted", [])


def test_the_cuffs_pulse_is_compared_too() -> None:
    taken = pressure(120.0, 80.0, evidence(CUFF))  # a pulse of 71
    assert words(taken, rate("heart_rate", 71.0)) == ("accepted", [])
    assert words(taken, rate("heart_rate", 95.0)) == ("accepted-with-doubt", ["pulse-heart-differ"])


def test_an_irregular_rhythm_doubts_the_pressures_and_not_the_strip() -> None:
    strip = Measure("ecg", {}, evidence(ECG, notes=("rhythm-irregular",)))
    taken = pressure(120.0, 80.0, evidence(CUFF))
    assert words(strip) == ("accepted", ["rhythm-irregular"])
    assert words(taken, strip) == ("accepted-with-doubt", ["rhythm-irregular-cuff"])
    assert words(rate("pulse_rate", 71.0), strip) == ("accepted", [])


def test_an_interval_that_is_not_stated_says_why_and_takes_nothing_from_the_strip() -> None:
    strip = Measure("ecg", {}, evidence(ECG), missing={"pr": "no-p", "qt": "t-small", "qtc": "t-small"})
    assert words(strip) == ("accepted", ["no-p", "t-small"])
    assert words(Measure("ecg", {}, evidence(ECG), missing={"pr": "strip-bad"})) == ("accepted", [])


def test_our_look_at_the_cuff_doubts_and_never_replaces() -> None:
    other = evidence(CUFF, quality="usable", reasons=("disagree",), notes=("cuff-systolic-outside",))
    assert words(pressure(120.0, 80.0, other)) == ("accepted-with-doubt", ["cuff-disagrees", "cuff-systolic-outside"])
    same = evidence(CUFF, notes=("cuff-agrees", "surface-temperature"))
    assert words(pressure(120.0, 80.0, same)) == ("accepted", ["cuff-agrees"])


def test_a_short_rest_is_told_in_minutes() -> None:
    fused = judged(pressure(120.0, 80.0, evidence(CUFF, rest_s=184.0, notes=("rest-short",))), ())
    assert fused is not None and fused.action == "rest"
    assert fused.facts == (Fact("rest-short", {"rest": 184.0 / 60}),)


def test_readings_of_a_mean_that_differ_come_with_their_distance() -> None:
    values = {"systolic": Quantity(130.0, "mm[Hg]"), "diastolic": Quantity(80.0, "mm[Hg]")}
    proof = evidence(None, quality="usable", reasons=("readings-differ",), readings=4, spread=14.0)
    fused = judged(Measure("blood_pressure_mean", values, proof), ())
    assert fused is not None and fused.verdict == "accepted-with-doubt"
    assert fused.facts == (Fact("readings-differ", {"spread": 14.0, "tolerance": 10.0}),)


@pytest.mark.parametrize(
    ("notes", "verdict", "word"), [((), "repeat", "unusual"), (("repeated",), "accepted", "confirmed")]
)
def test_an_unusual_value_is_repeated_once(notes: tuple[str, ...], verdict: str, word: str) -> None:
    hot = single("temperature", 38.6, "Cel", evidence(THERMOMETER, notes=notes))
    assert words(hot, again=True) == (verdict, [word, "above"])


def test_a_mean_pressure_is_its_own_repeat() -> None:
    values = {"systolic": Quantity(172.0, "mm[Hg]"), "diastolic": Quantity(80.0, "mm[Hg]")}
    assert words(Measure("blood_pressure_mean", values, evidence(None))) == (
        "accepted",
        ["confirmed", "pressure-above"],
    )


def test_an_old_calibration_is_a_doubt() -> None:
    assert words(rate("pulse_rate", 70.0, notes=("calibration-due",)))[0] == "accepted-with-doubt"


def test_a_note_that_is_only_a_note_says_nothing() -> None:
    assert words(rate("pulse_rate", 70.0, notes=("surface-temperature", "extra-reading"))) == ("accepted", [])


def hearing(left: dict[int, float | None], right: dict[int, float | None]) -> Measure:
    thresholds = [threshold("left", *each) for each in left.items()] + [
        threshold("right", *each) for each in right.items()
    ]
    return Measure("hearing", {}, evidence(AUDIOMETER), thresholds=tuple(thresholds))


def threshold(ear: Literal["left", "right"], hz: int, db: float | None) -> Threshold:
    return Threshold(ear, hz, db, "no-response" if db is None else None)


FLAT: dict[int, float | None] = dict.fromkeys((500, 1000, 2000, 4000), 10.0)


def test_an_audiogram_is_judged_by_its_thresholds() -> None:
    assert words(hearing(FLAT, FLAT)) == ("accepted", [])
    assert words(hearing(dict(FLAT) | {4000: None}, FLAT)) == (
        "accepted-with-doubt",
        ["masking-needed", "asymmetry"],
    )
    assert words(hearing({500: 10.0}, FLAT)) == ("accepted-with-doubt", ["not-tested"])
    assert words(hearing(FLAT | {500: 200.0}, FLAT), again=True)[0] == "repeat"


def test_light_and_electrodes_are_different_causes_of_one_word() -> None:
    poor: dict[str, Any] = {"quality": "bad", "reasons": ("saturation",)}
    assert words(rate("pulse_rate", 70.0, **poor)) == ("refused", ["ambient-light"])
    assert words(Measure("ecg", {}, evidence(ECG, **poor))) == ("refused", ["saturation"])
