"""Messages of an association (APDUs): bytes <-> dataclasses; pure.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.ieee11073.mder import Malformed, Reader, octets

AARQ, AARE, RLRQ, RLRE, ABRT, PRST = 0xE200, 0xE300, 0xE400, 0xE500, 0xE600, 0xE700
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
