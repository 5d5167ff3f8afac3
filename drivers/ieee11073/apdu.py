"""Messages of an association (APDUs): bytes <-> dataclasses, and the framing by their own length; pure.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", sections 1 and 3. A message begins with its type and its
length. One transfer of USB holds one message or a part of one, and any other stream cuts where it likes: only the
length counts. There is no checksum, so a header is believed only where its parts agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.events import Trouble
from drivers.ieee11073.mder import Malformed, Reader, octets

LONGEST = 63 * 1024
"""Bytes of the longest message in practice."""
HEADER = 4
AARQ, AARE, RLRQ, RLRE, ABRT, PRST = 0xE200, 0xE300, 0xE400, 0xE500, 0xE600, 0xE700
LENGTHS: Mapping[int, range] = {
    AARQ: range(12, 513),
    AARE: range(6, 513),
    RLRQ: range(2, 3),
    RLRE: range(2, 3),
    ABRT: range(2, 3),
    PRST: range(8, LONGEST - HEADER + 1),
}
"""Type -> lengths that it can have."""
_HEADER = re.compile(rb"[\xe2-\xe7](?:\x00|\Z)")
"""A message's first byte, with its second or at the end of what is there."""
IEEE_20601 = 0x5079
MDER_RULES = 0x8000
MANAGER = 0x80000000
VERSION_1 = 0x80000000
TEST_ASSOCIATION = 0x20000000
"""Functional unit of an agent that wants to be tested. 4000 0000 only says that it could be: every certified agent
sets it, also those of the sheet's vectors, although the sheet has it as the test association itself."""

EVENT, CONFIRMED_EVENT, GET, CONFIRMED_ACTION = 0x0100, 0x0101, 0x0103, 0x0107
EVENT_RESPONSE, GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE = 0x0201, 0x0203, 0x0205, 0x0207
ERROR, REJECT = 0x0300, 0x0400
RESPONSES = (EVENT_RESPONSE, GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE, ERROR, REJECT)
CONFIGURATION_EVENT = 0x0D1C
SET_TIME = 0x0C17

ACCEPTED, REJECTED, UNKNOWN_CONFIGURATION, NO_COMMON_PROTOCOL, NO_COMMON_PARAMETER = 0, 1, 3, 4, 5
"""Results of an association."""
RESPONSE_TIMEOUT, CONFIGURATION_TIMEOUT = 2, 3
ABORTS = {0: "undefined", 1: "buffer overflow", 2: "response timeout", 3: "configuration timeout"}
UNRECOGNIZED, BADLY_STRUCTURED = 0, 2
"""Reasons of a reject; not confirmed beyond open stacks."""
CONFIGURATION_ACCEPTED, CONFIGURATION_UNSUPPORTED, CONFIGURATION_UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """AARQ, of which only the part for this protocol is kept; `common` is False where there is none."""

    common: bool
    encodings: int = 0
    functional_units: int = 0
    system_id: bytes = b""
    configuration: int = 0


@dataclass(frozen=True, slots=True)
class AssociationResponse:
    """AARE; only a manager sends it."""

    result: int


@dataclass(frozen=True, slots=True)
class Release:
    """RLRQ, or RLRE where `response`."""

    response: bool
    reason: int


@dataclass(frozen=True, slots=True)
class Abort:
    """ABRT."""

    reason: int


@dataclass(frozen=True, slots=True)
class Presentation:
    """PRST: `invoke` pairs a response with its request, `choice` says what `body` is."""

    invoke: int
    choice: int
    body: bytes


Message = AssociationRequest | AssociationResponse | Release | Abort | Presentation


@dataclass(frozen=True, slots=True)
class Happened:
    """The body of an event report."""

    handle: int
    time: int
    """Relative time of the agent, FFFFFFFF for none."""
    kind: int
    info: bytes


