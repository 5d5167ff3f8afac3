"""OpenBCI Cyton board: its packets and commands, pure.

A packet is 33 bytes at 250 a second: `A0`, sample number, 8 channels of 24 bits, 6 auxiliary bytes, `C0`-`C6`. There
is no checksum: a packet counts when its first and last byte fit and the next one begins right behind it. Answers to
commands are text that ends with `$$$`. Source: protocol sheet "OpenBCI Cyton" (OpenBCI_Cyton_Library, brainflow).

The last byte says what the auxiliary bytes are: C0 the accelerometer, C1 three voltages, C2 the user's own, C3 and C4
one axis of the accelerometer with the board's time, C5 and C6 two bytes of something else with it. Unconfirmed: which
pin each voltage of C1 is; none is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.cyton_answers import said
from drivers.events import Event, Trouble, Wave

RESET, BEGIN, STOP, VERSION = b"v", b"b", b"s", b"V"
DEFAULTS, REGISTERS = b"d", b"?"
ASK_RATE, SET_RATE = b"~~", b"~6"
"""Which rate the board is set to; set it to 250 a second, the one that its radio carries."""
TEXT_END = b"$$$"
PACKET_START, PACKET_ENDS = 0xA0, range(0xC0, 0xC7)
PACKET = 33
LONGEST_TEXT = 2048
"""The register listing, the longest answer, stays below it."""

CHANNELS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""What each of the 8 inputs is wired to; the other four leads are computed from I and II."""
RATE = 250.0
ROUND = 256
"""Sample numbers before they begin again."""
MOST_ROUNDS = 60
"""A minute: a stream that was silent for longer was not one stream."""
BLOCK = 10
"""Rows of a whole block: 40 ms, which no eye sees, and a tenth of the events."""
GAINS = {1: "0", 2: "1", 4: "2", 6: "3", 8: "4", 12: "5", 24: "6"}
"""Amplifier gain -> its digit in a channel command."""
ACCELERATION, STAMPED, AXES = 0xC0, range(0xC3, 0xC7), {0xC3, 0xC4}
"""Last bytes of a packet: three axes at once; with the board's time; and of these, with one axis."""
G_PER_COUNT = 0.002 / 16
AXIS_OF = {7: "x", 8: "y", 9: "z"}
"""Sample number modulo 10 -> the axis that a stamped packet carries."""
REFERENCE_MV = 4500.0
FULL_SCALE = 2**23 - 1
RAILS = (FULL_SCALE, -FULL_SCALE - 1)
"""7FFFFF and 800000: the amplifier is at its end, as when the electrode is off."""

_TEXT_BYTES = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


def mv_per_count(gain: int) -> float:
    """Millivolt of one count at `gain`."""
    return REFERENCE_MV / gain / FULL_SCALE


def counts(millivolt: float, gain: int) -> int:
    """The count that the board would send, held at its rails."""
    return max(RAILS[1], min(RAILS[0], round(millivolt / mv_per_count(gain))))


def encode_packet(number: int, channels: Sequence[int], aux: bytes = bytes(6), end: int = 0xC0) -> bytes:
    """One packet: sample number modulo 256, 8 counts, 6 auxiliary bytes, end byte."""
    body = b"".join(count.to_bytes(3, "big", signed=True) for count in channels)
    return bytes([PACKET_START, number & 0xFF]) + body + aux + bytes([end])


def encode_text(text: str) -> bytes:
    """An answer of the board."""
    return text.encode("ascii") + TEXT_END


def encode_channel(channel: int, gain: int, *, bias: bool = True, srb2: bool = False) -> bytes:
    """Command that powers `channel` (1-8) with its normal input.

    Each lead is a difference of its own two inputs, so that `srb2`, the shared reference, is off unless asked for.
    """
    return f"x{channel}0{GAINS[gain]}0{bias:d}{srb2:d}0X".encode("ascii")


def encode_lead_off(channel: int, *, positive: bool, negative: bool) -> bytes:
    """Command that sends 6 nA at 31.2 Hz through the electrodes of `channel` (1-8), to tell one that is off.

    Its result is in no packet: whoever uses it looks for that current in the samples. The driver does not, because it
    would stand in the ECG.
    """
    return f"z{channel}{positive:d}{negative:d}Z".encode("ascii")


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet that fits its frame."""

    number: int
    counts: tuple[int, ...]
    aux: bytes = bytes(6)
    end: int = 0xC0

    @property
    def board_ms(self) -> int | None:
        """The board's time in milliseconds, modulo 2^32; None where the packet has none."""
        return int.from_bytes(self.aux[2:], "big") if self.end in STAMPED else None

    @property
    def acceleration(self) -> dict[str, float]:
        """The axes that the packet carries, in g. The board measures them ten times a second: 0 is also "not now"."""
        if self.end == ACCELERATION:
            fields = (self.aux[at : at + 2] for at in (0, 2, 4))
            return {axis: _signed(field) * G_PER_COUNT for axis, field in zip("xyz", fields, strict=True)}
        axis = AXIS_OF.get(self.number % 10) if self.end in AXES else None
        return {axis: _signed(self.aux[:2]) * G_PER_COUNT} if axis else {}


