"""An unusual value is measured once more, and says so."""

from __future__ import annotations

import pytest

from cabin_agent.measuring.repeat import JUDGED, confirmed, unusual
from cabin_agent.results import Evidence, Measure, MeasureName, NotMeasured, Quantity

PROOF = Evidence("good", (), None, 1, 2, notes=("pulse-heart-differ",))


def measure(name: MeasureName, value: float) -> Measure:
    return Measure(name, {"value": Quantity(value, "1")}, PROOF)


@pytest.mark.parametrize(
    ("name", "value", "again"),
    [
        ("spo2", 97.0, False), ("spo2", 93.0, True), ("pulse_rate", 72.0, False), ("pulse_rate", 130.0, True),
        ("heart_rate", 40.0, True),
        ("temperature", 36.4, False), ("temperature", 39.2, True), ("weight", 210.0, True),
    ],
)  # fmt: skip
def test_what_is_unusual(name: MeasureName, value: float, again: bool) -> None:
    assert unusual([measure(name, value)]) is again


def test_what_has_repeats_of_its_own_or_no_value_is_not_repeated() -> None:
    assert not unusual([measure("blood_pressure", 400.0), NotMeasured("spo2", "failed"), Measure("ecg", {}, PROOF)])
    assert "blood_pressure" not in JUDGED


def test_the_second_value_stands_and_tells_of_the_first() -> None:
    first = (measure("spo2", 91.0), measure("pulse_rate", 72.0))
    second = (measure("spo2", 93.5), NotMeasured("pulse_rate", "failed"))
    spo2, pulse = confirmed(first, second)
    assert isinstance(spo2, Measure)
    assert spo2.values["value"].value == 93.5
    assert spo2.evidence.spread == 2.5
    assert spo2.evidence.notes == ("pulse-heart-differ", "repeated")
    assert pulse == first[1]


def test_without_a_first_value_nothing_changes() -> None:
    assert confirmed((), (measure("spo2", 97.0),)) == (measure("spo2", 97.0),)
