"""The whole visit as one transaction Bundle, and the check that the gateway makes of one.

The bytes are the same for the same visit, always: ids come from the visit's id, times from the visit, and the order
from the outcomes. fhir.resources costs time and memory, so it is imported where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cabin_agent.fhir.codes import ACT_REASON, CANONICAL, Resource
from cabin_agent.fhir.consultation import note_document, still_media
from cabin_agent.fhir.context import (
    TEST_INS,
    agreement,
    check_identity,
    encounter,
    exclusion_answers,
    patient,
    provenance,
    satisfaction_answers,
)
from cabin_agent.fhir.devices import gateway_device, instrument_device, instruments
from cabin_agent.fhir.entry import Frame, entry, instant, is_simulated
from cabin_agent.fhir.observations import device_key, observation
from cabin_agent.results import VisitRecord


class InvalidBundle(ValueError):
    """A visit that makes no valid Bundle: a fault of this software. The text has a reason code and no value."""


def build_bundle(visit: VisitRecord) -> bytes:
    """The visit as UTF-8 JSON of a validated FHIR R4 transaction; the same visit gives the same bytes.

    Every resource carries HTEST in `meta.security` where anything of the visit is simulated. Raises
    `context.WrongIdentity` where real and test would be mixed, and `InvalidBundle` if the result does not validate.
    """
    frame = Frame(visit)
    check_identity(frame)
    bundle: Resource = {
        "resourceType": "Bundle",
        "identifier": {"system": f"{CANONICAL}/sid/visit", "value": visit.visit_id},
        "type": "transaction",
        "timestamp": instant(visit.ended_ms),
        "entry": _entries(frame),
    }
    if is_simulated(visit):
        _mark_as_test(bundle)
    content = json.dumps(bundle, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    fault = check_bundle(content)
    if fault is not None:
        raise InvalidBundle(f"The visit makes no valid Bundle ({fault}): report it to the maintainers.")
    return content


def check_bundle(content: bytes, *, production: bool = False) -> str | None:
    """None for a valid transaction Bundle, else a short reason code; `production` also refuses test data.

    Codes: "not-json", "not-a-bundle", "not-a-transaction", "invalid-resource", "empty", "bad-request",
    "duplicate-id", "dangling-reference", "mixed-test-data", "test-data". No code tells a value.
    """
    try:
        bundle = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return "not-json"
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return "not-a-bundle"
    if bundle.get("type") != "transaction":
        return "not-a-transaction"
    if not _validates(bundle):
        return "invalid-resource"
    return _transaction_fault(bundle.get("entry") or []) or _test_fault(bundle, production=production)


def _entries(frame: Frame) -> list[Resource]:
    visit = frame.visit
    described = [(frame.urn("patient"), patient(frame)), (frame.urn("gateway"), gateway_device(visit.cabin))]
    described.append((frame.urn("encounter"), encounter(frame)))
    devices = [
        (frame.urn(*device_key(device)), instrument_device(device, visit.cabin)) for device in instruments(frame)
    ]
    observations = [
        (frame.urn("observation", position), observation(frame, position, outcome))
        for position, outcome in enumerate(visit.outcomes)
    ]
    added = _added(frame)
    described += [*devices, *observations, *_said(frame), *added]
    if observations:
        targets, authors = [urn for urn, _ in (*observations, *added)], [urn for urn, _ in devices]
        described.append((frame.urn("provenance"), provenance(frame, targets, authors)))
    return [entry(urn, resource) for urn, resource in described]


def _said(frame: Frame) -> list[tuple[str, Resource]]:
    """What the agent said: consents and answers."""
    consents = enumerate(frame.visit.consents)
    said = [(frame.urn("consent", at), agreement(frame, at, consent)) for at, consent in consents]
    if frame.visit.exclusions:
        said.append((frame.urn("exclusions"), exclusion_answers(frame)))
    if frame.visit.satisfaction:
        said.append((frame.urn("satisfaction"), satisfaction_answers(frame)))
    return said


def _added(frame: Frame) -> list[tuple[str, Resource]]:
    """What the doctor added: notes and still pictures."""
    notes = [(frame.urn("note", at), note_document(frame, at, note)) for at, note in enumerate(frame.visit.notes)]
    stills = [(frame.urn("still", at), still_media(frame, at, still)) for at, still in enumerate(frame.visit.stills)]
    return notes + stills


def _mark_as_test(bundle: Resource) -> None:
    security = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
    for resource in (bundle, *(described["resource"] for described in bundle["entry"])):
        resource["meta"] = {"security": [dict(security)]}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _validates(bundle: Resource) -> bool:
    from fhir.resources.R4B.bundle import Bundle

    try:
        Bundle.model_validate(bundle)
    except Exception:  # the library lets KeyError and others out for resources that it cannot make sense of
        return False
    return True


def _transaction_fault(entries: list[Resource]) -> str | None:
    if not entries:
        return "empty"
    if not all(described.get("request") and described.get("resource") for described in entries):
        return "bad-request"
    names = [described.get("fullUrl") for described in entries]
    if len(set(names)) != len(names):
        return "duplicate-id"
    wanted = {name for name in _references(entries) if name.startswith("urn:uuid:")}
    return None if wanted <= set(names) else "dangling-reference"


def _references(node: Any) -> Iterator[str]:
    """Every literal reference anywhere under `node`."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _test_fault(bundle: Resource, *, production: bool) -> str | None:
    resources = [described["resource"] for described in bundle["entry"]]
    marked = [_is_test(resource) for resource in resources]
    if any(marked) and not all(marked):
        return "mixed-test-data"
    systems = {identifier.get("system") for resource in resources for identifier in _identifiers(resource)}
    test = any(marked) or _is_test(bundle) or not systems.isdisjoint(TEST_INS)
    return "test-data" if production and test else None


def _is_test(resource: Resource) -> bool:
    labels = (resource.get("meta") or {}).get("security") or []
    return any(label.get("system") == ACT_REASON and label.get("code") == "HTEST" for label in labels)


def _identifiers(resource: Resource) -> list[Resource]:
    identifiers = resource.get("identifier") or []
    return [identifiers] if isinstance(identifiers, dict) else identifiers
