"""A Health o meter 600KL with its digital height rod, set to metric units.

Protocol sheet healthometer-scale: a message led by ESC letters about once a second while a weight is locked, nothing
while it is not; `ESC R ESC E` asks for a reading, which is 0.0 on an empty scale. No checksum.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear

REQUEST = b"\x1bR\x1bE"
LOCK_S = 2.0
"""Standing still for so long locks the weight."""
PERIOD_S = 1.0


def message(weight: float, height: float) -> bytes:
    """One reading in kg and cm, one decimal each; a height or index that is not known is 0.0."""
    index = weight / (height / 100) ** 2 if height else 0.0
    return f"\x1bR\x1bI0000000000\x1bW{weight:.1f}\x1bH{height:.1f}\x1bB{index:.1f}\x1bNm\x1bE".encode("ascii")


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=251)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = ()

    def __init__(self, body: Body) -> None:
        self._body = body
        self._pending = b""
        self._asked = False
        self._stood_at: float | None = None
        self._next = 0.0

    def opened(self, now: float) -> None:
        """The scale does not notice."""

    def receive(self, data: bytes, now: float) -> Frames:
        """A request is answered at once by an empty scale, and as soon as the weight is locked by a loaded one."""
        *requests, tail = (self._pending + data).split(REQUEST)
        self._pending = tail[-3:]
        self._look(now)
        if not requests:
            return []
        if self._stood_at is None:
            return [message(0.0, 0.0)] * len(requests)
        self._asked = True
        return self._answer(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """It has no faults of its own."""

    def produce(self, now: float) -> Frames:
        """A message a second while the weight is locked."""
        self._look(now)
        answers = self._answer(now)
        if not self._locked(now) or now < self._next:
            return answers
        self._next += PERIOD_S * (1 + int((now - self._next) / PERIOD_S))
        return [*answers, self._reading()]

    def _look(self, now: float) -> None:
        """See whether somebody stepped on or off."""
        if not self._body.presence.on_scale:
            self._stood_at, self._asked = None, False
        elif self._stood_at is None:
            self._stood_at = now
            self._next = now + LOCK_S

    def _locked(self, now: float) -> bool:
        return self._stood_at is not None and now - self._stood_at >= LOCK_S

    def _answer(self, now: float) -> Frames:
        if not self._asked or not self._locked(now):
            return []
        self._asked = False
        return [self._reading()]

    def _reading(self) -> bytes:
        return message(self._body.physiology.weight, self._body.physiology.height)