class Framer:
    """Bytes of the board, in any cut -> packets and texts (without their `$$$`); pure.

    A packet is given when the byte behind it has come; `flush` gives the last one of a stream that has stopped.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._text = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Packet | str | Trouble]:
        """Take bytes; return what they complete."""
        self._pending += data
        found: list[Packet | str | Trouble] = []
        while self._pending:
            if self._pending[0] != PACKET_START:
                found += self._take_text_byte()
            elif len(self._pending) <= PACKET:
                break
            elif self._is_packet() and self._pending[PACKET] == PACKET_START:
                found += self._take_packet()
            else:
                self._slide()
        return found

    def flush(self) -> list[Packet | str | Trouble]:
        """Take what is there as all that comes: a whole packet counts, and a broken one hides nothing behind it."""
        found: list[Packet | str | Trouble] = []
        while self._pending:
            if self._is_packet():
                found += self._take_packet()
            else:
                self._slide()
            found += self.feed(b"")
        return found

    def _is_packet(self) -> bool:
        pending = self._pending
        return len(pending) >= PACKET and pending[0] == PACKET_START and pending[PACKET - 1] in PACKET_ENDS

    def _slide(self) -> None:
        del self._pending[0]
        self._skipped += 1

    def _take_text_byte(self) -> list[str | Trouble]:
        if self._pending[0] not in _TEXT_BYTES:
            self._slide()
            return []
        self._text.append(self._pending.pop(0))
        if self._text.endswith(TEXT_END):
            text = self._text[: -len(TEXT_END)].decode("ascii")
            self._text.clear()
            return [*self._refused(), text]
        if len(self._text) > LONGEST_TEXT:
            self._drop_text()
        return []

    def _take_packet(self) -> list[Packet | Trouble]:
        self._drop_text()
        body = bytes(self._pending[:PACKET])
        del self._pending[:PACKET]
        fields = (body[at : at + 3] for at in range(2, 26, 3))
        return [
            *self._refused(),
            Packet(body[1], tuple(map(_signed, fields)), body[26:32], body[-1]),
        ]

    def _drop_text(self) -> None:
        self._skipped += len(self._text)
        self._text.clear()

    def _refused(self) -> list[Trouble]:
        skipped, self._skipped = self._skipped, 0
        return [Trouble("resync", "bytes that belong to no packet", skipped)] if skipped else []


class Blocks:
    """Packets -> blocks of samples, with the sample index of one stream; pure.

    A `Wave` "ecg" has one column for each of `CHANNELS`, in mV at `gain`, and `BLOCK` rows. A lost packet (a gap of
    the sample number), a change of flags or a text ends it early, so that the flags of a block hold for each row.
    "railed:V3" says that V3 stood at the end of the amplifier's range: the number in that column is that end and no
    voltage of a heart, and must not be analysed or drawn as one.

    A sample number goes round every 256 packets, a little over a second: a longer loss is measured by the board's
    time where packets carry it, and else looks 256 packets shorter. The driver's longest healthy silence is half of
    that.
    """

    def __init__(self, gain: int = 6) -> None:
        self._mv = mv_per_count(gain)
        self._last: Packet | None = None
        self._index = -1
        self._block: list[Packet] = []

    def take(self, found: Sequence[Packet | str | Trouble]) -> list[Event]:
        """Turn what the framer found into events; a text becomes what `said` makes of it."""
        events: list[Event] = []
        for item in found:
            if isinstance(item, Packet):
                events += self._join(item)
            else:
                events += self.close()
                events += said(item) if isinstance(item, str) else [item]
        return events

    def close(self) -> list[Event]:
        """End the block that is being filled."""
        block, self._block = self._block, []
        if not block:
            return []
        rows = tuple(tuple(count * self._mv for count in packet.counts) for packet in block)
        return [Wave("ecg", self._index + 1 - len(block), RATE, "mV", CHANNELS, rows, _railed(block[0]))]

    def _join(self, packet: Packet) -> list[Event]:
        lost = 0 if self._last is None else _lost(self._last, packet)
        differs = bool(self._block) and _railed(packet) != _railed(self._block[-1])
        events = self.close() if lost or differs else []
        if lost:
            events.append(Trouble("lost-samples", "packets did not arrive", lost))
        self._last = packet
        self._index += 1 + lost
        self._block.append(packet)
        return events + (self.close() if len(self._block) == BLOCK else [])


class Decoder:
    """Bytes of the board, in any cut -> events; pure: `Framer` and `Blocks` together."""

    def __init__(self, gain: int = 6) -> None:
        self._framer = Framer()
        self._blocks = Blocks(gain)

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return self._blocks.take(self._framer.feed(data))

    def flush(self) -> list[Event]:
        """Return what the end of a stream or a capture completes: its last packet and block."""
        return self._blocks.take(self._framer.flush()) + self._blocks.close()


def _lost(before: Packet, packet: Packet) -> int:
    """Packets that did not arrive between two: by their numbers, and whole rounds of them by the board's time."""
    lost = (packet.number - before.number - 1) % ROUND
    if before.board_ms is None or packet.board_ms is None:
        return lost
    passed = (packet.board_ms - before.board_ms) % 2**32 * RATE / 1000
    rounds = round((passed - 1 - lost) / ROUND)
    # A board that was started anew has another time: that is no loss of hours.
    return lost + ROUND * rounds if 0 <= rounds <= MOST_ROUNDS else lost


def _signed(field: bytes) -> int:
    return int.from_bytes(field, "big", signed=True)


def _railed(packet: Packet) -> frozenset[str]:
    pairs = zip(CHANNELS, packet.counts, strict=True)
    return frozenset(f"railed:{channel}" for channel, count in pairs if count in RAILS)
