"""An A&D scale in command mode: it answers Q at once, S as soon as the weight is stable, and obeys Z.

Protocol sheet healthometer-scale, section 7: lines of 17 characters. What Z answers is not in the sheet: nothing.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.feet import Feet

MOST_KG = 250.0
BEYOND = "9999999E+19"


def line(header: str, number: float, unit: str = " kg", decimals: int = 2) -> bytes:
    """ST, US or QT, a sign and eight digits, a unit of three characters."""
    digits = f"{abs(number):08.{decimals}f}"
    return f"{header},{'-' if number < 0 else '+'}{digits}{unit}\r\n".encode("ascii")


def beyond(sign: str) -> bytes:
    """More than the scale can weigh, or less than nothing."""
    return f"OL,{sign}{BEYOND}\r\n".encode("ascii")


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=151)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "stuck-weight",
        "tipped",
        "unstable",
        "overload",
        "underload",
        "units-key",
        "counting",
    )

    def __init__(self, body: Body) -> None:
        self._feet = Feet(body)
        self._wrong: set[str] = set()
        self._pending = b""
        self._wanted = 0

    def opened(self, now: float) -> None:
        """The scale does not notice."""
        self._feet.look(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """Commands end with CR LF; one it does not know is answered by an error."""
        *commands, tail = (self._pending + data).split(b"\r\n")
        self._pending = tail[-16:]
        return [frame for command in commands for frame in self._obey(command, now)]

    def produce(self, now: float) -> Frames:
        """What was asked for when the weight is stable."""
        if not self._wanted or not self._stable(now):
            return []
        wanted, self._wanted = self._wanted, 0
        return [self._weight(now)] * wanted

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        if fault in ("stuck-weight", "tipped"):
            self._feet.fail(fault, wrong, now)

    def _obey(self, command: bytes, now: float) -> Frames:
        if command == b"Q":
            return [self._weight(now)]
        if command == b"S":
            self._wanted += 1
            return self.produce(now)
        if command == b"Z":
            self._feet.zero(now)
            return []
        return [b"EC,E01\r\n"]

    def _stable(self, now: float) -> bool:
        return "unstable" not in self._wrong and self._feet.stand(now) != "moving"

    def _weight(self, now: float) -> bytes:
        kg = self._feet.kg(now)
        if "overload" in self._wrong or kg > MOST_KG:
            return beyond("+")
        if "underload" in self._wrong:
            return beyond("-")
        if "counting" in self._wrong:
            return line("QT", round(kg * 10), " PC", 0)
        header = "ST" if self._stable(now) else "US"
        shaken = 0.3 * (now % 1.0) if "unstable" in self._wrong else 0.0
        if "units-key" in self._wrong:
            return line(header, round((kg + shaken) / 0.45359237, 1), " lb")
        return line(header, round(kg + shaken, 1))
