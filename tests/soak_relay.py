"""The bad line between a cabin and its broker: a TCP relay that cuts, freezes, and leaves connections half open.

A frozen direction delivers nothing and closes nothing, as a router that lost its table does; only the keep-alive of
the two ends can tell.
"""

from __future__ import annotations

import random
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from tests.soak_children import Place, told_to_stop
from tests.soak_points import Slot

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that closes with RST."""
_CALM_S = (0.3, 3.0)
"""Least and most seconds between two troubles."""
_FREEZE_S = 4.0


class Line:
    """One connection through the relay: two sockets, and until when either direction stands still."""

    def __init__(self, near: socket.socket, port: int) -> None:
        self.near = near
        self.far = socket.create_connection(("127.0.0.1", port), timeout=2)
        self.frozen = {self.near: 0.0, self.far: 0.0}

    def other(self, side: socket.socket) -> socket.socket:
        """The socket at the other end."""
        return self.far if side is self.near else self.near

    def close(self, *, reset: bool) -> None:
        """End both sides, in good order or with RST."""
        for side in (self.near, self.far):
            with suppress(OSError):
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                side.close()


class Relay:
    """Any number of lines from one port to the broker's."""

    def __init__(self, port: int, broker: int, dice: random.Random) -> None:
        self._broker, self._dice = broker, dice
        self._door = socket.create_server(("127.0.0.1", port))
        self._lines: list[Line] = []
        self._trouble_at = time.monotonic()
        self.passed = 0
        """Pieces that went through."""

    def turn(self, *, quiet: bool) -> None:
        """Pass on what has come, for a hundredth of a second at most; make trouble when it is time."""
        now = time.monotonic()
        self._lines = [line for line in self._lines if line.near.fileno() >= 0]
        with selectors.DefaultSelector() as ears:
            ears.register(self._door, selectors.EVENT_READ, None)
            for line, side in self._awake(now, quiet=quiet):
                ears.register(side, selectors.EVENT_READ, line)
            for key, _ in ears.select(0.02):
                if key.data is None:
                    self._accept()
                elif key.data.near.fileno() >= 0:
                    self._pass(key.data, key.fileobj)  # type: ignore[arg-type]
        if not quiet and now >= self._trouble_at:
            self._trouble_at = now + self._dice.uniform(*_CALM_S)
            self._trouble(now)

    def _awake(self, now: float, *, quiet: bool) -> Iterator[tuple[Line, socket.socket]]:
        for line in self._lines:
            for side, until in line.frozen.items():
                if quiet or until <= now:
                    yield line, side

    def _accept(self) -> None:
        near, _ = self._door.accept()
        try:
            self._lines.append(Line(near, self._broker))
        except OSError:
            near.close()

    def _pass(self, line: Line, side: socket.socket) -> None:
        try:
            data = side.recv(65536)
            line.other(side).sendall(data)
        except OSError:
            data = b""
        if data:
            self.passed += 1
        elif self._dice.random() < 0.3:
            # The end of one side is not told to the other: a half-open connection.
            line.frozen = dict.fromkeys(line.frozen, time.monotonic() + _FREEZE_S)
        else:
            line.close(reset=self._dice.random() < 0.5)

    def _trouble(self, now: float) -> None:
        for line in self._lines:
            kind, until = self._dice.random(), now + self._dice.uniform(0.1, _FREEZE_S)
            if kind < 0.4:
                line.close(reset=kind < 0.2)
            elif kind < 0.6:
                line.frozen = dict.fromkeys(line.frozen, until)
            else:
                line.frozen[line.near if kind < 0.8 else line.far] = until


def relay(place: Place, slot: Slot) -> None:
    """The relay as a child of the driver."""
    stop = told_to_stop()
    line = Relay(place.relay, place.broker, random.Random(place.seed))
    while not stop.is_set():
        line.turn(quiet=bool(slot.flag))
        slot.steps = line.passed
