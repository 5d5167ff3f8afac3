"""A Detecto solo scale with height rod: silent until it is asked by `LF P CR`.

Protocol sheet healthometer-scale, section 7: `Time,Date,BMI,Height,Weight CR`. Our own shapes, not facts: no unit
beside a number, and what stands on the scale is told even while it moves.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.feet import Feet

ASK = b"\nP\r"
POUND_KG, INCH_CM = 0.45359237, 2.54


def line(kg: float, cm: float, index: float, *, imperial: bool = False, clock: str = "10:42,11/27/26") -> bytes:
    """One answer, one decimal each; a height or an index that is not known is 0.0."""
    weight, height = (kg / POUND_KG, cm / INCH_CM) if imperial else (kg, cm)
    return f"{clock},{index:.1f},{height:.1f},{weight:.1f}\r".encode("ascii")


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=151)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = ("stuck-weight", "tipped", "units-key", "no-index", "wrong-index")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._feet = Feet(body)
        self._wrong: set[str] = set()
        self._pending = b""

    def opened(self, now: float) -> None:
        """The scale does not notice."""
        self._feet.look(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """Each request is answered at once."""
        *asked, tail = (self._pending + data).split(ASK)
        self._pending = tail[-2:]
        return [self._answer(now)] * len(asked)

    def produce(self, now: float) -> Frames:
        """It never speaks by itself."""
        self._feet.look(now)
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        if fault in ("stuck-weight", "tipped"):
            self._feet.fail(fault, wrong, now)

    def _answer(self, now: float) -> bytes:
        kg = self._feet.kg(now)
        empty = self._feet.stand(now) == "empty"
        cm = 0.0 if empty else self._body.physiology.height
        index = kg / (cm / 100) ** 2 if cm else 0.0
        if "no-index" in self._wrong:
            index = 0.0
        elif "wrong-index" in self._wrong and index:
            index = index / 2 + 1
        return line(kg, cm, index, imperial="units-key" in self._wrong)
