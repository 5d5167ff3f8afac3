"""ECG and PPG from a CSV file: a header line, then the time in seconds and one column for each channel.

    t_s,II (mV),PLETH
    0.000,0.012,0.41

The first column is the time, whatever it is called (`t_s`, `Time [s]`); a unit may stand behind a name in brackets.
An empty cell, `nan`, and a time that jumps are samples that were lost. The rate is that of the times themselves.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cabin_agent.recording_error import RecordingError

Samples = npt.NDArray[np.float64]

_HEADER = re.compile(r"\s*(?P<name>[^\[(]*?)\s*(?:[\[(](?P<unit>[^\])]*)[\])])?\s*")
LOST_STEPS = 1.5
"""A time that jumps by more than so many usual steps has lost samples before it."""
LONGEST_GAP_S = 3600.0
"""A longer jump is no gap of a recording."""
WHOLE_RATE = 1e-3
"""A rate so near a whole number is that number: times are written with few digits."""


def read_table(path: Path) -> tuple[list[str], list[str], float, Samples]:
    """Names, units ("" where none is said), samples a second, and samples (channels, n), NaN where they are lost.

    Raises `RecordingError`.
    """
    header, rows = _rows(path)
    found = [_HEADER.fullmatch(each) for each in header]
    names = [each["name"] if each else cell for each, cell in zip(found, header, strict=True)]
    units = [(each["unit"] or "").strip() if each else "" for each in found]
    table = np.asarray(rows, dtype=np.float64)
    fs, index = _even(table[:, 0], path)
    samples = np.full((len(header) - 1, int(index[-1]) + 1), np.nan)
    samples[:, index] = table[:, 1:].T
    return names[1:], units[1:], fs, samples


def _rows(path: Path) -> tuple[list[str], list[list[float]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            if len(header) < 2 or _number(header[0]) is not None:
                raise RecordingError(f"{path}: a header line is needed, the time first: t_s,II (mV).", 1)
            rows = [_row(row, len(header), f"{path}, line {reader.line_num}") for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error):
        raise RecordingError(f"{path} is no CSV text: a time and a column for each channel are needed.", 1) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.", 3) from None
    if len(rows) < 2:
        raise RecordingError(f"{path} holds fewer than two samples: it is empty or was cut short.", 1)
    return header, rows


def _row(cells: list[str], width: int, where: str) -> list[float]:
    values = [_number(cell or "nan") for cell in cells]
    if len(values) != width or None in values or not np.isfinite(values[0] or 0.0):
        raise RecordingError(f"{where}: {width} numbers are needed, as many as the header has names.", 1)
    return [value for value in values if value is not None]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _even(t: Samples, path: Path) -> tuple[float, npt.NDArray[np.int64]]:
    """Samples a second, and the place of each row among them."""
    steps = np.diff(t)
    if not (steps > 0).all():
        raise RecordingError(f"{path}, row {int(np.argmin(steps > 0)) + 2}: the time does not rise.", 1)
    if steps.max() > LONGEST_GAP_S:
        raise RecordingError(f"{path}: the time jumps by more than an hour; the first column is in seconds.", 1)
    fs = 1 / float(np.mean(steps[steps <= LOST_STEPS * np.median(steps)]))
    fs = float(round(fs)) if abs(fs - round(fs)) < WHOLE_RATE * fs else fs
    places = np.cumsum(np.maximum(1, np.rint(steps * fs).astype(np.int64)))
    return fs, np.concatenate((np.zeros(1, dtype=np.int64), places))
