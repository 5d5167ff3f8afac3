"""What a visit yields: measures with their evidence, or the reason why there is none.

This is the vocabulary between the conduct of a visit and everything that shows, prints or delivers it.
Times are UTC milliseconds since 1970; units are UCUM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MeasureName = Literal[
    "weight", "height", "bmi", "spo2", "pulse_rate", "heart_rate", "temperature", "blood_pressure",
    "blood_pressure_mean", "ecg", "hearing",
]  # fmt: skip
"""Every measure of a check-up."""

Grade = Literal["good", "usable", "bad"]
"""How far a value can be trusted."""

WhyNot = Literal["refused", "failed", "absent", "skipped", "implausible", "unstable", "interrupted"]
"""Why a measure has no value: the agent refused it, the instrument failed or is not there, it was skipped, ..."""


@dataclass(frozen=True, slots=True)
class Device:
    """The instrument behind a value."""

    kind: str
    protocol: str
    model: str
    serial: str | None
    firmware: str | None
    simulated: bool
    clock_offset_s: float | None = None
    """What its clock showed less what it should have, when it was plugged in; None where it has none to be read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a reader needs to judge a value without having been there."""

    quality: Grade
    reasons: tuple[str, ...]
    """Why the grade is not better; codes of the wording catalogues."""
    device: Device | None
    """None for a value computed from others (BMI, mean pressure)."""
    started_ms: int
    ended_ms: int
    rest_s: float | None = None
    """Seated rest obtained before the value, in seconds of the visit."""
    readings: int = 1
    spread: float | None = None
    """Largest difference between the repeats, in the value's unit."""
    site: str | None = None
    """Where on the body: "forehead", "left-arm", "left-finger", ..."""
    mode: str | None = None
    """How the instrument made it: "object" (thermometer), "oscillometric", "4-beat-average", ..."""
    recording: str | None = None
    """SHA-256 (hex) of the visit's raw recording that holds the samples behind this value."""
    notes: tuple[str, ...] = ()
    """Facts for the doctor, as codes of the wording catalogues: "pulse-heart-differ", ..."""
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    """Reason or note -> its figures by name (`cabin_signal.verdict.RULES`), where they are known."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with its unit."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class UsualBeat:
    """The median of the beats of the usual shape, on which PR, QRS and QT were measured."""

    rate: float
    """Samples per second."""
    leads: tuple[str, ...]
    millivolts: tuple[tuple[float | None, ...], ...]
    """One row per lead, the level before the QRS at zero; None where the lead could not be used."""
    peak: int
    """Sample at which R lies."""
    marks_ms: dict[str, float]
    """Where the stated intervals begin and end, milliseconds after R: "p_on", "qrs_on", "qrs_off", "t_end"."""
    noise_uv: float
    """Noise that is left of it, RMS."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of ECG: 12 leads derived from 8 channels."""

    rate: float
    """Samples per second."""
    leads: tuple[str, ...]
    millivolts: tuple[tuple[float | None, ...], ...]
    """One row per lead; None where the electrode was off or the sample was lost."""
    beats: tuple[int, ...] = ()
    """R peaks that were found, in samples."""
    used: tuple[int, ...] = ()
    """Those of the beats that `usual` was made of."""
    usual: UsualBeat | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """One pure-tone threshold of one ear."""

    ear: Literal["left", "right"]
    hz: int
    db_hl: float | None
    """None: no value, and `why` says which kind; or the level is relative."""
    why: Literal["not-tested", "no-response"] | None = None
    db_relative: float | None = None
    """Level of phones without a calibration of their own: dB of no scale, and never hearing level."""
    above_db: float | None = None
    """Without a response: the loudest level there was, where the instrument tells."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone of a hearing test, or a silence in its place, and the answer."""

    ear: Literal["left", "right"]
    hz: int
    db: float | None
    """None: silence, or a press between two presentations."""
    answered_s: float | None
    """Seconds after the onset; None: not answered."""


