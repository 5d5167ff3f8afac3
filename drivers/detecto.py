"""Detecto solo, a scale with height rod: a line with its clock, body-mass index, height and weight when it is asked.

Source: protocol sheet healthometer-scale, section 7: 9600 baud 8N1, the host sends `LF P CR`, the scale answers
`Time,Date,BMI,Height,Weight CR`. There is no checksum. Unconfirmed: how it says its units (they are taken from the
number itself where it carries one, else from the index, which fits either kg and cm or lb and inches), the order of
its date (not read), and what it sends while nobody stands still.
"""

from __future__ import annotations

import re
from typing import ClassVar

from drivers import weighing
from drivers.events import Event, NoValue, Reading, Trouble, Value
from drivers.instrument import Emit
from drivers.stream import Line, Stream

REQUEST = b"\nP\r"
LONGEST_LINE = 96
HEIGHT_CM = (50.0, 250.0)
INDEX_ERROR = 0.15
"""Most by which an index of one decimal differs from that of a rounded weight and height."""
UNCONFIRMED = "how this Detecto scale says its units: a weight without an index that fits it is not believed"

_NUMBER = re.compile(r"(?P<number>[0-9]{1,4}(\.[0-9]{1,3})?) ?(?P<unit>kg|lb|cm|in)?", re.IGNORECASE)
_UNITS = {"kg": "metric", "cm": "metric", "lb": "imperial", "in": "imperial"}
_SCALES = {"metric": ("kg", "cm", 1.0), "imperial": ("lb", "[in_i]", weighing.CM_PER_INCH)}


class Decoder:
    """Characters of the scale, in any cut -> events; pure.

    Each line gives `Reading`s of weight (kg), height (cm) and BMI; "locked" when the line before had the same
    number, else "settling". Where the units cannot be known, there is no height, and the weight is
    `NoValue("out-of-range")` with the flag "unit-unknown".
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._agreements = tuple(weighing.Agreement() for _ in range(3))
        self._zero = weighing.ZeroPoint()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for byte in data:
            if byte == 0x0D:
                events += self._line(self._pending.decode("latin-1").strip("\n"))
                self._pending.clear()
            elif len(self._pending) >= LONGEST_LINE:
                events += self._refuse("no end of line of a Detecto scale")
                self._pending.clear()
            else:
                self._pending.append(byte)
        return events

    def _line(self, line: str) -> list[Event]:
        fields = [field.strip() for field in line.split(",")]
        found = [_NUMBER.fullmatch(field) for field in fields[2:]]
        if len(fields) != 5 or None in found:
            return self._refuse("a line without the layout of a Detecto scale")
        index, height, weight = (float(each["number"]) for each in found if each)
        said = {_UNITS[each["unit"].lower()] for each in found if each and each["unit"]}
        units = _units(said, index, height, weight)
        # Each number on its own: a rod that is moved is no sign that the weight is alive.
        words = [each.hear((field, units)) for each, field in zip(self._agreements, fields[2:], strict=True)]
        told, *rest = _readings(units, (index, height, weight), fields, words)
        told = self._zero.judge(told, words[2] == "locked")
        return [told, *(self._zero.beside(each) if each.quantity == "bmi" else each for each in rest)]

    def _refuse(self, why: str) -> list[Event]:
        for agreement in self._agreements:
            agreement.forget()
        return [Trouble("malformed", why)]


def _units(said: set[str], index: float, height: float, weight: float) -> str | None:
    """ "metric" or "imperial", as the line says or as its index shows; None where it does neither, or both."""
    if said:
        return said.pop() if len(said) == 1 else None
    if not index or not height or not weight:
        return None
    fits = [
        units
        for units, (kilo, _, centi) in _SCALES.items()
        if abs(weight * weighing.UNITS[kilo][1] / (height * centi / 100) ** 2 - index) <= INDEX_ERROR
    ]
    return fits[0] if len(fits) == 1 else None


def _readings(
    units: str | None, numbers: tuple[float, float, float], fields: list[str], words: list[str]
) -> list[Reading]:
    index, height, weight = numbers
    if units is None:
        flags = frozenset({"unit-unknown"}) if weight else frozenset[str]()
        none = NoValue("out-of-range" if weight else "missing")
        return [Reading("weight", none, "kg", flags, {"shown": f"{weight:g}", "shown_unit": "kg"})]
    kilo, shown, centi = _SCALES[units]
    told = [weighing.weight(weighing.person(weight, kilo), f"{weight:g}", kilo, words[2])]
    cm = _within(height * centi, HEIGHT_CM)
    told.append(Reading("height", cm, "cm", _flags(cm, words[1]), {"shown": fields[3], "shown_unit": shown}))
    bmi = _within(index, (0.1, 200.0))
    return [*told, Reading("bmi", bmi, "kg/m2", _flags(bmi, words[0]), {"shown": fields[2]})]


def _within(number: float, limits: tuple[float, float]) -> Value:
    if number == 0.0:
        return NoValue("missing")
    return number if limits[0] <= number <= limits[1] else NoValue("out-of-range")


def _flags(value: Value, steadiness: str) -> frozenset[str]:
    return frozenset[str]() if isinstance(value, NoValue) else frozenset({steadiness})


class Scale:
    """One Detecto solo on one stream: it is asked each `poll_s` seconds in which it says nothing."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "detecto"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    shows_empty: ClassVar[bool] = True
    quiet_s: float | None = 5.0
    """The common watchdog of a scale."""

    def __init__(self, *, time_scale: float = 1.0, poll_s: float = 0.5) -> None:
        self._time_scale, self._poll_s = time_scale, poll_s

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Ask and listen; ends by `Unplugged` or by being cancelled."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        still = weighing.Stillness(self._time_scale)
        await weighing.attend(stream, Decoder(), emit, weighing.always(REQUEST), self._poll_s, still)

    async def start(self) -> None:
        """A scale always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
