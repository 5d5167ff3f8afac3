"""Reading a stored Bundle as its receiver would: by LOINC codes, written here from the standards, not from ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cabin_agent.face import Json

LOINC = "http://loinc.org"
MEASURES = {
    "weight": "29463-7",
    "height": "8302-2",
    "bmi": "39156-5",
    "spo2": "2708-6",
    "pulse_rate": "8889-8",
    "temperature": "8310-5",
    "ecg": "11524-6",
    "heart_rate": "76282-3",
    "hearing": "89015-2",
    "blood_pressure": "85354-9",
    "blood_pressure_mean": "96607-7",
}
"""The code that tells each measure from the others."""
COMPONENTS = {"8480-6", "8462-4", "8478-0", "96608-5", "96609-3", "8867-4", "59408-5"}
"""Pressures, means of pressures, and the codes that the vital-signs profiles ask for beside those above."""
HEARING = {
    "89024-4", "89016-0", "89018-6", "89020-2", "89022-8", "89026-9", "89028-5",
    "89025-1", "89017-8", "89019-4", "89021-0", "89023-6", "89027-7", "89029-3",
}  # fmt: skip
"""Left, then right ear at 500, 1000, 2000, 3000, 4000, 6000 and 8000 Hz."""
UNITS = {
    "29463-7": "kg", "8302-2": "cm", "39156-5": "kg/m2", "2708-6": "%", "8889-8": "/min", "76282-3": "/min",
    "8310-5": "Cel", "8480-6": "mm[Hg]", "8462-4": "mm[Hg]", "8478-0": "mm[Hg]", "96608-5": "mm[Hg]",
    "96609-3": "mm[Hg]",
}  # fmt: skip
"""UCUM unit of each quantity."""
LEAD_II = "131330"
"""MDC_ECG_ELEC_POTL_II, decimal."""


def resources(bundle: Json, kind: str) -> list[Json]:
    """Every resource of one type."""
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def observations(bundle: Json, measure: str) -> list[Json]:
    """The Observations of one measure, in order; those without a value included."""
    return [each for each in resources(bundle, "Observation") if MEASURES[measure] in loinc_of(each)]


def measured(bundle: Json, measure: str) -> list[Json]:
    """Those that have a value."""
    return [each for each in observations(bundle, measure) if "dataAbsentReason" not in each]


def absent(bundle: Json, measure: str) -> tuple[str, str]:
    """Why a measure is not there: FHIR's code, and the words beside it."""
    (one,) = observations(bundle, measure)
    reason = one["dataAbsentReason"]
    return reason["coding"][0]["code"], reason["text"]


def loinc_of(thing: Json) -> list[str]:
    """The LOINC codes of an Observation or a component."""
    return [each["code"] for each in thing["code"].get("coding", ()) if each["system"] == LOINC]


def all_loinc(bundle: Json) -> set[str]:
    """Every LOINC code anywhere in the Bundle."""
    return {each["code"] for each in nodes(bundle) if each.get("system") == LOINC and "code" in each}


def nodes(node: Any) -> Iterator[Json]:
    """Every object under `node`, itself included."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def quantities(bundle: Json) -> dict[str, list[Json]]:
    """The values of every Observation and component, by their LOINC codes."""
    found: dict[str, list[Json]] = {}
    for one in resources(bundle, "Observation"):
        for thing in (one, *one.get("component", ())):
            for code in loinc_of(thing) if "valueQuantity" in thing else ():
                found.setdefault(code, []).append(thing["valueQuantity"])
    return found


def value(bundle: Json, measure: str) -> float:
    """The one value of a measure that has one value."""
    (one,) = measured(bundle, measure)
    return float(one["valueQuantity"]["value"])


def moments(observation: Json) -> tuple[datetime, datetime]:
    """When an Observation was begun and finished."""
    period = observation["effectivePeriod"]
    return datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"])


def lead(bundle: Json, mdc: str) -> Json:
    """The SampledData of one lead of the ECG."""
    (ecg,) = measured(bundle, "ecg")
    for component in ecg["component"]:
        if any(each["code"] == mdc for each in component["code"].get("coding", ())):
            return dict(component["valueSampledData"])
    raise AssertionError(f"no lead {mdc}")


def is_test(resource: Json) -> bool:
    """Whether a resource says that it is test data."""
    return any(label["code"] == "HTEST" for label in resource.get("meta", {}).get("security", ()))