@dataclass(frozen=True, slots=True)
class HearingTest:
    """How thresholds were found, where the cabin itself made the test."""

    calibrated: bool
    """Whether the levels are dB HL of these very phones."""
    tones: tuple[Tone, ...]
    again: tuple[Threshold, ...]
    """Thresholds that were found a second time."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of the visit: values by component ("systolic", "diastolic", "mean"; else "value")."""

    name: MeasureName
    values: dict[str, Quantity]
    evidence: Evidence
    missing: dict[str, str] = field(default_factory=dict)
    """Components that have no value, and why: codes of the wording catalogues ("interval.<code>")."""
    strip: Strip | None = None
    thresholds: tuple[Threshold, ...] = ()
    hearing: HearingTest | None = None
    """None: the instrument made the test, and tells no more than its thresholds."""
    derived_from: tuple[int, ...] = ()
    """Positions, in the visit's list of measures, of those that this one was computed from."""


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A measure of the plan that has no value, which is an ordinary outcome."""

    name: MeasureName
    why: WhyNot
    detail: str = ""
    """Code of the wording catalogues that says what happened: "cuff-loose", "finger-out", ..."""


Outcome = Measure | NotMeasured


@dataclass(frozen=True, slots=True)
class Review:
    """What the doctor of a consultation said of one outcome."""

    verdict: Literal["accepted", "rejected"] | None
    """None: annotated only, and still to be judged."""
    note: str
    by: str
    """Name of the doctor's account, opaque outside the cabin."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note of the doctor on the consultation as a whole."""

    at_ms: int
    text: str
    by: str
    """Name of the doctor's account, opaque outside the cabin."""


@dataclass(frozen=True, slots=True)
class Still:
    """One still picture of the consultation; its JPEG travels in the raw recording."""

    site: Literal["ear", "eye", "throat", "skin", "other"]
    side: Literal["left", "right", "none"]
    at_ms: int
    camera: str
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    sha256: str
    """Of the JPEG, in hex."""
    simulated: bool
    """True unless the camera is known to be one of this cabin."""
    size: int
    """Bytes of the JPEG."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One thing that the agent was told or agreed to; three different things, never one tick box."""

    subject: Literal["information", "measures", "remote-act"]
    given: bool
    at_ms: int
    notice_version: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The person, as far as the cabin knows: an opaque identifier of the appointment."""

    system: str
    """Naming system of the identifier, e.g. the INS demo OID urn:oid:1.2.250.1.213.1.4.11."""
    value: str


@dataclass(frozen=True, slots=True)
class CabinIdentity:
    """The cabin, as the record knows it."""

    name: str
    serial: str
    software: str
    simulated: bool
    """True where any instrument of the visit is simulated."""


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """Everything of a finished visit that goes to the record."""

    visit_id: str
    """Random UUID, of no meaning outside the record."""
    kind: Literal["checkup", "consultation"]
    subject: Subject
    cabin: CabinIdentity
    language: Literal["fr", "en"]
    started_ms: int
    ended_ms: int
    ended_by: Literal["completed", "refused", "left", "stopped"]
    """"stopped": an exclusion question was answered yes and the nurse was called."""
    outcomes: tuple[Outcome, ...]
    consents: tuple[Consent, ...]
    exclusions: dict[str, bool] = field(default_factory=dict)
    """Exclusion question -> answer."""
    satisfaction: dict[str, int] = field(default_factory=dict)
    """Satisfaction question -> 1..5."""
    recording: str | None = None
    """SHA-256 (hex) of the raw recording delivered beside the Bundle, if there is one."""
    mid: str = ""
    """Message id under which the Bundle travels (hex)."""
    reviews: dict[int, Review] = field(default_factory=dict)
    """The doctor's word on an outcome, by its position in `outcomes`."""
    notes: tuple[Note, ...] = ()
    stills: tuple[Still, ...] = ()
    left_out: tuple[str, ...] = ()
    """SHA-256 (hex) of pictures whose JPEG is not in the recording, which was too large to be delivered with them."""
