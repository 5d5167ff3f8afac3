"""What a doctor adds to the Bundle: a word on each value, notes, pictures; and nothing at all where no doctor was."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent.fhir.bundle import build_bundle, check_bundle
from cabin_agent.results import Consent, Measure, Note, Review, Still, VisitRecord
from tests.bundles import is_test, nodes, resources
from tests.visits import (
    DEMO_NIR,
    OXIMETER,
    RAW,
    REAL_NIR,
    T0,
    evidence,
    missing,
    outcomes,
    simulated_visit,
    single,
    visit,
)

Json = dict[str, Any]

REMOTE = (Consent("information", True, T0, "2026-09"), Consent("remote-act", True, T0 + 1, "2026-09"))
NAMES: list[str] = [each.name for each in outcomes()]
STILLS = (
    Still("ear", "left", T0 + 70_000, "Otoscope", 1920, 1080, "cd" * 32, False, 90_000),
    Still("skin", "none", T0 + 80_000, "Camera 2", 1280, 720, "ef" * 32, False, 80_000),
)
NOTES = (Note(T0 + 60_000, "Tympan gauche rouge.\nÀ revoir.", "dr-martin"),)


def consultation(**more: Any) -> VisitRecord:
    return visit(kind="consultation", consents=REMOTE, **more)


def reviewed(name: str, verdict: Any, note: str = "", **more: Any) -> VisitRecord:
    return consultation(reviews={NAMES.index(name): Review(verdict, note, "dr-martin")}, **more)


def built(record: VisitRecord) -> Json:
    content = build_bundle(record)
    assert check_bundle(content) is None
    told: Json = json.loads(content)
    return told


def observation(record: VisitRecord, position: int) -> Json:
    return resources(built(record), "Observation")[position]


# --- a check-up stays what it was -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "digest"),
    [
        (visit(), "4958319e6a76e7724d76cdcea651ab91e4c8c2a5a98d9e1b472a497f3747e690"),
        (simulated_visit(), "8f143c09d62838e579fb398e88a0dd4a57f7af42118d5857d73196c675671556"),
        (
            visit(outcomes=missing(), language="en"),
            "354b3db258f83b643bd5fbcf863456b9f08cb4e9e4da833dcc3bfdc5c61c569c",
        ),
        (visit(kind="consultation"), "d6bf6f80f30caf05fa88534438bdb7945c4f0cc109fbd2bfde1a92d6a5ca52d7"),
    ],
    ids=["checkup", "simulated", "nothing measured", "consultation declined"],
)
def test_without_a_doctor_not_one_byte_changed(record: VisitRecord, digest: str) -> None:
    """The digests were taken from the software before it knew of doctors; wording changes them too."""
    assert hashlib.sha256(build_bundle(record)).hexdigest() == digest


# --- the word on a value ----------------------------------------------------------------------------------------


def test_what_no_doctor_judged_is_preliminary() -> None:
    bundle = built(consultation())
    assert {each["status"] for each in resources(bundle, "Observation")} == {"preliminary"}
    (encounter,) = resources(bundle, "Encounter")
    assert encounter["class"]["code"] == "VR"


def test_what_was_not_measured_keeps_its_status() -> None:
    plain = [each["status"] for each in resources(built(visit(outcomes=missing())), "Observation")]
    assert [each["status"] for each in resources(built(consultation(outcomes=missing())), "Observation")] == plain


def test_an_accepted_value_is_final_and_says_whose_word_that_is() -> None:
    position = NAMES.index("spo2")
    one = observation(reviewed("spo2", "accepted"), position)
    assert (one["status"], one["valueQuantity"]["value"]) == ("final", 97)
    assert one["note"][-1] == {"authorString": "dr-martin", "text": "Acceptée par le médecin"}
    assert observation(reviewed("spo2", "accepted"), position + 1)["status"] == "preliminary"


def test_an_annotated_value_stays_preliminary_with_the_note() -> None:
    one = observation(reviewed("spo2", None, "Vernis à ongles."), NAMES.index("spo2"))
    assert one["status"] == "preliminary"
    assert one["note"][-1]["text"] == "Annotée par le médecin\u00a0: Vernis à ongles."


@pytest.mark.parametrize("name", [*dict.fromkeys(NAMES)])
def test_a_rejected_value_is_nowhere(name: str) -> None:
    one = observation(reviewed(name, "rejected", "Mauvais brassard.", language="en"), NAMES.index(name))
    assert one["status"] == "cancelled"
    assert one["dataAbsentReason"]["coding"][0]["code"] == "error"
    assert one["dataAbsentReason"]["coding"][1]["code"] == "rejected"
    assert one["note"][-1] == {"authorString": "dr-martin", "text": "Set aside by the doctor: Mauvais brassard."}
    assert not {"valueQuantity", "component"} & {*one}
    told = {name: part for name, part in one.items() if name != "extension"}
    assert not [each for each in nodes(told) if {"unit", "data"} & {*each}]


def test_a_rejected_weight_takes_the_index_along() -> None:
    bundle = resources(built(reviewed("weight", "rejected")), "Observation")
    assert [bundle[NAMES.index(name)]["status"] for name in ("weight", "height", "bmi")] == [
        "cancelled", "preliminary", "cancelled",
    ]  # fmt: skip


def test_a_poor_value_is_told_only_on_the_doctors_word() -> None:
    poor = single("spo2", 88.0, "%", evidence(OXIMETER, quality="bad", reasons=("movement",)))
    unjudged = observation(consultation(outcomes=(poor,)), 0)
    assert unjudged["status"] == "entered-in-error"
    assert "valueQuantity" not in unjudged
    accepted = observation(consultation(outcomes=(poor,), reviews={0: Review("accepted", "", "dr-a")}), 0)
    assert (accepted["status"], accepted["valueQuantity"]["value"]) == ("final", 88)
    assert accepted["interpretation"][0]["coding"][0]["code"] == "questionable"
    rejected = observation(consultation(outcomes=(poor,), reviews={0: Review("rejected", "", "dr-a")}), 0)
    assert (rejected["status"], "valueQuantity" in rejected) == ("cancelled", False)


def test_a_note_on_what_was_not_measured_is_kept() -> None:
    record = consultation(outcomes=missing(), reviews={1: Review("accepted", "Doigt froid.", "dr-a")})
    one = observation(record, 1)
    assert (one["status"], one["dataAbsentReason"]["coding"][1]["code"]) == ("final", "failed")
    assert "Doigt froid." in one["note"][-1]["text"]


def test_the_provenance_names_who_verified() -> None:
    record = replace(reviewed("spo2", "accepted"), notes=NOTES, stills=STILLS)
    bundle = built(record)
    (provenance,) = resources(bundle, "Provenance")
    roles = [(each["type"]["coding"][0]["code"], each["who"]) for each in provenance["agent"]]
    assert [who["identifier"]["value"] for role, who in roles if role == "verifier"] == ["dr-martin"]
    targets = {each["reference"] for each in provenance["target"]}
    told = ("Observation", "Media")
    assert {each["fullUrl"] for each in bundle["entry"] if each["resource"]["resourceType"] in told} <= targets
    assert len(targets) == len(record.outcomes) + 3


# --- notes and pictures -----------------------------------------------------------------------------------------


def documents(bundle: Json) -> list[Json]:
    wanted = "11488-4"
    return [each for each in resources(bundle, "DocumentReference") if each["type"]["coding"][0]["code"] == wanted]


def test_a_note_is_a_document_of_plain_text() -> None:
    (document,) = documents(built(consultation(notes=NOTES)))
    attachment = document["content"][0]["attachment"]
    assert attachment["contentType"].startswith("text/plain")
    assert b64decode(attachment["data"]).decode() == NOTES[0].text
    assert attachment["size"] == len(NOTES[0].text.encode())
    assert document["author"][0]["identifier"]["value"] == "dr-martin"
    assert document["date"].startswith("2026-11-21T09:43:00")
    assert document["context"]["encounter"][0]["reference"].startswith("urn:uuid:")


def test_a_picture_says_what_it_shows_and_where_its_content_is() -> None:
    bundle = built(consultation(stills=STILLS))
    ear, skin = resources(bundle, "Media")
    assert (ear["status"], ear["type"]["coding"][0]["code"]) == ("completed", "image")
    assert ear["bodySite"]["text"] == "oreille, côté gauche"
    assert [each["code"] for each in ear["bodySite"]["coding"]] == ["ear", "left"]
    assert skin["bodySite"]["text"] == "peau"
    assert (ear["width"], ear["height"], ear["deviceName"]) == (1920, 1080, "Otoscope")
    parts = {part["url"]: part["valueString"] for part in ear["extension"][0]["extension"]}
    assert parts == {"sha256": "cd" * 32, "recording": RAW}
    assert "data" not in ear["content"]
    assert ear["content"]["contentType"] == "image/jpeg"


def test_two_notes_of_one_moment_and_two_equal_pictures_are_two() -> None:
    bundle = built(consultation(notes=NOTES * 2, stills=STILLS[:1] * 2))
    for found in (documents(bundle), resources(bundle, "Media")):
        assert len({each["identifier"][0]["value"] for each in found}) == 2


def test_a_consultation_without_a_measure_has_a_record() -> None:
    bundle = built(consultation(outcomes=(), notes=NOTES, recording=None))
    assert len(documents(bundle)) == 1
    assert resources(bundle, "Observation") == []


def test_simulated_is_said_of_notes_and_pictures_too() -> None:
    record = replace(simulated_visit(), kind="consultation", consents=REMOTE, notes=NOTES, stills=STILLS)
    bundle = built(record)
    assert all(is_test(each["resource"]) for each in bundle["entry"])
    assert check_bundle(build_bundle(record), production=True) == "test-data"
    real = built(consultation(notes=NOTES, stills=STILLS))
    assert not any(is_test(each["resource"]) for each in real["entry"])


def test_one_simulated_picture_makes_every_resource_test_data() -> None:
    drawn = (replace(STILLS[0], simulated=True), STILLS[1])
    record = consultation(stills=drawn, subject=DEMO_NIR)
    assert all(is_test(each["resource"]) for each in built(record)["entry"])
    with pytest.raises(ValueError, match="test or demo INS"):
        build_bundle(consultation(stills=drawn, subject=REAL_NIR))


def test_an_empty_real_cabin_with_a_demo_identity_is_still_refused() -> None:
    with pytest.raises(ValueError, match="test health identity"):
        build_bundle(consultation(notes=NOTES, subject=DEMO_NIR))


REVIEWS = st.builds(Review, st.sampled_from(["accepted", "rejected", None]), st.text(max_size=20), st.just("dr-a"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.integers(0, len(NAMES) - 1), REVIEWS, max_size=6), st.text(min_size=1, max_size=200))
def test_whatever_the_doctor_says_the_gateway_takes_it_and_the_bytes_are_the_same(
    reviews: dict[int, Review], words: str
) -> None:
    light = tuple(replace(each, strip=None) if isinstance(each, Measure) else each for each in outcomes())
    record = consultation(outcomes=light, reviews=reviews, notes=(Note(T0, words, "dr-a"),), stills=STILLS)
    content = build_bundle(record)
    assert check_bundle(content) is None
    again = replace(record, reviews=dict(reversed(reviews.items())))
    assert build_bundle(again) == content
