"""Medlab EG01010 in protocol 2: one lead in counts, 115200 baud with even parity, checked blocks.

Source: protocol sheet "Medlab EG01010", protocol 2; the blocks are in `drivers.medlab_frames`. The second byte of a
wave block holds the number of its samples (page 18): it frames the block and does not count blocks, so that only a
damaged block is known to be missing.

Unconfirmed, and said at each opening:
- which value is the pulse: the bit table says F9, the text of page 17 says FA. Neither is told, because the other may
  be the breathing; the heart rate is what the analysis counts on the samples;
- how many counts a millivolt has in each stage of the amplifier;
- which electrodes are off: the text gives bits for them that the table calls undefined.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.events import Event, Identity, Trouble, Wave
from drivers.instrument import Emit
from drivers.medlab_frames import IDENTIFY, Bad, Block, Blocks, Name, Number, Part, Status
from drivers.one_lead import OneLead, Trust
from drivers.stream import Line, Stream

AT_POWER_UP = Status(100, "II", mains=False)
"""What the maker states for a module that nobody has changed."""
ROWS = 4
"""Samples of a block: 40 ms at 100 a second."""
SURE = 20
"""Blocks in a row: the check of a single one has 4 bits."""
UNCONFIRMED = "which value is the pulse, how many counts a millivolt has, and which electrodes are off"
EITHER = "a value that one page of the manual calls the pulse and another the breathing"


class Decoder:
    """Bytes of the module, in any cut -> events; pure.

    `Wave` "ecg" of one channel in counts, 128 being zero, named and timed by the last status block (one a second),
    and until there is one as the maker states for power-up; the flag "mains" is the module's own. `Identity` when
    asked for. Values are not told; the first of them gives a `Trouble("unconfirmed")`.
    """

    def __init__(self) -> None:
        self._blocks = Blocks()
        self.status: Status | None = None
        self._lead = _lead(AT_POWER_UP)
        self._flags: frozenset[str] = frozenset()
        self._warned = False
        self._trust = Trust(SURE)

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for part in self._blocks.feed(data) for event in self._part(part)]

    def flush(self) -> list[Event]:
        """The samples that wait for their block to be full, at the end of a capture."""
        return [*self._trust.flush(), *self._lead.close()]

    def _part(self, part: Part) -> list[Event]:
        if isinstance(part, Bad):
            return self._damaged(part)
        return self._trust.good(self._whole(part))

    def _whole(self, part: Block | Number | Status | Name) -> list[Event]:
        match part:
            case Block(counts):
                silent = self.status is not None and self.status.lead is None
                return [] if silent else self._lead.sample(counts[0], self._flags)
            case Status():
                return self._learn(part)
            case Name(text):
                return [_identity(text)]
            case Number():
                warned, self._warned = self._warned, True
                return [] if warned else [Trouble("unconfirmed", EITHER)]

    def _learn(self, status: Status) -> list[Event]:
        before, self.status = self.status or AT_POWER_UP, status
        self._flags = frozenset({"mains"}) if status.mains else frozenset()
        if (before.rate, before.lead) == (status.rate, status.lead):
            return []
        events = self._lead.close()
        self._lead = _lead(status)
        return events

    def _damaged(self, bad: Bad) -> list[Event]:
        self._trust.bad()
        if not self._trust.sure:
            self._lead, self.status = _lead(AT_POWER_UP), None
            return [Trouble("resync", "bytes that belong to no block", bad.count)]
        if not bad.checked:
            return [*self._lead.hole(None), Trouble("resync", "bytes that belong to no block", bad.count)]
        return [*(self._lead.hole(1) if bad.wave else []), Trouble("checksum")]


def _lead(status: Status) -> OneLead:
    return OneLead(status.lead or "II", float(status.rate), ROWS)


def _identity(text: str) -> Identity:
    """ "EG01010H0S61": the board's name, then its hardware and software version."""
    name, mark, rest = text.partition("H")
    hardware, other, software = rest.partition("S")
    if not (mark and other):
        return Identity(f"Medlab {text}")
    return Identity(f"Medlab {name} H{hardware}", firmware=f"S{software}")


class Ecg:
    """One module on one stream; it sends on its own and is asked who it is. No sample is told before its status."""

    kind: ClassVar[str] = "ecg"
    protocol: ClassVar[str] = "medlab-2"
    line: ClassVar[Line] = Line(115200, parity="E")
    takes: ClassVar[tuple[str, ...]] = ()

    quiet_s: float | None = 2.0
    """A status block comes once a second."""

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen; ends by `Unplugged` or by being cancelled."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        await stream.write(IDENTIFY)
        decoder = Decoder()
        while True:
            for event in decoder.feed(await stream.read()):
                if decoder.status is not None or not isinstance(event, Wave):
                    emit(event)

    async def start(self) -> None:
        """The module always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
