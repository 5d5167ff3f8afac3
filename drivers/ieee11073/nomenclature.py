"""Codes of IEEE 11073-10101 that the four instruments use: what, in which unit, in which attribute.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 5. The time capability of an agent (2629 and its
bits) and the modalities of a saturation are not in the sheet: they are as open stacks have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# --- classes of objects
MDS = 0x0000
"""Handle of the agent itself."""
NUMERIC = 6
SCANNERS = (18, 19)
"""Episodic and periodic."""
MEASURED = 2
"""Partition of the codes of what is measured and of units."""

# --- attributes
TYPE = 2351
MODEL = 2344
PRODUCTION = 2349
STATUS = 2375
SYSTEM_ID = 2436
CLOCK = 2439
TIME_STAMP = 2448
UNIT = 2454
CONFIGURATION_ID = 2628
TIME_INFO = 2629
BASIC = 2636
VALUE_MAP = 2645
SIMPLE = 2646
SPECIALIZATIONS = 2650
SUPPLEMENTAL = 2657
COMPOUND_SIMPLE = 2676
COMPOUND_BASIC = 2677
COMPONENTS = 2678
SCANNED = 2643
"""A scanner's own map: handle, attribute and length of each field of a grouped report."""

TIMES = (TIME_STAMP, CLOCK)
"""Attributes that date an observation: the Nonin 9560 names the clock of the agent in place of the time stamp."""
LENGTHS: Mapping[int, int] = {BASIC: 2, SIMPLE: 4, TIME_STAMP: 8, CLOCK: 8, STATUS: 2, UNIT: 2}
"""Bytes that an attribute has by its nature, whatever a map says: an open stack's thermometer says 2 for a FLOAT."""

# --- measurement status
REFUSING: tuple[tuple[int, Literal["device-error", "missing"]], ...] = (
    (0x8000, "device-error"),  # invalid
    (0x2000, "missing"),  # not available
    (0x1000, "device-error"),  # calibration is going on
)
TEST_OR_DEMO = 0x0C00
TOLD: Mapping[int, str] = {0x4000: "questionable", 0x0080: "validated", 0x0040: "settling", 0x0020: "settling"}

# --- time capability of the agent
CLOCK_CAN_BE_SET = 0x4000

# --- kinds of instrument
SPECIALIZATION_OF = {"oximeter": 0x1004, "tensiometer": 0x1007, "thermometer": 0x1008, "scale": 0x100F}
NAMES = {0x1004: "oximeter", 0x1006: "ecg", 0x1007: "tensiometer", 0x1008: "thermometer", 0x100F: "scale"}
"""Specialization code -> what this house calls it."""

# --- what is measured
SPO2 = 19384
OXIMETER_PULSE = 18458
PRESSURES = 18948
SYSTOLIC, DIASTOLIC, MEAN = 18949, 18950, 18951
CUFF_PULSE = 18474
WEIGHT, HEIGHT, BMI = 57664, 57668, 57680
SITES: Mapping[int, str] = {
    19292: "body",
    19320: "eardrum",
    57348: "rectum",
    57352: "mouth",
    57356: "ear",
    57380: "armpit",
}
"""Codes of a temperature -> where on the body."""
MODALITIES: Mapping[int, str] = {19508: "fast", 19512: "slow", 19516: "spot"}
"""Supplemental types of a saturation."""
ESSENTIAL: Mapping[str, frozenset[int]] = {
    "oximeter": frozenset({SPO2}),
    "tensiometer": frozenset({PRESSURES}),
    "thermometer": frozenset(SITES),
    "scale": frozenset({WEIGHT}),
}
"""An instrument of a kind measures one of these, or it is none."""

Name = Literal["spo2", "pulse_rate", "temperature", "weight", "height", "bmi"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of the vocabulary, its unit (UCUM), and what is believed of it."""

    name: Name
    unit: str
    low: float
    high: float


_TEMPERATURE = Quantity("temperature", "Cel", 10.0, 50.0)
QUANTITIES: Mapping[int, Quantity] = {
    SPO2: Quantity("spo2", "%", 1.0, 100.0),
    OXIMETER_PULSE: Quantity("pulse_rate", "/min", 1.0, 350.0),
    WEIGHT: Quantity("weight", "kg", 0.5, 500.0),
    HEIGHT: Quantity("height", "cm", 20.0, 250.0),
    BMI: Quantity("bmi", "kg/m2", 1.0, 200.0),
    **dict.fromkeys(SITES, _TEMPERATURE),
}
PRESSURE = Quantity("pulse_rate", "mm[Hg]", 1.0, 300.0)
PULSE = Quantity("pulse_rate", "/min", 1.0, 350.0)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the agent shows it, and the way to the house's own: value * factor + offset."""

    shown: str
    own: str
    factor: float = 1.0
    offset: float = 0.0


UNITS: Mapping[int, Unit] = {
    544: Unit("%", "%"),
    1297: Unit("cm", "cm"),
    1376: Unit("[in_i]", "cm", 2.54),
    1731: Unit("kg", "kg"),
    1760: Unit("[lb_av]", "kg", 0.45359237),
    1952: Unit("kg/m2", "kg/m2"),
    2720: Unit("/min", "/min"),
    3843: Unit("kPa", "mm[Hg]", 7.500615758),
    3872: Unit("mm[Hg]", "mm[Hg]"),
    4416: Unit("[degF]", "Cel", 5 / 9, -160 / 9),
    6048: Unit("Cel", "Cel"),
}
