"""Each measure as an Observation: values, precision, absences, evidence, the ECG's samples and the audiogram."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.fhir.codes import COMPONENTS, HEARING, LEADS, MEASURES
from cabin_agent.fhir.evidence import EVIDENCE
from cabin_agent.fhir.observations import quantity
from cabin_agent.fhir.waves import FACTOR, sampled_data
from cabin_agent.results import Device, Evidence, Measure, NotMeasured, Outcome, Quantity, Threshold
from tests.visits import (
    AUDIOMETER,
    ECG,
    OXIMETER,
    RAW,
    SCALE,
    evidence,
    missing,
    outcomes,
    single,
    strip,
    visit,
)
from tests.visits import (
    LEADS as LEAD_NAMES,
)

Json = dict[str, Any]


def observations(*given_outcomes: Outcome) -> list[Json]:
    bundle = json.loads(build_bundle(visit(outcomes=given_outcomes or outcomes())))
    found = [described["resource"] for described in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == "Observation"]


def full() -> dict[str, list[Json]]:
    """The Observations of a full visit by name of measure, each with its temporary id under "fullUrl"."""
    bundle = json.loads(build_bundle(visit()))
    found = [d["resource"] | {"fullUrl": d["fullUrl"]} for d in bundle["entry"]]
    by_name: dict[str, list[Json]] = {}
    for outcome, resource in zip(
        outcomes(), (one for one in found if one["resourceType"] == "Observation"), strict=True
    ):
        by_name.setdefault(outcome.name, []).append(resource)
    return by_name


def loinc(concept: Json) -> list[str]:
    return [coding["code"] for coding in concept["coding"] if coding["system"] == "http://loinc.org"]


def proof(resource: Json) -> list[Json]:
    (found,) = [one["extension"] for one in resource["extension"] if one["url"] == EVIDENCE]
    parts: list[Json] = found
    return parts


@pytest.mark.parametrize(
    ("name", "codes", "number", "unit"),
    [
        ("weight", ["29463-7"], "72.4", "kg"),
        ("height", ["8302-2"], "174.0", "cm"),
        ("bmi", ["39156-5"], "23.9", "kg/m2"),
        ("spo2", ["2708-6", "59408-5"], "97", "%"),
        ("pulse_rate", ["8867-4", "8889-8"], "72", "/min"),
        ("heart_rate", ["8867-4", "76282-3"], "71", "/min"),
        ("temperature", ["8310-5"], "36.0", "Cel"),
    ],
)
def test_a_single_value_has_its_codes_its_unit_and_the_precision_of_the_device(
    name: str, codes: list[str], number: str, unit: str
) -> None:
    (resource,) = full()[name]
    assert loinc(resource["code"]) == codes
    value = resource["valueQuantity"]
    assert json.dumps(value["value"]) == number
    assert (value["system"], value["code"]) == ("http://unitsofmeasure.org", unit)
    assert resource["status"] == "final"


def test_mdc_comes_first_and_tells_pulse_from_heart_rate() -> None:
    named = full()
    first = {name: named[name][0]["code"]["coding"][0] for name in ("pulse_rate", "heart_rate")}
    assert all(coding["system"] == "urn:iso:std:iso:11073:10101" for coding in first.values())
    assert {name: coding["code"] for name, coding in first.items()} == {
        "pulse_rate": "149530",
        "heart_rate": "147842",
    }


def test_every_observation_has_subject_gateway_category_and_a_zone() -> None:
    for resource in observations():
        categories = [category["coding"][0]["code"] for category in resource["category"]]
        assert categories[1] == "phd"
        assert resource["subject"]["reference"].startswith("urn:uuid:")
        gateway = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"
        assert [one["url"] for one in resource["extension"]].count(gateway) == 1
        period = resource["effectivePeriod"]
        assert datetime.fromisoformat(period["start"]).utcoffset() is not None
        assert datetime.fromisoformat(period["start"]) < datetime.fromisoformat(period["end"])


def test_the_start_of_a_measure_is_an_exact_instant() -> None:
    start = full()["weight"][0]["effectivePeriod"]["start"]
    assert start == "2026-11-21T09:42:00.000+00:00"


def test_a_measure_of_one_moment_has_a_date_and_not_a_period() -> None:
    moment = replace(evidence(SCALE), ended_ms=evidence(SCALE).started_ms)
    (resource,) = observations(single("weight", 70.0, "kg", moment))
    assert resource["effectiveDateTime"] == "2026-11-21T09:42:00.000+00:00"


def test_what_is_a_vital_sign_and_what_is_not() -> None:
    kinds = {name: found[0]["category"][0]["coding"][0]["code"] for name, found in full().items()}
    assert (kinds.pop("ecg"), kinds.pop("hearing")) == ("procedure", "exam")
    assert set(kinds.values()) == {"vital-signs"}


def test_blood_pressure_is_a_panel_with_the_cuffs_own_pulse() -> None:
    panel = full()["blood_pressure"][0]
    assert loinc(panel["code"]) == ["85354-9"]
    parts = {loinc(part["code"])[0]: part["valueQuantity"]["value"] for part in panel["component"]}
    assert parts == {"8480-6": 131, "8462-4": 82, "8478-0": 98, "8867-4": 71}
    assert panel["component"][3]["code"]["coding"][0]["code"] == "149546"
    assert "valueQuantity" not in panel


def test_the_mean_pressure_points_at_the_readings_it_came_from() -> None:
    named = full()
    (mean,) = named["blood_pressure_mean"]
    assert [loinc(part["code"])[0] for part in mean["component"]] == ["96608-5", "96609-3"]
    assert [part["valueQuantity"]["value"] for part in mean["component"]] == [128, 79]
    readings = [{"reference": one["fullUrl"]} for one in named["blood_pressure"][1:]]
    assert mean["derivedFrom"] == readings


def test_bmi_points_at_weight_and_height_and_names_the_cabin_as_its_device() -> None:
    named = full()
    (bmi,) = named["bmi"]
    sources = [{"reference": named[name][0]["fullUrl"]} for name in ("weight", "height")]
    assert bmi["derivedFrom"] == sources
    assert bmi["device"] == bmi["extension"][0]["valueReference"]


def test_a_source_that_the_visit_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="derived from"):
        observations(single("bmi", 23.0, "kg/m2", evidence(None), derived_from=(5,)))


@pytest.mark.parametrize(
    ("value", "unit", "computed", "written"),
    [
        (36.0, "Cel", False, "36.0"),
        (36.63, "Cel", False, "36.63"),
        (97.0, "%", False, "97"),
        (98.5, "%", False, "98.5"),
        (127.5, "mm[Hg]", True, "128"),
        (126.5, "mm[Hg]", True, "127"),
        (23.95, "kg/m2", True, "24.0"),
        (-0.0, "dB", False, "0"),
    ],
)
def test_precision(value: float, unit: str, computed: bool, written: str) -> None:
    assert json.dumps(quantity(Quantity(value, unit), computed=computed)["value"]) == written


@pytest.mark.parametrize(
    ("outcome", "reason", "status"),
    list(
        zip(
            missing(),
            ["asked-declined", "error", "not-performed", "not-performed", "error", "error", "not-performed"],
            ["cancelled", "final", "cancelled", "cancelled", "final", "final", "cancelled"],
            strict=True,
        )
    ),
)
def test_what_was_not_measured_says_why(outcome: NotMeasured, reason: str, status: str) -> None:
    (resource,) = observations(outcome)
    absent = resource["dataAbsentReason"]
    assert absent["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
        "code": reason,
    }
    assert absent["coding"][1]["code"] == outcome.why
    assert resource["status"] == status
    assert absent["text"]
    assert not {"valueQuantity", "component", "device"} & set(resource)


def test_the_detail_of_a_failure_is_in_words() -> None:
    (resource,) = observations(NotMeasured("spo2", "failed", "finger-out"))
    assert "doigt retiré du capteur" in resource["dataAbsentReason"]["text"]


def test_a_detail_that_nobody_translated_does_not_stop_the_record() -> None:
    (resource,) = observations(NotMeasured("spo2", "failed", "code-of-tomorrow"))
    assert "code-of-tomorrow" in resource["dataAbsentReason"]["text"]


def test_the_evidence_travels_with_the_value() -> None:
    rich = evidence(
        OXIMETER, quality="usable", reasons=("movement", "low-perfusion"), rest_s=181.6, readings=3, spread=1.5,
        notes=("pulse-heart-differ",), site="left-finger", mode="4-beat-average",
    )  # fmt: skip
    (resource,) = observations(single("spo2", 96.0, "%", rich))
    told = [(part["url"], *[value for name, value in part.items() if name != "url"]) for part in proof(resource)]
    assert told == [
        ("quality", "usable"),
        ("reason", "movement"),
        ("reason", "low-perfusion"),
        ("rest", {"value": 182, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}),
        ("readings", 3),
        ("spread", {"value": 1.5, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}),
        ("recording", RAW),
        ("note", "pulse-heart-differ"),
    ]
    assert resource["bodySite"]["coding"][0]["code"] == "left-finger"
    assert resource["method"]["coding"][0]["code"] == "4-beat-average"
    assert resource["interpretation"][0]["coding"][0] == {
        "system": "http://hl7.org/fhir/uv/pocd/CodeSystem/measurement-status",
        "code": "questionable",
    }
    assert [note["text"] for note in resource["note"]] == [
        "mouvement",
        "main froide ou peu de pouls au doigt",
        "pouls et fréquence cardiaque différents",
    ]


def test_a_good_value_is_not_questioned() -> None:
    assert not {"interpretation", "note"} & set(full()["weight"][0])


def test_a_bad_number_is_withheld() -> None:
    (resource,) = observations(single("spo2", 83.0, "%", evidence(OXIMETER, quality="bad", reasons=("movement",))))
    assert resource["status"] == "entered-in-error"
    assert resource["dataAbsentReason"]["coding"][0]["code"] == "error"
    assert "83" not in json.dumps(resource["dataAbsentReason"])
    assert "valueQuantity" not in resource


def test_a_bad_ecg_is_shown_to_the_doctor_all_the_same() -> None:
    (resource,) = observations(Measure("ecg", {}, evidence(ECG, quality="bad", reasons=("mains",)), strip=strip()))
    assert resource["status"] == "final"
    assert resource["interpretation"][0]["coding"][0]["code"] == "questionable"
    assert "valueSampledData" in resource["component"][0]


def test_intervals_are_components_and_what_was_not_measured_says_why() -> None:
    values = {"qrs": Quantity(96.0, "ms"), "qt": Quantity(404.0, "ms"), "qtc": Quantity(411.0, "ms")}
    (resource,) = observations(Measure("ecg", values, evidence(ECG), missing={"pr": "no-p"}, strip=strip()))
    qrs, qt, qtc, pr, *leads = resource["component"]
    assert qrs["code"]["coding"][0] == {"system": "http://loinc.org", "code": "8633-0", "display": "QRS duration"}
    assert qt["code"]["coding"][0]["code"] == "8634-8"
    assert qt["valueQuantity"] == {"value": 404, "unit": "ms", "system": "http://unitsofmeasure.org", "code": "ms"}
    assert qtc["code"] == {"text": "QTc (Fridericia)"}
    assert pr["code"]["coding"][0]["code"] == "8625-6"
    assert "valueQuantity" not in pr
    assert [each["code"] for each in pr["dataAbsentReason"]["coding"]] == ["unknown", "no-p"]
    assert pr["dataAbsentReason"]["text"] == "pas d’onde P distincte"
    assert len(leads) == 12


def test_lead_codes_are_those_of_the_standard_and_iii_is_not_v1() -> None:
    (resource,) = full()["ecg"]
    numbers = [part["code"]["coding"][0]["code"] for part in resource["component"]]
    wanted = "131329 131330 131389 131390 131391 131392 131331 131332 131333 131334 131335 131336"
    assert numbers == wanted.split()
    assert LEADS["III"].mdc == 2 * 65536 + 317


def test_the_samples_decode_back_to_the_strip() -> None:
    (resource,) = full()["ecg"]
    for name, row, part in zip(LEAD_NAMES, strip().millivolts, resource["component"], strict=True):
        if name == "V6":
            assert part["dataAbsentReason"]["coding"][0]["code"] == "error"
            continue
        data = part["valueSampledData"]
        assert (data["period"], data["dimensions"], data["origin"]["code"]) == (4, 1, "mV")
        decoded = [None if word == "E" else data["origin"]["value"] + data["factor"] * int(word)
                   for word in data["data"].split(" ")]  # fmt: skip
        assert len(decoded) == len(row)
        for was, back in zip(row, decoded, strict=True):
            assert back is None if was is None else abs((back or 0.0) - was) <= data["factor"] / 2 + 1e-9


@given(
    st.lists(st.none() | st.floats(-40, 40), min_size=1, max_size=60),
    st.sampled_from([75.0, 125.0, 250.0, 257.0, 360.0, 500.0, 1000.0]),
)
def test_sampled_data_is_true_to_half_a_step_or_says_that_it_is_not(row: list[float | None], rate: float) -> None:
    data = sampled_data(tuple(row), rate)
    assert abs(data["period"] * rate - 1000) < 1e-5
    for was, word in zip(row, data["data"].split(" "), strict=True):
        if was is None:
            assert word == "E"
        elif word in ("L", "U"):
            assert abs(was) > data["upperLimit"]
            assert (was > 0) == (word == "U")
        else:
            assert abs(int(word) * FACTOR - was) <= FACTOR / 2 + 1e-9


def test_the_audiogram_has_one_component_for_each_threshold() -> None:
    (resource,) = full()["hearing"]
    assert loinc(resource["code"]) == ["89015-2"]
    left_250, left_1000, left_8000, right_500, right_1000, right_6000 = resource["component"]
    assert left_250["code"]["coding"][0]["code"] == "left-250"
    assert left_250["code"]["text"] == "Oreille gauche, 250\u00a0Hz"
    assert loinc(left_1000["code"]) == ["89016-0"]
    assert loinc(right_500["code"]) == ["89025-1"]
    assert (right_1000["valueQuantity"]["value"], right_1000["valueQuantity"]["unit"]) == (-5, "dB HL")
    assert right_1000["valueQuantity"]["code"] == "dB"
    assert loinc(left_8000["code"]) == ["89028-5"]
    assert [coding["code"] for coding in left_8000["dataAbsentReason"]["coding"]] == ["unknown", "no-response"]
    assert [coding["code"] for coding in right_6000["dataAbsentReason"]["coding"]] == ["not-performed", "not-tested"]
    assert not {"valueQuantity"} & (set(left_8000) | set(right_6000))


@pytest.mark.parametrize("hz", [125, 250, 750, 1500])
def test_a_frequency_without_a_loinc_code_goes_by_ours(hz: int) -> None:
    tone = Measure("hearing", {}, evidence(AUDIOMETER), thresholds=(Threshold("right", hz, 10.0),))
    (resource,) = observations(tone)
    (part,) = resource["component"]
    assert loinc(part["code"]) == []
    assert str(hz) in part["code"]["text"]


def test_no_code_stands_for_two_things() -> None:
    leads = [code.mdc for code in LEADS.values()]
    hearing = list(HEARING.values())
    panels = [MEASURES[name].mdc for name in MEASURES if MEASURES[name].mdc]
    assert all(len(set(codes)) == len(codes) for codes in (leads, hearing, panels))
    assert len(hearing) == 14
    assert {ear for ear, _ in HEARING} == {"left", "right"}
    assert "pulse_rate" in COMPONENTS["blood_pressure"]


def test_a_measure_without_any_content_is_an_absence() -> None:
    (resource,) = observations(Measure("ecg", {}, evidence(ECG)))
    assert resource["dataAbsentReason"]["coding"][0]["code"] == "error"


UNIT_OF = {"weight": "kg", "spo2": "%", "temperature": "Cel", "pulse_rate": "/min"}
names = st.sampled_from(list(UNIT_OF))
proofs = st.builds(
    Evidence,
    quality=st.sampled_from(["good", "usable", "bad"]),
    reasons=st.lists(st.sampled_from(["movement", "finger-out", "new-code"]), max_size=3).map(tuple),
    device=st.none() | st.just(OXIMETER) | st.just(Device("scale", "x", "M", None, None, False)),
    started_ms=st.integers(0, 4_000_000_000_000),
    ended_ms=st.integers(0, 4_000_000_000_000),
    rest_s=st.none() | st.floats(0, 900),
    readings=st.integers(1, 9),
    spread=st.none() | st.floats(0, 50),
    recording=st.none() | st.just(RAW),
)
values = st.builds(
    lambda name, value, proof: single(name, value, UNIT_OF[name], proof),
    names,
    st.floats(0, 300),
    proofs,
)  # fmt: skip
absences = st.builds(
    NotMeasured,
    name=names,
    why=st.sampled_from(["refused", "failed", "absent", "skipped", "implausible", "unstable", "interrupted"]),
    detail=st.sampled_from(["", "finger-out", "unheard-of"]),
)


@given(st.lists(values | absences, max_size=6).map(tuple), st.sampled_from(["fr", "en"]))
def test_every_outcome_gives_a_value_or_a_reason(found: tuple[Outcome, ...], language: str) -> None:
    bundle = json.loads(build_bundle(visit(outcomes=found, language=language)))
    made = [d["resource"] for d in bundle["entry"] if d["resource"]["resourceType"] == "Observation"]
    assert len(made) == len(found)
    for outcome, resource in zip(found, made, strict=True):
        assert ("valueQuantity" in resource) != ("dataAbsentReason" in resource)
        withheld = isinstance(outcome, NotMeasured) or outcome.evidence.quality == "bad"
        assert ("dataAbsentReason" in resource) == withheld
