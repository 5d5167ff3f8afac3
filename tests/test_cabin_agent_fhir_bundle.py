"""The whole transaction: codes of every measure, test marks, identity, rebuilding, and the gateway's check."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent.fhir.bundle import InvalidBundle, build_bundle, check_bundle
from cabin_agent.fhir.context import WrongIdentity
from cabin_agent.results import Subject
from tests.visits import DEMO_NIR, LOCAL, REAL_NIR, SCALE, evidence, missing, simulated_visit, single, visit

Json = dict[str, Any]


def built(record: Any) -> Json:
    parsed: Json = json.loads(build_bundle(record))
    return parsed


def resources(bundle: Json, kind: str) -> list[Json]:
    found = [described["resource"] for described in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def codes(node: Any, system: str) -> set[str]:
    """Every code of `system` anywhere in the Bundle."""
    if isinstance(node, dict):
        own = {node["code"]} if node.get("system") == system and isinstance(node.get("code"), str) else set()
        return own.union(*(codes(child, system) for child in node.values()))
    return set().union(*(codes(child, system) for child in node)) if isinstance(node, list) else set()


def hostile(change: Callable[[Json], object]) -> bytes:
    bundle = built(visit())
    change(bundle)
    return json.dumps(bundle).encode()


def test_a_full_visit_carries_every_loinc_code() -> None:
    wanted = (
        "29463-7 8302-2 39156-5 2708-6 59408-5 8867-4 8889-8 76282-3 8310-5 85354-9 8480-6 8462-4 8478-0 96607-7 "
        "96608-5 96609-3 11524-6 89015-2 89016-0 89028-5 89025-1 89017-8 89027-7 59284-0 57016-8"
    )
    assert codes(built(visit()), "http://loinc.org") == set(wanted.split())


def test_a_full_visit_carries_every_mdc_code_in_decimal() -> None:
    wanted = (
        "188736 188740 188752 150456 149530 147842 150364 150020 150021 150022 150023 149546 "
        "131328 131329 131330 131389 131390 131391 131392 131331 131332 131333 131334 131335 131336 "
        "65573 531981 531975 531976 528388 528390 528391 528392 528399"
    )
    assert codes(built(visit()), "urn:iso:std:iso:11073:10101") == set(wanted.split())


def test_one_observation_for_each_outcome_and_one_device_for_each_instrument() -> None:
    kinds = Counter(described["resource"]["resourceType"] for described in built(visit())["entry"])
    assert kinds == {
        "Patient": 1, "Device": 7, "Encounter": 1, "Observation": 13, "Consent": 2, "DocumentReference": 1,
        "QuestionnaireResponse": 2, "Provenance": 1,
    }  # fmt: skip


def test_the_offset_of_an_instruments_clock_stands_with_the_instrument() -> None:
    late = replace(SCALE, clock_offset_s=-61.0)
    built_of = built(visit(outcomes=(single("weight", 72.4, "kg", evidence(late)),)))
    (scale,) = [each for each in resources(built_of, "Device") if each.get("serialNumber") == SCALE.serial]
    assert [quantity["value"] for quantity in scale["property"][0]["valueQuantity"]] == [-61.0]
    assert check_bundle(json.dumps(built_of).encode()) is None


def test_the_bytes_are_utf8_json_that_the_gateway_accepts() -> None:
    content = build_bundle(visit())
    assert json.loads(content.decode("utf-8"))["type"] == "transaction"
    assert check_bundle(content) is None
    assert check_bundle(content, production=True) is None


def test_building_again_gives_the_same_bytes() -> None:
    assert build_bundle(visit()) == build_bundle(visit())


def test_another_process_builds_the_same_bytes() -> None:
    """String hashing differs from process to process: no set or hash may decide an order."""
    script = (
        "import hashlib; from tests.visits import visit; from cabin_agent.fhir.bundle import build_bundle;"
        "print(hashlib.sha256(build_bundle(visit())).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ".:signal"}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1


def test_two_visits_share_no_id_and_no_identifier_but_those_of_devices() -> None:
    first, second = built(visit()), built(visit(visit_id="0f0f0f0f-9a53-4b8e-8a07-1c1a52a4d0f3"))

    def names(bundle: Json) -> tuple[set[str], set[str]]:
        observations = {one["identifier"][0]["value"] for one in resources(bundle, "Observation")}
        return {described["fullUrl"] for described in bundle["entry"]}, observations

    assert all(not (one & other) for one, other in zip(names(first), names(second), strict=True))


def test_every_resource_of_a_visit_with_one_simulated_instrument_is_marked_as_test() -> None:
    bundle = built(simulated_visit())
    marked = [bundle, *(described["resource"] for described in bundle["entry"])]
    assert [resource["meta"]["security"][0]["code"] for resource in marked] == ["HTEST"] * len(marked)


def test_nothing_of_a_real_visit_is_marked_as_test() -> None:
    assert b"HTEST" not in build_bundle(visit())


def test_a_simulated_cabin_marks_a_visit_without_a_single_value() -> None:
    cabin = replace(visit().cabin, simulated=True)
    bundle = built(visit(cabin=cabin, outcomes=(), subject=DEMO_NIR))
    assert all("meta" in described["resource"] for described in bundle["entry"])
    assert not resources(bundle, "Provenance")


@pytest.mark.parametrize("oid", ["8", "9"])
def test_a_simulated_visit_of_a_real_person_is_refused(oid: str) -> None:
    subject = Subject(f"urn:oid:1.2.250.1.213.1.4.{oid}", REAL_NIR.value)
    with pytest.raises(WrongIdentity) as refused:
        build_bundle(replace(simulated_visit(), subject=subject))
    assert REAL_NIR.value not in str(refused.value)


@pytest.mark.parametrize("oid", ["10", "11"])
def test_a_real_visit_of_a_test_identity_is_refused(oid: str) -> None:
    with pytest.raises(WrongIdentity):
        build_bundle(visit(subject=Subject(f"urn:oid:1.2.250.1.213.1.4.{oid}", DEMO_NIR.value)))


@pytest.mark.parametrize(
    ("record", "system", "code"),
    [
        (visit(subject=REAL_NIR), "urn:oid:1.2.250.1.213.1.4.8", "INS-NIR"),
        (simulated_visit(), "urn:oid:1.2.250.1.213.1.4.11", "INS-NIR-DEMO"),
    ],
)
def test_the_identity_system_is_typed(record: Any, system: str, code: str) -> None:
    (identifier,) = resources(built(record), "Patient")[0]["identifier"]
    assert identifier["system"] == system
    assert identifier["type"]["coding"][0]["code"] == code


def test_every_resource_that_can_be_found_again_is_created_only_once() -> None:
    for described in built(visit())["entry"]:
        request = described["request"]
        assert request["method"] == "POST"
        assert request["url"] == described["resource"]["resourceType"]
        assert ("ifNoneExist" in request) == (request["url"] != "Provenance")


def test_the_identifier_of_an_observation_does_not_show_the_person() -> None:
    requests = [described["request"] for described in built(visit())["entry"] if "Observation" in str(described)]
    searched = [request["ifNoneExist"] for request in requests if request["url"] == "Observation"]
    assert len(set(searched)) == 13
    assert not any(LOCAL.value in search for search in searched)


def test_a_serial_number_cannot_widen_the_search() -> None:
    device = replace(SCALE, serial="A,B|C&_id=1")
    bundle = built(visit(outcomes=(single("weight", 70.0, "kg", evidence(device)),)))
    search = next(
        described["request"]["ifNoneExist"]
        for described in bundle["entry"]
        if described["resource"].get("serialNumber") == "A,B|C&_id=1"
    )
    assert search.endswith("|A%5C%2CB%5C%7CC%26_id%3D1")


def test_a_visit_with_no_value_at_all_still_goes_to_the_record() -> None:
    observations = resources(built(visit(outcomes=missing(), ended_by="refused")), "Observation")
    assert len(observations) == 7
    assert not any("valueQuantity" in one or "component" in one for one in observations)


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError):
        build_bundle(visit(outcomes=(single("weight", float("nan"), "kg", evidence(None)),)))


def test_a_text_that_fhir_cannot_carry_is_a_fault_of_ours_and_shows_nothing() -> None:
    cabin = replace(visit().cabin, name="")
    with pytest.raises(InvalidBundle, match="invalid-resource"):
        build_bundle(visit(cabin=cabin))


def test_importing_the_package_does_not_import_fhir_resources() -> None:
    script = "import sys, cabin_agent.fhir.bundle; sys.exit(bool({'fhir.resources', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b'{"resourceType": "Bundle", "total": NaN}', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[]", "not-a-bundle"),
        (b'{"resourceType": "Patient"}', "not-a-bundle"),
        (b'{"resourceType": "Bundle", "type": "collection"}', "not-a-transaction"),
        (b'{"resourceType": "Bundle", "type": "transaction"}', "empty"),
        (b'{"resourceType": "Bundle", "type": "transaction", "entry": 7}', "invalid-resource"),
        (lambda bundle: bundle["entry"][12]["resource"].pop("status"), "invalid-resource"),
        (lambda bundle: bundle["entry"][12]["resource"].update(surprise=1), "invalid-resource"),
        (lambda bundle: bundle["entry"][5].pop("request"), "bad-request"),
        (lambda bundle: bundle["entry"].pop(0), "dangling-reference"),
        (lambda bundle: bundle["entry"].append(bundle["entry"][0]), "duplicate-id"),
        (
            lambda bundle: bundle["entry"][0]["resource"].update(
                meta={"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}
            ),
            "mixed-test-data",
        ),
    ],
)
def test_the_gateway_names_what_is_wrong(content: bytes | Callable[[Json], object], reason: str) -> None:
    assert check_bundle(content if isinstance(content, bytes) else hostile(content)) == reason


def test_production_refuses_test_data_that_the_demo_accepts() -> None:
    content = build_bundle(simulated_visit())
    assert check_bundle(content) is None
    assert check_bundle(content, production=True) == "test-data"


def test_production_refuses_a_test_identity_whose_marks_were_removed() -> None:
    bundle = built(simulated_visit())
    for resource in (bundle, *(described["resource"] for described in bundle["entry"])):
        del resource["meta"]
    assert check_bundle(json.dumps(bundle).encode(), production=True) == "test-data"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_check_raise(content: bytes) -> None:
    assert check_bundle(content) is not None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_bundle_is_answered_and_never_raises(data: st.DataObject) -> None:
    """Any node of a valid Bundle replaced by any JSON value gives an answer."""
    bundle = built(visit(outcomes=visit().outcomes[:3]))
    node: Any = bundle
    while isinstance(node, dict | list) and node:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({}))
            break
        node = node[key]
    answer = check_bundle(json.dumps(bundle).encode())
    assert answer is None or answer.replace("-", "").isalpha()
