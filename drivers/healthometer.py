"""Health o meter / Rice Lake scale with height rod: ESC-letter messages -> weight, height, body-mass index.

Sources: Pelstar serial document REV 20230711, ProPlus 1100KL manual pages 33-35, Rice Lake manual table 8-1; the
framing rule is that of the protocol sheet, section 5. The line has no checksum: framing, ranges and two equal
messages in a row stand in for one. Units are read in each message, because their key may be pressed at any time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar, Literal

from drivers import weighing
from drivers.errors import DriverError
from drivers.events import Event, NoValue, Reading, Trouble, Value
from drivers.instrument import Emit
from drivers.stream import Line, Stream
from drivers.weighing import CM_PER_INCH, KG_PER_LB

ESC = b"\x1b"
START = b"\x1bR"
END = b"\x1bE"
REQUEST = START + END
"""Host -> scale: send a reading now."""
LONGEST_MESSAGE = 256
LONGEST_NUMBER = 12

WEIGHT_KG = weighing.PERSON_KG
HEIGHT_CM = (50.0, 250.0)
"""Our own limits: firmware 600KL 3.2.02 sends garbage while the rod has not been moved."""
SAME_HEIGHT_CM = 0.3
"""Two heights that differ by less are one, shown in two units."""

Units = Literal["metric", "imperial"]
UNITS: dict[str, Units] = {"m": "metric", "c": "imperial"}

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?|[+-]?\.[0-9]+", re.ASCII)
_OVERLOAD = re.compile(r"0*999\.99*|E10", re.ASCII)
_ADC_FAILURES = ("E06", "E07")
_SHOWN_UNIT = {
    "W": {"metric": "kg", "imperial": "[lb_av]"},
    "H": {"metric": "cm", "imperial": "[in_i]"},
    "B": {"metric": "kg/m2", "imperial": "kg/m2"},
}
_FACTOR = {
    "W": {"metric": 1.0, "imperial": KG_PER_LB},
    "H": {"metric": 1.0, "imperial": CM_PER_INCH},
    "B": {"metric": 1.0, "imperial": 1.0},
}
_LIMITS = {"W": WEIGHT_KG, "H": HEIGHT_CM}

Quantity = Literal["weight", "height", "bmi"]
_QUANTITY: dict[str, tuple[Quantity, str]] = {"W": ("weight", "kg"), "H": ("height", "cm"), "B": ("bmi", "kg/m2")}


def encode_message(
    weight: str,
    height: str | None = None,
    bmi: str | None = None,
    *,
    units: Units = "metric",
    tare: str | None = None,
    ident: str | None = "0000000000",
    prefix: bytes = START,
) -> bytes:
    """One message as the scale sends it; numbers are the text on its display, in `units`."""
    letter = next(letter for letter, name in UNITS.items() if name == units)
    fields = (("I", ident), ("W", weight), ("H", height), ("B", bmi), ("T", tare), ("N", letter))
    body = "".join(f"\x1b{name}{text}" for name, text in fields if text is not None)
    return prefix + body.encode("ascii") + END


class Decoder:
    """Bytes of the scale, in any cut -> events; pure.

    A message gives one `Reading` each of weight (kg), height (cm) and BMI (kg/m2) that it carries. `detail` keeps
    what the display showed ("shown", "shown_unit", "decimals") and, where sent, "tare_kg" and "id". A number has the
    flag "locked" when the message before it said the same of it, else "settling". A message that breaks the framing
    rule is refused whole with `Trouble("malformed")`.

    Two traps of firmware that streams all the time (sheet section 3): a height that the scale showed while it was
    empty is that of a rod nobody moved, `NoValue("missing")`; a scale that was tipped is told by its empty display
    (`drivers.weighing.ZeroPoint`).
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._last: dict[str, str] = {}
        self._empty = _Empty()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for byte in data:
            self._pending.append(byte)
            if self._pending.endswith(END):
                events += self._message(bytes(self._pending[: -len(END)]))
                self._pending.clear()
            elif len(self._pending) >= LONGEST_MESSAGE:
                events += self._refuse(f"no end of message within {LONGEST_MESSAGE} bytes")
                self._pending.clear()
        return events

    def _message(self, chunk: bytes) -> list[Event]:
        fields = _fields(chunk)
        if isinstance(fields, str):
            return self._refuse(fields)
        steady = {letter for letter in "WHB" if all(self._last.get(x) == fields.get(x) for x in f"{letter}NTI")}
        self._last = fields
        return [self._empty.judge(reading, letter in steady) for letter, reading in _readings(fields, steady)]

    def _refuse(self, why: str) -> list[Event]:
        self._last = {}
        return [Trouble("malformed", why)]


