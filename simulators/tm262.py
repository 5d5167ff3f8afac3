"""A Welch Allyn TM 262 audiometer that its operator has put on "transfer": one test after the other.

Protocol sheet audiometer, A (manual pages 5-4 to 5-13): records of 60 characters, here one for each ear, pushed when
a test is done; nothing is ever asked. A new test has a new sequence digit. XOFF holds the transfer, for 6 s at most.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.listener import Listener, threshold
from simulators.physiology import FREQUENCIES

EAR_S = 40.0
PAUSE_S = 5.0
TEST_S = 2 * EAR_S + PAUSE_S
"""A listener who begins to wait at any time has a whole transfer after at most so long."""
XON, XOFF = 0x11, 0x13
XOFF_S = 6.0
NOT_TESTED = -0x8000
NO_RESPONSE = 300
"""Any of 231 to 450; how the level is coded there is not known (sheet)."""


Level = int | Literal["not-tested"] | None
"""dB HL; None for no response."""


def record(
    sequence: int,
    index: int,
    total: int,
    ear: Literal["left", "right"],
    levels: list[Level],
    *,
    start: str = ":",
    kind: str = "y",
    top_bit: bool = False,
) -> bytes:
    """One ear's record; `levels` for `FREQUENCIES`.

    "Most significant bit = 0": a sum of seven bits, as the manual's text says; whether so is not confirmed, nor
    whether a record starts with "." instead (`top_bit`, `start`).
    """
    side = "01" if ear == "left" else "02"
    coded = "".join(f"{_coded(level) & 0xFFFF:04X}" for level in levels)
    text = f"{start}{kind}{sequence}{index}{total}-----{side}{coded}"
    return f"{text}{sum(text.encode('ascii')) & (0xFF if top_bit else 0x7F):02X}\r\n".encode("ascii")


def _coded(level: Level) -> int:
    if level is None:
        return NO_RESPONSE
    return NOT_TESTED if level == "not-tested" else 2 * int(level)


class Audiometer:
    """The audiometer on the body's ears."""

    kind: ClassVar[str] = "audiometer"
    # A byte of the reserved field: the record stays well formed, its sum no longer fits.
    wear: ClassVar[Wear] = Wear(drop_every=199, spoil_every=3, spoil_at=5)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "retransmission",
        "cut-record",
        "no-response",
        "not-tested",
        "tympanometry",
        "dot-start",
        "eight-bit-checksum",
    )
    """The last two are the other readings of an unclear manual, and no fault of the values."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._tests = 0
        self._wrong: set[str] = set()
        self._waiting: Frames = []
        self._held_since: float | None = None

    def opened(self, now: float) -> None:  # noqa: ARG002
        """The audiometer does not notice."""
        self._held_since = None

    def receive(self, data: bytes, now: float) -> Frames:
        """XOFF and XON; everything else is ignored."""
        for byte in data:
            if byte == XOFF and self._held_since is None:
                self._held_since = now
            elif byte == XON:
                self._held_since = None
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Take one of its own faults, or lose it; the next transfer has it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}

    def produce(self, now: float) -> Frames:
        """Both ears of the test that has just been finished."""
        if now >= (self._tests + 1) * TEST_S - PAUSE_S:
            # Tests that ended while nobody looked are over: only the last one is transferred.
            self._tests = max(self._tests + 1, int((now + PAUSE_S) // TEST_S))
            self._waiting = self._transfer(self._tests)
        if self._held_since is None:
            ready, self._waiting = self._waiting, []
            return ready
        if now - self._held_since > XOFF_S:
            self._waiting = []
        return []

    def _transfer(self, number: int) -> Frames:
        rng = np.random.default_rng((self._body.seed, 262, number))
        digit = number % 10
        person = self._body.physiology
        both = [
            self._record(digit, 1, "left", self._levels(person.left, rng)),
            self._record(digit, 2, "right", self._levels(person.right, rng)),
        ]
        if "cut-record" in self._wrong:
            both[0] = both[0][:37]
        # A host that did not answer in time gets everything again, under the same digit.
        return both * 2 if "retransmission" in self._wrong else both

    def _record(self, digit: int, index: int, ear: Literal["left", "right"], levels: list[Level]) -> bytes:
        return record(
            digit,
            index,
            2,
            ear,
            levels,
            start="." if "dot-start" in self._wrong else ":",
            kind="x" if "tympanometry" in self._wrong else "y",
            top_bit="eight-bit-checksum" in self._wrong,
        )

    def _levels(self, ear: tuple[float, ...], rng: np.random.Generator) -> list[Level]:
        person = self._body.physiology
        if "no-response" in self._wrong:
            return [None] * len(FREQUENCIES)
        found = [threshold(Listener(level, person, rng)) for _, level in zip(FREQUENCIES, ear, strict=True)]
        return ["not-tested" if "not-tested" in self._wrong and n % 2 else level for n, level in enumerate(found)]
