"""A&D scale in its standard format: lines of 17 characters -> weight.

Source: protocol sheet healthometer-scale, section 7: `ST,+00123.45  g CR LF`; header ST stable, US unstable, QT
counting, OL out of the weighing range, then sign and eight digits, then a unit of three characters; commands Q (now),
S (when stable), Z (zero). There is no checksum. Unconfirmed: the settings of the line, which differ by model.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from drivers import weighing
from drivers.events import Event, NoValue, Trouble
from drivers.instrument import Emit
from drivers.stream import Line, Stream

COMMANDS = ("Q", "S", "Z")
"""Now, when stable, zero. Only Q is sent: whoever zeroes a scale with somebody on it makes a false weight."""
LONGEST_LINE = 32
UNCONFIRMED = "the line of this A&D scale, 2400 baud 7E1, is the usual one: the model may have another"

_LINE = re.compile(r"(?P<header>ST|US|QT|OL),(?P<number>[+-][0-9.]{8})(?P<unit>.{3})")
_OUT_OF_RANGE = re.compile(r"OL,(?P<sign>[+-]).{11}")
_ERROR = re.compile(r"EC,E\d\d")


def encode(command: Literal["Q", "S", "Z"]) -> bytes:
    """One command to the scale."""
    return command.encode("ascii") + b"\r\n"


class Decoder:
    """Characters of the scale, in any cut -> events; pure.

    Each line gives one `Reading` of weight in kg, "locked" when it is stable and the stable line before it said the
    same, else "settling"; out of the weighing range it is `NoValue("overload")`, with "+" or "-" shown.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._agreement = weighing.Agreement()
        self._zero = weighing.ZeroPoint()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for byte in data:
            self._pending.append(byte)
            if self._pending.endswith(b"\r\n"):
                events += self._line(self._pending[:-2].decode("latin-1"))
                self._pending.clear()
            elif len(self._pending) >= LONGEST_LINE:
                events += self._refuse("no end of line of an A&D scale")
                self._pending.clear()
        return events

    def _line(self, line: str) -> list[Event]:
        beyond = _OUT_OF_RANGE.fullmatch(line)
        if beyond:
            self._agreement.forget()
            return [weighing.weight(NoValue("overload"), beyond["sign"], "kg", "")]
        found = _LINE.fullmatch(line)
        if found is None:
            return (
                [Trouble("refused", "the scale refused a command")] if _ERROR.fullmatch(line) else self._malformed()
            )
        number, unit = found["number"], found["unit"].strip()
        if not re.fullmatch(r"[+-][0-9]+(\.[0-9]+)?", number):
            return self._malformed()
        if found["header"] == "QT" or unit not in weighing.UNITS:
            self._agreement.forget()
            return [Trouble("refused", "the scale counts, or weighs in an unknown unit, set it to kg")]
        steadiness = self._agreement.hear((number, unit) if found["header"] == "ST" else object())
        told = weighing.weight(weighing.person(float(number), unit), number, unit, steadiness)
        return [self._zero.judge(told, steadiness == "locked")]

    def _malformed(self) -> list[Event]:
        return self._refuse("a line without the layout of an A&D scale")

    def _refuse(self, why: str) -> list[Event]:
        self._agreement.forget()
        return [Trouble("malformed", why)]


class Scale:
    """One A&D scale on one stream: it is asked each `poll_s` seconds in which it says nothing."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "a-and-d"
    line: ClassVar[Line] = Line(2400, bits=7, parity="E")
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
        await weighing.attend(stream, Decoder(), emit, weighing.always(encode("Q")), self._poll_s, still)

    async def start(self) -> None:
        """A scale always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
