"""What crosses the unix socket between the core and the media process: a pure codec, the same for both ends.

A frame is `u32 length, u8 kind` (little-endian; the length counts what follows the kind), then its content: JSON in
UTF-8 for kind 1, one waveform frame (`cabin_agent.frames`) for kind 2, a still picture for kind 3: `u16` length of a
JSON header, the header, the JPEG.

Messages, each a JSON object with a `type`. From media to core:

    hello     pid, cameras [{name, label, state, reason, simulated}], camera,
              sound {microphone, speaker, stethoscope, why {microphone, speaker, stethoscope}}: the name of each card
              or null, and in `why` a sentence that says why there is none and what to do, "" where there is one
    state     the same fields as hello without pid, whenever one of them changed
    beat      every half second; silence of `DEAD_S` is death
    answer    re, sdp                 to an offer that was accepted
    refused   re, code, text          to one that was not
    session   session, state          "connected", "lost" (may come back) or "closed"
    ask       session, id, do, ...    a question of the doctor's page to the core

From core to media:

    beat
    offer     re, session, sdp, language
    close     session
    reply     session, re, ok, ...    the answer to an ask
    event     event {...}             anything of the core's broadcast, while a session is connected
    simulated on                      whether anything of the cabin is simulated: it goes into the pixels
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

HEAD = struct.Struct("<IB")
STILL_HEAD = struct.Struct("<H")
JSON, WAVE, STILL = 1, 2, 3
MOST = 16 << 20
"""Bytes of one frame; a JPEG at a camera's full size stays far below."""

BEAT_S = 0.5
"""Real seconds between two beats of either end."""
DEAD_S = 1.5
"""Real seconds of silence after which the other end counts as dead."""


class BadWire(ValueError):
    """The other end does not speak this protocol; the connection has to be closed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A still picture and what is known of it: camera, site, side, width, height, taken_ms, simulated."""

    about: Json
    jpeg: bytes


Item = Json | bytes | Picture
"""A message, a waveform frame, or a still picture."""


def encode(item: Item) -> bytes:
    """One frame of the socket. Raises ValueError for what is too long or not JSON."""
    if isinstance(item, bytes):
        kind, content = WAVE, item
    elif isinstance(item, Picture):
        about = _json(item.about)
        kind, content = STILL, STILL_HEAD.pack(len(about)) + about + item.jpeg
    else:
        kind, content = JSON, _json(item)
    if len(content) > MOST:
        raise ValueError(f"a frame holds at most {MOST} bytes")
    return HEAD.pack(len(content), kind) + content


class Decoder:
    """Frames from bytes as they arrive, in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Item]:
        """The items that are complete now; raises `BadWire`."""
        self._buffer += data
        items: list[Item] = []
        while len(self._buffer) >= HEAD.size:
            length, kind = HEAD.unpack_from(self._buffer)
            if length > MOST or kind not in (JSON, WAVE, STILL):
                raise BadWire("not a frame of this protocol")
            if len(self._buffer) < HEAD.size + length:
                break
            content = bytes(self._buffer[HEAD.size : HEAD.size + length])
            del self._buffer[: HEAD.size + length]
            items.append(_item(kind, content))
        return items


def _item(kind: int, content: bytes) -> Item:
    if kind == WAVE:
        return content
    if kind == JSON:
        return _object(content)
    if len(content) < STILL_HEAD.size:
        raise BadWire("a still picture without its header")
    (length,) = STILL_HEAD.unpack_from(content)
    end = STILL_HEAD.size + length
    if end > len(content):
        raise BadWire("a still picture whose header is longer than the frame")
    return Picture(_object(content[STILL_HEAD.size : end]), content[end:])


def _json(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _object(content: bytes) -> Json:
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        raise BadWire("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise BadWire("a message that is not an object")
    return message
