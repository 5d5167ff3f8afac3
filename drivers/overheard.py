"""A byte stream that somebody listens to beside its reader."""

from __future__ import annotations

from collections.abc import Callable

from drivers.stream import Stream


class Overheard:
    """The stream `stream`; `asked` is called before each read and `heard` with what it gave.

    What `asked` raises, the reader gets: at that moment it has made all that it could of the bytes before.
    """

    def __init__(self, stream: Stream, asked: Callable[[], None], heard: Callable[[bytes], None]) -> None:
        self.simulated = stream.simulated
        self._stream, self._asked, self._heard = stream, asked, heard

    async def read(self) -> bytes:
        """As `Stream.read`; raises what `asked` raises too."""
        self._asked()
        data = await self._stream.read()
        self._heard(data)
        return data

    async def write(self, data: bytes) -> None:
        """As `Stream.write`."""
        await self._stream.write(data)

    def close(self) -> None:
        """As `Stream.close`."""
        self._stream.close()
