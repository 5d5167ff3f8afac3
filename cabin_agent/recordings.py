"""Recordings on disk, read for the analysis: ECG and PPG from WFDB records and CSV files, a cuff's pressure from CSV.

WFDB: PhysioNet's format, header `.hea` beside its signal files (manual page header(5)); read with the wfdb package,
which is loaded only here and only when it is needed. CSV of waves: `wave_csv`; of a cuff: `t_s,mmHg`, the header line
optional.
"""

from __future__ import annotations

import csv
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cabin_agent.recording_error import RecordingError
from cabin_agent.wave_csv import read_table

Samples = npt.NDArray[np.float64]
Kind = Literal["ecg", "ppg"]

_LEAD = re.compile(
    r"(ML)?I{1,3}|A?V[RLF]|V[1-9]R?|(M|CM|CC)[VL]?[1-9]|D[1-4]|ECG.*|EKG.*|.*\bLEAD\b.*", re.IGNORECASE
)
_OPTICAL = re.compile(r".*(PLETH|PPG).*", re.IGNORECASE)
_TO_MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "nu": 1.0}
"""Case does not matter; "NU", no unit, and none at all are taken as millivolts."""
_VOLTAGES = _TO_MILLIVOLTS.keys() - {"nu"}
WIDEST_MV = 100.0
"""An ECG moves by some millivolts within a second; by so much only when microvolts are taken for millivolts."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One channel of a recording."""

    samples: Samples
    """In mV for an ECG whose unit is known, else as the file scales them; NaN where the file marks a lost sample."""
    fs: float
    """Samples per second of this channel."""
    channel: str


def read_wave(path: Path, kind: Kind, channel: str | None = None) -> Recording:
    """One channel of the WFDB record at `path` (with or without extension) or CSV file; raises `RecordingError`.

    `channel` is a name as the header has it (in any case), or a number from 0. Without it: the first ECG lead, or
    the first PPG.
    """
    if path.suffix.lower() == ".csv":
        names, units, fs, table = read_table(path)
        index = _index(names, units, kind, channel, path)
        return _recording(table[index], fs, names[index], units[index], kind)
    base = _record(path)
    record = _load(base)
    # Some records of PhysioNet have a comma behind each name.
    names = [str(name).strip(" ,") for name in record.sig_name]
    index = _index(names, record.units, kind, channel, base)
    samples = np.asarray(record.e_p_signal[index], dtype=np.float64)
    fs = float(record.fs) * int(record.samps_per_frame[index])
    return _recording(samples, fs, names[index], record.units[index], kind)


def _recording(samples: Samples, fs: float, name: str, unit: str | None, kind: Kind) -> Recording:
    if kind == "ppg":
        return Recording(samples, fs, name)
    scale = _TO_MILLIVOLTS.get((unit or "nu").casefold())
    if scale is None:
        raise RecordingError(f"The channel {name} is in {unit}: an ECG is a voltage; name another channel.", 2)
    millivolts = samples * scale
    if _usual_range(millivolts, int(fs)) > WIDEST_MV:
        raise RecordingError(
            f"The channel {name} moves by more than {WIDEST_MV:g} mV in most seconds, which no heart does:"
            f" {unit or 'mV'} is not its unit.",
            1,
        )
    return Recording(millivolts, fs, name)


