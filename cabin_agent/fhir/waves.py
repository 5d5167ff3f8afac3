"""The ECG as FHIR carries it: one SampledData component per lead, in whole microvolts.

Real value = origin + factor * sample (R4, datatype SampledData). R4 has `period` in milliseconds per sample, which R5
renamed. A lost sample is "E"; a sample beyond the limits of the coding is "L" or "U".
"""

from __future__ import annotations

from cabin_agent.fhir.codes import LEADS, UCUM, Code, Resource, absent, concept
from cabin_agent.results import Strip
from cabin_agent.wording import Language, text

FACTOR = 0.001
"""mV per step. One microvolt is below the noise of any electrode on skin."""

LIMIT_STEPS = 32767
"""Steps on either side of zero: 16 bits, as ECG files have them."""


def lead_components(strip: Strip, language: Language) -> list[Resource]:
    """One component per lead; a lead without a single sample has a reason instead of data."""
    rows = zip(strip.leads, strip.millivolts, strict=True)
    return [_lead(name, row, strip.rate, language) for name, row in rows]


def _lead(name: str, row: tuple[float | None, ...], rate: float, language: Language) -> Resource:
    component: Resource = {"code": concept(LEADS.get(name, Code()), text(language, "ecg.lead", lead=name))}
    if all(sample is None for sample in row):
        words = text(language, "reason.electrode-off")
        return component | {"dataAbsentReason": absent("error", "reason", "electrode-off", words)}
    return component | {"valueSampledData": sampled_data(row, rate)}


def sampled_data(row: tuple[float | None, ...], rate: float) -> Resource:
    """Millivolts at `rate` samples per second as SampledData; decoding gives them back to half a factor."""
    period = round(1000.0 / rate, 9)
    return {
        "origin": {"value": 0, "unit": "mV", "system": UCUM, "code": "mV"},
        "period": int(period) if period.is_integer() else period,
        "factor": FACTOR,
        "lowerLimit": -LIMIT_STEPS * FACTOR,
        "upperLimit": LIMIT_STEPS * FACTOR,
        "dimensions": 1,
        "data": " ".join(_step(sample) for sample in row),
    }


def _step(millivolts: float | None) -> str:
    if millivolts is None:
        return "E"
    step = round(millivolts / FACTOR)
    if abs(step) > LIMIT_STEPS:
        return "U" if step > 0 else "L"
    return str(step)
