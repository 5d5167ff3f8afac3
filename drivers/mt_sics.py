"""MT-SICS, the command set of Mettler-Toledo scales: lines of text -> weight and identity.

Source: protocol sheet healthometer-scale, section 7: `S S     125.67 g` stable, `S D` dynamic, `S +` overload, `S -`
underload, `S I` cannot now; commands S, SI, SIR, Z, ZI, T, @ and I0 to I5. There is no checksum. Unconfirmed: that
the line is 9600 baud 8N1 as delivered.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from drivers import weighing
from drivers.events import Event, Identity, NoValue, Trouble
from drivers.instrument import Emit
from drivers.stream import Line, Stream

Command = Literal["S", "SI", "SIR", "Z", "ZI", "T", "@", "I0", "I1", "I2", "I3", "I4", "I5"]
LONGEST_LINE = 128
UNCONFIRMED = "that this MT-SICS scale was delivered with its line at 9600 baud 8N1"

_WEIGHT = re.compile(r"S (?P<status>[SD]) +(?P<number>-?[0-9]+(\.[0-9]+)?) (?P<unit>[a-z]+) *")
_TEXT = re.compile(r'(?P<what>I[2-5]) A "(?P<text>[^"]*)"')
_ANSWER = re.compile(r"(Z|ZI|T|TI|I0|I1|@) .*|I[2-5] I")
"""What answers a command and is no weight: the tare of T, a list of commands, ..."""
_ERRORS = {
    "ES": "the scale does not know a command",
    "ET": "a command was damaged on its way to the scale",
    "EL": "the scale cannot carry out a command",
    "S I": "the scale cannot weigh just now",
}
_BEYOND = {"S +": "+", "S -": "-"}


def encode(command: Command) -> bytes:
    """One command to the scale. Z and T are never sent: with somebody on it they make a false weight."""
    return command.encode("ascii") + b"\r\n"


class Decoder:
    """Characters of the scale, in any cut -> events; pure.

    A weight is a `Reading` in kg: "locked" when stable and equal to the stable one before, else "settling". Model
    (I2), software (I3) and serial (I4, also the answer to @) each give an `Identity` with all that is known so far.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._agreement = weighing.Agreement()
        self._zero = weighing.ZeroPoint()
        self._texts: dict[str, str] = {}

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for byte in data:
            self._pending.append(byte)
            if self._pending.endswith(b"\r\n"):
                events += self._line(self._pending[:-2].decode("latin-1"))
                self._pending.clear()
            elif len(self._pending) >= LONGEST_LINE:
                events += self._refuse("no end of line of an MT-SICS scale")
                self._pending.clear()
        return events

    def _line(self, line: str) -> list[Event]:
        if found := _WEIGHT.fullmatch(line):
            return self._weight(found["status"], found["number"], found["unit"])
        self._agreement.forget()
        if line in _BEYOND:
            return [weighing.weight(NoValue("overload"), _BEYOND[line], "kg", "")]
        if line in _ERRORS:
            return [Trouble("refused", _ERRORS[line])]
        if found := _TEXT.fullmatch(line):
            return [self._identity(found["what"], found["text"])]
        return [] if _ANSWER.fullmatch(line) else self._refuse("a line that is not MT-SICS")

    def _weight(self, status: str, number: str, unit: str) -> list[Event]:
        if unit not in weighing.UNITS:
            return self._refuse("the scale weighs in an unknown unit: set it to kg")
        steadiness = self._agreement.hear((number, unit) if status == "S" else object())
        told = weighing.weight(weighing.person(float(number), unit), number, unit, steadiness)
        return [self._zero.judge(told, steadiness == "locked")]

    def _identity(self, what: str, text: str) -> Identity:
        self._texts[what] = text.strip()
        known = self._texts
        return Identity(known.get("I2") or "MT-SICS scale", known.get("I3"), known.get("I4"))

    def _refuse(self, why: str) -> list[Event]:
        self._agreement.forget()
        return [Trouble("malformed", why)]


class Scale:
    """One MT-SICS scale on one stream: first asked who it is, then for its weight in each silence of `poll_s` s."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "mt-sics"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    shows_empty: ClassVar[bool] = True
    quiet_s: float | None = 5.0
    """The common watchdog of a scale."""

    def __init__(self, *, time_scale: float = 1.0, poll_s: float = 0.3) -> None:
        self._time_scale, self._poll_s = time_scale, poll_s

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Ask and listen; ends by `Unplugged` or by being cancelled. `@` ends what an earlier host had asked for."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        asks = weighing.always(encode("SI"), encode("@"), encode("I2"), encode("I3"))
        await weighing.attend(stream, Decoder(), emit, asks, self._poll_s, weighing.Stillness(self._time_scale))

    async def start(self) -> None:
        """A scale always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
