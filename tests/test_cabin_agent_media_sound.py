"""The cabin's sound, from the card to the doctor and back, and silence that never stops the call."""

from __future__ import annotations

import asyncio
import fractions
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from cabin_agent.media import cards, listening
from cabin_agent.media import sound as media_sound
from cabin_agent.media.address import SoundSettings
from cabin_agent.media.cards import BLOCK, Cards
from cabin_agent.media.listening import ListeningTrack
from cabin_agent.media.sound import Sound
from cabin_agent.media.speaker import FIRST, MOST, Waiting
from cabin_agent.media.why import Why, sentence
from tests.sound_cards import SoundDevice

BOOTH = (("Jabra SPEAK 510", 1, 2), ("Littmann", 1, 0))
NAMED = SoundSettings(microphone="jabra", speaker="jabra", stethoscope="littmann")


async def until(true: Callable[[], object], patience_s: float = 5.0) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


def block(value: int) -> bytes:
    return np.full(BLOCK, value, np.int16).tobytes()


def values(frame: AudioFrame) -> set[int]:
    return set(np.unique(frame.to_ndarray()).tolist())


def names(sound: Sound) -> dict[str, str | None]:
    """The name of each role's card."""
    return {role: name for role, name in sound.view("en").items() if role != "why"}


async def sound_of(
    module: SoundDevice | None, settings: SoundSettings = NAMED
) -> tuple[Sound, list[dict[str, str | None]]]:
    told: list[dict[str, str | None]] = []
    sound = Sound(settings, lambda: told.append(names(sound)), Cards(lambda: module))
    await sound.look()
    return sound, told


async def hear(track: ListeningTrack, value: int) -> None:
    """Read until a block of this value comes."""
    for _ in range(50):
        if values(await track.recv()) == {value}:
            return
    raise AssertionError("the block never came")


async def test_cards_are_told_by_name() -> None:
    sound, told = await sound_of(SoundDevice(*BOOTH))
    assert names(sound) == {"microphone": "Jabra SPEAK 510", "speaker": "Jabra SPEAK 510", "stethoscope": "Littmann"}
    assert set(sound.reasons("fr").values()) == {""} and told == [names(sound)]


@pytest.mark.parametrize(("module", "why"), [(None, Why.NO_PORTAUDIO), (SoundDevice(), Why.NO_CARD)])
async def test_without_cards_each_role_says_why(module: SoundDevice | None, why: Why) -> None:
    sound, _ = await sound_of(module)
    assert names(sound) == {"microphone": None, "speaker": None, "stethoscope": None}
    for language in ("fr", "en"):
        assert set(sound.view(language)["why"].values()) == {sentence(why, language)}


async def test_before_the_first_look_nothing_is_loaded_and_nothing_claimed() -> None:
    def load() -> SoundDevice:
        raise AssertionError("loaded before anyone looked")

    sound = Sound(NAMED, lambda: None, Cards(load))
    assert set(names(sound).values()) == {None}
    assert sound.reasons("en")["microphone"] == sentence(Why.NO_CARD, "en")


async def test_on_this_machine_it_works_as_it_is() -> None:
    """The real `sounddevice`, with or without PortAudio and cards: silence or sound, but never an error."""
    sound = Sound(SoundSettings("default", "default", ""), lambda: None)
    await sound.look()
    assert set(names(sound)) == {"microphone", "speaker", "stethoscope"}
    track = sound.stethoscope()
    assert values(await track.recv()) == {0}
    track.stop()


async def test_silence_comes_at_the_pace_of_sound() -> None:
    sound, _ = await sound_of(None)
    track = sound.microphone()
    began = time.monotonic()
    frames = [await track.recv() for _ in range(26)]
    assert 0.45 < time.monotonic() - began < 3
    assert [frame.pts for frame in frames] == [n * BLOCK for n in range(26)]
    for frame in frames:
        assert (frame.sample_rate, frame.samples, frame.format.name, frame.layout.name) == (
            48_000,
            BLOCK,
            "s16",
            "mono",
        )
        assert frame.time_base == fractions.Fraction(1, 48_000) and values(frame) == {0}
    track.stop()


