"""What a reader needs to judge a value: one extension of ours on each Observation, and the words of its note.

Extension `{CANONICAL}/StructureDefinition/measure-evidence`, with these parts (all optional but the first):

    quality    code      good | usable | bad
    reason     code *    why the grade is not better
    rest       Quantity  seated rest obtained before the value, s
    readings   integer   how many readings the value rests on
    spread     Quantity  largest difference between them
    recording  string    SHA-256 (hex) of the raw recording that holds the samples
    note       code *    facts for the doctor

Where on the body and how it was made are R4's own `bodySite` and `method`.
"""

from __future__ import annotations

from cabin_agent.fhir.codes import CANONICAL, MEASUREMENT_STATUS, UCUM, Resource, local
from cabin_agent.results import Evidence
from cabin_agent.wording import Language, phrase

EVIDENCE = f"{CANONICAL}/StructureDefinition/measure-evidence"


def evidence_extension(evidence: Evidence, unit: str) -> Resource:
    """The evidence as one extension; `unit` (UCUM) is that of the spread."""
    parts: list[Resource] = [{"url": "quality", "valueCode": evidence.quality}]
    parts += [{"url": "reason", "valueCode": reason} for reason in evidence.reasons]
    if evidence.rest_s is not None:
        parts.append({"url": "rest", "valueQuantity": _quantity(round(evidence.rest_s), "s")})
    parts.append({"url": "readings", "valueInteger": evidence.readings})
    if evidence.spread is not None:
        parts.append({"url": "spread", "valueQuantity": _quantity(round(evidence.spread, 3), unit)})
    if evidence.recording is not None:
        parts.append({"url": "recording", "valueString": evidence.recording})
    parts += [{"url": "note", "valueCode": note} for note in evidence.notes]
    return {"url": EVIDENCE, "extension": parts}


def circumstances(evidence: Evidence, language: Language) -> Resource:
    """The elements of an Observation that tell the evidence in R4's own places, in the words of the visit."""
    told: Resource = {}
    if evidence.quality != "good":
        told["interpretation"] = [{"coding": [{"system": MEASUREMENT_STATUS, "code": "questionable"}]}]
    sentences = [phrase(language, "reason", code) for code in evidence.reasons]
    sentences += [phrase(language, "note", code) for code in evidence.notes]
    if sentences:
        told["note"] = [{"text": sentence} for sentence in sentences]
    if evidence.site is not None:
        told["bodySite"] = local("site", evidence.site, phrase(language, "site", evidence.site))
    if evidence.mode is not None:
        told["method"] = local("mode", evidence.mode, phrase(language, "mode", evidence.mode))
    return told


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
