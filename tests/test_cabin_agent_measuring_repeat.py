"""What is unusual or too poor is measured once more, and says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cabin_agent.measuring.repeat import JUDGED, again, confirmed
from cabin_agent.results import Evidence, Measure, MeasureName, NotMeasured, Quantity

PROOF = Evidence("good", (), None, 1, 2, notes=("surface-temperature",))
BAD = replace(PROOF, quality="bad", reasons=("movement",))
FAIR = replace(PROOF, quality="usable", reasons=("movement",))


def measure(name: MeasureName, value: float, proof: Evidence = PROOF) -> Measure:
    return Measure(name, {"value": Quantity(value, "1")}, proof)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("spo2", 97.0, None), ("spo2", 93.0, "unusual"), ("pulse_rate", 72.0, None), ("pulse_rate", 130.0, "unusual"),
        ("heart_rate", 40.0, "unusual"), ("temperature", 36.4, None), ("temperature", 39.2, "unusual"),
        ("weight", 210.0, "unusual"),
    ],
)  # fmt: skip
def test_what_is_unusual(name: MeasureName, value: float, why: str | None) -> None:
    assert again([measure(name, value)]) == why


def test_what_is_bad_is_measured_again_and_what_is_fair_is_not() -> None:
    assert again([measure("spo2", 97.0, BAD)]) == "movement"
    assert again([measure("spo2", 97.0, FAIR)]) is None
    assert again([Measure("ecg", {}, replace(BAD, reasons=("mains", "electrode-off")))]) == "electrode-off"
    assert again([Measure("ecg", {}, replace(BAD, reasons=()))]) == "no-reason-given"


def test_the_cause_is_told_in_the_words_of_the_instrument() -> None:
    assert again([measure("spo2", 97.0, replace(BAD, reasons=("saturation",)))]) == "ambient-light"


def test_two_rates_that_differ_are_a_fact_and_no_reason_to_repeat() -> None:
    assert again([measure("pulse_rate", 60.0), measure("heart_rate", 100.0)]) is None


def test_what_has_repeats_of_its_own_or_no_value_is_not_repeated() -> None:
    assert again([measure("blood_pressure", 400.0), NotMeasured("spo2", "failed"), Measure("ecg", {}, PROOF)]) is None
    assert again([Measure("hearing", {}, BAD)]) is None
    assert not JUDGED & {"blood_pressure", "hearing"}


def test_the_second_value_stands_and_tells_of_the_first() -> None:
    first = (measure("spo2", 91.0), measure("pulse_rate", 72.0))
    second = (measure("spo2", 93.5), NotMeasured("pulse_rate", "failed"))
    spo2, pulse = confirmed(first, second)
    assert isinstance(spo2, Measure)
    assert spo2.values["value"].value == 93.5
    assert spo2.evidence.spread == 2.5
    assert spo2.evidence.notes == ("surface-temperature", "repeated")
    assert pulse == first[1]


def test_a_bad_value_confirms_nothing() -> None:
    second = measure("spo2", 91.0)
    assert confirmed((measure("spo2", 97.0, BAD),), (second,)) == (second,)
    assert again(confirmed((measure("spo2", 97.0, BAD),), (second,))) == "unusual"


def test_a_bad_repeat_does_not_replace_a_better_value() -> None:
    first = measure("spo2", 91.0, FAIR)
    assert confirmed((first,), (measure("spo2", 97.0, BAD),)) == (first,)
    worse = measure("spo2", 97.0, replace(BAD, reasons=("mains",)))
    assert confirmed((measure("spo2", 91.0, BAD),), (worse,)) == (worse,)


def test_a_strip_has_no_value_to_compare() -> None:
    first, second = Measure("ecg", {}, BAD), Measure("ecg", {}, PROOF)
    assert confirmed((first,), (second,)) == (second,)
    assert confirmed((second,), (replace(second, derived_from=(1,)),)) == (replace(second, derived_from=(1,)),)


def test_without_a_first_value_nothing_changes() -> None:
    assert confirmed((), (measure("spo2", 97.0),)) == (measure("spo2", 97.0),)
