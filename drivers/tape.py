"""What goes over a wire, noted as it goes: a stream that looks like the one it was put around."""

from __future__ import annotations

from collections.abc import Callable

from drivers.capture import Way
from drivers.stream import Stream

Note = Callable[[Way, bytes], None]
"""Takes one entry; whoever gives it has the clock. It must not fail and must not wait."""


class Taped:
    """`stream`, with all that is read and written told to `note`, and the port's beginning and end."""

    def __init__(self, stream: Stream, note: Note) -> None:
        self._stream, self._note = stream, note
        self._open = True
        self.simulated = stream.simulated
        note("open", b"")

    async def read(self) -> bytes:
        """As `Stream.read`."""
        data = await self._stream.read()
        self._note("in", data)
        return data

    async def write(self, data: bytes) -> None:
        """As `Stream.write`; what could not be written is noted too, for the driver said it."""
        self._note("out", data)
        await self._stream.write(data)

    def close(self) -> None:
        """As `Stream.close`."""
        if self._open:
            self._open = False
            self._note("close", b"")
        self._stream.close()
