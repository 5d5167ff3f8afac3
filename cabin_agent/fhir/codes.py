"""Tables of codes: which LOINC, MDC and UCUM codes name a measure, a component, a lead, a frequency, an instrument.

MDC codes are the decimal 32-bit form (partition * 65536 + term) of ISO/IEEE 11073-10101 and come first in every
`code`; LOINC follows. Many MDC codes share one LOINC code (8867-4), so that dropping the first would lose the source
of a value. `CANONICAL` is the root of what this software names by itself (identifiers, extension, local codes): a
reserved name that belongs to nobody, until an operator gives its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cabin_agent.results import MeasureName, WhyNot

Resource = dict[str, Any]
"""One JSON object of FHIR."""

CANONICAL = "https://cabin.example/fhir"
MDC = "urn:iso:std:iso:11073:10101"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
PHD_CATEGORY = "http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories"
MEASUREMENT_STATUS = "http://hl7.org/fhir/uv/pocd/CodeSystem/measurement-status"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
GATEWAY_EXTENSION = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"


@dataclass(frozen=True, slots=True)
class Code:
    """One concept: its MDC code with the reference identifier, and its LOINC codes with their names."""

    mdc: int | None = None
    refid: str = ""
    loinc: tuple[tuple[str, str], ...] = ()


HEART_RATE = ("8867-4", "Heart rate")

MEASURES: Mapping[MeasureName, Code] = {
    "weight": Code(188736, "MDC_MASS_BODY_ACTUAL", (("29463-7", "Body weight"),)),
    "height": Code(188740, "MDC_LEN_BODY_ACTUAL", (("8302-2", "Body height"),)),
    "bmi": Code(188752, "MDC_RATIO_MASS_BODY_LEN_SQ", (("39156-5", "Body mass index (BMI) [Ratio]"),)),
    "spo2": Code(
        150456,
        "MDC_PULS_OXIM_SAT_O2",
        (
            ("2708-6", "Oxygen saturation in Arterial blood"),
            ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        ),
    ),
    "pulse_rate": Code(149530, "MDC_PULS_OXIM_PULS_RATE", (HEART_RATE, ("8889-8", "Heart rate by Pulse oximetry"))),
    "heart_rate": Code(147842, "MDC_ECG_HEART_RATE", (HEART_RATE, ("76282-3", "Heart rate.beat-to-beat by EKG"))),
    "temperature": Code(150364, "MDC_TEMP_BODY", (("8310-5", "Body temperature"),)),
    "blood_pressure": Code(
        150020, "MDC_PRESS_BLD_NONINV", (("85354-9", "Blood pressure panel with all children optional"),)
    ),
    "blood_pressure_mean": Code(loinc=(("96607-7", "Blood pressure panel mean systolic and mean diastolic"),)),
    "ecg": Code(131328, "MDC_ECG_ELEC_POTL", (("11524-6", "EKG study"),)),
    "hearing": Code(loinc=(("89015-2", "Pure tone air threshold audiometry panel"),)),
}

CATEGORIES: Mapping[MeasureName, str] = {"ecg": "procedure", "hearing": "exam"}
"""Observation category; "vital-signs" where nothing is written."""

PRESSURES: Mapping[str, Code] = {
    "systolic": Code(150021, "MDC_PRESS_BLD_NONINV_SYS", (("8480-6", "Systolic blood pressure"),)),
    "diastolic": Code(150022, "MDC_PRESS_BLD_NONINV_DIA", (("8462-4", "Diastolic blood pressure"),)),
    "mean": Code(150023, "MDC_PRESS_BLD_NONINV_MEAN", (("8478-0", "Mean blood pressure"),)),
    "pulse_rate": Code(149546, "MDC_PULS_RATE_NON_INV", (HEART_RATE,)),
}
"""Components of one cuff measurement."""

MEAN_PRESSURES: Mapping[str, Code] = {
    "systolic": Code(loinc=(("96608-5", "Systolic blood pressure mean"),)),
    "diastolic": Code(loinc=(("96609-3", "Diastolic blood pressure mean"),)),
}
"""Components of the mean of several measurements; what LOINC does not name goes by its text."""

INTERVALS: Mapping[str, Code] = {
    "pr": Code(loinc=(("8625-6", "P-R Interval"),)),
    "qrs": Code(loinc=(("8633-0", "QRS duration"),)),
    "qt": Code(loinc=(("8634-8", "Q-T interval"),)),
}
"""Components of a strip; the corrections of QT go by their text, which names the formula."""

COMPONENTS: Mapping[MeasureName, Mapping[str, Code]] = {
    "blood_pressure": PRESSURES,
    "blood_pressure_mean": MEAN_PRESSURES,
    "ecg": {"heart_rate": MEASURES["heart_rate"], **INTERVALS},
}

LEADS: Mapping[str, Code] = {
    name: Code(mdc, f"MDC_ECG_ELEC_POTL_{name.upper()}")
    for name, mdc in (
        ("I", 131329), ("II", 131330), ("III", 131389), ("aVR", 131390), ("aVL", 131391), ("aVF", 131392),
        ("V1", 131331), ("V2", 131332), ("V3", 131333), ("V4", 131334), ("V5", 131335), ("V6", 131336),
    )
}  # fmt: skip
"""Lead III is 131389: 131331, which many files carry for it, is V1."""

HEARING: Mapping[tuple[str, int], str] = {
    ("left", 500): "89024-4", ("left", 1000): "89016-0", ("left", 2000): "89018-6", ("left", 3000): "89020-2",
    ("left", 4000): "89022-8", ("left", 6000): "89026-9", ("left", 8000): "89028-5",
    ("right", 500): "89025-1", ("right", 1000): "89017-8", ("right", 2000): "89019-4", ("right", 3000): "89021-0",
    ("right", 4000): "89023-6", ("right", 6000): "89027-7", ("right", 8000): "89029-3",
}  # fmt: skip
"""LOINC codes of panel 89015-2; 125, 250, 750 and 1500 Hz have none and go by a local code."""

SPECIALIZATIONS: Mapping[str, tuple[int, str]] = {
    "oximeter": (528388, "MDC_DEV_SPEC_PROFILE_PULS_OXIM"),
    "ecg": (528390, "MDC_DEV_SPEC_PROFILE_BASIC_ECG"),
    "tensiometer": (528391, "MDC_DEV_SPEC_PROFILE_BP"),
    "thermometer": (528392, "MDC_DEV_SPEC_PROFILE_TEMP"),
    "scale": (528399, "MDC_DEV_SPEC_PROFILE_SCALE"),
}
"""Kind of instrument (`drivers.instrument`) -> specialization; 11073 has none for an audiometer."""

MANUFACTURERS: Mapping[str, str] = {
    "nonin": "Nonin Medical",
    "contec": "Contec Medical Systems",
    "cyton": "OpenBCI",
    "healthypi": "ProtoCentral Electronics",
    "medlab": "Medlab",
    "suntech": "SunTech Medical",
    "omron": "Omron Healthcare",
    "healthometer": "Pelstar (Health o meter)",
    "a": "A&D",
    "detecto": "Detecto",
    "tm262": "Welch Allyn",
}
"""First word of the protocol's name -> maker; absent where one format is spoken by the instruments of many makers."""

