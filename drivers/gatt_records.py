"""A Bluetooth LE connection as bytes: records `characteristic u16 | length u16 | value | crc u16`, little-endian.

The radio delivers whole characteristic values; this house hands on bytes, so that the black box, `cabin decode` and
the replay treat a Bluetooth instrument as any other. The framing is this house's own. The radio checks each packet
(CRC-24) and has it repeated; the record keeps that worth (CRC CCITT from 0, over all before it), because most values
are sent once and cannot be compared with a second one. What is no record of a known characteristic is slid over.
"""

from __future__ import annotations

from binascii import crc_hqx

HEADER, CRC = 4, 2

SETTLED = 0xFFFE
"""No characteristic: the stream's own word that all is subscribed to, and what had waited in a memory has come."""

TEMPERATURE, TEMPERATURE_TYPE, INTERMEDIATE_TEMPERATURE = 0x2A1C, 0x2A1D, 0x2A1E
PRESSURE, CUFF_PRESSURE = 0x2A35, 0x2A36
SPOT_OXIMETRY, CONTINUOUS_OXIMETRY = 0x2A5E, 0x2A5F
HEART_RATE = 0x2A37
WEIGHT = 0x2A9D
DATE_TIME, CURRENT_TIME = 0x2A08, 0x2A2B
BATTERY = 0x2A19
MODEL, SERIAL, FIRMWARE, HARDWARE, SOFTWARE, MAKER = 0x2A24, 0x2A25, 0x2A26, 0x2A27, 0x2A28, 0x2A29

LONGEST_TEXT = 64
"""Of a name in the Device Information service; what is longer is cut by whoever writes the record."""

LENGTHS: dict[int, tuple[int, int]] = {
    SETTLED: (0, 0),
    TEMPERATURE: (5, 13),
    TEMPERATURE_TYPE: (1, 1),
    INTERMEDIATE_TEMPERATURE: (5, 13),
    PRESSURE: (7, 19),
    CUFF_PRESSURE: (7, 19),
    SPOT_OXIMETRY: (5, 19),
    CONTINUOUS_OXIMETRY: (5, 20),
    HEART_RATE: (2, 40),
    WEIGHT: (3, 15),
    DATE_TIME: (7, 7),
    CURRENT_TIME: (9, 10),
    BATTERY: (1, 1),
    **dict.fromkeys((MODEL, SERIAL, FIRMWARE, HARDWARE, SOFTWARE, MAKER), (0, LONGEST_TEXT)),
}
"""Characteristic -> shortest and longest value, in bytes."""

PATIENCE = 256
"""Bytes without a record that are reported together."""


def record(characteristic: int, value: bytes) -> bytes:
    """One record; a text that is too long is cut."""
    if characteristic in (MODEL, SERIAL, FIRMWARE, HARDWARE, SOFTWARE, MAKER):
        value = value[:LONGEST_TEXT]
    body = characteristic.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value
    return body + _crc(body)


def _crc(body: bytes | bytearray) -> bytes:
    return crc_hqx(body, 0).to_bytes(CRC, "little")


class Records:
    """Bytes in any cut -> `(characteristic, value)`; between them, the number of bytes that were slid over."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes] | int]:
        """Take bytes; return what they complete. At most one unfinished record is kept."""
        self._pending += data
        found: list[tuple[int, bytes] | int] = []
        while (whole := self._length()) is not None:
            if whole == 0:
                del self._pending[0]
                self._skipped += 1
            if self._skipped and (whole or self._skipped >= PATIENCE):
                found.append(self._skipped)
                self._skipped = 0
            if whole == 0:
                continue
            found.append((int.from_bytes(self._pending[:2], "little"), bytes(self._pending[HEADER : whole - CRC])))
            del self._pending[:whole]
        return found

    def _length(self) -> int | None:
        """Bytes of the record that begins here; 0 where none can begin, None where it is not complete."""
        if len(self._pending) < HEADER:
            return None
        low, high = LENGTHS.get(int.from_bytes(self._pending[:2], "little"), (1, 0))
        length = int.from_bytes(self._pending[2:HEADER], "little")
        if not low <= length <= high:
            return 0
        end = HEADER + length
        if len(self._pending) < end + CRC:
            return None
        return end + CRC if self._pending[end : end + CRC] == _crc(self._pending[:end]) else 0
