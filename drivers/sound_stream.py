"""A sound card as a byte stream: samples are written, and what is read are `drivers.headphone_records`.

| URL | opens |
|---|---|
| `sound://NAME` | the card whose name holds NAME, through PortAudio; `%20` for a space |
| `sound://NAME?microphone=NAME&button=/dev/input/by-id/...` | with a microphone, and a button that is a keyboard |
| `sound-sim://PATH` | the Unix socket of a simulated card: the same samples, the same records |

The card is opened once, for 48 kHz stereo of 32 bits, and stays open: it plays what was written, and silence where
nothing is. A card counts as real only where ALSA names it as hardware: a sound server between changes levels.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from drivers.errors import Absent, PortError, Unplugged
from drivers.headphone_records import bands, button_record, card_record, noise_record
from drivers.playing import Playing
from drivers.tones import RATE

if TYPE_CHECKING:
    from drivers.stream import Stream

SOUND = ("sound://", "sound-sim://")
BLOCK = 480
"""Frames that the card takes at once: 10 ms."""
LISTENED = RATE // 4
"""Frames of the microphone that are listened to at once."""
LATENCY_S = 0.03
SILENT_S = 2.0
"""A card that asks for no samples for so long, in real seconds, is gone."""
KEY = struct.Struct("llHHi")
"""Linux `input_event`: two of time, then type, code and value."""
EV_KEY, UP, DOWN = 1, 0, 1

PortAudio = Any
"""The module `sounddevice`, or what a test puts in its place."""


async def open_sound(url: str) -> Stream:
    """Open what `url` names; raises `Absent` where there is none, `PortError` where it cannot be used."""
    parts = urlsplit(url)
    if parts.scheme == "sound-sim":
        return await _open_simulated(url, unquote(parts.netloc + parts.path))
    more = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    name = unquote(parts.netloc + parts.path)
    if not name or not {*more} <= {"microphone", "button"}:
        raise PortError(f"{url!r} names no sound card: write sound://NAME?microphone=NAME&button=/dev/input/...")
    card = CardStream(name, more.get("microphone"), more.get("button"))
    try:
        await asyncio.to_thread(card.open)
        card.listen()
    except BaseException:
        card.close()
        raise
    return card


def load() -> PortAudio:
    """The module; raises `PortError` where the library of the system is missing."""
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError):
        raise PortError("PortAudio is not installed: install the system's package libportaudio2.") from None


class CardStream:
    """One sound card; PortAudio calls in a thread of its own, everything else is on the event loop."""

    def __init__(self, name: str, microphone: str | None = None, button: str | None = None) -> None:
        self._name, self._microphone, self._button = name, microphone, button
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._playing = Playing()
        self._streams: list[Any] = []
        self._keys: int | None = None
        self._open = True
        self._now = (0, time.monotonic())
        self.simulated = True
        self.plays = True

    async def read(self) -> bytes:
        """The next records."""
        try:
            async with asyncio.timeout(SILENT_S):
                data = await self._heard.get()
        except TimeoutError:
            raise self._gone() from None
        if not self._open or not data:
            raise self._gone()
        return data

    async def write(self, data: bytes) -> None:
        """Give the card samples to play after those that it has."""
        if not self._open:
            raise self._gone()
        self._playing.put(data)

    def close(self) -> None:
        """Close card, microphone and button; idempotent."""
        self._open = False
        for stream in self._streams:
            with suppress(Exception):  # PortAudio's own errors, of a card that is gone
                stream.close(ignore_errors=True)
        self._streams.clear()
        if self._keys is not None:
            self._loop.remove_reader(self._keys)
            os.close(self._keys)
            self._keys = None
        self._heard.put_nowait(b"")

    def open(self) -> None:
        """Open card and microphone; it may block, and belongs into a thread."""
        portaudio = load()
        errors = (OSError, ValueError, portaudio.PortAudioError)
        try:
            out = _device(portaudio, self._name, "output")
            microphone = self._microphone and _device(portaudio, self._microphone, "input")
            settings = {"samplerate": RATE, "latency": LATENCY_S}
            self._streams.append(
                portaudio.RawOutputStream(
                    device=out["index"], channels=2, dtype="int32", blocksize=BLOCK, callback=self._wanted,
                    finished_callback=self._finished, **settings,
                )
            )  # fmt: skip
            if microphone:
                self._streams.append(
                    portaudio.RawInputStream(
                        device=microphone["index"], channels=1, dtype="int16", blocksize=LISTENED,
                        callback=self._listened, **settings,
                    )
                )  # fmt: skip
            for stream in self._streams:
                stream.start()
        except errors as error:
            raise PortError(
                f"The sound card “{self._name}” cannot be opened for 48 kHz: close what uses it, or name another."
            ) from error
        self.simulated = "(hw:" not in out["name"]

    def listen(self) -> None:
        """Open the button, where there is one."""
        if self._button is None:
            return
        try:
            self._keys = os.open(self._button, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise Absent(
                f"No response button is plugged in at {self._button}: plug it in, or correct the path."
            ) from error
        self._loop.add_reader(self._keys, self._key)

    def _wanted(self, block: Any, count: int, _: Any, status: Any) -> None:
        """PortAudio's thread: the next samples."""
        sound, told = self._playing.take(count, dry=bool(status) and bool(status.output_underflow))
        block[:] = sound
        if told is not None:
            self._say(card_record(told.now, told.began, told.ended, told.underruns), told.now)

    def _listened(self, block: Any, *_: Any) -> None:
        """PortAudio's thread: a quarter of a second of the room, of which only its levels are kept."""
        self._say(noise_record(max(0, self._playing.now - LISTENED), bands(bytes(block))))

    def _finished(self) -> None:
        self._say(b"")

    def _say(self, record: bytes, now: int | None = None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._said, record, now)

    def _said(self, record: bytes, now: int | None) -> None:
        if now is not None:
            self._now = (now, time.monotonic())
        self._heard.put_nowait(record)

    def _key(self) -> None:
        """The button: only its going down and up, not its repeats."""
        if self._keys is None:
            return
        try:
            data = os.read(self._keys, 64 * KEY.size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._heard.put_nowait(b"")
            return
        for *_, kind, _, value in KEY.iter_unpack(data[: len(data) // KEY.size * KEY.size]):
            if kind == EV_KEY and value in (UP, DOWN):
                self._heard.put_nowait(button_record(self._frame(), value == DOWN))

    def _frame(self) -> int:
        """The frame that is heard at this moment."""
        frame, at = self._now
        return max(0, frame + round((time.monotonic() - at - LATENCY_S) * RATE))

    def _gone(self) -> Unplugged:
        return Unplugged(f"The sound card “{self._name}” or its button was unplugged: plug it in again.")


def _device(portaudio: PortAudio, wanted: str, way: str) -> dict[str, Any]:
    """The first card whose name holds `wanted`; PortAudio sees a card that came later only when it begins anew."""
    for anew in (False, True):
        if anew:
            portaudio._terminate()
            portaudio._initialize()
        for device in portaudio.query_devices():
            if wanted.lower() in device["name"].lower() and device[f"max_{way}_channels"] > 0:
                return dict(device)
    raise Absent(f"No sound card is called “{wanted}”: plug it in, or correct its name.")


async def _open_simulated(url: str, path: str) -> _SimulatedCard:
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except (OSError, ValueError) as error:
        raise Absent(f"Nothing answers at {url}: start the simulator there, or correct the path.") from error
    return _SimulatedCard(url, reader, writer)


class _SimulatedCard:
    simulated = plays = True

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._url, self._reader, self._writer = url, reader, writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(65536)
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise self._gone()
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise self._gone() from error

    def close(self) -> None:
        self._writer.close()

    def _gone(self) -> Unplugged:
        return Unplugged(f"The sound card at {self._url} hung up: start it again.")
