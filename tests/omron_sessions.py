"""The six recorded USB sessions of an HEM-790IT, as a device that answers each request as it did then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from simulators.usb_setup import Setup
from simulators.wire import Host

LENGTHS = {b"GDC": 8, b"GME": 8, b"GMA": 9, b"GEA": 9, b"\x00\x00\x00": 30}


def length(heard: bytes) -> int:
    """Of the request that begins so."""
    return LENGTHS.get(heard[:3], 5)


def read_sessions(file: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Name -> ("feature" | "out" | "in", bytes) of each line."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("@session"):
            found[line.split()[1]] = []
        elif line and not line.startswith("#"):
            _, way, data = line.split("|")
            found[list(found)[-1]].append((way.strip(), bytes.fromhex(data)))
    return found


class Recorded:
    """The replies of one session by request, in their order and from the beginning again."""

    def __init__(self, session: list[tuple[str, bytes]], say: Callable[[bytes], None]) -> None:
        self._say = say
        self._heard = b""
        self.modes: list[bytes] = []
        self.requests: list[bytes] = []
        self._replies: dict[bytes, Iterator[list[bytes]]] = {
            request: cycle(replies) for request, replies in _replies(session).items()
        }
        self.host = Host(lambda: None, self._wrote, self._control)

    def _wrote(self, report: bytes) -> None:
        self._heard += report[1 : 1 + report[0]]
        if len(self._heard) >= length(self._heard):
            request, self._heard = self._heard, b""
            self.requests.append(request)
            for reply in next(self._replies[request]):
                self._say(reply)

    def _control(self, setup: Setup, data: bytes) -> bytes | None:
        self.modes.append(data)
        self._heard = b""
        return b""


def _replies(session: list[tuple[str, bytes]]) -> dict[bytes, list[list[bytes]]]:
    found: dict[bytes, list[list[bytes]]] = defaultdict(list)
    heard, request = b"", b""
    for way, data in session:
        if way == "feature":
            heard = b""
        elif way == "out":
            heard += data[1 : 1 + data[0]]
            if len(heard) >= length(heard):
                request, heard = heard, b""
                found[request].append([])
        elif request:
            found[request][-1].append(data)
    return found
