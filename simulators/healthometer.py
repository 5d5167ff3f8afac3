"""A Health o meter 600KL with its digital height rod.

Protocol sheet healthometer-scale: a message led by ESC letters about once a second while a weight is locked, nothing
while it is not; `ESC R ESC E` asks for a reading, which is 0.0 on an empty scale. No checksum. Its own faults are the
sheet's traps: firmware that streams all the time, with a weight of zero or a garbage height; a weight that is stuck,
or wrong after the scale was tipped; the units key; `6R` in place of `ESC R`; the codes of table 8-1.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.feet import LOCK_S as LOCK_S
from simulators.feet import Feet

REQUEST = b"\x1bR\x1bE"
PERIOD_S = 1.0
POUND_KG, INCH_CM = 0.45359237, 2.54
CODES = {"overload": "999.9", "converter-failure": "E06", "reference-failure": "E07", "overload-code": "E10"}
"""Fault -> what stands in the place of the weight."""


def message(weight: float, height: float, *, imperial: bool = False, start: str = "\x1bR") -> bytes:
    """One reading of kg and cm, one decimal each; a height or index that is not known is 0.0."""
    index = weight / (height / 100) ** 2 if height else 0.0
    if imperial:
        weight, height = weight / POUND_KG, height / INCH_CM
    return _written(f"{weight:.1f}", f"{height:.1f}", f"{index:.1f}", "c" if imperial else "m", start)


def _written(weight: str, height: str, index: str, letter: str, start: str = "\x1bR") -> bytes:
    fields = (("I", "0000000000"), ("W", weight), ("H", height), ("B", index), ("N", letter))
    return (start + "".join(f"\x1b{name}{text}" for name, text in fields) + "\x1bE").encode("ascii")


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=251)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "stuck-weight",
        "tipped",
        "unlocked-stream",
        "garbage-height",
        "units-key",
        "prefix-6r",
        *CODES,
    )

    def __init__(self, body: Body) -> None:
        self._body = body
        self._feet = Feet(body)
        self._rng = np.random.default_rng((body.seed, 600))
        self._wrong: set[str] = set()
        self._pending = b""
        self._asked = False
        self._next: float | None = None

    def opened(self, now: float) -> None:
        """The scale does not notice."""
        self._feet.look(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """A request is answered at once by an empty scale, and as soon as the weight is locked by a loaded one."""
        *requests, tail = (self._pending + data).split(REQUEST)
        self._pending = tail[-3:]
        self._feet.look(now)
        if not requests:
            return []
        if self._feet.stand(now) == "empty":
            return [self._reading(now)] * len(requests)
        self._asked = True
        return self._answer(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        if fault in ("stuck-weight", "tipped"):
            self._feet.fail(fault, wrong, now)

    def produce(self, now: float) -> Frames:
        """A message a second while the weight is locked; some firmware, always."""
        if self._feet.stand(now) == "empty":
            self._asked = False
        answers = self._answer(now)
        if not self._streams(now):
            self._next = None
            return answers
        due = now if self._next is None else self._next
        if now < due:
            return answers
        self._next = due + PERIOD_S * (1 + int((now - due) / PERIOD_S))
        return [*answers, self._reading(now)]

    def _streams(self, now: float) -> bool:
        return bool(self._wrong & {"unlocked-stream", "garbage-height"}) or self._feet.stand(now) == "still"

    def _answer(self, now: float) -> Frames:
        if not self._asked or self._feet.stand(now) != "still":
            return []
        self._asked = False
        return [self._reading(now)]

    def _reading(self, now: float) -> bytes:
        height = 0.0 if self._feet.stand(now) == "empty" else self._body.physiology.height
        if "garbage-height" in self._wrong:
            height = float(self._rng.uniform(20.0, 230.0))
        start = "6R" if "prefix-6r" in self._wrong else "\x1bR"
        imperial = "units-key" in self._wrong
        for fault in CODES:
            if fault in self._wrong:
                return _written(CODES[fault], "0.0", "0.0", "c" if imperial else "m", start)
        return message(self._feet.kg(now), height, imperial=imperial, start=start)
