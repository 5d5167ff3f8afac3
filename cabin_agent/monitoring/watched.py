"""What is known of the instrument that is looked at: its row, its newest values, and the last seconds of its waves.

Time is monotonic seconds and comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from cabin_agent.face import Json
from cabin_agent.monitoring.braille import Sample

WAVE_S = {"ecg": 6.0, "pleth": 6.0, "cuff": 45.0}
"""Seconds of each waveform that are kept and drawn: some beats, or a whole deflation."""
STALE_S = 1.75
"""A waveform that brought nothing for so long is drawn as stale, as on the pages."""
RATE_S = 0.9
"""Least time between two counts of bytes that make a rate."""
MOST_VALUES = 24
"""Quantities that are kept; the oldest goes."""
UNITS = {"Cel": "°C", "mm[Hg]": "mmHg", "/min": "/min", "1": ""}
"""UCUM -> as people write it, where that differs."""
OF_THE_ROW = ("identity", "self_test", "device_clock", "trouble")
"""Events that the row of the instrument sums up."""
PRESSURES = {"systolic": "mm[Hg]", "diastolic": "mm[Hg]", "mean": "mm[Hg]", "pulse_rate": "/min"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it is shown."""

    text: str
    at_s: float
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Line:
    """The last seconds of one waveform: a row of samples, one a channel; a hole is None in each."""

    rate: float
    seconds: float
    """How much of it is kept."""
    unit: str
    channels: tuple[str, ...]
    rows: deque[tuple[Sample, ...]] = field(init=False)
    next: int | None = None
    """Index of the sample that follows."""
    at_s: float = 0.0
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.rows = deque(maxlen=max(1, round(self.seconds * self.rate)))

    def add(self, index: int, rows: list[list[Sample]]) -> None:
        """Take a run of samples whose first has this index; what was lost before it is a hole."""
        lost = 0 if self.next is None else index - self.next
        if lost < 0:
            self.rows.clear()
        hole = (None,) * len(self.channels)
        self.rows.extend(hole for _ in range(min(max(lost, 0), self.rows.maxlen or 0)))
        self.rows.extend(tuple(row) for row in rows)
        self.next = index + len(rows)

    def channel(self, name: str) -> list[Sample]:
        """Its samples, a whole window long: what is not there yet is a hole at the left."""
        place = self.channels.index(name)
        missing: list[Sample] = [None] * ((self.rows.maxlen or 0) - len(self.rows))
        return missing + [row[place] for row in self.rows]


class Watched:
    """One instrument over the last seconds."""

    def __init__(self) -> None:
        self.row: Json = {}
        self.row_at_s = 0.0
        self.bytes_s: float | None = None
        """Bytes a second that came in; None while it is not known."""
        self.values: dict[str, Value] = {}
        self.lines: dict[str, Line] = {}
        self._counted: tuple[float, int] | None = None

    def told(self, row: Json, now: float) -> None:
        """Take the row of the instrument as it is now (`Instrument` of docs/api.yaml)."""
        self.row, self.row_at_s = row, now
        at, count = self._counted or (now, row["bytes_in"])
        if self._counted is None or row["bytes_in"] < count:
            self._counted = (now, row["bytes_in"])
        elif now - at >= RATE_S:
            self.bytes_s = (row["bytes_in"] - count) / (now - at)
            self._counted = (now, row["bytes_in"])

    def said(self, said: Json, now: float) -> None:
        """Take one event (`event_json`)."""
        if said["event"] == "wave":
            self._wave(said, now)
            return
        for name, value in _values(said, now):
            self.values.pop(name, None)
            self.values[name] = value
        while len(self.values) > MOST_VALUES:
            del self.values[next(iter(self.values))]

    def age_s(self, now: float) -> float | None:
        """Age of the last sample."""
        age: float | None = self.row.get("age_s")
        return None if age is None else age + now - self.row_at_s

    def _wave(self, said: Json, now: float) -> None:
        line = Line(said["rate"], WAVE_S[said["stream"]], said["unit"], tuple(said["channels"]))
        known = self.lines.get(said["stream"])
        if known is not None and (known.rate, known.channels) == (line.rate, line.channels):
            line = known
        line.add(said["index"], said["samples"])
        line.at_s, line.flags = now, tuple(said["flags"])
        self.lines[said["stream"]] = line


def _values(said: Json, now: float) -> Iterator[tuple[str, Value]]:
    """The values of an event, by the name under which each is shown."""
    flags = tuple(said.get("flags", ()))
    match said["event"]:
        case "reading":
            yield said["quantity"], Value(amount(said["value"], said["unit"]), now, flags)
        case "pressure_result" if said["error"]:
            yield "blood_pressure", Value(f"no value: {said['error']}", now, flags)
        case "pressure_result":
            for name, unit in PRESSURES.items():
                yield name, Value(amount(said[name], unit), now, flags)
        case "hearing_record":
            told = (f"{hz} Hz {amount(level, 'dB')}" for hz, level in said["thresholds"].items())
            yield f"{said['ear']} ear", Value(", ".join(told), now, flags)
        case event if event not in OF_THE_ROW:
            told = (f"{name} {value}" for name, value in said.items() if name not in ("event", "flags"))
            yield event, Value(", ".join(told), now, flags)


def amount(value: float | Json, unit: str) -> str:
    """A value with its unit, or why there is none."""
    if isinstance(value, dict):
        return f"no value: {value['no_value']}"
    return f"{value:g} {UNITS.get(unit, unit)}".rstrip()
