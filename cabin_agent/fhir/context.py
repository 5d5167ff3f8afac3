"""What stands around the measures: the person, the visit, three consents, two questionnaires, the provenance.

The three things that an agent is told or agrees to are never merged: the information is a DocumentReference (which
notice, when; it is not a consent), the measures and the remote act are one Consent each. The answers on satisfaction
name neither the person nor the visit: they say how the cabin does, not how the person is.
"""

from __future__ import annotations

from collections.abc import Mapping

from cabin_agent.fhir.codes import CANONICAL, LOINC, Resource, local
from cabin_agent.fhir.consultation import account
from cabin_agent.fhir.entry import Frame, instant, is_simulated
from cabin_agent.results import Consent
from cabin_agent.reviewed import doctors
from cabin_agent.wording import phrase, text

_INS_OID = "urn:oid:1.2.250.1.213.1.4."
_INS_TYPES = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
REAL_INS: Mapping[str, str] = {f"{_INS_OID}8": "INS-NIR", f"{_INS_OID}9": "INS-NIA"}
TEST_INS: Mapping[str, str] = {f"{_INS_OID}10": "INS-NIR-TEST", f"{_INS_OID}11": "INS-NIR-DEMO"}
"""Identity systems of the French health identifier -> type code; real persons on one side, test data on the other."""

_VISIT_CLASS = {"checkup": ("AMB", "ambulatory"), "consultation": ("VR", "virtual")}


class WrongIdentity(ValueError):
    """Real and simulated would be mixed; the text is one sentence, without the identifier."""


def check_identity(frame: Frame) -> None:
    """Raises `WrongIdentity` for a simulated visit of a real person, or a real visit of a test identity."""
    system = frame.visit.subject.system
    if is_simulated(frame.visit) and system in REAL_INS:
        raise WrongIdentity("A simulated visit carries a real health identity: use the test or demo INS system.")
    if not is_simulated(frame.visit) and system in TEST_INS:
        raise WrongIdentity("A real visit carries a test health identity: correct the appointment before sending it.")


def patient(frame: Frame) -> Resource:
    """The person by the appointment's identifier alone: the cabin knows no name and no birth date."""
    subject = frame.visit.subject
    resource: Resource = {"resourceType": "Patient"}
    if not subject.value:
        return resource
    identifier: Resource = {"system": subject.system, "value": subject.value}
    code = {**REAL_INS, **TEST_INS}.get(subject.system)
    if code:
        use = "temp" if code == "INS-NIA" else "official"
        identifier = {"use": use, "type": {"coding": [{"system": _INS_TYPES, "code": code}]}, **identifier}
    return resource | {"identifier": [identifier]}


def encounter(frame: Frame) -> Resource:
    """The visit: when, which kind, and how it ended."""
    visit = frame.visit
    code, display = _VISIT_CLASS[visit.kind]
    ended = text(visit.language, f"ended.{visit.ended_by}")
    return {
        "resourceType": "Encounter",
        "extension": [
            {
                "url": f"{CANONICAL}/StructureDefinition/visit-ended-by",
                "valueCodeableConcept": local("ended-by", visit.ended_by, ended),
            }
        ],
        "identifier": [{"system": f"{CANONICAL}/sid/visit", "value": visit.visit_id}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display},
        "type": [local("visit-kind", visit.kind, text(visit.language, f"kind.{visit.kind}"))],
        "subject": frame.reference("patient"),
        "period": {"start": instant(visit.started_ms), "end": instant(visit.ended_ms)},
    }


def agreement(frame: Frame, position: int, consent: Consent) -> Resource:
    """What the agent was told (a DocumentReference) or agreed to (a Consent), each for itself."""
    if consent.subject == "information":
        return _notice(frame, position, consent)
    return {
        "resourceType": "Consent",
        "identifier": [frame.identifier("consent", position, consent.subject, consent.at_ms)],
        "status": "active" if consent.given else "rejected",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}, _subject_of(frame, consent)],
        "patient": frame.reference("patient"),
        "dateTime": instant(consent.at_ms),
        "policyRule": local("notice", consent.notice_version, consent.notice_version),
        "provision": {"type": "permit" if consent.given else "deny"},
    }


def _notice(frame: Frame, position: int, consent: Consent) -> Resource:
    language = frame.visit.language
    outcome = "information.read" if consent.given else "information.not-read"
    return {
        "resourceType": "DocumentReference",
        "identifier": [frame.identifier("notice", position, consent.at_ms)],
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": "57016-8"}], **_subject_of(frame, consent, only_text=True)},
        "subject": frame.reference("patient"),
        "date": instant(consent.at_ms),
        "description": text(language, outcome),
        "content": [
            {
                "attachment": {
                    "language": language,
                    "url": f"{CANONICAL}/notice/{consent.notice_version}",
                    "title": text(language, "consent.information.title"),
                }
            }
        ],
    }


def _subject_of(frame: Frame, consent: Consent, *, only_text: bool = False) -> Resource:
    words = text(frame.visit.language, f"consent.{consent.subject}.title")
    return {"text": words} if only_text else local("consent", consent.subject, words)


def exclusion_answers(frame: Frame) -> Resource:
    """The questions whose yes ends a visit, with the answers given."""
    language = frame.visit.language
    items = [
        {"linkId": code, "text": phrase(language, "exclusion", code), "answer": [{"valueBoolean": answer}]}
        for code, answer in frame.visit.exclusions.items()
    ]
    about = {"encounter": frame.reference("encounter"), "subject": frame.reference("patient")}
    return _answers(frame, "exclusion", items, about | {"source": frame.reference("patient")})


def satisfaction_answers(frame: Frame) -> Resource:
    """What the agent thought of the cabin, 1 to 5."""
    language = frame.visit.language
    items = [
        {"linkId": code, "text": phrase(language, "satisfaction", code), "answer": [{"valueInteger": answer}]}
        for code, answer in frame.visit.satisfaction.items()
    ]
    return _answers(frame, "satisfaction", items, {})


def _answers(frame: Frame, name: str, items: list[Resource], about: Resource) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": frame.identifier("answers", name),
        "questionnaire": f"{CANONICAL}/Questionnaire/{name}",
        "status": "completed",
        **about,
        "authored": instant(frame.visit.ended_ms),
        "item": items,
    }


def provenance(frame: Frame, targets: list[str], authors: list[str]) -> Resource:
    """Where the `targets` come from: instruments made them, the cabin put them together, a doctor reviewed them."""
    roles = [*(("author", urn) for urn in authors), ("assembler", frame.urn("gateway"))]
    roles.append(("performer", frame.urn("patient")))
    who = [(role, {"reference": urn}) for role, urn in roles]
    who += [("verifier", account(doctor)) for doctor in doctors(frame.visit)]
    resource: Resource = {
        "resourceType": "Provenance",
        "target": [{"reference": urn} for urn in targets],
        "occurredPeriod": {"start": instant(frame.visit.started_ms), "end": instant(frame.visit.ended_ms)},
        "recorded": instant(frame.visit.ended_ms),
        "agent": [_agent(role, one) for role, one in who],
    }
    if frame.visit.recording is not None:
        digest = {"system": f"{CANONICAL}/sid/raw-recording-sha256", "value": frame.visit.recording}
        resource["entity"] = [{"role": "source", "what": {"identifier": digest}}]
    return resource


def _agent(role: str, who: Resource) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    return {"type": {"coding": [{"system": system, "code": role}]}, "who": who}