async def test_silence_after_a_held_up_loop_does_not_come_in_a_flood() -> None:
    sound, _ = await sound_of(None)
    track = sound.microphone()
    await track.recv()
    time.sleep(0.6)  # noqa: ASYNC251 the loop is held up on purpose
    began = time.monotonic()
    for _ in range(10):
        await track.recv()
    assert time.monotonic() - began > 0.08
    track.stop()


async def test_what_the_card_hears_goes_out_in_order() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.microphone()
    assert module.streams == [], "nobody listens before the call reads"
    await track.recv()
    await until(lambda: module.streams)
    (stream,) = module.streams
    stream.speak(block(1))
    await hear(track, 1)
    for value in range(2, 6):
        stream.speak(block(value))
    assert [values(await track.recv()) for _ in range(4)] == [{2}, {3}, {4}, {5}]
    track.stop()
    await until(lambda: stream.closed)


async def test_a_backlog_is_bounded_and_the_newest_wins() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.microphone()
    await track.recv()
    await until(lambda: module.streams)
    module.streams[0].speak(block(1))
    await hear(track, 1)
    for value in range(100, 200):
        module.streams[0].speak(block(value))
    assert [values(await track.recv()) for _ in range(5)] == [{value} for value in range(195, 200)]
    track.stop()
    await until(lambda: not module.streams)


async def test_blocks_that_silence_replaced_are_left_out() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.microphone()
    await track.recv()
    await until(lambda: module.streams)
    module.streams[0].speak(block(1))
    await hear(track, 1)
    assert values(await track.recv()) == {0}
    for value in (2, 3, 4):
        module.streams[0].speak(block(value))
    assert values(await track.recv()) == {4}
    track.stop()
    await until(lambda: not module.streams)


async def test_the_stethoscope_is_closed_until_it_is_listened_to() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.stethoscope()
    await track.recv()
    await asyncio.sleep(0.05)
    assert module.streams == [] and track.listening is False
    for _ in range(3):
        track.listening = True
        await until(lambda: module.streams)
        assert module.streams[0].settings["device"] == 1
        module.streams[0].speak(block(7))
        await hear(track, 7)
        module.streams[0].speak(block(8))
        track.listening = False
        await until(lambda: not module.streams)
        assert values(await track.recv()) == {0}
    track.stop()


async def test_on_and_off_in_a_storm_ends_as_the_last_word_says() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.stethoscope()
    await track.recv()
    for turn in range(41):
        track.listening = turn % 2 == 0
        if turn % 7 == 0:
            await asyncio.sleep(0.001)
    await until(lambda: len(module.streams) == 1)
    track.listening = False
    await until(lambda: not module.streams)
    track.stop()


async def test_a_card_that_refuses_gives_silence_and_is_told() -> None:
    module = SoundDevice(*BOOTH)
    sound, told = await sound_of(module)
    module.refuses = True
    track = sound.microphone()
    await track.recv()
    await until(lambda: names(sound)["microphone"] is None)
    assert sound.reasons("fr")["microphone"] == sentence(Why.CARD_FAILED, "fr")
    assert told[-1]["microphone"] is None and told[-1]["stethoscope"] == "Littmann"
    assert values(await track.recv()) == {0}
    track.stop()


async def test_a_card_that_falls_silent_is_lost_told_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOST_S", 0.2)
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.microphone()
    await track.recv()
    await until(lambda: module.streams)
    module.streams[0].speak(block(1))
    await hear(track, 1)
    module.devices = [BOOTH[1]]
    while module.streams:
        await track.recv()
    assert names(sound)["microphone"] is None
    track.stop()
    await sound.look()
    assert sound.reasons("en")["microphone"] == sentence(Why.NO_CARD, "en")
    module.devices = list(BOOTH)
    await sound.look()
    assert names(sound)["microphone"] == "Jabra SPEAK 510"


# --- cards that come and go


