"""What a driver says: frozen dataclasses, the vocabulary between the wire and the rest of the house.

"No value" is a type of its own (`NoValue`): a sentinel of a device (127, 511, 0xFFFF, 0.0, ...) never leaves a
decoder as a number. Nothing here knows a port, a clock or a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Why = Literal[
    "missing",  # the device's own code for "no value"
    "not-tested",
    "no-response",  # hearing: the tone was presented and not answered
    "finger-out",
    "sensor-disconnected",
    "out-of-track",
    "out-of-range",
    "overload",
    "device-error",
    "aborted",
]
"""Why a device gave no value."""


@dataclass(frozen=True, slots=True)
class NoValue:
    """The absence of a value, with its reason; never a number."""

    why: Why


Value = float | NoValue
"""A number in the unit that stands beside it, or the absence of one."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A run of consecutive samples of one waveform, without a hole.

    `index` counts samples since the stream began, lost ones included: when it jumps from one block to the next,
    the samples between were lost. Waveform time is `index / rate`, never arrival time.
    """

    stream: Literal["pleth", "ecg", "cuff"]
    index: int
    rate: float
    """Samples per second, as the maker states it."""
    unit: str
    """UCUM: "mV", "mm[Hg]", or "1" for counts."""
    channels: tuple[str, ...]
    samples: tuple[tuple[float, ...], ...]
    """One row per sample, one column per channel."""
    flags: frozenset[str] = frozenset()
    """What the device said of these samples: "finger-out", "artifact", "railed:V3", "lead-off:I", ..."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One numeric value as the device states it."""

    quantity: Literal[
        "spo2",
        "pulse_rate",
        "heart_rate",
        "respiratory_rate",
        "perfusion_index",
        "temperature",
        "ambient_temperature",
        "weight",
        "height",
        "bmi",
        "cuff_pressure",
    ]
    value: Value
    unit: str
    """UCUM: "%", "/min", "Cel", "kg", "cm", "kg/m2", "mm[Hg]"."""
    flags: frozenset[str] = frozenset()
    detail: Mapping[str, str | float] = field(default_factory=dict)
    """What else the device says of it: averaging, mode, site, tare, the unit that was on its display, ..."""
    taken: datetime | None = None
    """When the device's own clock says that it was measured: without a zone, and as wrong as that clock is. None
    where the device sends what it measures now. One that comes out of its memory has the flag "from-memory"."""


@dataclass(frozen=True, slots=True)
class PressureResult:
    """The end of one cuff measurement: either three pressures and a pulse, or an error and no value at all."""

    systolic: Value
    diastolic: Value
    mean: Value
    pulse_rate: Value
    beats: int
    error: str | None = None
    """None, or one word of the sheet's error table: "weak-signal", "loose-cuff", "movement", ..."""
    flags: frozenset[str] = frozenset()
    taken: datetime | None = None
    """As in `Reading`."""
    detail: Mapping[str, str | float] = field(default_factory=dict)
    """As in `Reading`: user of its memory, what was on its display, ..."""


@dataclass(frozen=True, slots=True)
class HearingRecord:
    """One ear's thresholds as an audiometer transfers them."""

    ear: Literal["left", "right"]
    thresholds: Mapping[int, Value]
    """Frequency in Hz -> dB HL, or why there is none."""
    sequence: int
    """The digit that a retransmission repeats."""
    index: int
    total: int
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BeatIntervals:
    """Times between beats as a device found them itself, in their order."""

    rr_s: tuple[float, ...]
    """Seconds."""


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """The response button, on the clock of the sound card: so it stands beside `TonePlayed` to the millisecond."""

    at_s: float
    """Seconds since the card was opened."""
    down: bool


@dataclass(frozen=True, slots=True)
class ToneRange:
    """What the phones can play, told when a test begins."""

    loudest: Mapping[tuple[Literal["left", "right"], int], float]
    """Ear and frequency in Hz -> loudest level; what is missing cannot be played."""
    calibrated: bool
    """True: levels are dB HL of these very phones. False: they are dB relative to nothing that a person hears."""
    attenuation: Mapping[int, float] = field(default_factory=dict)
    """Hz -> dB that the phones keep out; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class TonePlayed:
    """One tone, or a silence in its place, is over."""

    ear: Literal["left", "right"]
    hz: int
    db: float | None
    """None: silence. dB HL, or relative where the flags say so."""
    onset_s: float
    """Seconds since the card was opened."""
    ended_s: float
    """When the silence after it ended."""
    whole: bool
    """False: the card ran out of samples or reported an underrun, so that nobody knows what was heard."""
    flags: frozenset[str] = frozenset()
    """"relative": `db` is no dB HL."""


@dataclass(frozen=True, slots=True)
class RoomNoise:
    """How loud the room was for a moment, in third-octave bands around the tones."""

    at_s: float
    """Seconds since the sound card was opened."""
    bands: Mapping[int, Value]
    """Centre in Hz -> level: dB re 20 µPa, or of full scale where the flags say so."""
    flags: frozenset[str] = frozenset()
    """"uncalibrated": levels are of the microphone's full scale, and say nothing of the room."""


@dataclass(frozen=True, slots=True)
class CardTime:
    """Where a sound card is in what it was given to play; seconds since it was opened."""

    at_s: float
    began_s: float
    """When it last went from silence to sound."""
    ended_s: float | None
    """When it had played all that it was given since; None while it plays."""
    underruns: int
    """How often it has reported that it ran dry by itself."""


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """What the device's own clock shows at this moment; whoever has a clock can tell by how much it is wrong."""

    shows: datetime | None
    """Without a zone; None: the device says that its clock was never set, or lost."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What the instrument says of its own state."""

    passed: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """What the instrument says of itself, where its protocol lets it."""

    model: str
    firmware: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong on the wire that the decoder survived: the bytes were refused, the link goes on."""

    code: Literal[
        "checksum",
        "resync",
        "lost-samples",
        "malformed",
        "unexpected-reply",
        "no-reply",
        "refused",
        "old-reading",  # said by the daemon in place of a value that is not of this visit
        "unconfirmed",  # what a driver warns of when it opens: in one phrase, what nobody has confirmed of its wire
    ]
    detail: str = ""
    count: int = 1


Hearing = HearingRecord | ButtonPress | ToneRange | TonePlayed | RoomNoise | CardTime
"""What the instruments of a hearing test say."""

Event = Wave | Reading | PressureResult | Hearing | BeatIntervals | DeviceClock | SelfTest | Identity | Trouble
"""Everything that a driver can say."""
