"""The data channels: waves are fresh or not sent, a still leaves room for heartbeats, nonsense is told as None."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.channels import CTL_STUCK, STILL_CHUNK, STILL_WAITING, WAVE_WAITING, Ctl, Json, WaveGate


class Channel:
    """A data channel whose line is as fast as `drain` says."""

    def __init__(self) -> None:
        self.readyState = "open"
        self.bufferedAmount = 0
        self.bufferedAmountLowThreshold = 0
        self.sent: list[str | bytes] = []
        self._listeners: dict[str, Any] = {}

    def on(self, event: str, heard: Any) -> None:
        self._listeners[event] = heard

    def emit(self, event: str, *what: object) -> None:
        self._listeners[event](*what)

    def send(self, data: str | bytes) -> None:
        assert self.readyState == "open"
        self.sent.append(data)
        self.bufferedAmount += len(data)

    def drain(self) -> None:
        self.bufferedAmount = 0
        self.emit("bufferedamountlow")


def frame(stream: int, number: int, size: int = 400) -> bytes:
    return struct.pack("<2sBBHBBI", b"CW", 1, 0, stream, 1, 1, number).ljust(size, b"\0")


def gate() -> tuple[Any, WaveGate]:
    channel: Any = Channel()
    return channel, WaveGate(channel)


def ctl() -> tuple[Any, Ctl, list[Json | None]]:
    channel: Any = Channel()
    heard: list[Json | None] = []
    return channel, Ctl(channel, heard.append), heard


# --- waves


def test_on_an_open_line_every_frame_passes() -> None:
    channel, waves = gate()
    for number in range(50):
        waves.send(frame(1, number))
        channel.drain()
    assert channel.sent == [frame(1, number) for number in range(50)]
    assert waves.dropped == 0


def test_on_a_line_that_stands_the_newest_of_each_stream_waits() -> None:
    channel, waves = gate()
    for number in range(50):
        waves.send(frame(1, number))
        waves.send(frame(2, number))
    stood = len(channel.sent)
    assert sum(map(len, channel.sent)) <= WAVE_WAITING + 400
    channel.drain()
    assert sorted(channel.sent[stood:]) == [frame(1, 49), frame(2, 49)]
    assert waves.dropped > 80


def test_a_channel_that_is_closed_takes_nothing() -> None:
    channel, waves = gate()
    channel.readyState = "closed"
    waves.send(frame(1, 1))
    assert channel.sent == []


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=60))
def test_whatever_comes_order_is_kept_and_little_waits(steps: list[tuple[int, bool]]) -> None:
    channel, waves = gate()
    for number, (stream, drains) in enumerate(steps):
        waves.send(frame(stream, number))
        assert channel.bufferedAmount <= WAVE_WAITING + 400
        if drains:
            channel.drain()
    for stream in (1, 2, 3):
        numbers = [struct.unpack_from("<I", each, 8)[0] for each in channel.sent if each[4] == stream]
        assert numbers == sorted(set(numbers))


# --- ctl


def test_messages_are_json_and_as_small_as_they_can_be() -> None:
    channel, control, _ = ctl()
    control.send({"event": "core", "up": True, "text": "é"})
    assert channel.sent == ['{"event":"core","up":true,"text":"é"}']


def test_a_page_that_stops_reading_is_stuck_and_gets_no_more() -> None:
    channel, control, _ = ctl()
    channel.bufferedAmount = CTL_STUCK + 1
    control.send({"event": "core"})
    assert control.stuck
    assert channel.sent == []


def test_what_is_no_object_is_told_as_none() -> None:
    channel, _, heard = ctl()
    for content in ('{"id":1}', "[1]", "nonsense", b"bytes", "1" * 70_000, "[" * 50_000, "NaN"):
        channel.emit("message", content)
    assert heard == [{"id": 1}, None, None, None, None, None, None]


@given(st.text() | st.binary())
def test_no_content_breaks_it(content: str | bytes) -> None:
    channel, _, heard = ctl()
    channel.emit("message", content)
    assert len(heard) == 1


async def test_a_still_goes_in_pieces_that_wait_for_room() -> None:
    channel, control, _ = ctl()
    jpeg = bytes(range(256)) * 150
    sending = asyncio.create_task(control.still(7, jpeg, lambda: 1e9))
    pieces: list[bytes] = []
    for _ in range(200):
        await asyncio.sleep(0)
        assert channel.bufferedAmount <= STILL_WAITING + STILL_CHUNK + 8
        pieces += channel.sent
        channel.sent.clear()
        control.send({"event": "heartbeat"})
        assert json.loads(channel.sent.pop()) == {"event": "heartbeat"}
        channel.drain()
        if sending.done():
            break
        await asyncio.sleep(0.001)
    await sending
    pieces += channel.sent
    heads = [struct.unpack_from("<2sHI", piece) for piece in pieces]
    assert [head[:2] for head in heads] == [(b"ST", 7)] * len(heads)
    assert [head[2] for head in heads] == list(range(0, len(jpeg), STILL_CHUNK))
    assert b"".join(piece[8:] for piece in pieces) == jpeg


async def test_a_still_keeps_to_its_rate() -> None:
    channel, control, _ = ctl()
    began = asyncio.get_running_loop().time()
    await control.still(1, bytes(STILL_CHUNK), lambda: STILL_CHUNK / 0.2)
    assert asyncio.get_running_loop().time() - began >= 0.19
    assert len(channel.sent) == 1


async def test_a_still_ends_when_the_channel_closes() -> None:
    channel, control, _ = ctl()
    channel.bufferedAmount = STILL_WAITING + 1
    sending = asyncio.create_task(control.still(1, bytes(100_000), lambda: 1e9))
    await asyncio.sleep(0)
    channel.readyState = "closed"
    channel.emit("bufferedamountlow")
    async with asyncio.timeout(2):
        await sending
    assert channel.sent == []
