"""Each outcome of the visit as one Observation: a value with its evidence, or the reason why there is none.

A number of grade "bad" is withheld: status "entered-in-error" with dataAbsentReason "error", which is how the PHD
guide writes an invalid measurement. A bad ECG strip is sent all the same, as "questionable": the samples are what the
doctor judges by; and a number that the doctor of a consultation accepted is told, whatever its grade. A computed
value (BMI, mean pressure) names the cabin as its device and the Observations it came from. `effective` carries the
zone offset of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping

from cabin_agent.fhir.codes import (
    ABSENT_REASONS,
    CATEGORIES,
    CATEGORY,
    COMPONENTS,
    GATEWAY_EXTENSION,
    MEASURES,
    PHD_CATEGORY,
    UCUM,
    Code,
    Resource,
    absent,
    concept,
)
from cabin_agent.fhir.consultation import is_accepted, reviewed
from cabin_agent.fhir.entry import Frame, instant
from cabin_agent.fhir.evidence import circumstances, evidence_extension
from cabin_agent.fhir.hearing import threshold_component
from cabin_agent.fhir.waves import lead_components
from cabin_agent.results import Device, Measure, MeasureName, NotMeasured, Outcome, Quantity
from cabin_agent.wording import DECIMALS, UNITS, Language, phrase, rounded, text, withheld


def observation(frame: Frame, position: int, outcome: Outcome) -> Resource:
    """The Observation of the outcome at `position` in the visit, with the doctor's word on it where there is one."""
    if isinstance(outcome, NotMeasured):
        return reviewed(frame, position, _not_measured(frame, position, outcome))
    return reviewed(frame, position, _measured(frame, position, outcome))


def device_key(device: Device) -> tuple[str, ...]:
    """What tells one instrument of the visit from another."""
    told = (device.kind, device.protocol, device.model, device.serial, device.firmware, device.simulated)
    return ("device", *(str(part) for part in told))


def _measured(frame: Frame, position: int, measure: Measure) -> Resource:
    evidence = measure.evidence
    unit = next((quantity.unit for quantity in measure.values.values()), "1")
    described = {
        **_head(frame, position, measure.name, evidence.started_ms, *_device_of(measure)),
        "status": "final",
        **_effective(evidence.started_ms, evidence.ended_ms),
        "device": frame.reference(*_device_of(measure)),
        **circumstances(evidence, frame.visit.language),
        **_derived_from(frame, measure),
    }
    described["extension"].append(evidence_extension(evidence, unit))
    if withheld(measure) and not is_accepted(frame, position):
        return described | _withheld(frame, measure)
    return described | _values(frame, measure)


def _not_measured(frame: Frame, position: int, outcome: NotMeasured) -> Resource:
    visit = frame.visit
    reason, status = ABSENT_REASONS[outcome.why]
    words = text(visit.language, f"why.{outcome.why}")
    if outcome.detail:
        words = f"{words} ({phrase(visit.language, 'reason', outcome.detail)})"
    return {
        **_head(frame, position, outcome.name, visit.started_ms),
        "status": status,
        **_effective(visit.started_ms, visit.ended_ms),
        "dataAbsentReason": absent(reason, "not-measured", outcome.why, words),
    }


def _head(frame: Frame, position: int, name: MeasureName, at_ms: int, *source: str) -> Resource:
    category = CATEGORIES.get(name, "vital-signs")
    return {
        "resourceType": "Observation",
        "extension": [{"url": GATEWAY_EXTENSION, "valueReference": frame.reference("gateway")}],
        "identifier": [frame.identifier("observation", position, name, at_ms, *source)],
        "category": [
            {"coding": [{"system": CATEGORY, "code": category, "display": category}]},
            {"coding": [{"system": PHD_CATEGORY, "code": "phd"}]},
        ],
        "code": concept(MEASURES[name], text(frame.visit.language, f"measure.{name}.name")),
        "subject": frame.reference("patient"),
        "encounter": frame.reference("encounter"),
        "performer": [frame.reference("patient")],
    }


def _effective(started_ms: int, ended_ms: int) -> Resource:
    if ended_ms <= started_ms:
        return {"effectiveDateTime": instant(started_ms)}
    return {"effectivePeriod": {"start": instant(started_ms), "end": instant(ended_ms)}}


def _device_of(measure: Measure) -> tuple[str, ...]:
    device = measure.evidence.device
    return ("gateway",) if device is None else device_key(device)


def _derived_from(frame: Frame, measure: Measure) -> Resource:
    """References to the Observations of `measure.derived_from`; raises ValueError for a place that is none."""
    places = measure.derived_from
    if any(not 0 <= place < len(frame.visit.outcomes) for place in places):
        raise ValueError(f"{measure.name} is derived from an outcome that the visit does not have")
    return {"derivedFrom": [frame.reference("observation", place) for place in places]} if places else {}


def _values(frame: Frame, measure: Measure) -> Resource:
    computed = measure.evidence.device is None
    if set(measure.values) == {"value"}:
        return {"valueQuantity": quantity(measure.values["value"], computed=computed)}
    language = frame.visit.language
    known = COMPONENTS.get(measure.name, {})
    components: list[Resource] = [
        {
            "code": concept(known.get(name, Code()), phrase(language, "component", name)),
            "valueQuantity": quantity(value, computed=computed),
        }
        for name, value in measure.values.items()
    ]
    components += [_missing(name, why, frame.visit.language, known) for name, why in measure.missing.items()]
    components += lead_components(measure.strip, language) if measure.strip else []
    components += [threshold_component(threshold, language) for threshold in measure.thresholds]
    return {"component": components} if components else _withheld(frame, measure)


def _missing(name: str, why: str, language: Language, known: Mapping[str, Code]) -> Resource:
    """A component that was looked for and has no value."""
    reason = absent("unknown", "interval", why, phrase(language, "interval", why))
    return {"code": concept(known.get(name, Code()), phrase(language, "component", name)), "dataAbsentReason": reason}


def _withheld(frame: Frame, measure: Measure) -> Resource:
    words = text(frame.visit.language, "result.withheld")
    code = measure.evidence.reasons[0] if measure.evidence.reasons else "no-reason-given"
    return {"status": "entered-in-error", "dataAbsentReason": absent("error", "reason", code, words)}


def quantity(measured: Quantity, *, computed: bool) -> Resource:
    """The Quantity in UCUM, with the precision of the instrument; a computed one is rounded as it is displayed."""
    places = DECIMALS.get(measured.unit, 1)
    value = rounded(measured.value, places if computed else places + 2)
    number = int(value) if places == 0 and value == int(value) else float(value)
    unit = UNITS.get(measured.unit, measured.unit)
    return {"value": number, "unit": unit, "system": UCUM, "code": measured.unit}
