"""Health o meter 2595KL and its baby scales: a short binary message -> weight.

Source: Pelstar "Communication Protocols" REV 20230711, as the protocol sheet healthometer-scale gives it (section 7):
2400 baud 8N1, `02` or `01`, `80` lb or `82` kg, `D7 E4`, 5 to 7 characters of a number, `0D`. There is no checksum.
Unconfirmed: what tells `01` from `02`, whether `B0` and `B2` are a negative weight (a related maker's are; no weight
is taken from them), and when the scale sends: nothing is ever asked, and silence is normal.
"""

from __future__ import annotations

import re
from typing import ClassVar

from drivers import weighing
from drivers.events import Event, NoValue, Trouble
from drivers.instrument import Emit
from drivers.stream import Line, Stream

STARTS = (0x02, 0x01)
UNITS = {0x80: "lb", 0x82: "kg", 0xB0: "lb", 0xB2: "kg"}
NEGATIVE = (0xB0, 0xB2)
MARK = b"\xd7\xe4"
HEAD, SHORTEST, LONGEST = 4, 5, 7
LIGHTEST_KG = 2.0
"""A newborn on the baby scale."""
UNCONFIRMED = "when this short-form scale sends, and how it writes a negative weight"

_NUMBER = re.compile(rb"[0-9]+(\.[0-9]+)?")


def encode_message(number: str, unit: int = 0x82, start: int = 0x02) -> bytes:
    """One message as the scale sends it; `number` is the text on its display."""
    return bytes((start, unit)) + MARK + number.encode("ascii") + b"\r"


class Decoder:
    """Bytes of the scale, in any cut -> events; pure.

    Each message gives one `Reading` of weight in kg, "locked" when the message before it was the same, else
    "settling". Bytes that begin no message are skipped, and told of once before the next message.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0
        self._agreement = weighing.Agreement()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        self._pending += data
        events: list[Event] = []
        while self._pending:
            if not _may_begin(self._pending):
                self._slide()
            elif (end := self._pending.find(b"\r", HEAD, HEAD + LONGEST + 1)) >= 0:
                events += self._message(bytes(self._pending[:end]))
                del self._pending[: end + 1]
            elif len(self._pending) > HEAD + LONGEST:
                self._slide()
            else:
                break
        return events

    def _slide(self) -> None:
        del self._pending[0]
        self._skipped += 1
        self._agreement.forget()

    def _message(self, message: bytes) -> list[Event]:
        skipped, self._skipped = self._skipped, 0
        before: list[Event] = [Trouble("resync", "bytes that belong to no message", skipped)] if skipped else []
        number, unit = message[HEAD:], UNITS[message[1]]
        if not SHORTEST <= len(number) <= LONGEST or not _NUMBER.fullmatch(number):
            self._agreement.forget()
            return [*before, Trouble("malformed", "a message without a number of 5 to 7 characters")]
        shown = number.decode("ascii")
        kg = weighing.person(float(shown), unit, LIGHTEST_KG)
        value = NoValue("out-of-range") if message[1] in NEGATIVE else kg
        return [*before, weighing.weight(value, shown, unit, self._agreement.hear(message[1:]))]


def _may_begin(pending: bytearray) -> bool:
    """Whether these bytes are a message, or its beginning."""
    fits = (pending[0] in STARTS, len(pending) < 2 or pending[1] in UNITS, MARK.startswith(pending[2:HEAD]))
    return all(fits)


class Scale:
    """One such scale on one stream; it only listens."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "healthometer-2595kl"
    line: ClassVar[Line] = Line(2400)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    quiet_s: float | None = None
    """When it sends is unconfirmed: silence is normal."""

    def __init__(self, *, time_scale: float = 1.0) -> None:
        self._time_scale = time_scale

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen; ends by `Unplugged` or by being cancelled."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        await weighing.attend(stream, Decoder(), emit, iter(()), 1.0, weighing.Stillness(self._time_scale))

    async def start(self) -> None:
        """A scale always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
