"""One box of the black box as files: a folder of segments, the oldest of which goes when the box is full.

A segment opens by itself:

    "CABIN-BOX-1\\n" | u16 length | its key, sealed (HPKE) to the technician's public key | blocks
    block: u32 length | 12-byte nonce | AES-256-GCM(deflated lines), its u32 number as associated data

Numbers are big-endian. A line is `kind entry`, the entry as in `drivers.capture`; `kind {...}` is that instrument's
head and stands at the beginning of every segment.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drivers.capture import Capture, CaptureError, Entry, Head, decode_entries, decode_head, encode_entry, encode_head
from sync.keys import RecipientKey, RecipientPublic

MAGIC = b"CABIN-BOX-1\n"
INFO = b"cabin black box 1"
SEGMENT = 512 * 1024
"""Bytes after which a new segment begins."""
BLOCK = 32 * 1024
"""Characters that are sealed at once, or a little more."""
_LARGEST_BLOCK = 1024 * 1024
_LONGEST_LINES = 4 * _LARGEST_BLOCK
"""Characters of a block at most: one line more than `BLOCK`, and no line is longer than what a port gives at once."""
_NONCE = 12
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""A kind of instrument: files are named so."""


class BoxWriter:
    """Writes one box into the new folder `folder`. Every method raises `OSError` where the disk refuses."""

    def __init__(self, folder: Path, recipient: RecipientPublic, segments: int) -> None:
        self._folder, self._recipient, self._most = folder, recipient, segments
        self._heads: dict[str, str] = {}
        self._waiting: list[str] = []
        self._size = 0
        self._number = 0
        folder.mkdir(mode=0o700)
        self._segment = self._new_segment()

    def head(self, kind: str, head: Head) -> None:
        """Say whose wire `kind` is, before its first entry."""
        self._heads[kind] = f"{kind} {encode_head(head)}"
        self._take(self._heads[kind])

    def add(self, kind: str, entry: Entry) -> None:
        """Keep one entry."""
        self._take(f"{kind} {encode_entry(entry)}")

    def flush(self) -> None:
        """Seal and write what waits; begin another segment where this one is full."""
        if not self._waiting:
            return
        lines, self._waiting, self._size = self._waiting, [], 0
        self._segment.write("\n".join(lines))
        if self._segment.size >= SEGMENT:
            self._segment.close()
            self._segment = self._new_segment()
            self._segment.write("\n".join(self._heads.values()))
            self._drop_oldest()

    def close(self) -> None:
        """Write what waits and close the files."""
        self.flush()
        self._segment.close()

    def _take(self, line: str) -> None:
        self._waiting.append(line)
        self._size += len(line)
        if self._size >= BLOCK:
            self.flush()

    def _new_segment(self) -> _Segment:
        self._number += 1
        return _Segment(self._folder / f"{self._number:06d}.box", self._recipient)

    def _drop_oldest(self) -> None:
        for old in sorted(self._folder.glob("*.box"))[: -self._most]:
            old.unlink(missing_ok=True)


class _Segment:
    """One file that is being written."""

    def __init__(self, path: Path, recipient: RecipientPublic) -> None:
        key = AESGCM.generate_key(256)
        sealed = recipient.seal(key, INFO)
        self._seal = AESGCM(key)
        self._block = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.size = 0
        self._put(MAGIC + struct.pack(">H", len(sealed)) + sealed)

    def write(self, text: str) -> None:
        """Seal one block and write it."""
        nonce, number = os.urandom(_NONCE), struct.pack(">I", self._block)
        sealed = nonce + self._seal.encrypt(nonce, zlib.compress(text.encode(), 6), number)
        self._put(struct.pack(">I", len(sealed)) + sealed)
        self._block += 1

    def close(self) -> None:
        os.close(self._fd)

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self.size += len(data)


def read_box(folder: Path, key: RecipientKey) -> dict[str, Capture]:
    """Every instrument's capture in a box, by kind.

    A block that was cut by a power cut ends its segment. Raises `CaptureError` where nothing can be read: no box, or
    sealed to another key, or altered; `OSError` where the files cannot be.
    """
    lines: dict[str, list[str]] = {}
    heads: dict[str, Head] = {}
    for path in sorted(folder.glob("*.box")):
        for line in _lines(path.read_bytes(), path.name, key):
            kind, _, rest = line.partition(" ")
            if rest.startswith("{"):
                heads[kind] = decode_head(rest)
            else:
                lines.setdefault(kind, []).append(rest)
    if not all(_KIND.fullmatch(kind) for kind in heads):
        raise CaptureError(f"{folder} names an instrument as no cabin does: it is no box of a cabin.")
    if not heads:
        raise CaptureError(f"{folder} holds no box of a visit: give one of the folders in black-box.")
    return {kind: Capture(head, tuple(decode_entries(lines.get(kind, ()), 1))) for kind, head in heads.items()}


def _lines(data: bytes, name: str, key: RecipientKey) -> Iterator[str]:
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + 2:
        raise CaptureError(f"{name} is not part of a black box: remove it from the folder.")
    (size,) = struct.unpack_from(">H", data, len(MAGIC))
    start = len(MAGIC) + 2
    try:
        opened = AESGCM(key.open(data[start : start + size], INFO))
    except (InvalidTag, ValueError):
        raise CaptureError(
            f"{name} is sealed to another key: give the private key of this cabin's support."
        ) from None
    for number, block in enumerate(_blocks(data, start + size)):
        try:
            plain = opened.decrypt(block[:_NONCE], block[_NONCE:], struct.pack(">I", number))
        except InvalidTag:
            raise CaptureError(f"{name} was altered or damaged from its block {number + 1} on.") from None
        yield from _inflated(plain, f"{name} is damaged in its block {number + 1}.").split("\n")


def _inflated(plain: bytes, sentence: str) -> str:
    """The lines of a block: whoever has the public key can seal anything."""
    opened = zlib.decompressobj()
    try:
        lines = opened.decompress(plain, _LONGEST_LINES).decode()
    except (zlib.error, UnicodeDecodeError):
        raise CaptureError(sentence) from None
    if not opened.eof:
        raise CaptureError(sentence)
    return lines


def _blocks(data: bytes, place: int) -> Iterator[bytes]:
    """The whole blocks; the last may be cut."""
    while place + 4 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        place += 4
        if not _NONCE < size <= _LARGEST_BLOCK or place + size > len(data):
            return
        yield data[place : place + size]
        place += size