@asynccontextmanager
async def watched(module: SoundDevice, look_s: float, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sound]:
    """Sound that looks for its cards by itself, every `look_s`."""
    monkeypatch.setattr(media_sound, "LOOK_S", look_s)
    monkeypatch.setattr(media_sound, "TRY_S", 0.02)
    sound = Sound(NAMED, lambda: None, Cards(lambda: module))
    watching = asyncio.create_task(sound.watch())
    try:
        yield sound
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_card_plugged_in_or_pulled_out_later_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SoundDevice(BOOTH[0])
    async with watched(module, 0.05, monkeypatch) as sound:
        await until(lambda: names(sound)["microphone"])
        assert sound.reasons("fr")["stethoscope"] == sentence(Why.NO_CARD, "fr")
        module.devices = list(BOOTH)
        await until(lambda: names(sound)["stethoscope"] == "Littmann")
        assert sound.reasons("fr")["stethoscope"] == ""
        module.devices = [BOOTH[1]]
        await until(lambda: names(sound)["microphone"] is None)
        assert names(sound)["stethoscope"] == "Littmann"


async def test_while_a_call_lasts_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SoundDevice(*BOOTH)
    async with watched(module, 0.03, monkeypatch) as sound:
        await until(lambda: names(sound)["microphone"])
        track = sound.stethoscope()
        await asyncio.sleep(0.1)
        looks = module.looks
        await asyncio.sleep(0.2)
        assert module.looks == looks
        track.stop()
        await until(lambda: module.looks > looks)


async def test_a_card_lost_in_a_call_is_there_again_right_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for the call that has taken its place meanwhile, and not only a while later."""
    monkeypatch.setattr(listening, "LOST_S", 0.1)
    module = SoundDevice(*BOOTH)
    async with watched(module, 3600, monkeypatch) as sound:
        await until(lambda: names(sound)["microphone"])
        track = sound.microphone()
        await track.recv()
        await until(lambda: module.streams)
        while module.streams:
            await track.recv()
        assert sound.reasons("en")["microphone"] == sentence(Why.CARD_FAILED, "en")
        rejoined = sound.microphone()
        await rejoined.recv()
        assert module.streams == []
        track.stop()
        await until(lambda: module.streams)
        assert names(sound)["microphone"] == "Jabra SPEAK 510"
        module.streams[0].speak(block(5))
        await hear(rejoined, 5)
        rejoined.stop()


async def test_the_speaker_of_a_call_begins_when_its_card_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SoundDevice(*BOOTH)
    module.refuses = True
    async with watched(module, 3600, monkeypatch) as sound:
        await until(lambda: names(sound)["speaker"])
        before = sound.stethoscope()
        playing = asyncio.create_task(sound.play(Doctor(4000)))
        await until(lambda: names(sound)["speaker"] is None)
        module.refuses = False
        before.stop()
        await until(lambda: module.streams)
        assert names(sound)["speaker"] == "Jabra SPEAK 510"
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await until(lambda: not module.streams)


async def test_the_look_after_a_call_waits_until_its_cards_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SoundDevice(*BOOTH)
    async with watched(module, 3600, monkeypatch) as sound:
        await until(lambda: names(sound)["microphone"])
        track = sound.microphone()
        await track.recv()
        await until(lambda: module.streams)
        module.devices = [BOOTH[0]]
        track.stop()
        await until(lambda: names(sound)["stethoscope"] is None)
        assert names(sound)["microphone"] == "Jabra SPEAK 510"


async def test_cards_that_are_all_there_are_left_in_peace_until_the_kernel_tells_of_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PortAudio opens each card to list it, which a browser that is about to speak would notice."""
    listed = tmp_path / "cards"
    listed.write_text(" 0 [S510]: USB-Audio\n 1 [Littmann]: USB-Audio\n")
    monkeypatch.setattr(cards, "LISTED", listed)
    module = SoundDevice(*BOOTH)
    async with watched(module, 0.03, monkeypatch) as sound:
        await until(lambda: names(sound)["microphone"])
        await asyncio.sleep(0.15)
        assert module.looks == 0
        module.devices = [BOOTH[1]]
        listed.write_text(" 1 [Littmann]: USB-Audio\n")
        await until(lambda: names(sound)["microphone"] is None)
        looks = module.looks
        await until(lambda: module.looks > looks + 1)