ABSENT_REASONS: Mapping[WhyNot, tuple[str, str]] = {
    "refused": ("asked-declined", "cancelled"),
    "failed": ("error", "final"),
    "absent": ("not-performed", "cancelled"),
    "skipped": ("not-performed", "cancelled"),
    "implausible": ("error", "final"),
    "unstable": ("error", "final"),
    "interrupted": ("not-performed", "cancelled"),
}
"""Why there is no value -> (data-absent-reason, status). "cancelled": not started or not completed (R4)."""

THRESHOLD_ABSENT: Mapping[str, str] = {"not-tested": "not-performed", "no-response": "unknown"}
"""A threshold above the loudest tone exists but is not known; the local code beside it says "no-response"."""


def local(system: str, code: str, text: str) -> Resource:
    """A CodeableConcept of our own code system, with the words that a person reads."""
    return {"coding": [{"system": f"{CANONICAL}/CodeSystem/{system}", "code": code}], "text": text}


def concept(code: Code, text: str) -> Resource:
    """The CodeableConcept of `code`, MDC first; `text` alone where no code is known."""
    mdc = [] if code.mdc is None else [{"system": MDC, "code": str(code.mdc), "display": code.refid}]
    loinc = [{"system": LOINC, "code": number, "display": name} for number, name in code.loinc]
    return {"coding": mdc + loinc, "text": text} if mdc or loinc else {"text": text}


def absent(reason: str, own_system: str, own_code: str, text: str) -> Resource:
    """A dataAbsentReason: the standard's code, our own finer one, and the words."""
    standard = {"system": ABSENT, "code": reason}
    own = {"system": f"{CANONICAL}/CodeSystem/{own_system}", "code": own_code}
    return {"coding": [standard, own], "text": text}