class Framer:
    """Bytes in any cut -> whole messages; keeps less than one of them.

    Where no message can begin, bytes are skipped to the next place where one can; how many is told once it is found.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[bytes | Trouble]:
        """Take bytes; return the messages that they complete."""
        found: list[bytes | Trouble] = []
        # In pieces, so that a flood is no more to keep than a message.
        for at in range(0, len(data), LONGEST):
            self._pending += data[at : at + LONGEST]
            found += self._cut()
        return found

    def flush(self) -> list[Trouble]:
        """Nothing more comes: what was skipped. A message that was cut short says nothing."""
        skipped, self._skipped = self._skipped, 0
        self._pending.clear()
        return [Trouble("resync", "bytes that belong to no message", skipped)] if skipped else []

    def _cut(self) -> list[bytes | Trouble]:
        found: list[bytes | Trouble] = []
        at = 0
        while (size := _size(self._pending, at)) is not None:
            if size == 0:
                begin = _next_header(self._pending, at + 1)
                self._skipped += begin - at
                at = begin
                continue
            if self._skipped:
                found.append(Trouble("resync", "bytes that belong to no message", self._skipped))
                self._skipped = 0
            found.append(bytes(self._pending[at : at + size]))
            at += size
        del self._pending[:at]
        return found


def _next_header(pending: bytearray, at: int) -> int:
    """Where the next message could begin, `at` or later; the end where none can."""
    found = _HEADER.search(pending, at)
    return len(pending) if found is None else found.start()


def _size(pending: bytearray, at: int) -> int | None:
    """Bytes of the message that begins at `at`; 0 where none can begin, None while too little of it is there."""
    have = len(pending) - at
    if have and _HEADER.match(pending, at) is None:
        return 0
    if have < HEADER:
        return None
    kind, length = int.from_bytes(pending[at : at + 2]), int.from_bytes(pending[at + 2 : at + 4])
    if length not in LENGTHS.get(kind, ()):
        return 0
    if kind == PRST and have >= HEADER + 2 and int.from_bytes(pending[at + 4 : at + 6]) != length - 2:
        return 0
    return HEADER + length if have >= HEADER + length else None


def decode(message: bytes) -> Message:
    """One whole message; raises `Malformed` where a length in it is not true."""
    reader = Reader(message)
    kind = reader.u16()
    body = Reader(reader.octets())
    reader.end()
    decoded = _BODIES[kind](body)
    body.end()
    return decoded


def _association_request(body: Reader) -> Message:
    body.u32()
    count, protocols = body.counted()
    request = AssociationRequest(common=False)
    for _ in range(count):
        protocol, info = protocols.u16(), protocols.octets()
        if protocol == IEEE_20601 and not request.common:
            request = _protocol_information(Reader(info))
    protocols.end()
    return request


def _protocol_information(info: Reader) -> AssociationRequest:
    info.u32()
    encodings = info.u16()
    info.u32()
    functional_units = info.u32()
    info.u32()
    system_id, configuration = info.octets(), info.u16()
    info.u32()
    info.counted()
    info.end()
    return AssociationRequest(True, encodings, functional_units, system_id, configuration)


def _association_response(body: Reader) -> Message:
    result = body.u16()
    body.u16()
    body.octets()
    return AssociationResponse(result)


def _presentation(body: Reader) -> Message:
    data = Reader(body.octets())
    invoke, choice = data.u16(), data.u16()
    presentation = Presentation(invoke, choice, data.octets())
    data.end()
    return presentation


_BODIES = {
    AARQ: _association_request,
    AARE: _association_response,
    RLRQ: lambda body: Release(False, body.u16()),
    RLRE: lambda body: Release(True, body.u16()),
    ABRT: lambda body: Abort(body.u16()),
    PRST: _presentation,
}


def decode_event(body: bytes) -> Happened:
    """The body of an event report."""
    reader = Reader(body)
    happened = Happened(reader.u16(), reader.u32(), reader.u16(), reader.octets())
    reader.end()
    return happened


def decode_attributes(body: bytes) -> dict[int, bytes]:
    """The attributes of an object, as the response to a get holds them after its handle."""
    reader = Reader(body)
    reader.u16()
    attributes = read_attributes(*reader.counted())
    reader.end()
    return attributes


def read_attributes(count: int, reader: Reader) -> dict[int, bytes]:
    """A list of attributes to its end; raises `Malformed` where one is there twice."""
    found: dict[int, bytes] = {}
    for _ in range(count):
        name, value = reader.u16(), reader.octets()
        if name in found:
            raise Malformed("an attribute is there twice")
        found[name] = value
    reader.end()
    return found


def encode_association_response(result: int, system_id: bytes) -> bytes:
    """AARE: what became of a request; `system_id` is the manager's own, 8 bytes."""
    head = VERSION_1.to_bytes(4) + MDER_RULES.to_bytes(2) + VERSION_1.to_bytes(4) + bytes(4) + MANAGER.to_bytes(4)
    info = head + octets(system_id) + bytes(10)
    return _message(AARE, result.to_bytes(2) + IEEE_20601.to_bytes(2) + octets(info))


def encode_release(response: bool, reason: int = 0) -> bytes:
    """RLRQ, or RLRE where `response`."""
    return _message(RLRE if response else RLRQ, reason.to_bytes(2))


def encode_abort(reason: int) -> bytes:
    """ABRT."""
    return _message(ABRT, reason.to_bytes(2))


def encode_presentation(invoke: int, choice: int, body: bytes) -> bytes:
    """PRST."""
    return _message(PRST, octets(invoke.to_bytes(2) + choice.to_bytes(2) + octets(body)))


def encode_event_response(invoke: int, handle: int, kind: int, info: bytes = b"", time: int = 0) -> bytes:
    """The answer to a confirmed event: the same invoke-id, handle and type, or the agent repeats it."""
    body = handle.to_bytes(2) + time.to_bytes(4) + kind.to_bytes(2) + octets(info)
    return encode_presentation(invoke, EVENT_RESPONSE, body)


def encode_get(invoke: int, handle: int = 0) -> bytes:
    """Ask for all attributes of an object; 0 is the agent itself."""
    return encode_presentation(invoke, GET, handle.to_bytes(2) + bytes(4))


def encode_action(invoke: int, handle: int, action: int, info: bytes) -> bytes:
    """A confirmed action."""
    return encode_presentation(invoke, CONFIRMED_ACTION, handle.to_bytes(2) + action.to_bytes(2) + octets(info))


def encode_reject(invoke: int, reason: int) -> bytes:
    """The answer to what is not understood."""
    return encode_presentation(invoke, REJECT, reason.to_bytes(2))


def _message(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2) + octets(body)
