"""Real recordings in place of the body: a WFDB record played through an instrument's wire.

An ECG record feeds the amplifier at 250 samples/s, a PLETH signal the oximeter at 75/s. Resampling is by a zero-phase
polyphase filter: sample k of the wire is the record at k / rate seconds, no earlier and no later. A recording begins
with the stream (or with the opening of the oximeter's port) and starts over at its end. wfdb and scipy are loaded
only when something is replayed.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators import cyton, nonin_finger
from simulators.body import Array
from simulators.device import SimulatorError
from simulators.physiology import LEADS

LEAD_NAMES: Mapping[str, str] = {**{lead: lead for lead in LEADS}, "MLII": "II", "MLI": "I"}
"""Names of signals in records -> leads; others are not one of the eight."""
NOT_ECG = ("PLETH", "PPG", "RESP", "ABP", "ART", "CVP", "PAP", "BP", "CO2", "III", "AVR", "AVL", "AVF")
MILLIVOLTS: Mapping[str, float] = {"uV": 0.001, "µV": 0.001, "V": 1000.0}
"""Factor to mV of units other than mV."""
SPAN = (5_000, 60_000)
"""Counts between which a pleth is scaled."""
SETTLE_S = 4.0
"""After the finger came back, the module needs that long for its averages."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of a record, in physical units."""

    name: str
    unit: str
    rate: float
    samples: Array


@dataclass(frozen=True, slots=True)
class Second:
    """What the monitor of a recording showed at one moment."""

    at: float
    spo2: int | None
    rate: int | None


class RecordLeads:
    """An ECG record in place of the chest: `samples` of shape (n, 8) in mV at 250/s, NaN where it has no lead."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples

    def start(self, now: float) -> int:  # noqa: ARG002
        """The recording begins with the stream."""
        return 0

    def leads(self, first: int, count: int) -> Array:
        """As recorded; over again at the end."""
        index = np.arange(first, first + count) % len(self._samples)
        return self._samples[index].astype(np.float64)


class RecordFinger:
    """A recorded pleth in place of the finger, with the monitor's values where they are known."""

    def __init__(self, counts: nonin_finger.Counts, seconds: list[Second]) -> None:
        self._counts, self._seconds = counts, seconds

    def start(self, now: float) -> int:  # noqa: ARG002
        """The recording begins when the host opens the port."""
        return 0

    def counts(self, first: int, count: int) -> nonin_finger.Counts:
        """As recorded, scaled; over again at the end."""
        return self._counts[np.arange(first, first + count) % len(self._counts)]

    def spot(self, index: int, since: float) -> nonin_finger.Spot:
        """What the monitor showed last."""
        if index / nonin_finger.RATE - since < SETTLE_S:
            return nonin_finger.Spot()
        at = index % len(self._counts) / nonin_finger.RATE
        past = [second for second in self._seconds if second.at <= at]
        return nonin_finger.Spot(past[-1].spo2, past[-1].rate, past[-1].rate) if past else nonin_finger.Spot()

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:  # noqa: ARG002
        """Unknown: no pulse is shown."""
        return np.zeros(count, dtype=bool)

    def perfusion(self) -> float:
        """Unknown, and not shown."""
        return 1.0


def read_leads(record: Path) -> RecordLeads:
    """The ECG leads of a WFDB record; raise `SimulatorError` when it cannot be read or has none."""
    signals = _read(record)
    chosen = _leads_by_name(signals)
    if not chosen:
        raise SimulatorError(
            f"The record {record.name} has no ECG signal; replay one that has, through this instrument."
        )
    played = {lead: _resampled(signal, cyton.RATE) for lead, signal in chosen.items()}
    samples = np.full((max(len(x) for x in played.values()), len(LEADS)), np.nan, dtype=np.float32)
    for lead, x in played.items():
        samples[: len(x), LEADS.index(lead)] = x * MILLIVOLTS.get(chosen[lead].unit, 1.0)
    return RecordLeads(samples)


def read_finger(record: Path) -> RecordFinger:
    """The pleth of a WFDB record; raise `SimulatorError` when it cannot be read or has none."""
    for signal in _read(record):
        if "PLETH" in signal.name.upper() or "PPG" in signal.name.upper():
            return RecordFinger(_scaled(_resampled(signal, nonin_finger.RATE)), _numerics(record))
    raise SimulatorError(
        f"The record {record.name} has no PLETH signal; replay one that has, through this instrument."
    )


