"""Two streams joined in memory: the null modem, and the cables that it can be made of.

A driver and a simulated instrument speak over a pipe exactly as over a wire. The faults of a wire belong to the
cable: whole messages, one byte at a time, bytes lost, bytes late.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.errors import Unplugged


@dataclass(frozen=True, slots=True)
class Cable:
    """What happens to bytes between two ends, the same in both directions."""

    piece: int | None = None
    """Most bytes that arrive at once; None: as they were written."""
    loss: float = 0.0
    """Chance of each byte to be lost, 0 to 1."""
    delay_s: float = 0.0
    """How much later bytes arrive, in their order."""
    seed: int = 0
    """Which bytes are lost: the same seed loses the same ones."""


WHOLE = Cable()
DRIP = Cable(piece=1)
LOSSY = Cable(loss=0.01, seed=1)
LATE = Cable(delay_s=0.02)
CABLES = {"whole": WHOLE, "drip": DRIP, "lossy": LOSSY, "late": LATE}
"""One of each kind, for a test that every driver must pass."""


def pipe(cable: Cable = WHOLE) -> tuple[End, End]:
    """Both ends of a new pipe; what is written to one is read from the other."""
    here, there = End(cable, cable.seed), End(cable, ~cable.seed)
    here.peer, there.peer = there, here
    return here, there


class End:
    """One end of a pipe: a `drivers.stream.Stream`."""

    simulated = True
    peer: End
    interface = 0
    extra = b""

    def __init__(self, cable: Cable, seed: int) -> None:
        self._cable = cable
        self._chance = random.Random(seed)  # noqa: S311 - faults that can be repeated, no secret
        self._open = True
        self._inbox: deque[bytes] = deque()
        self._in_flight: deque[bytes] = deque()
        self._changed = asyncio.Event()

    @property
    def dirty(self) -> bool:
        """Whether this end was left open, or bytes that were sent to it were never read."""
        return self._open or bool(self._inbox) or bool(self._in_flight)

    async def read(self) -> bytes:
        """Wait for bytes; raise `Unplugged` when either end is closed and nothing is left to read."""
        while True:
            if not self._open:
                raise _gone()
            if self._inbox:
                return self._inbox.popleft()
            if not self.peer._open and not self._in_flight:
                raise _gone()
            self._changed.clear()
            await self._changed.wait()

    async def write(self, data: bytes) -> None:
        """Send all of `data` through the cable; raise `Unplugged` when either end is closed."""
        if not self._open or not self.peer._open:
            raise _gone()
        for piece in self._pieces(data):
            self.peer._send(piece)
        # A writer that never waits must not keep the reader from its turn.
        await asyncio.sleep(0)

    async def control(
        self,
        request_type: int,  # noqa: ARG002
        request: int,  # noqa: ARG002
        value: int,  # noqa: ARG002
        index: int,  # noqa: ARG002
        payload: bytes | int,
    ) -> bytes:
        """A pipe stands for a USB device as well, one that obeys every request and answers with zeros."""
        if not self._open or not self.peer._open:
            raise _gone()
        return bytes(payload) if isinstance(payload, int) else b""

    def close(self) -> None:
        """Close this end; the other still reads what was sent before. Idempotent."""
        self._open = False
        self._changed.set()
        self.peer._changed.set()

    def drop(self) -> None:
        """Pull the cable out: both ends are gone at once, with all that was on the way."""
        for end in (self, self.peer):
            end._inbox.clear()
            end._in_flight.clear()
            end.close()

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if self._cable.loss:
            data = bytes(byte for byte in data if self._chance.random() >= self._cable.loss)
        size = self._cable.piece or len(data)
        return (data[start : start + size] for start in range(0, len(data), size or 1))

    def _send(self, piece: bytes) -> None:
        self._in_flight.append(piece)
        if self._cable.delay_s:
            asyncio.get_running_loop().call_later(self._cable.delay_s, self._arrive)
        else:
            self._arrive()

    def _arrive(self) -> None:
        if self._in_flight:
            self._inbox.append(self._in_flight.popleft())
            self._changed.set()


def _gone() -> Unplugged:
    return Unplugged("The other end of the pipe was unplugged: open a new pipe.")
