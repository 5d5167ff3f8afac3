"""Outcomes as JSON: nothing is lost, nothing is invented, and the JSON is what docs/api.yaml says."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from cabin_agent.results import (
    Device,
    Evidence,
    Grade,
    Measure,
    MeasureName,
    NotMeasured,
    Outcome,
    Quantity,
    Strip,
    Threshold,
    WhyNot,
)
from cabin_agent.views import outcome_json, results_json
from tests.fake_face import CONTRACT, problems_of

SCHEMAS = CONTRACT["components"]["schemas"]

OXIMETER = Device("oximeter", "nonin", "3150", "S1", None, simulated=True)
SPO2 = Measure(
    "spo2",
    {"value": Quantity(97, "%")},
    Evidence("usable", ("movement",), OXIMETER, 1000, 9000, rest_s=12.5, site="left-finger", notes=("pulse-late",)),
)
PRESSURE = Measure(
    "blood_pressure",
    {"systolic": Quantity(121, "mm[Hg]"), "diastolic": Quantity(78.5, "mm[Hg]")},
    Evidence("good", (), None, 1, 2, rest_s=300.0, readings=3, spread=6.0, mode="oscillometric", recording="ab" * 32),
    derived_from=(0, 2),
)
ECG = Measure(
    "ecg",
    {},
    Evidence("good", (), OXIMETER, 1, 2),
    strip=Strip(500.0, ("I", "II"), ((0.1, None, 0.2, 0.3), (0.0, 0.0, 0.0, 0.0))),
)
HEARING = Measure(
    "hearing",
    {},
    Evidence("good", (), OXIMETER, 1, 2),
    thresholds=(Threshold("left", 1000, 15.0), Threshold("right", 8000, None, "no-response")),
)
SKIPPED = NotMeasured("temperature", "skipped", "told-to-skip")


def text(outcome: Outcome) -> str:
    return f"words for {outcome.name}"


def test_a_measure_with_its_evidence() -> None:
    assert outcome_json(SPO2, text) == {
        "measure": "spo2",
        "status": "measured",
        "values": {"value": {"value": 97, "unit": "%"}},
        "quality": "usable",
        "reasons": ["movement"],
        "evidence": {
            "device": {
                "kind": "oximeter",
                "protocol": "nonin",
                "model": "3150",
                "serial": "S1",
                "firmware": None,
                "simulated": True,
            },
            "started_ms": 1000,
            "ended_ms": 9000,
            "rest_s": 12.5,
            "readings": 1,
            "spread": None,
            "site": "left-finger",
            "mode": None,
            "recording": None,
            "notes": ["pulse-late"],
        },
        "derived_from": [],
        "text": "words for spo2",
    }


def test_a_measure_without_value_has_no_value_at_all() -> None:
    assert outcome_json(SKIPPED, text) == {
        "measure": "temperature",
        "status": "not-measured",
        "why": "skipped",
        "detail": "told-to-skip",
        "text": "words for temperature",
    }


def test_components_and_sources_are_kept() -> None:
    told = outcome_json(PRESSURE, text)
    assert {part: value["value"] for part, value in told["values"].items()} == {"systolic": 121, "diastolic": 78.5}
    assert told["evidence"]["device"] is None
    assert told["derived_from"] == [0, 2]


def test_a_strip_is_told_by_its_length() -> None:
    assert outcome_json(ECG, text)["strip"] == {
        "rate": 500.0,
        "unit": "mV",
        "leads": ["I", "II"],
        "seconds": 0.008,
        "beats": 0,
        "used": 0,
    }


def test_a_strip_with_samples_keeps_the_holes() -> None:
    strip = outcome_json(ECG, text, samples=True)["strip"]
    assert strip["millivolts"] == [[0.1, None, 0.2, 0.3], [0.0, 0.0, 0.0, 0.0]]


def test_thresholds_keep_the_kind_of_absence() -> None:
    assert outcome_json(HEARING, text)["thresholds"] == [
        {"ear": "left", "hz": 1000, "db_hl": 15.0, "unit": "dB", "why": None},
        {"ear": "right", "hz": 8000, "db_hl": None, "unit": "dB", "why": "no-response"},
    ]


def test_what_a_measure_does_not_have_is_absent() -> None:
    assert not {"strip", "thresholds"} & outcome_json(SPO2, text).keys()


def test_order_is_kept() -> None:
    told = results_json([SKIPPED, SPO2, PRESSURE], text)
    assert [each["measure"] for each in told["outcomes"]] == ["temperature", "spo2", "blood_pressure"]


@pytest.mark.parametrize("outcome", [SPO2, PRESSURE, ECG, HEARING, SKIPPED], ids=lambda outcome: str(outcome.name))
@pytest.mark.parametrize("samples", [False, True])
def test_every_outcome_is_what_the_contract_says(outcome: Outcome, samples: bool) -> None:
    told = outcome_json(outcome, text, samples=samples)
    assert problems_of(told, SCHEMAS["Outcome"]) == []
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_the_contract_knows_every_code() -> None:
    assert set(SCHEMAS["MeasureName"]["enum"]) == set(get_args(MeasureName))
    assert set(SCHEMAS["NotMeasured"]["properties"]["why"]["enum"]) == set(get_args(WhyNot))
    assert set(SCHEMAS["Measured"]["properties"]["quality"]["enum"]) == set(get_args(Grade))
