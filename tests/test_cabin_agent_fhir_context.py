"""Devices, consents, questionnaires and provenance of a visit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.results import Subject
from tests.visits import LOCAL, OXIMETER, RAW, evidence, missing, single, visit

Json = dict[str, Any]


def of_kind(kind: str, /, **more: Any) -> list[Json]:
    bundle = json.loads(build_bundle(visit(**more)))
    found = [described["resource"] | {"fullUrl": described["fullUrl"]} for described in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def by_model() -> dict[str, Json]:
    return {device["deviceName"][0]["name"]: device for device in of_kind("Device")}


def test_an_instrument_is_described_as_the_phd_guide_wants() -> None:
    oximeter = by_model()["Xpod 3012LP"]
    assert oximeter["manufacturer"] == "Nonin Medical"
    assert oximeter["serialNumber"] == oximeter["identifier"][0]["value"] == "SN-oximeter"
    assert oximeter["type"]["coding"][0]["code"] == "65573"
    assert oximeter["specialization"][0]["systemType"]["coding"][0]["code"] == "528388"
    assert oximeter["version"][0]["type"]["coding"][0]["code"] == "531976"
    assert oximeter["version"][0]["value"] == "1.2"


def test_an_instrument_without_a_serial_number_is_known_by_its_place() -> None:
    thermometer = by_model()["GY-MCU90614"]
    assert thermometer["identifier"][0]["value"] == "CAB-0007/thermometer/gymcu"
    assert not {"serialNumber", "version", "manufacturer"} & set(thermometer)


def test_an_audiometer_has_no_11073_specialization_and_says_so_in_words() -> None:
    assert by_model()["TM 262"]["specialization"] == [{"systemType": {"text": "audiometer"}}]


def test_the_cabin_is_the_gateway_with_its_software() -> None:
    cabin = by_model()["Cabine 07"]
    assert cabin["type"]["coding"][0]["code"] == "531981"
    assert cabin["version"][0]["value"] == "1.4.0"
    assert cabin["identifier"][0]["value"] == "CAB-0007"


def test_two_instruments_of_one_model_are_two_devices() -> None:
    other = replace(OXIMETER, serial="SN-2")
    pair = tuple(single("spo2", 97.0, "%", evidence(device)) for device in (OXIMETER, other, OXIMETER))
    assert len(of_kind("Device", outcomes=pair)) == 3
    first, second, third = (one["device"] for one in of_kind("Observation", outcomes=pair))
    assert first == third != second


def test_three_things_are_never_merged() -> None:
    measures, remote = of_kind("Consent")
    (notice,) = of_kind("DocumentReference")
    assert [consent["category"][1]["coding"][0]["code"] for consent in (measures, remote)] == [
        "measures",
        "remote-act",
    ]
    assert (measures["status"], measures["provision"]["type"]) == ("active", "permit")
    assert (remote["status"], remote["provision"]["type"]) == ("rejected", "deny")
    assert notice["content"][0]["attachment"]["url"].endswith("/notice/2026-09")
    assert notice["description"] == "Notice affichée et lue"
    dates = {measures["dateTime"], remote["dateTime"], notice["date"]}
    assert len(dates) == 3


def test_a_consent_names_the_notice_that_it_was_given_to() -> None:
    for consent in of_kind("Consent"):
        assert consent["policyRule"]["coding"][0]["code"] == "2026-09"
        assert consent["scope"]["coding"][0]["code"] == "treatment"


def test_exclusion_answers_belong_to_the_person_and_the_visit() -> None:
    exclusion = of_kind("QuestionnaireResponse", exclusions={"chest-pain": True, "bleeding": False})[0]
    assert [(item["linkId"], item["answer"][0]["valueBoolean"]) for item in exclusion["item"]] == [
        ("chest-pain", True),
        ("bleeding", False),
    ]
    assert exclusion["item"][0]["text"] == "Une douleur dans la poitrine\u202f?"
    assert {"subject", "encounter", "source"} <= set(exclusion)


def test_satisfaction_names_neither_person_nor_visit() -> None:
    satisfaction = of_kind("QuestionnaireResponse")[1]
    assert [item["answer"][0]["valueInteger"] for item in satisfaction["item"]] == [5, 4]
    assert not {"subject", "encounter", "source", "author"} & set(satisfaction)


def test_a_question_that_nobody_translated_is_delivered_by_its_code() -> None:
    (exclusion,) = of_kind("QuestionnaireResponse", exclusions={"new-question": True}, satisfaction={})
    assert exclusion["item"][0]["text"] == "new-question"


def test_no_answers_no_questionnaire_and_no_consents_no_consent() -> None:
    assert of_kind("QuestionnaireResponse", exclusions={}, satisfaction={}) == []
    assert of_kind("Consent", consents=()) == of_kind("DocumentReference", consents=()) == []


def test_provenance_names_instruments_cabin_person_and_the_raw_recording() -> None:
    (provenance,) = of_kind("Provenance")
    roles = [agent["type"]["coding"][0]["code"] for agent in provenance["agent"]]
    assert roles == ["author"] * 6 + ["assembler", "performer"]
    devices = {device["fullUrl"] for device in of_kind("Device")}
    assert {agent["who"]["reference"] for agent in provenance["agent"][:-1]} == devices
    targets = {target["reference"] for target in provenance["target"]}
    assert targets == {one["fullUrl"] for one in of_kind("Observation")}
    assert provenance["entity"][0]["what"]["identifier"]["value"] == RAW


def test_no_recording_no_entity() -> None:
    (provenance,) = of_kind("Provenance", recording=None, outcomes=missing())
    assert "entity" not in provenance
    assert [agent["type"]["coding"][0]["code"] for agent in provenance["agent"]] == ["assembler", "performer"]


@pytest.mark.parametrize("ended", ["completed", "refused", "left", "stopped"])
def test_the_encounter_says_how_the_visit_ended(ended: str) -> None:
    (encounter,) = of_kind("Encounter", ended_by=ended)
    assert encounter["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == ended
    assert encounter["period"] == {"start": "2026-11-21T09:42:00.000+00:00", "end": "2026-11-21T09:51:20.000+00:00"}


def test_a_consultation_is_virtual_and_a_checkup_is_not() -> None:
    kinds = [of_kind("Encounter", kind=kind)[0]["class"]["code"] for kind in ("checkup", "consultation")]
    assert kinds == ["AMB", "VR"]


def test_a_local_identifier_is_sent_as_it_is_and_an_empty_one_not_at_all() -> None:
    (known,) = of_kind("Patient")
    assert known["identifier"] == [{"system": LOCAL.system, "value": LOCAL.value}]
    (unknown,) = of_kind("Patient", subject=Subject(LOCAL.system, ""))
    assert "identifier" not in unknown