class _Empty:
    """What the scale showed while nobody stood on it."""

    def __init__(self) -> None:
        self._empty = False
        self._rest_cm: float | None = None
        self._zero = weighing.ZeroPoint()

    def judge(self, reading: Reading, steady: bool) -> Reading:
        """The reading, or the absence that it is; `steady`: the message before said the same of it."""
        if reading.quantity == "weight":
            self._empty = reading.value == NoValue("missing")
            return self._zero.judge(reading, steady)
        if reading.quantity == "height":
            return self._height(reading)
        return self._zero.beside(reading)

    def _height(self, height: Reading) -> Reading:
        cm = height.value
        if self._empty:
            self._rest_cm = None if isinstance(cm, NoValue) else cm
        if self._rest_cm is None or isinstance(cm, NoValue) or abs(cm - self._rest_cm) > SAME_HEIGHT_CM:
            return height
        return replace(height, value=NoValue("missing"), flags=frozenset())


def _fields(chunk: bytes) -> dict[str, str] | str:
    """Letter -> text of the last message in `chunk`, or in one phrase why there is none."""
    start = max(chunk.rfind(START), chunk.rfind(b"6R" + ESC))
    if start < 0:
        return "no start of message"
    fields: dict[str, str] = {}
    for field in chunk[start + 2 :].split(ESC)[1:]:
        letter, text = chr(field[0]) if field else "", field[1:].decode("ascii", "replace").strip()
        if letter in fields:
            return f"field {letter!r} twice"
        fields[letter] = text
    return _complaint(fields) or fields


def _complaint(fields: dict[str, str]) -> str | None:
    """In one phrase what makes a message unfit, or None."""
    if fields.get("N") not in UNITS:
        return "no units"
    if "W" not in fields:
        return "no weight"
    for letter in "WHBT":
        text = fields.get(letter)
        if text is not None and not _is_number(text) and not _failed(text):
            return f"field {letter!r} is not a number"
    return None


def _is_number(text: str) -> bool:
    return len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text) is not None


def _failed(text: str) -> NoValue | None:
    """What a text that stands for a failure means; 999.9 and 999.99 are "overload or underload"."""
    if _OVERLOAD.fullmatch(text):
        return NoValue("overload")
    return NoValue("device-error") if text in _ADC_FAILURES else None


def _readings(fields: dict[str, str], steady: Collection[str]) -> list[tuple[str, Reading]]:
    units = UNITS[fields["N"]]
    common: dict[str, str | float] = {}
    if fields.get("I", "").strip("0"):
        common["id"] = fields["I"]
    if _is_number(fields.get("T", "")):
        common["tare_kg"] = float(fields["T"]) * _FACTOR["W"][units]
    return [
        (letter, _reading(letter, fields[letter], units, "locked" if letter in steady else "settling", common))
        for letter in "WHB"
        if letter in fields
    ]


def _reading(letter: str, text: str, units: Units, steadiness: str, common: dict[str, str | float]) -> Reading:
    quantity, unit = _QUANTITY[letter]
    value = _value(letter, text, units)
    flags = frozenset[str]() if isinstance(value, NoValue) else frozenset({steadiness})
    decimals = len(text.partition(".")[2])
    detail = {"shown": text, "shown_unit": _SHOWN_UNIT[letter][units], "decimals": decimals, **common}
    return Reading(quantity, value, unit, flags, detail)


def _value(letter: str, text: str, units: Units) -> Value:
    failure = _failed(text)
    if failure is not None:
        return failure
    number = float(text)
    if number == 0.0:
        return NoValue("missing")
    number *= _FACTOR[letter][units]
    low, high = _LIMITS.get(letter, (0.0, float("inf")))
    return number if low <= number <= high else NoValue("out-of-range")


class Scale:
    """One scale on one stream. It sends on its own while a weight is locked; when silent it is asked.

    `poll_s` is both the silence after which it is asked and the time between two questions; the answer of an empty
    scale (weight 0.0) is what shows that it lives. `time_scale`: how much faster a simulated body lives.
    """

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "healthometer"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    shows_empty: ClassVar[bool] = True

    def __init__(self, *, time_scale: float = 1.0, poll_s: float = 2.0) -> None:
        if poll_s <= 0:
            raise DriverError("The scale cannot be asked every 0 s: give a poll time above 0.")
        self._time_scale, self._poll_s = time_scale, poll_s

    @property
    def quiet_s(self) -> float | None:
        """Sheet section 3 and the common watchdog: 5 s."""
        return 5.0

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen, and ask when nothing was heard; ends by `Unplugged` or by being cancelled."""
        still = weighing.Stillness(self._time_scale, self._poll_s)
        await weighing.attend(stream, Decoder(), emit, weighing.always(REQUEST), self._poll_s, still)

    async def start(self) -> None:
        """A scale always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
