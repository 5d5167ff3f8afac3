"""Sound cards through PortAudio: found by name, opened as 48 kHz mono of 16 bits in blocks of 20 ms.

PortAudio is loaded when cards are looked for and not before: a process that forks must not have it. Everything here
may block and belongs into a thread; it may be called in several.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cabin_agent.media.why import Why

RATE, BLOCK = 48_000, 960
"""Samples per second, and of one block: what Opus takes."""
Direction = Literal["input", "output"]
PortAudio = Any
"""The module `sounddevice`, or what a test puts in its place."""
LISTED = Path("/proc/asound/cards")
"""The kernel's own list of cards, which tells cheaply whether one came or went."""
BUSY_S = 2.0
"""How long a look for cards waits for one that is being opened; a driver may hang there."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was found, or why there is none."""

    name: str | None
    why: Why = Why.NONE


class NoCard(Exception):
    """The card cannot be opened."""


def load() -> PortAudio | None:
    """The module, None when the library of the system is missing."""
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError):
        return None


class Cards:
    """All that is known of PortAudio. It sees new cards only while no stream is open, so these are counted."""

    def __init__(self, load: Callable[[], PortAudio | None] = load) -> None:
        self._load: Callable[[], PortAudio | None] | None = load
        self._portaudio: PortAudio | None = None
        self._errors: tuple[type[Exception], ...] = (OSError, ValueError)
        self._listed: bytes | None = None
        self._open: list[Any] = []
        self._lock = threading.Lock()

    def find(self, wanted: str, direction: Direction) -> Card:
        """The card whose name contains `wanted`, the system's own for "default", none for ""."""
        if not wanted:
            return Card(None, Why.NOT_NAMED)
        if self._portaudio is None:
            return Card(None, Why.NO_PORTAUDIO)
        try:
            if wanted == "default":
                return _card(self._portaudio.query_devices(kind=direction))
            devices = list(self._portaudio.query_devices())
        except self._errors:
            return Card(None, Why.NO_CARD)
        for device in devices:
            if wanted.lower() in device["name"].lower() and device[f"max_{direction}_channels"] > 0:
                return _card(device)
        return Card(None, Why.NO_CARD)

    def look(self, *, content: bool = False) -> bool:
        """Load PortAudio, or have it see which cards came and went; False while one is in use: nothing is done.

        Whoever is `content` with what was found spares the cards, which PortAudio opens one by one to list them,
        unless the kernel says that one came or went.
        """
        if not self._lock.acquire(timeout=BUSY_S):
            return False
        try:
            if self._open:
                return False
            before, self._listed = self._listed, _listed()
            if self._load is not None:
                # Once: to look for a library that is missing starts several programs.
                self._loaded(self._load())
            elif self._portaudio is not None and not (content and before is not None and before == self._listed):
                self._begin_anew(self._portaudio)
        finally:
            self._lock.release()
        return True

    def open_input(self, card: Card, heard: Callable[[bytes], None]) -> Any:
        """A running stream that gives every block to `heard` in PortAudio's thread; raises `NoCard`."""

        def callback_of(channels: int) -> Callable[..., None]:
            return lambda block, *_: heard(_left(bytes(block), channels))

        return self._opened("input", card, callback_of)

    def open_output(self, card: Card, wanted: Callable[[int], bytes]) -> Any:
        """A running stream that asks `wanted` for so many bytes of mono in PortAudio's thread; raises `NoCard`."""

        def callback_of(channels: int) -> Callable[..., None]:
            def callback(block: Any, frames: int, *_: Any) -> None:
                block[:] = _repeated(wanted(frames * 2), channels)

            return callback

        return self._opened("output", card, callback_of)

    def close(self, stream: Any) -> None:
        """Close a stream without playing out what it still holds."""
        with self._lock:
            stream.close(ignore_errors=True)
            self._open.remove(stream)

    def _loaded(self, portaudio: PortAudio | None) -> None:
        self._portaudio, self._load = portaudio, None
        if portaudio is not None:
            self._errors = (OSError, ValueError, portaudio.PortAudioError)

    def _begin_anew(self, portaudio: PortAudio) -> None:
        """PortAudio lists the cards of the moment when it is initialised, and numbers them anew."""
        with suppress(*self._errors):
            portaudio._terminate()
        with suppress(*self._errors):
            portaudio._initialize()

    def _opened(self, way: Direction, card: Card, callback_of: Callable[[int], Callable[..., None]]) -> Any:
        if self._portaudio is None or card.why is not Why.NONE:
            raise NoCard
        kind = self._portaudio.RawInputStream if way == "input" else self._portaudio.RawOutputStream
        with self._lock:
            number = self._number(self._portaudio, card, way)
            for channels in (1, 2):  # some cards take two and no fewer
                stream = self._started(kind, number, channels, callback_of(channels))
                if stream is not None:
                    self._open.append(stream)
                    return stream
        raise NoCard

    def _number(self, portaudio: PortAudio, card: Card, way: Direction) -> int:
        """PortAudio's number of a card since the last look; it may have been another when the card was found."""
        with suppress(*self._errors):
            for device in portaudio.query_devices():
                if device["name"] == card.name and device[f"max_{way}_channels"] > 0:
                    return int(device["index"])
        raise NoCard

    def _started(self, kind: Any, number: int, channels: int, callback: Callable[..., None]) -> Any | None:
        """None when the card refuses."""
        try:
            stream = kind(
                samplerate=RATE,
                blocksize=BLOCK,
                device=number,
                channels=channels,
                dtype="int16",
                latency="low",
                callback=callback,
            )
            stream.start()
        except self._errors:
            return None
        return stream


def _listed() -> bytes | None:
    """None where the kernel has no list; cards may come from a sound server then."""
    try:
        return LISTED.read_bytes()
    except OSError:
        return None


def _card(device: Any) -> Card:
    return Card(str(device["name"]))


def _left(block: bytes, channels: int) -> bytes:
    """The left channel."""
    return block if channels == 1 else np.frombuffer(block, np.int16)[::channels].tobytes()


def _repeated(mono: bytes, channels: int) -> bytes:
    return mono if channels == 1 else np.repeat(np.frombuffer(mono, np.int16), channels).tobytes()
