"""Welch Allyn TM 262: hearing thresholds, one ear a record, sent when the operator presses the transfer button.

Source: the maker's manual, revision 4/11/08, pages 5-4 to 5-13, as the protocol sheet gives it. A record is 60
characters: start, type, sequence, index, total, reserved, ear, 11 thresholds, checksum, CR LF. Two points of the
manual are unclear, and both readings are accepted: the start character (":" or ".") and whether the checksum keeps
its top bit. How the level that was presented is coded in a "no response" is unconfirmed too: none is given. No
request by the host is documented: nothing is ever sent.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import ClassVar, Literal

from drivers.events import Event, HearingRecord, NoValue, Trouble, Value
from drivers.instrument import Emit
from drivers.stream import Line, Stream

RECORD = 60
SEQUENCE = 2
"""Index of the sequence digit in a record."""
STARTS = b":."
AUDIOMETRY, TYMPANOMETRY = "y", "x"
FREQUENCIES = (125, 250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
NOT_TESTED = 0x8000
NO_RESPONSE = range(231, 451)
"""Raw values that say "no response". How they hold the level that was presented is not documented: none is given."""
RAW_LEVELS = range(-40, 231)
"""Twice the levels that are believed, -20 to 115 dB HL. The upper end is where `NO_RESPONSE` begins, the lower one
is ours: no audiometer of this class presents less."""

Ear = Literal["left", "right"]
EARS: Mapping[int, Ear] = {1: "left", 2: "right"}

MOST_RECORDS = 8
"""Records of one transfer."""
UNCONFIRMED = "the start character and the checksum of this audiometer, and the level of a tone without response"

_FLOW_CONTROL = b"\x11\x13"
_LAYOUT = re.compile(
    r"[:.](?P<type>.)(?P<sequence>[0-9])(?P<index>[1-8])(?P<total>[1-8]).{5}"
    r"(?P<ear>[0-9A-Fa-f]{2})(?P<levels>[0-9A-Fa-f]{44})(?P<checksum>[0-9A-Fa-f]{2})\r\n",
    re.DOTALL,
)


def encode_record(
    ear: Ear,
    raw: tuple[int, ...],
    *,
    sequence: int = 0,
    index: int = 1,
    total: int = 1,
    start: str = ":",
    top_bit: bool = False,
) -> bytes:
    """One record; `raw` are 11 values of twice the dB HL, or the codes `NOT_TESTED` and `NO_RESPONSE`."""
    side = next(bit for bit, name in EARS.items() if name == ear)
    levels = "".join(f"{value & 0xFFFF:04X}" for value in raw)
    body = f"{start}{AUDIOMETRY}{sequence}{index}{total}-----{side:02X}{levels}".encode("ascii")
    return body + f"{sum(body) & (0xFF if top_bit else 0x7F):02X}\r\n".encode("ascii")


class Decoder:
    """Characters of the audiometer, in any cut -> events; pure.

    A record with the content of another one of the same sequence digit is its retransmission, and is not told twice,
    be the whole transfer sent again. A flag "no-response:4000:300" keeps the raw value of a frequency that had none.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0
        self._told: deque[bytes] = deque(maxlen=MOST_RECORDS)
        """Records of the newest sequence digit."""

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for byte in data for event in self._take(byte)]

    def _take(self, byte: int) -> list[Event]:
        if byte in _FLOW_CONTROL:
            return []
        if byte in STARTS:
            # Neither start character occurs inside a record: the one before was cut short.
            self._skipped += len(self._pending)
            self._pending.clear()
        elif not self._pending:
            self._skipped += 1
            return []
        self._pending.append(byte)
        ended = len(self._pending) == RECORD or self._pending.endswith(b"\r\n")
        return self._complete() if ended else []

    def _complete(self) -> list[Event]:
        record = bytes(self._pending)
        self._pending.clear()
        skipped, self._skipped = self._skipped, 0
        before: list[Event] = [Trouble("resync", "characters that belong to no record", skipped)] if skipped else []
        if record in self._told:
            return before
        event = decode_record(record)
        if isinstance(event, HearingRecord):
            if self._told and self._told[-1][SEQUENCE] != record[SEQUENCE]:
                self._told.clear()
            self._told.append(record)
        return [*before, event]


def decode_record(record: bytes) -> HearingRecord | Trouble:
    """One record of 60 characters, or why it is refused."""
    found = _LAYOUT.fullmatch(record.decode("latin-1"))
    if found is None:
        return Trouble("malformed", "a record does not have the layout of the manual")
    if int(found["checksum"], 16) not in (total := sum(record[:56]) & 0xFF, total & 0x7F):
        return Trouble("checksum", "a record was damaged")
    if found["type"] != AUDIOMETRY:
        return Trouble("refused", "a record of another kind than audiometry")
    ear = EARS.get(int(found["ear"], 16))
    index, count = int(found["index"]), int(found["total"])
    if ear is None or index > count:
        return Trouble("malformed", "a record names no single ear, or more records than there are")
    raw = {hz: int(found["levels"][at : at + 4], 16) for hz, at in zip(FREQUENCIES, range(0, 44, 4), strict=True)}
    flags = frozenset(f"no-response:{hz}:{value}" for hz, value in raw.items() if value in NO_RESPONSE)
    thresholds = {hz: _level(value) for hz, value in raw.items()}
    return HearingRecord(ear, thresholds, int(found["sequence"]), index, count, flags)


def _level(raw: int) -> Value:
    """dB HL of one raw value."""
    if raw == NOT_TESTED:
        return NoValue("not-tested")
    if raw in NO_RESPONSE:
        return NoValue("no-response")
    signed = raw - 0x10000 if raw > 0x7FFF else raw
    return signed / 2 if signed in RAW_LEVELS else NoValue("out-of-range")


class Audiometer:
    """One TM 262 on one stream: it is silent until somebody presses its transfer button."""

    kind: ClassVar[str] = "audiometer"
    protocol: ClassVar[str] = "tm262"
    line: ClassVar[Line] = Line(9600, stop=2)
    takes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self._decoder = Decoder()

    @property
    def quiet_s(self) -> float | None:
        """None: this instrument speaks only when asked by hand."""
        return None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen until the stream ends or it is cancelled."""
        self._decoder = Decoder()
        emit(Trouble("unconfirmed", UNCONFIRMED))
        while True:
            data = await stream.read()
            for event in self._decoder.feed(data):
                emit(event)

    async def start(self) -> None:
        """Wait for a new person's records: one that equals the last person's is no retransmission of it."""
        self._decoder = Decoder()

    async def stop(self) -> None:
        """Nothing to stop: it only listens."""
