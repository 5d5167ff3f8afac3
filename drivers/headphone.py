"""A response button and headphones on a sound card: tones at stated levels, and when the button was pressed.

No protocol and no audiometer (protocol sheet audiometer, C): screening grade, not type approved. The driver plays one
presentation at a time and tells what it played (`TonePlayed`), when the button went down (`ButtonPress`) and how loud
the room was (`RoomNoise`); which tone comes next is decided elsewhere. Everything is timed in frames of the card.

Levels come from the calibration file of these phones (`drivers.phones`); without one they are relative, and every
`TonePlayed` says so. Unconfirmed: the permitted noise of ISO 8253-1, against which others judge the room.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from drivers.errors import DriverError
from drivers.events import (
    ButtonPress,
    CardTime,
    Event,
    Identity,
    NoValue,
    RoomNoise,
    TonePlayed,
    ToneRange,
    Trouble,
    Value,
)
from drivers.headphone_records import Decoder
from drivers.instrument import Emit, Presented
from drivers.phones import RELATIVE, Phones, read_phones
from drivers.stream import Line, Stream
from drivers.tones import FRAME, RATE, frames, silence, tone

__all__ = ["Audiometer", "Decoder"]

BLOCK_S = 0.02
AHEAD_S = 0.3
"""So much of a presentation lies with the card at most: what is stopped is heard no longer than that."""
ANSWERS_S = 3.0
"""Real seconds in which the card tells where it is."""


class Audiometer:
    """Headphones on one card. `present` plays; events come as they happen."""

    kind: ClassVar[str] = "audiometer"
    protocol: ClassVar[str] = "headphone"
    line: ClassVar[Line] = Line(RATE)
    takes: ClassVar[tuple[str, ...]] = ("calibration", "time_scale")

    def __init__(self, calibration: str | None = None, time_scale: float = 1.0) -> None:
        """`calibration`: path of the file; `time_scale`: how many seconds of the card pass in one."""
        self._file, self._scale = calibration, max(1.0, time_scale)
        self._phones: Phones = RELATIVE
        self._stream: Stream | None = None
        self._emit: Emit = lambda _: None
        self._active = False
        self._card: CardTime | None = None
        self._card_at = 0.0
        self._told = asyncio.Event()
        self._playing = asyncio.Lock()

    @property
    def quiet_s(self) -> float | None:
        """The card says where it is all the time."""
        return ANSWERS_S

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Hear card and button until the stream ends; raises `PortError` for a calibration that cannot be used."""
        self._phones = read_phones(Path(self._file)) if self._file else RELATIVE
        decoder = Decoder()
        self._stream, self._emit, self._card = stream, emit, None
        emit(Trouble("unconfirmed", "the permitted noise of the room, ISO 8253-1 from memory"))
        if self._phones.calibrated:
            emit(Identity(self._phones.model, serial=self._phones.serial))
        try:
            while True:
                for event in decoder.feed(await stream.read()):
                    self._hear(event)
        finally:
            self._stream, self._active = None, False
            self._told.set()

    async def start(self) -> None:
        """A test begins: says what can be played."""
        if self._stream is None:
            raise _gone()
        self._active = True
        calibrated = self._phones.calibrated is not None
        self._emit(ToneRange(self._phones.loudest, calibrated, self._phones.attenuation))

    async def stop(self) -> None:
        """Nothing more is played; the last `AHEAD_S` still are."""
        self._active = False
        self._told.set()

    def press(self, down: bool) -> None:
        """The button on the screen was pressed or let go just now."""
        if self._card is not None:
            passed = (time.monotonic() - self._card_at) * self._scale
            self._emit(ButtonPress(self._card.at_s + min(passed, ANSWERS_S), down))

    async def present(self, wanted: Presented) -> TonePlayed:
        """Play it to its end; what was played is told as an event too.

        Raises `DriverError` where the level or the frequency is not allowed, where no test was started or it was
        stopped, and where the card went away or says nothing any more.
        """
        sound = self._rendered(wanted)
        async with self._playing:
            before = await self._until(lambda card: card.ended_s is not None)
            begun = await self._written(sound, before)
            card = await self._until(lambda card: card.began_s > begun - 1 / RATE and card.ended_s is not None)
        played = card.ended_s if card.ended_s is not None else card.at_s
        onset = card.began_s + frames(wanted.pause_s) / RATE
        whole = card.underruns == before.underruns and abs(played - card.began_s - len(sound) / FRAME / RATE) < 1e-4
        flags = frozenset() if self._phones.calibrated else frozenset({"relative"})
        told = TonePlayed(wanted.ear, wanted.hz, wanted.db, onset, played, whole, flags)
        self._emit(told)
        return told

    def _rendered(self, wanted: Presented) -> bytes:
        """The samples; a level that nobody may be given is refused before a single one of them is made."""
        after = silence(max(0.0, wanted.window_s - wanted.tone_s))
        if wanted.db is None:
            return silence(wanted.pause_s) + silence(wanted.tone_s) + after
        if wanted.db > self._phones.loudest.get((wanted.ear, wanted.hz), float("-inf")):
            raise DriverError(
                "The headphones do not play this tone at this level: choose one that they offered at the start."
            )
        dbfs = self._phones.dbfs(wanted.ear, wanted.hz, wanted.db)
        sound = tone(wanted.ear, wanted.hz, dbfs, wanted.tone_s, pulsed=wanted.pulsed)
        return silence(wanted.pause_s) + sound + after

    async def _written(self, sound: bytes, before: CardTime) -> float:
        """Give the card the samples, never far ahead of what it has played; when they began to sound."""
        ahead, block = (frames(each * self._scale) * FRAME for each in (AHEAD_S, BLOCK_S))
        await self._write(sound[:ahead])
        begun = (await self._until(partial(_sounding, before=before, due_s=0.0))).began_s
        for at in range(ahead, len(sound), block):
            await self._until(partial(_sounding, before=before, due_s=(at - ahead) / FRAME / RATE))
            await self._write(sound[at : at + block])
        return begun

    async def _write(self, sound: bytes) -> None:
        if self._stream is None:
            raise _gone()
        if not self._active:
            raise _stopped()
        await self._stream.write(sound)

    async def _until(self, reached: Callable[[CardTime], bool]) -> CardTime:
        """Wait until the card is there; no wait is long, even of a card that tells the time and plays nothing."""
        try:
            async with asyncio.timeout(ANSWERS_S):
                while self._card is None or not reached(self._card):
                    self._told.clear()
                    await self._told.wait()
                    if self._stream is None:
                        raise _gone()
                    if not self._active:
                        raise _stopped()
        except TimeoutError:
            raise DriverError("The sound card does not play: check its cable, then start again.") from None
        return self._card

    def _hear(self, event: Event) -> None:
        if isinstance(event, CardTime):
            self._card, self._card_at = event, time.monotonic()
            self._told.set()
        elif isinstance(event, RoomNoise):
            event = self._calibrated(event)
        self._emit(event)

    def _calibrated(self, noise: RoomNoise) -> RoomNoise:
        """The bands as levels of the room, where somebody measured the microphone."""
        full_scale = self._phones.microphone_db
        if full_scale is None:
            return noise
        bands: dict[int, Value] = {
            hz: level if isinstance(level, NoValue) else round(level + full_scale, 1)
            for hz, level in noise.bands.items()
        }
        return replace(noise, bands=bands, flags=noise.flags - {"uncalibrated"})


def _sounding(card: CardTime, before: CardTime, due_s: float) -> bool:
    """Whether of what began after `before` so much was played, or it ended before its time."""
    return card.began_s > before.began_s and (card.at_s - card.began_s >= due_s or card.ended_s is not None)


def _gone() -> DriverError:
    return DriverError("The headphones are not connected: plug in their sound card and wait until it is ready.")


def _stopped() -> DriverError:
    return DriverError("The hearing test was stopped: start it again to play a tone.")
