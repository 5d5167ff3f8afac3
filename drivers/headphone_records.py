"""What a sound card, its microphone and the response button say to their driver, as bytes; pure.

Samples go out bare. What comes back are records, the same from a real card (`drivers.sound_stream` makes them) and
from a simulated one: `A5 type length payload crc`, all little-endian, the length as 16 bits, the CRC-16 (polynomial
1021, from 0) over type, length and payload. Frames are 64 bits and count from the opening of the card, at 48 kHz.

| type | payload |
|---|---|
| `C` | frames: now, began, ended (all ones while it plays); underruns as 32 bits. Ten times a second or more |
| `P`, `R` | frame at which the button was pressed, released |
| `N` | frame, then the room's third-octave level around each of `TONES`, tenths of a dB re full scale, 16 bits each |

Of the microphone there are levels and nothing else: what is said in the room never leaves the card's stream.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Mapping
from math import log10

from drivers.events import ButtonPress, CardTime, Event, NoValue, RoomNoise, Trouble, Value
from drivers.phones import TONES
from drivers.tones import RATE

SYNC = 0xA5
CARD, PRESSED, RELEASED, NOISE = b"CPRN"
HEAD, TAIL = 4, 2
PLAYING = 2**64 - 1
NO_LEVEL = -32768
LENGTHS = {CARD: 28, PRESSED: 8, RELEASED: 8, NOISE: 8 + 2 * len(TONES)}
"""Type -> bytes of its payload."""
_CARD = struct.Struct("<QQQI")
_FRAME = struct.Struct("<Q")
_LEVELS = struct.Struct(f"<{len(TONES)}h")
FEWEST_SAMPLES = 4096
"""Fewer samples of a microphone tell nothing of a low band."""


def record(kind: int, payload: bytes) -> bytes:
    """One record."""
    body = struct.pack("<BH", kind, len(payload)) + payload
    return bytes([SYNC]) + body + struct.pack("<H", binascii.crc_hqx(body, 0))


def card_record(now: int, began: int, ended: int | None, underruns: int) -> bytes:
    """Where the card is, in frames."""
    return record(CARD, _CARD.pack(now, began, PLAYING if ended is None else ended, underruns))


def button_record(frame: int, down: bool) -> bytes:
    """The button went down or up."""
    return record(PRESSED if down else RELEASED, _FRAME.pack(frame))


def noise_record(frame: int, levels: Mapping[int, Value]) -> bytes:
    """How loud the room was around each tone from `frame` on, dB re the microphone's full scale."""
    tenths = (NO_LEVEL if isinstance(each := levels[hz], NoValue) else round(each * 10) for hz in TONES)
    return record(NOISE, _FRAME.pack(frame) + _LEVELS.pack(*tenths))


class Decoder:
    """Records to events; bytes that belong to none are skipped and counted."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Event]:
        """See `drivers.instrument.Codec`."""
        self._kept += data
        events: list[Event] = []
        at = 0
        while (size := self._size(at)) is not None:
            if size and len(self._kept) - at < size:
                break
            if not size or not self._fits(at, size):
                if size:
                    events.append(Trouble("checksum", "a record of the sound card was damaged"))
                at, self._skipped = at + 1, self._skipped + 1
                continue
            if self._skipped:
                events.append(Trouble("resync", "bytes that belong to no record", self._skipped))
                self._skipped = 0
            events.append(_event(self._kept[at + 1], bytes(self._kept[at + HEAD : at + size - TAIL])))
            at += size
        del self._kept[:at]
        return events

    def _size(self, at: int) -> int | None:
        """Bytes of the record that may begin at `at`; 0 where none does, None where that is not known yet."""
        left = self._kept[at : at + HEAD]
        if not left:
            return None
        if left[0] != SYNC or (len(left) > 1 and left[1] not in LENGTHS):
            return 0
        if len(left) < HEAD:
            return None
        length = left[2] | left[3] << 8
        return HEAD + length + TAIL if length == LENGTHS[left[1]] else 0

    def _fits(self, at: int, size: int) -> bool:
        body = self._kept[at + 1 : at + size - TAIL]
        return binascii.crc_hqx(body, 0).to_bytes(2, "little") == self._kept[at + size - TAIL : at + size]


def _event(kind: int, payload: bytes) -> Event:
    if kind == CARD:
        now, began, ended, underruns = _CARD.unpack(payload)
        return CardTime(now / RATE, began / RATE, None if ended == PLAYING else ended / RATE, underruns)
    (frame,) = _FRAME.unpack_from(payload)
    if kind == NOISE:
        tenths = _LEVELS.unpack_from(payload, _FRAME.size)
        levels = {hz: _level(each) for hz, each in zip(TONES, tenths, strict=True)}
        return RoomNoise(frame / RATE, levels, frozenset({"uncalibrated"}))
    return ButtonPress(frame / RATE, kind == PRESSED)


def _level(tenths: int) -> Value:
    return NoValue("missing") if tenths == NO_LEVEL else tenths / 10


def bands(samples: bytes) -> Mapping[int, Value]:
    """Third-octave levels of 16-bit mono around each tone, dB re a full-scale sine.

    A microphone that gives the same number all along is not a silent room, and too few samples tell nothing.
    """
    import numpy as np

    wave = np.frombuffer(samples, "<i2") / 32768.0
    if len(wave) < FEWEST_SAMPLES or np.ptp(wave) == 0:
        return dict.fromkeys(TONES, NoValue("missing"))
    window = np.hanning(len(wave))
    power = np.abs(np.fft.rfft((wave - wave.mean()) * window)) ** 2 * 2 / (len(wave) * np.sum(window**2))
    hz = np.fft.rfftfreq(len(wave), 1 / RATE)
    inside = {tone: (hz >= tone / 2 ** (1 / 6)) & (hz < tone * 2 ** (1 / 6)) for tone in TONES}
    return {tone: _decibels(2 * float(power[band].sum())) for tone, band in inside.items()}


def _decibels(power: float) -> Value:
    return round(10 * log10(power), 1) if power > 0 else NoValue("missing")
