"""What goes over a wire, noted as it goes: a stream that looks like the one it was put around."""

from __future__ import annotations

import struct
from collections.abc import Callable

from drivers.capture import Way
from drivers.stream import Stream, UsbPort, usb_port

Note = Callable[[Way, bytes], None]
"""Takes one entry; whoever gives it has the clock. It must not fail and must not wait."""


def taped(stream: Stream, note: Note) -> Stream:
    """The stream, or the USB interface that it is, with all that goes over it told to `note`."""
    return TapedUsb(usb_port(stream), note) if hasattr(stream, "control") else Taped(stream, note)


class Taped:
    """`stream`, with all that is read and written told to `note`, and the port's beginning and end."""

    def __init__(self, stream: Stream, note: Note) -> None:
        self._stream, self._note = stream, note
        self._open = True
        self.simulated = stream.simulated
        self._plays = bool(getattr(stream, "plays", False))
        note("open", b"")

    async def read(self) -> bytes:
        """As `Stream.read`."""
        data = await self._stream.read()
        self._note("in", data)
        return data

    async def write(self, data: bytes) -> None:
        """As `Stream.write`; what could not be written is noted too, for the driver said it.

        Samples for a sound card are not: they would fill any box, and the card says when it played what.
        """
        if not self._plays:
            self._note("out", data)
        await self._stream.write(data)

    def close(self) -> None:
        """As `Stream.close`."""
        if self._open:
            self._open = False
            self._note("close", b"")
        self._stream.close()


class TapedUsb(Taped):
    """A `drivers.stream.UsbPort` as `Taped` takes a stream."""

    def __init__(self, port: UsbPort, note: Note) -> None:
        super().__init__(port, note)
        self._port = port
        self.interface, self.extra = port.interface, port.extra

    async def control(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        """As `UsbPort.control`; an IN request is noted with what came, an OUT request with what was sent."""
        asked = payload if isinstance(payload, int) else len(payload)
        setup = struct.pack("<BBHHH", request_type, request, value, index, asked)
        if isinstance(payload, bytes):
            self._note("control", setup + payload)
        answer = await self._port.control(request_type, request, value, index, payload)
        if isinstance(payload, int):
            self._note("control", setup + answer)
        return answer
