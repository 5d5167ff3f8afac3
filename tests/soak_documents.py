"""The documents of one seed and the ground truth about them: what was intended, what was acknowledged.

Everything about a document follows from the seed and its number, so the verdict needs no copy of it. Each holds the
seed's canary, a string that must be found nowhere between cabin and record. Half of them are noise that no
compression changes: what leaked of those would be seen as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

from sync.envelope import FHIR

KIND = FHIR
_SIZES = ((0.70, 200, 3_000), (0.95, 3_000, 20_000), (1.00, 20_000, 60_000))
"""Share of the documents up to here, and the bytes they may have."""


@dataclass(frozen=True, slots=True)
class Documents:
    """All that a cabin of this seed may ever send."""

    seed: int

    @property
    def canary(self) -> bytes:
        """The string that only the record may hold in clear."""
        return b"CANARY-" + hashlib.sha256(f"canary {self.seed}".encode()).hexdigest()[:24].encode()

    def mid(self, number: int) -> bytes:
        """The message id of a document."""
        return hashlib.sha256(f"{self.seed}/{number}".encode()).digest()[:16]

    def content(self, number: int) -> bytes:
        """The content of a document, the same at every call."""
        dice = random.Random(self.seed << 32 | number)
        size = _size(dice)
        mark = b"%s %d " % (self.canary, number)
        if dice.random() < 0.5:
            return mark + dice.randbytes(size)
        note = " ".join(["tension", "pouls", "repos"][dice.randrange(3)] for _ in range(size // 6))
        return json.dumps({"resourceType": "Bundle", "id": mark.decode(), "note": note}).encode()

    def number(self, content: bytes) -> int | None:
        """Which document a content says it is, None where it is none of this seed."""
        _, found, rest = content.partition(self.canary)
        digits = rest[:12].split(b" ")[1] if found and rest.startswith(b" ") else b""
        return int(digits) if digits.isdigit() else None


def _size(dice: random.Random) -> int:
    share = dice.random()
    least, most = next((least, most) for up_to, least, most in _SIZES if share < up_to)
    return dice.randrange(least, most)


class Truth:
    """The producer's own log, apart from everything under test: a line is on the disk before the next step.

    "i 7": document 7 is about to be put. "a 7": `put` said that it is safe.
    """

    def __init__(self, path: Path) -> None:
        self.intended: set[int] = set()
        self.acknowledged: set[int] = set()
        self._read(path)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _read(self, path: Path) -> None:
        for line in path.read_text().splitlines() if path.exists() else ():
            word, _, number = line.partition(" ")
            {"i": self.intended, "a": self.acknowledged}[word].add(int(number))

    def intend(self, number: int) -> None:
        """Document `number` is about to be put."""
        self._write("i", number)
        self.intended.add(number)

    def acknowledge(self, number: int) -> None:
        """`put` has said that document `number` is safe."""
        self._write("a", number)
        self.acknowledged.add(number)

    def open_ones(self) -> list[int]:
        """What a producer that died must put again."""
        return sorted(self.intended - self.acknowledged)

    def close(self) -> None:
        """Release the file."""
        os.close(self._handle)

    def _write(self, word: str, number: int) -> None:
        os.write(self._handle, f"{word} {number}\n".encode())
        os.fdatasync(self._handle)