def _usual_range(samples: Samples, second: int) -> float:
    """Median over whole seconds of how far the samples of one lie apart; 0 where there is none."""
    whole = samples[: len(samples) // second * second].reshape(-1, second) if second else samples[:0].reshape(0, 1)
    whole = whole[np.isfinite(whole).all(axis=1)]
    return float(np.median(np.ptp(whole, axis=1))) if len(whole) else 0.0


def _index(names: list[str], units: list[str], kind: Kind, channel: str | None, base: Path) -> int:
    return _first(names, units, kind, base) if channel is None else _named(names, channel, base)


def read_cuff(path: Path) -> tuple[Samples, Samples]:
    """Seconds and mmHg of a CSV file, time rising from line to line; raises `RecordingError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_cuff_rows(file, path))
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a text file: a CSV with the columns t_s,mmHg is needed.", 1) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.", 3) from None
    if len(rows) < 2:
        raise RecordingError(f"{path} holds fewer than two samples: it is empty or was cut short.", 1)
    table = np.asarray(rows, dtype=np.float64)
    return table[:, 0], table[:, 1]


def _cuff_rows(lines: Iterable[str], path: Path) -> Iterator[tuple[float, float]]:
    before = -math.inf
    reader = csv.reader(lines)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            raise RecordingError(f"{path}, line {reader.line_num}: this is no CSV text.", 1) from None
        if row is None:
            return
        fields = [field.strip() for field in row]
        header = reader.line_num == 1 and [field.lower() for field in fields] == ["t_s", "mmhg"]
        if header or not any(fields):
            continue
        yield _cuff_row(fields, before, f"{path}, line {reader.line_num}")
        before = float(fields[0])


def _cuff_row(fields: list[str], before: float, where: str) -> tuple[float, float]:
    try:
        t, mmhg = map(float, fields)
    except ValueError:
        raise RecordingError(f"{where}: two numbers are needed, t_s and mmHg.", 1) from None
    if not (math.isfinite(t) and math.isfinite(mmhg)):
        raise RecordingError(f"{where}: a time or a pressure is not finite.", 1)
    if t <= before:
        raise RecordingError(f"{where}: the time does not rise.", 1)
    return t, mmhg


def _record(path: Path) -> Path:
    """The path of a record without extension."""
    for base in (path, path.with_suffix("")):
        if base.name and base.with_name(f"{base.name}.hea").is_file():
            return base
    raise RecordingError(f"There is no record {path}: no header {path.with_suffix('.hea').name} is beside it.", 3)


def _load(base: Path) -> Any:
    """The whole `wfdb.Record` in physical units; every way in which wfdb fails becomes one sentence."""
    with warnings.catch_warnings():
        # wfdb 4.3 meets a deprecation of pandas as it is imported, and divides by zero on a flat channel.
        warnings.simplefilter("ignore")
        import wfdb

        try:
            header = wfdb.rdheader(str(base))
        except Exception:
            raise RecordingError(f"The header {base}.hea is damaged: get the record anew.", 1) from None
        if not header.n_sig:
            raise RecordingError(f"The record {base} has no signals: it holds annotations alone.", 3)
        try:
            return wfdb.rdrecord(str(base), physical=True, smooth_frames=False)
        except FileNotFoundError as error:
            missing = Path(str(error.filename)).name
            raise RecordingError(
                f"The record {base} lacks its file {missing}: put it beside the header.", 3
            ) from None
        except Exception:
            raise RecordingError(
                f"The record {base} is truncated or damaged: its signal file does not hold what its header says.", 1
            ) from None


def _named(names: list[str], channel: str, base: Path) -> int:
    for same in (str.__eq__, _same_letters):
        for index, name in enumerate(names):
            if same(name, channel):
                return index
    if channel.isascii() and channel.isdecimal() and int(channel) < len(names):
        return int(channel)
    raise RecordingError(f"The record {base} has no channel '{channel}': it has {', '.join(names)}.", 2)


def _same_letters(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _first(names: list[str], units: list[str], kind: Kind, base: Path) -> int:
    """The first channel that is called like one of the kind; failing that, the only one that can be of the kind.

    An ECG is a voltage, or the only channel there is; a PPG is told by its name, or the only channel there is.
    """
    own, other = (_LEAD, _OPTICAL) if kind == "ecg" else (_OPTICAL, _LEAD)
    called = [index for index, name in enumerate(names) if own.fullmatch(name)]
    free = [index for index, name in enumerate(names) if not other.fullmatch(name)]
    voltages = [index for index in free if kind == "ecg" and (units[index] or "").casefold() in _VOLTAGES]
    alone = free if len(names) == 1 else []
    for candidates in (called, voltages, alone):
        if candidates:
            return candidates[0]
    raise RecordingError(
        f"The record {base} has no channel that is plainly {kind.upper()}: name one of {', '.join(names)}.", 2
    )
