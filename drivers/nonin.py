"""Nonin OEM III, Xpod, 9560 and 3150 pulse oximeters: which of their five serial formats is spoken, and the driver.

Protocol sheet nonin, sections 1 and 7. The device pushes and says no hello, so its format is found in its bytes: by
framing and checksum for 2, 7 and 13, by several frames in a row that agree for 1 and 8, which have no checksum. The
decoders of the formats are in `nonin_packets`, `nonin_seconds` and `nonin_spots`, the commands in `nonin_commands`.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from drivers.events import Event, Trouble
from drivers.instrument import Codec, Emit
from drivers.nonin_commands import GET_CLOCK, GET_SERIAL, answer_at_end
from drivers.nonin_frames import FORMAT_2, FORMAT_7, FRAME, Layout
from drivers.nonin_packets import Format2, Format7
from drivers.nonin_seconds import FORMAT_1, FORMAT_8, Format1, Format8
from drivers.nonin_spots import Format13, decode_packet, packet_at_end
from drivers.stream import Line, Stream

PROOF = 12
"""Good frames in a row, one and only one of them marked SYNC, that prove format 2 or 7."""
PATIENCE = 750
"""Bytes (2 s of format 7) in which no format is found before the decoder says so and forgets them."""
KEPT = 100
"""Bytes kept of those: more than any proof needs."""
BLOCK, BARREN = 125, 8
"""A format is given up after so many blocks in a row, of so many bytes, that gave nothing but trouble."""

DECODER: dict[int, type[Codec]] = {1: Format1, 2: Format2, 7: Format7, 8: Format8, 13: Format13}


def format_of(tail: bytes | bytearray) -> int | None:
    """The format that is proved by what ends with the last byte of `tail`, or None."""
    for layout in (FORMAT_7, FORMAT_2):
        if _packets_end(layout, tail):
            return layout.form
    for short in (FORMAT_1, FORMAT_8):
        if short.ends(tail):
            return short.form
    packet = packet_at_end(tail)
    return 13 if packet is not None and decode_packet(packet) is not None else None


def _packets_end(layout: Layout, tail: bytes | bytearray) -> bool:
    begin = len(tail) - PROOF * FRAME
    if begin < 0 or not layout.valid(tail[-FRAME:]):
        return False
    frames = [tail[at : at + FRAME] for at in range(begin, len(tail), FRAME)]
    return all(layout.valid(frame) for frame in frames) and sum(layout.synced(frame) for frame in frames) == 1


class Decoder:
    """Bytes of any of the five formats, in any cut -> the events of its own decoder; pure.

    Until a format is proved its bytes are kept, and then given to the format's decoder, so that nothing is lost; that
    decoder's `Identity` names the format. A format that stays barren is given up and looked for again.
    """

    def __init__(self) -> None:
        self._heard = bytearray()
        self._decoder: Codec | None = None
        self._room = BLOCK
        """Bytes that the current block can still take."""
        self._fruitful = False
        self._barren = 0
        self.form: int | None = None
        """The maker's number of the format; None while it is looked for."""

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        at = 0
        while at < len(data):
            if self._decoder is None:
                piece = data[at : at + 1]
                events += self._search(piece)
            else:
                piece = data[at : at + self._room]
                events += self._follow(self._decoder, piece)
            at += len(piece)
        return events

    def flush(self) -> list[Event]:
        """What the decoder of the format still holds, at the end of a capture."""
        return self._decoder.flush() if isinstance(self._decoder, Format7) else []

    def _search(self, byte: bytes) -> list[Event]:
        self._heard += byte
        if answer := answer_at_end(self._heard):
            del self._heard[-answer[1] :]
            return [answer[0]]
        self.form = format_of(self._heard)
        if self.form is not None:
            heard = bytes(self._heard)
            self._heard.clear()
            self._decoder, self._room, self._barren = DECODER[self.form](), BLOCK, 0
            return self._decoder.feed(heard)
        if len(self._heard) < PATIENCE + KEPT:
            return []
        del self._heard[:PATIENCE]
        return [Trouble("resync", "none of the formats 1, 2, 7, 8 and 13: check the port and the device", PATIENCE)]

    def _follow(self, decoder: Codec, data: bytes) -> list[Event]:
        events = decoder.feed(data)
        self._fruitful |= any(not isinstance(event, Trouble) for event in events)
        self._room -= len(data)
        return events if self._room else [*events, *self._end_block()]

    def _end_block(self) -> list[Event]:
        self._room = BLOCK
        self._barren = 0 if self._fruitful else self._barren + 1
        self._fruitful = False
        return self.forget() if self._barren >= BARREN else []

    def forget(self) -> list[Event]:
        """Whoever is heard next may speak another format: it is looked for anew."""
        self._heard.clear()
        if self._decoder is None:
            return []
        gone = Trouble("lost-samples", f"format {self.form} is heard no more: the sample index starts again")
        events = [*self.flush(), gone]
        self._decoder, self.form = None, None
        return events


SILENCES = 2
"""Its format is forgotten when nothing of it was heard for so many of the longest healthy silences."""
QUIET_S: dict[int | None, float | None] = {None: 5.0, 1: 3.0, 2: 1.0, 7: 1.0, 8: 3.0, 13: None}
"""Format -> the longest healthy silence, in seconds: a frame or two of it, or the time to recognise one."""


class Oximeter:
    """One oximeter on one stream; it sends on its own.

    Only a device that sends format 13, and so belongs to the 9560 family, is asked anything: what its clock shows and
    its serial number, at once, because it listens for 5 s only.
    """

    kind: ClassVar[str] = "oximeter"
    protocol: ClassVar[str] = "nonin"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self._decoder = Decoder()

    @property
    def quiet_s(self) -> float | None:
        """Sheet section 7: 1 s with a waveform; longer for one frame a second; a spot check comes when it comes."""
        return QUIET_S[self._decoder.form]

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen; ends by `Unplugged` or by being cancelled."""
        self._decoder = Decoder()
        asked, heard_at = False, asyncio.get_running_loop().time()
        while True:
            events = await self._hear(stream, heard_at)
            for event in events:
                emit(event)
            if self._decoder.form is None or any(not isinstance(event, Trouble) for event in events):
                heard_at = asyncio.get_running_loop().time()
            if self._decoder.form == 13 and not asked:
                asked = True
                emit(Trouble("unconfirmed", "whether a packet of format 13 must be acknowledged"))
                await stream.write(GET_CLOCK + GET_SERIAL)

    async def _hear(self, stream: Stream, since: float) -> list[Event]:
        """What comes next; after a long silence since `since`, the device may speak another format from now on."""
        quiet = None if self._decoder.form is None else QUIET_S[self._decoder.form]
        try:
            async with asyncio.timeout_at(None if quiet is None else since + SILENCES * quiet):
                return self._decoder.feed(await stream.read())
        except TimeoutError:
            return self._decoder.forget()

    async def start(self) -> None:
        """An oximeter always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
