"""Visits for the tests of what is made of a visit: one with every measure, and ways to vary it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from cabin_agent.results import (
    CabinIdentity,
    Consent,
    Device,
    Evidence,
    Measure,
    NotMeasured,
    Outcome,
    Quantity,
    Strip,
    Subject,
    Threshold,
    VisitRecord,
)

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
T0 = 1_795_254_120_000  # 2026-11-21T09:42:00Z
RAW = "ab" * 32
REAL_NIR = Subject("urn:oid:1.2.250.1.213.1.4.8", "290011234567890")
DEMO_NIR = Subject("urn:oid:1.2.250.1.213.1.4.11", "190011234567890")
LOCAL = Subject("https://appointments.example/id", "RDV-0048215973")


def device(kind: str, protocol: str, model: str, **more: Any) -> Device:
    known: dict[str, Any] = {"serial": f"SN-{kind}", "firmware": "1.2", "simulated": False}
    return Device(kind, protocol, model, **(known | more))


OXIMETER = device("oximeter", "nonin", "Xpod 3012LP")
CUFF = device("tensiometer", "suntech", "Advantage A+")
SCALE = device("scale", "healthometer", "600KL")
THERMOMETER = device("thermometer", "gymcu", "GY-MCU90614", serial=None, firmware=None)
ECG = device("ecg", "cyton", "Cyton")
AUDIOMETER = device("audiometer", "tm262", "TM 262")


def evidence(source: Device | None, at_s: float = 0, **more: Any) -> Evidence:
    known: dict[str, Any] = {"quality": "good", "reasons": (), "recording": RAW}
    start = T0 + int(at_s * 1000)
    return Evidence(device=source, started_ms=start, ended_ms=start + 5000, **(known | more))


def single(name: Any, value: float, unit: str, proof: Evidence, **more: Any) -> Measure:
    return Measure(name, {"value": Quantity(value, unit)}, proof, **more)


def pressure(systolic: float, diastolic: float, proof: Evidence) -> Measure:
    values = {"systolic": systolic, "diastolic": diastolic, "mean": (systolic + 2 * diastolic) // 3}
    quantities = {name: Quantity(value, "mm[Hg]") for name, value in values.items()}
    return Measure("blood_pressure", {**quantities, "pulse_rate": Quantity(71.0, "/min")}, proof)


def strip(seconds: float = 2.0, rate: float = 250.0) -> Strip:
    """Twelve different waves; the last lead was never connected and the first lost three samples."""
    count = int(seconds * rate)
    rows: list[tuple[float | None, ...]] = [
        tuple(1.3 * math.sin(0.11 * n + place) + 0.0004 * place for n in range(count)) for place in range(11)
    ]
    rows[0] = (None, None, None, *rows[0][3:])
    return Strip(rate, LEADS, (*rows, (None,) * count))


THRESHOLDS = (
    Threshold("left", 250, 15.0),
    Threshold("left", 1000, 20.0),
    Threshold("left", 8000, None, "no-response"),
    Threshold("right", 500, 25.0),
    Threshold("right", 1000, -5.0),
    Threshold("right", 6000, None, "not-tested"),
)


def outcomes() -> tuple[Outcome, ...]:
    mean = {"systolic": Quantity(127.5, "mm[Hg]"), "diastolic": Quantity(79.0, "mm[Hg]")}
    return (
        single("weight", 72.4, "kg", evidence(SCALE)),
        single("height", 174.0, "cm", evidence(SCALE)),
        single("bmi", 23.913_991_280_2, "kg/m2", evidence(None), derived_from=(0, 1)),
        single("spo2", 97.0, "%", evidence(OXIMETER, 60, site="left-finger", mode="4-beat-average")),
        single("pulse_rate", 72.0, "/min", evidence(OXIMETER, 60, notes=("pulse-heart-differ",))),
        single("heart_rate", 71.0, "/min", evidence(ECG, 90)),
        single("temperature", 36.0, "Cel", evidence(THERMOMETER, 100, site="forehead", mode="object")),
        pressure(131.0, 82.0, evidence(CUFF, 300, rest_s=301.0, site="left-arm")),
        pressure(128.0, 80.0, evidence(CUFF, 400, rest_s=400.0, site="left-arm")),
        pressure(127.0, 78.0, evidence(CUFF, 500, rest_s=500.0, site="left-arm")),
        Measure(
            "blood_pressure_mean",
            mean,
            evidence(None, 500, readings=2, spread=2.0, rest_s=301.0),
            derived_from=(8, 9),
        ),
        Measure("ecg", {}, evidence(ECG, 90, quality="usable", reasons=("mains",)), strip=strip()),
        Measure("hearing", {}, evidence(AUDIOMETER, 200), thresholds=THRESHOLDS),
    )


def visit(**more: Any) -> VisitRecord:
    """A finished check-up of a real person with every measure; `more` replaces any field."""
    record = VisitRecord(
        visit_id="6e7a5c1d-9a53-4b8e-8a07-1c1a52a4d0f3",
        kind="checkup",
        subject=LOCAL,
        cabin=CabinIdentity("Cabine 07", "CAB-0007", "1.4.0", False),
        language="fr",
        started_ms=T0,
        ended_ms=T0 + 560_000,
        ended_by="completed",
        outcomes=outcomes(),
        consents=(
            Consent("information", True, T0 + 1000, "2026-09"),
            Consent("measures", True, T0 + 2000, "2026-09"),
            Consent("remote-act", False, T0 + 3000, "2026-09"),
        ),
        exclusions={"chest-pain": False, "bleeding": False},
        satisfaction={"easy": 5, "again": 4},
        recording=RAW,
        mid="00ff",
    )
    return replace(record, **more)


def simulated_visit() -> VisitRecord:
    """The same visit where a single instrument is simulated and the cabin does not say so."""
    measures = list(outcomes())
    fake = replace(OXIMETER, simulated=True)
    measures[3] = single("spo2", 97.0, "%", evidence(fake, 60))
    return visit(outcomes=tuple(measures), subject=DEMO_NIR)


def missing() -> tuple[NotMeasured, ...]:
    return (
        NotMeasured("weight", "refused"),
        NotMeasured("spo2", "failed", "finger-out"),
        NotMeasured("temperature", "absent"),
        NotMeasured("hearing", "skipped"),
        NotMeasured("height", "implausible"),
        NotMeasured("blood_pressure", "unstable", "readings-differ"),
        NotMeasured("ecg", "interrupted"),
    )
