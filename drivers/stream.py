"""The one file that opens ports: a URL in, a stream of bytes out.

| URL | opens |
|---|---|
| `/dev/serial/by-id/...`, `/dev/ttyUSB0`, a link to one | a serial port |
| `/dev/pts/3`, a link to one | the pseudo-terminal of a simulated instrument |
| `socket://host:port` | a serial-to-network server, or a simulated instrument |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Line:
    """The settings of a serial line, as the maker's sheet states them."""

    baud: int
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1


class Stream(Protocol):
    """An open byte stream to one instrument; it has one reader."""

    simulated: bool
    """True for everything that is not a local hardware port: what is not known to be real is marked as simulated."""

    async def read(self) -> bytes:
        """Wait for bytes and return at least one; raise `Unplugged` when the other end is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`; raise `Unplugged` when the other end is gone."""
        ...

    def close(self) -> None:
        """Give the port back; idempotent."""
        ...
