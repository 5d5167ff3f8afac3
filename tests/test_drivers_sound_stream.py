"""Sound cards as byte streams, with a stand-in for PortAudio whose thread the test drives; and a simulated card."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import Absent, PortError, Unplugged
from drivers.events import ButtonPress, CardTime, Event, RoomNoise
from drivers.headphone_records import Decoder
from drivers.sound_stream import BLOCK, EV_KEY, KEY, LISTENED
from drivers.stream import Line, Stream, open_stream
from drivers.tones import FRAME, RATE
from tests.sound_cards import SoundDevice, in_thread
from tests.sound_cards import Stream as Driven

USB = ("USB Audio: - (hw:1,0)", 1, 2)


class PortAudio(SoundDevice):
    """As `tests.sound_cards` has it, with a stream's status and its end."""

    def RawOutputStream(self, **settings: Any) -> Driven:  # noqa: N802 sounddevice's name
        self.settings = settings
        return super().RawOutputStream(**settings)


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> PortAudio:
    module = PortAudio(("Built-in", 2, 2), USB)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


async def opened(url: str) -> Stream:
    return await open_stream(url, Line(RATE))


def takes(card: Driven, count: int = BLOCK, *, dry: bool = False) -> bytes:
    """What PortAudio's thread does for one block."""
    block = bytearray(count * FRAME)
    in_thread(lambda: card.callback(block, count, None, SimpleNamespace(output_underflow=dry)))
    return bytes(block)


async def told(stream: Stream, kind: type[Event]) -> list[Any]:
    """The events of this kind in what the card has said."""
    events = []
    try:
        async with asyncio.timeout(0.05):
            while True:
                events += Decoder().feed(await stream.read())
    except TimeoutError:
        return [event for event in events if isinstance(event, kind)]


async def test_the_card_is_found_by_name_and_opened_once_for_stereo_of_32_bits(portaudio: PortAudio) -> None:
    stream = await opened("sound://USB%20Audio")
    (card,) = portaudio.streams
    assert {key: card.settings[key] for key in ("device", "channels", "dtype", "samplerate")} == {
        "device": 1, "channels": 2, "dtype": "int32", "samplerate": RATE,
    }  # fmt: skip
    assert stream.simulated is False
    stream.close()
    stream.close()
    assert portaudio.streams == []


async def test_a_card_behind_a_sound_server_is_not_known_to_be_real(portaudio: PortAudio) -> None:
    stream = await opened("sound://Built-in")
    assert stream.simulated is True
    stream.close()


async def test_samples_are_played_as_written_and_silence_where_there_are_none(portaudio: PortAudio) -> None:
    stream = await opened("sound://USB")
    (card,) = portaudio.streams
    assert takes(card) == bytes(BLOCK * FRAME)
    await stream.write(b"\1" * FRAME * (BLOCK + 10))
    assert takes(card) == b"\1" * FRAME * BLOCK
    assert takes(card) == b"\1" * FRAME * 10 + bytes((BLOCK - 10) * FRAME)
    last = (await told(stream, CardTime))[-1]
    assert last == CardTime(3 * BLOCK / RATE, BLOCK / RATE, (2 * BLOCK + 10) / RATE, 0)
    stream.close()


async def test_an_underrun_of_the_card_is_told(portaudio: PortAudio) -> None:
    stream = await opened("sound://USB")
    (card,) = portaudio.streams
    await stream.write(bytes(BLOCK * FRAME * 4))
    takes(card)
    takes(card, dry=True)
    assert (await told(stream, CardTime))[-1].underruns == 1
    stream.close()


async def test_of_the_microphone_there_are_levels_and_nothing_else(portaudio: PortAudio) -> None:
    stream = await opened("sound://USB?microphone=USB")
    microphone = next(each for each in portaudio.streams if each.direction == "input")
    assert microphone.settings["blocksize"] == LISTENED
    microphone.speak(os.urandom(2 * LISTENED))
    (room,) = await told(stream, RoomNoise)
    assert all(isinstance(level, float) for level in room.bands.values())
    stream.close()
    assert portaudio.streams == []


async def test_a_button_that_is_a_keyboard_goes_down_and_up(portaudio: PortAudio, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "button")
    held = os.open(tmp_path / "button", os.O_RDWR)
    stream = await opened(f"sound://USB?button={tmp_path / 'button'}")
    events = ((EV_KEY, 1), (EV_KEY, 2), (0, 1), (EV_KEY, 0))
    os.write(held, b"".join(KEY.pack(0, 0, kind, 28, value) for kind, value in events))
    assert [each.down for each in await told(stream, ButtonPress)] == [True, False]
    stream.close()
    os.close(held)


async def test_a_button_that_is_pulled_out_ends_the_link(portaudio: PortAudio, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "button")
    held = os.open(tmp_path / "button", os.O_RDWR)
    stream = await opened(f"sound://USB?button={tmp_path / 'button'}")
    os.close(held)
    with pytest.raises(Unplugged):
        await stream.read()
    stream.close()


async def test_a_card_that_stops_asking_is_gone(portaudio: PortAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.sound_stream.SILENT_S", 0.02)
    stream = await opened("sound://USB")
    with pytest.raises(Unplugged, match="unplugged"):
        await stream.read()
    stream.close()
    with pytest.raises(Unplugged):
        await stream.write(b"")


async def test_a_card_that_portaudio_ends_is_gone(portaudio: PortAudio) -> None:
    stream = await opened("sound://USB")
    in_thread(portaudio.settings["finished_callback"])
    with pytest.raises(Unplugged):
        await stream.read()
    stream.close()


async def test_a_card_that_was_plugged_in_later_is_seen(portaudio: PortAudio) -> None:
    portaudio.devices.append(("Late: - (hw:2,0)", 0, 2))
    stream = await opened("sound://Late")
    assert portaudio.looks == 1
    stream.close()


@pytest.mark.parametrize("url", ["sound://Nothing", "sound://USB?microphone=None", "sound://USB?button=/dev/none"])
async def test_what_is_not_there_is_absent_and_nothing_stays_open(portaudio: PortAudio, url: str) -> None:
    with pytest.raises(Absent, match="plug it in"):
        await opened(url)
    assert portaudio.streams == []


async def test_a_card_that_refuses_is_said_so(portaudio: PortAudio) -> None:
    portaudio.refuses = True
    with pytest.raises(PortError, match="close what uses it"):
        await opened("sound://USB")


async def test_without_portaudio_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(PortError, match="libportaudio2"):
        await opened("sound://USB")


@pytest.mark.parametrize("url", ["sound://", "sound://USB?speaker=x"])
async def test_a_url_that_names_no_card_is_refused(url: str) -> None:
    with pytest.raises(PortError, match="names no sound card"):
        await opened(url)


async def test_a_simulated_card_that_is_not_there_is_absent(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="start the simulator"):
        await opened(f"sound-sim://{tmp_path}/none.sound")


async def test_a_simulated_card_hangs_up(tmp_path: Path) -> None:
    got = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await reader.read(3))
        writer.write(b"abc")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "card.sound")
    stream = await opened(f"sound-sim://{tmp_path / 'card.sound'}")
    await stream.write(b"xyz")
    assert await got.get() == b"xyz"
    assert await stream.read() == b"abc"
    with pytest.raises(Unplugged, match="hung up"):
        await stream.read()
    stream.close()
    server.close()
