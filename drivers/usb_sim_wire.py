"""The wire between an emulated USB host and a simulated USB device: whole messages over a unix socket.

It takes the place of the cable, not of the instrument's protocol, so both ends share it. Every message is a length
(u32, big-endian, of what follows), a kind (u8) and a body:

| kind | from | body |
|---|---|---|
| 0 `Hello` | device, first | version u8, kernel driver u8, device descriptor, port (u8 length, text), configuration |
| 1 `Request` | host | number u32, `Op` u8, target u8 (endpoint, interface or configuration), setup (8), data |
| 2 `Reply` | device | number u32, errno u8 (0: done), data |
| 3 `Transfer` | device | IN endpoint u8, the bytes of one transfer |
| 4 `Halted` | device | endpoint u8: it stalls until its halt is cleared |

A device that never replies is one that answers NAK: the host's own time-out ends the wait. A device that is pulled
out closes the connection. The descriptors are those of USB 2.0 chapter 9, byte for byte.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
LONGEST = 1 << 20
"""Most bytes of one message."""
DEVICE_BYTES = 18
SETUP_BYTES = 8
NO_SETUP = bytes(SETUP_BYTES)

_LENGTH = struct.Struct(">I")
_REQUEST = struct.Struct(f">IBB{SETUP_BYTES}s")
_REPLY = struct.Struct(">IB")


class WireError(ValueError):
    """The bytes are not of this wire; the connection is of no further use."""


class Op(IntEnum):
    """What a host asks."""

    CLAIM = 0
    RELEASE = 1
    KERNEL_DRIVER = 2
    """Reply: one byte, whether a kernel driver holds the interface."""
    DETACH = 3
    GET_CONFIGURATION = 4
    """Reply: one byte, 0 for none."""
    SET_CONFIGURATION = 5
    CONTROL = 6
    OUT = 7
    CLEAR_HALT = 8
    CANCEL = 9
    """Give up the request before this one; replied to after that one's own reply, if it has one."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What is plugged in."""

    device: bytes
    configuration: bytes
    """With all its interfaces, endpoints and class-specific descriptors."""
    port: str
    """Where it is plugged in, as the kernel writes it: "1-1.2"."""
    kernel_driver: bool
    """Whether a driver of the kernel takes it at once."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something that the host wants; each has its reply."""

    number: int
    op: Op
    target: int = 0
    setup: bytes = NO_SETUP
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended."""

    number: int
    errno: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One IN transfer."""

    endpoint: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Halted:
    """An endpoint stalls."""

    endpoint: int


Message = Hello | Request | Reply | Transfer | Halted


def encode(message: Message) -> bytes:
    """One message as it goes over the socket."""
    match message:
        case Hello(device, configuration, port, kernel_driver):
            place = port.encode("ascii")
            body = bytes([0, VERSION, kernel_driver]) + device + bytes([len(place)]) + place + configuration
        case Request(number, op, target, setup, data):
            body = b"\x01" + _REQUEST.pack(number, op, target, setup) + data
        case Reply(number, errno, data):
            body = b"\x02" + _REPLY.pack(number, errno) + data
        case Transfer(endpoint, data):
            body = bytes([3, endpoint]) + data
        case Halted(endpoint):
            body = bytes([4, endpoint])
    return _LENGTH.pack(len(body)) + body


class Splitter:
    """Cuts what comes over a socket into messages, whatever the pieces."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now; raises `WireError` on anything else."""
        self._pending += data
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> Message | None:
        if len(self._pending) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._pending)
        if not 0 < length <= LONGEST:
            raise WireError("a message has an impossible length")
        end = _LENGTH.size + length
        if len(self._pending) < end:
            return None
        body = bytes(self._pending[_LENGTH.size : end])
        del self._pending[:end]
        try:
            return _decode(body[0], body[1:])
        except WireError:
            raise
        except (struct.error, IndexError, ValueError) as error:
            raise WireError("a message is malformed") from error


def _decode(kind: int, body: bytes) -> Message:
    match kind:
        case 0:
            return _hello(body)
        case 1:
            number, op, target, setup = _REQUEST.unpack_from(body)
            return Request(number, Op(op), target, setup, body[_REQUEST.size :])
        case 2:
            number, errno = _REPLY.unpack_from(body)
            return Reply(number, errno, body[_REPLY.size :])
        case 3:
            return Transfer(body[0], body[1:])
        case 4:
            return Halted(body[0])
    raise WireError("a message is of no known kind")


def _hello(body: bytes) -> Hello:
    if body[0] != VERSION:
        raise WireError("the other end speaks another version of this wire")
    device, rest = body[2 : 2 + DEVICE_BYTES], body[2 + DEVICE_BYTES :]
    if len(device) < DEVICE_BYTES:
        raise WireError("a message is malformed")
    end = 1 + rest[0]
    return Hello(device, rest[end:], rest[1:end].decode("ascii"), bool(body[1]))