def resample(samples: Array, rate: float, new_rate: float) -> Array:
    """The same signal at another rate; sample k lies at k / new_rate. NaN stays NaN."""
    from scipy.signal import resample_poly

    ratio = (Fraction(new_rate) / Fraction(rate).limit_denominator(1000)).limit_denominator(10_000)
    holes = np.isnan(samples)
    if holes.all():
        return np.full(math.ceil(len(samples) * ratio), np.nan)
    if holes.any():
        known = np.flatnonzero(~holes)
        samples = np.interp(np.arange(len(samples)), known, samples[known])
    out = np.asarray(resample_poly(samples, ratio.numerator, ratio.denominator, padtype="line"))
    nearest = np.rint(np.arange(len(out)) / float(ratio)).astype(int)
    out[holes[np.minimum(nearest, len(holes) - 1)]] = np.nan
    return out


def _read(record: Path) -> list[Signal]:
    with warnings.catch_warnings():
        # wfdb 4.3 still uses what pandas 3.1 calls deprecated; that is between the two of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        import wfdb

    base = record.with_suffix("") if record.suffix in (".hea", ".dat", ".mat") else record
    if not base.with_name(base.name + ".hea").is_file():
        raise SimulatorError(f"There is no WFDB record at {base}; give the path of a record that has a .hea file.")
    try:
        found = wfdb.rdrecord(str(base))
    except Exception as error:  # the record's own bytes decide what wfdb raises
        raise SimulatorError(
            f"The record {base.name} cannot be read ({type(error).__name__}); check its files."
        ) from error
    columns = found.p_signal
    if columns is None or not len(columns):
        raise SimulatorError(f"The record {base.name} has no samples; give another one.")
    named = zip(found.sig_name, found.units, columns.T, strict=True)
    return [
        Signal(name.strip(" ,"), unit, float(found.fs), np.asarray(x, dtype=np.float64)) for name, unit, x in named
    ]


def _leads_by_name(signals: list[Signal]) -> dict[str, Signal]:
    """Lead -> signal; when no name is a lead's, the first that may be an ECG stands for II."""
    chosen: dict[str, Signal] = {}
    for signal in signals:
        lead = LEAD_NAMES.get(signal.name.upper())
        if lead is not None:
            chosen.setdefault(lead, signal)
    unnamed = [signal for signal in signals if not signal.name.upper().startswith(NOT_ECG)]
    return chosen or ({"II": unnamed[0]} if unnamed else {})


def _resampled(signal: Signal, rate: float) -> Array:
    return resample(signal.samples, signal.rate, rate)


def _scaled(pleth: Array) -> nonin_finger.Counts:
    """Counts; the rare outlier is clipped, a hole is the middle of the span."""
    if np.isnan(pleth).all():
        return np.full(len(pleth), sum(SPAN) // 2, dtype=np.int64)
    low, high = np.nanpercentile(pleth, [0.1, 99.9])
    share = np.nan_to_num((pleth - low) / max(float(high - low), 1e-9), nan=0.5)
    return np.asarray(np.rint(SPAN[0] + np.clip(share, 0.0, 1.0) * (SPAN[1] - SPAN[0])).astype(np.int64))


def _numerics(record: Path) -> list[Second]:
    """The seconds of `<record>_numerics.csv`; none where it is absent."""
    beside = record.with_name(record.with_suffix("").name + "_numerics.csv")
    if not beside.is_file():
        return []
    with beside.open(newline="") as file:
        rows = [{str(name).strip().upper(): text for name, text in row.items()} for row in csv.DictReader(file)]
    seconds = [Second(_number(row.get("TIME [S]")), _whole(row.get("SPO2")), _rate(row.get("PULSE"))) for row in rows]
    return sorted((second for second in seconds if not math.isnan(second.at)), key=lambda second: second.at)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return round(value) if 0 <= value <= 100 else None


def _rate(text: str | None) -> int | None:
    value = _number(text)
    return round(value) if 18 <= value <= 321 else None