async def test_where_no_card_is_named_nobody_looks() -> None:
    def load() -> SoundDevice:
        raise AssertionError("looked")

    sound = Sound(SoundSettings(), lambda: None, Cards(load))
    await asyncio.wait_for(sound.watch(), 1)
    assert set(sound.reasons("en").values()) == {sentence(Why.NOT_NAMED, "en")}


# --- the end of a call


async def test_a_stopped_track_ends_and_the_next_session_has_its_own() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    for _ in range(5):
        track = sound.microphone()
        await track.recv()
        await until(lambda: len(module.streams) == 1)
        track.stop()
        with pytest.raises(MediaStreamError):
            await track.recv()
        await until(lambda: not module.streams)


async def test_stopping_while_the_card_still_opens_closes_it() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    track = sound.microphone()
    await track.recv()
    track.stop()
    await asyncio.sleep(0.1)
    await until(lambda: not module.streams)


class Doctor(MediaStreamTrack):
    """What the doctor says: stereo frames as aiortc decodes them, until it ends."""

    kind = "audio"

    def __init__(self, frames: int, value: int = 1000) -> None:
        super().__init__()
        self.left, self._value = frames, value

    async def recv(self) -> AudioFrame:
        if self.left == 0:
            raise MediaStreamError
        self.left -= 1
        await asyncio.sleep(0.005)
        frame = AudioFrame.from_ndarray(np.full((1, 2 * BLOCK), self._value, np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48_000
        return frame


async def test_the_doctor_is_heard_in_the_cabin() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    playing = asyncio.create_task(sound.play(Doctor(400)))
    await until(lambda: module.streams)
    (stream,) = module.streams
    heard: list[int] = []

    def hear_it() -> bool:
        heard.extend(np.frombuffer(stream.pull(), np.int16).tolist())
        return 1000 in heard

    await until(hear_it)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    await until(lambda: stream.closed)
    assert set(heard) <= {0, 1000}


@pytest.mark.parametrize("module", [None, SoundDevice(*BOOTH)])
async def test_the_doctors_track_is_always_consumed(module: SoundDevice | None) -> None:
    sound, _ = await sound_of(module)
    if module is not None:
        module.refuses = True
    doctor = Doctor(40)
    await asyncio.wait_for(sound.play(doctor), 5)
    assert doctor.left == 0
    if module is not None:
        await until(lambda: names(sound)["speaker"] is None)
        assert names(sound)["microphone"] == "Jabra SPEAK 510"


async def test_a_track_that_ends_before_the_card_is_open_leaves_no_card_open() -> None:
    module = SoundDevice(*BOOTH)
    sound, _ = await sound_of(module)
    await sound.play(Doctor(0))
    await asyncio.sleep(0.1)
    await until(lambda: not module.streams)


def test_what_waits_to_be_played_is_bounded_and_recent() -> None:
    waiting = Waiting()
    for value in range(50):
        waiting.put(block(value))
    taken = np.frombuffer(waiting.take(MOST), np.int16)
    sound = taken[taken != 0]
    assert len(sound) * 2 <= MOST and sound[-1] == 49


def test_playing_begins_with_a_reserve_and_again_after_it_ran_dry() -> None:
    waiting = Waiting()
    waiting.put(bytes([1]) * (FIRST - 2))
    assert waiting.take(100) == bytes(100)
    waiting.put(bytes([1]) * 2)
    assert waiting.take(FIRST) == bytes([1]) * FIRST
    assert waiting.take(10) == bytes(10)
    waiting.put(bytes([2]) * 10)
    assert waiting.take(10) == bytes(10), "a reserve first"
    waiting.put(bytes([2]) * FIRST)
    assert waiting.take(10) == bytes([2]) * 10
    assert waiting.take(2 * FIRST) == (bytes([2]) * FIRST).ljust(2 * FIRST, b"\0")
