"""A Health o meter 2595KL: a short binary message about once a second while a weight is locked.

Protocol sheet healthometer-scale, section 7: `02`, `80` lb or `82` kg, `D7 E4`, 5 to 7 characters, `0D`. How often it
sends, and only while locked, is taken from its bigger sisters: the sheet does not say.
A scale that was tipped cannot be played: with nobody on it, it says nothing by which that could be known.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.feet import Feet

PERIOD_S = 1.0
POUND_KG = 0.45359237


def message(number: float, unit: str = "kg", *, start: int = 0x02) -> bytes:
    """One reading; a negative one has the marks of a related maker, which are not confirmed."""
    codes = {("kg", False): 0x82, ("lb", False): 0x80, ("kg", True): 0xB2, ("lb", True): 0xB0}
    head = bytes((start, codes[unit, number < 0], 0xD7, 0xE4))
    return head + f"{abs(number):05.1f}".encode("ascii") + b"\x0d"


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=151)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = ("stuck-weight", "unlocked-stream", "units-key", "negative")

    def __init__(self, body: Body) -> None:
        self._feet = Feet(body)
        self._wrong: set[str] = set()
        self._next: float | None = None

    def opened(self, now: float) -> None:
        """The scale does not notice."""
        self._feet.look(now)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """It listens to nothing."""
        self._feet.look(now)
        return []

    def produce(self, now: float) -> Frames:
        """A message a second while the weight is locked, or always."""
        sends = "unlocked-stream" in self._wrong or self._feet.stand(now) == "still"
        due = now if self._next is None else self._next
        if not sends:
            self._next = None
        if not sends or now < due:
            return []
        self._next = due + PERIOD_S * (1 + int((now - due) / PERIOD_S))
        kg = -self._feet.kg(now) if "negative" in self._wrong else self._feet.kg(now)
        return [message(kg / POUND_KG, "lb") if "units-key" in self._wrong else message(kg)]

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        if fault == "stuck-weight":
            self._feet.fail(fault, wrong, now)
