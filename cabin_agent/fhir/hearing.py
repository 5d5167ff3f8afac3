"""The audiogram as FHIR carries it: one component per ear and frequency, in dB HL.

UCUM has no "dB HL": the code is "dB" and the unit that a person reads says HL. A level of phones without a
calibration of their own is "dB relative" under a code of ours, for LOINC's codes mean hearing level. A tone that was
not presented and a tone that nobody answered are two different absences, and neither is a number.
"""

from __future__ import annotations

from cabin_agent.fhir.codes import CANONICAL, HEARING, LOINC, THRESHOLD_ABSENT, UCUM, Resource, absent
from cabin_agent.results import Threshold
from cabin_agent.wording import Language, text


def threshold_component(threshold: Threshold, language: Language) -> Resource:
    """One threshold with its LOINC code, or our own where LOINC has none."""
    component: Resource = {"code": _code(threshold, language)}
    if threshold.db_relative is not None:
        return component | {"valueQuantity": _level(threshold.db_relative, text(language, "hearing.unit.relative"))}
    if threshold.db_hl is None:
        why = threshold.why or "not-tested"
        words = text(language, f"hearing.{why}")
        return component | {"dataAbsentReason": absent(THRESHOLD_ABSENT[why], "hearing", why, words)}
    return component | {"valueQuantity": _level(threshold.db_hl, "dB HL")}


def _level(db: float, unit: str) -> Resource:
    return {"value": int(db) if db == int(db) else db, "unit": unit, "system": UCUM, "code": "dB"}


def _code(threshold: Threshold, language: Language) -> Resource:
    relative = threshold.db_relative is not None
    number = None if relative else HEARING.get((threshold.ear, threshold.hz))
    code = f"{threshold.ear}-{threshold.hz}{'-relative' if relative else ''}"
    own = {"system": f"{CANONICAL}/CodeSystem/hearing-threshold", "code": code}
    coding = {"system": LOINC, "code": number} if number else own
    words = text(language, f"hearing.threshold.{threshold.ear}", hz=threshold.hz)
    return {"coding": [coding], "text": words}
