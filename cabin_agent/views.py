"""Outcomes of a visit as the JSON of the local API (`docs/api.yaml`, schema Outcome); pure.

Numbers cross as they are, with their unit beside them; a value that is not there is null and never a number. The
wording of an outcome comes from outside, because the language of the visit is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cabin_agent.results import Device, Evidence, Measure, NotMeasured, Outcome, Strip, Threshold

Json = dict[str, Any]


def results_json(outcomes: Iterable[Outcome], text: Callable[[Outcome], str], *, samples: bool = False) -> Json:
    """The whole answer of `GET visit/results`, in the order of the plan."""
    return {"outcomes": [outcome_json(outcome, text, samples=samples) for outcome in outcomes]}


def outcome_json(outcome: Outcome, text: Callable[[Outcome], str], *, samples: bool = False) -> Json:
    """One outcome; `text` gives the sentence that states it.

    An ECG strip is told by its rate, leads and length; with `samples` its millivolts come too (about 400 kB).
    """
    if isinstance(outcome, NotMeasured):
        return {
            "measure": outcome.name,
            "status": "not-measured",
            "why": outcome.why,
            "detail": outcome.detail,
            "text": text(outcome),
        }
    return _measure(outcome, samples) | {"text": text(outcome)}


def _measure(measure: Measure, samples: bool) -> Json:
    told: Json = {
        "measure": measure.name,
        "status": "measured",
        "values": {part: {"value": q.value, "unit": q.unit} for part, q in measure.values.items()},
        "quality": measure.evidence.quality,
        "reasons": list(measure.evidence.reasons),
        "evidence": _evidence(measure.evidence),
        "derived_from": list(measure.derived_from),
    }
    if measure.missing:
        told["missing"] = dict(measure.missing)
    if measure.strip is not None:
        told["strip"] = _strip(measure.strip, samples)
    if measure.thresholds:
        told["thresholds"] = [_threshold(threshold) for threshold in measure.thresholds]
    return told


def _evidence(evidence: Evidence) -> Json:
    return {
        "device": None if evidence.device is None else _device(evidence.device),
        "started_ms": evidence.started_ms,
        "ended_ms": evidence.ended_ms,
        "rest_s": evidence.rest_s,
        "readings": evidence.readings,
        "spread": evidence.spread,
        "site": evidence.site,
        "mode": evidence.mode,
        "recording": evidence.recording,
        "notes": list(evidence.notes),
    }


def _device(device: Device) -> Json:
    return {
        "kind": device.kind,
        "protocol": device.protocol,
        "model": device.model,
        "serial": device.serial,
        "firmware": device.firmware,
        "simulated": device.simulated,
    }


def _strip(strip: Strip, samples: bool) -> Json:
    told: Json = {
        "rate": strip.rate,
        "unit": "mV",
        "leads": list(strip.leads),
        "seconds": max((len(row) for row in strip.millivolts), default=0) / strip.rate,
        "beats": len(strip.beats),
        "used": len(strip.used),
    }
    if samples:
        told["millivolts"] = [list(row) for row in strip.millivolts]
    return told


def _threshold(threshold: Threshold) -> Json:
    told = {"ear": threshold.ear, "hz": threshold.hz, "db_hl": threshold.db_hl, "unit": "dB", "why": threshold.why}
    return told if threshold.db_relative is None else told | {"db_relative": threshold.db_relative}
