"""What a check-up gave, as JSON or as a table for people; marked as simulated either way."""

from __future__ import annotations

from typing import Any

from cabin_agent.demo.once import Once
from cabin_agent.face import Json
from cabin_agent.tables import table


def as_json(once: Once) -> Json:
    """Everything of `cabin demo --once --json`."""
    receipt = once.receipt["receipt"] if once.receipt else None
    return {
        "schema": "cabin.demo/1",
        "simulated": True,
        "outcomes": once.checkup.outcomes,
        "mid": once.checkup.mid,
        "receipt": receipt,
        "record_id": once.record_id,
        "seconds": once.checkup.seconds,
        "states": once.checkup.states,
        "instruments": once.instruments,
    }


def as_table(once: Once) -> str:
    """The same for people."""
    rows = [_row(outcome) for outcome in once.checkup.outcomes]
    lines = [
        "SIMULATED instruments: these are not measures of a person.",
        "",
        table(("measure", "value", "quality", "evidence"), rows),
        "",
        f"length        {once.checkup.seconds:.0f} s of the visit's time",
        f"message id    {once.checkup.mid or 'none'}",
        f"receipt       {once.receipt_status or 'none yet: it stays in the outbox'}",
        f"record        {once.record_id or 'none'}",
    ]
    return "\n".join(lines)


def _row(outcome: Json) -> tuple[str, str, str, str]:
    if outcome["status"] != "measured":
        return outcome["measure"], "not measured", outcome["why"], outcome["text"]
    return outcome["measure"], _values(outcome), outcome["quality"], _evidence(outcome)


def _values(outcome: Json) -> str:
    values: dict[str, Any] = outcome["values"]
    shown = [f"{each['value']:g} {each['unit']}" for each in values.values()]
    if outcome["measure"].startswith("blood_pressure"):
        numbers = "/".join(f"{values[name]['value']:g}" for name in ("systolic", "diastolic"))
        return f"{numbers} mm[Hg]"
    return ", ".join(shown) or outcome["text"]


def _evidence(outcome: Json) -> str:
    evidence = outcome["evidence"]
    device = evidence["device"]
    facts = [
        device["model"] if device else "computed",
        f"rest {evidence['rest_s']:.0f} s" if evidence["rest_s"] is not None else "",
        f"{evidence['readings']} readings" if evidence["readings"] > 1 else "",
        f"spread {evidence['spread']:g}" if evidence["spread"] is not None else "",
        evidence["site"] or "",
        evidence["mode"] or "",
        *outcome["reasons"],
    ]
    return ", ".join(fact for fact in facts if fact)
