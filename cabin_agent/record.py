"""The visit as the record receives it: what was measured, and for everything else why not."""

from __future__ import annotations

from dataclasses import replace

from cabin_agent.plan import TASKS, tasks_for
from cabin_agent.recorder import NOTHING, LeftOut
from cabin_agent.results import CabinIdentity, Measure, MeasureName, NotMeasured, Outcome, VisitRecord, WhyNot
from cabin_agent.reviewed import consulted
from cabin_agent.visit import Visit

RECORDED: frozenset[MeasureName] = frozenset({"spo2", "pulse_rate", "ecg", "heart_rate", "blood_pressure"})
"""Measures whose samples the raw recording holds: pleth, ECG and cuff pressure."""


def visit_record(
    visit: Visit, cabin: CabinIdentity, recording: str | None, left_out: LeftOut = NOTHING
) -> VisitRecord | None:
    """What goes to the record; None where nobody was named, so that there is no record to write to.

    `recording` is the SHA-256 (hex) of the raw recording delivered beside it, if there is one, and `left_out` what
    that one does not hold.
    """
    notes = ("recording-cut",) if left_out.stretches else ()
    if visit.subject is None or visit.ended_by is None:
        return None
    return VisitRecord(
        visit_id=visit.visit_id,
        kind=visit.kind,
        subject=visit.subject,
        cabin=replace(cabin, simulated=cabin.simulated or _any_simulated(visit)),
        language=visit.language or "fr",
        started_ms=visit.started_ms,
        ended_ms=visit.ended_ms,
        ended_by=visit.ended_by,
        outcomes=tuple(_with_recording(outcome, recording, notes) for outcome in _complete(visit)),
        consents=visit.consents,
        exclusions=visit.exclusions,
        satisfaction=visit.satisfaction,
        recording=recording,
        mid=visit.mid,
        reviews=visit.reviews,
        notes=visit.notes,
        stills=visit.stills,
        left_out=left_out.pictures,
    )


def without_strips(record: VisitRecord) -> VisitRecord:
    """The same record without its ECG strips, for a Bundle that is too large: the recording has the samples."""
    return replace(record, outcomes=tuple(map(_without_strip, record.outcomes)))


def _without_strip(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Measure) or outcome.strip is None:
        return outcome
    notes = (*outcome.evidence.notes, "strip-left-out")
    return replace(outcome, strip=None, evidence=replace(outcome.evidence, notes=notes))


def _complete(visit: Visit) -> tuple[Outcome, ...]:
    """The outcomes, and one "not measured" for each measure that the visit ended before.

    In a consultation nothing is planned but what its appointment names, and the doctor may leave that out.
    """
    if consulted(visit.kind, visit.consents) and not visit.measures:
        return visit.outcomes
    have = {outcome.name for outcome in visit.outcomes}
    planned = [name for task in tasks_for(visit.measures) for name in TASKS[task].yields]
    why = _why_not(visit)
    return (*visit.outcomes, *(NotMeasured(name, why) for name in planned if name not in have))


def _why_not(visit: Visit) -> WhyNot:
    if visit.ended_by == "refused":
        return "refused"
    left_out = consulted(visit.kind, visit.consents) and visit.ended_by == "completed"
    return "skipped" if left_out else "interrupted"


def _with_recording(outcome: Outcome, recording: str | None, notes: tuple[str, ...]) -> Outcome:
    """Point the evidence of measured waveforms at the raw recording, with the notes on it."""
    if not isinstance(outcome, Measure) or recording is None or outcome.name not in RECORDED:
        return outcome
    evidence = outcome.evidence
    return replace(outcome, evidence=replace(evidence, recording=recording, notes=(*evidence.notes, *notes)))


def _any_simulated(visit: Visit) -> bool:
    """Whether an instrument behind a value, or the camera behind a picture, is simulated."""
    devices = [outcome.evidence.device for outcome in visit.outcomes if isinstance(outcome, Measure)]
    instruments = any(device.simulated for device in devices if device is not None)
    return instruments or any(still.simulated for still in visit.stills)
