"""FIPP, the words that a Frye FONIX FA10 or FA12 audiometer speaks: as much of it as is public, and no driver.

Source: Frye's AFIPP.TXT and FA1XCMDS.TXT, as the protocol sheet audiometer gives them (B): words of 16 bits, low byte
first: command 0x1000 + n, how many words follow, those words, and the one's complement of the sum of all before. An
answer is 0x9000 + n. Unconfirmed: the bytes by which the instrument polls its host and the bits of its registers,
without which nobody can drive it; a capture can be read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from drivers.events import Event, Identity, Trouble

COMMAND, ANSWER = 0x1000, 0x9000
COMMANDS: Mapping[str, int] = {
    "get-registers": 1,
    "set-registers": 2,
    "keyboard": 9,
    "get-calibration-flags": 10,
    "set-calibration-flags": 11,
    "get-calibration": 12,
    "set-calibration": 13,
    "get-memory": 14,
    "set-memory": 15,
    "version": 28,
    "status": 33,
    "reset": 38,
}
"""Name -> number."""
NUMBERS = frozenset(COMMANDS.values())
MOST_WORDS = 64
MACHINES: Mapping[int, str] = {100: "FONIX FA10", 102: "FONIX FA12"}
_VERSION_WORDS = 6


def _sealed(*words: int) -> bytes:
    return struct.pack(f"<{len(words) + 1}H", *words, ~sum(words) & 0xFFFF)


def encode(command: str, *words: int) -> bytes:
    """One command of the host, named in `COMMANDS`."""
    return _sealed(COMMAND + COMMANDS[command], len(words), *words)


def encode_answer(number: int, *words: int) -> bytes:
    """One answer of the audiometer."""
    return _sealed(ANSWER + number, len(words), *words)


class Decoder:
    """Bytes of the audiometer, in any cut -> events; pure.

    Only the answer to "version" means something without the maker's register map: an `Identity`. Other answers are
    passed over, a damaged one is `Trouble("checksum")`, bytes that belong to none are told of before the next.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        self._pending += data
        events: list[Event] = []
        while len(self._pending) >= 4:
            first, count = struct.unpack_from("<HH", self._pending)
            whole = 2 * (3 + count)
            if first - ANSWER not in NUMBERS or count > MOST_WORDS:
                self._slide()
            elif len(self._pending) < whole:
                break
            else:
                words = struct.unpack_from(f"<{count + 3}H", self._pending)
                events += self._answer(words, whole)
        return events

    def _slide(self) -> None:
        del self._pending[0]
        self._skipped += 1

    def _answer(self, words: tuple[int, ...], whole: int) -> list[Event]:
        if ~sum(words[:-1]) & 0xFFFF != words[-1]:
            self._slide()
            return [Trouble("checksum", "an answer was damaged")]
        del self._pending[:whole]
        skipped, self._skipped = self._skipped, 0
        before: list[Event] = [Trouble("resync", "bytes that belong to no answer", skipped)] if skipped else []
        return [*before, *_meaning(words[0] - ANSWER, words[2:-1])]


def _meaning(number: int, words: tuple[int, ...]) -> list[Event]:
    if number != COMMANDS["version"] or len(words) != _VERSION_WORDS:
        return []
    model = MACHINES.get(words[-1], "Frye audiometer")
    return [Identity(model, firmware=f"{words[0] / 100:.2f}")]
