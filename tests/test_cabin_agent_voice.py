"""The cabin's voice: only its own sentences, never a value, and never a speaker that is left behind."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import struct
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent import voice as module
from cabin_agent.face import Refusal
from cabin_agent.voice import Voice, installed_voice, with_length
from cabin_agent.web import make_app
from cabin_agent.wording import LANGUAGES, catalogue
from tests.fake_face import FakeAccess, FakeFace

Client = TestClient[web.Request, web.Application]
KIOSK = {"Authorization": "Bearer kiosk"}
KEY = "state.code"
speaking = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def speaker(folder: Path, script: str) -> str:
    """A program in place of espeak-ng; it notes its arguments and what it was told."""
    program = folder / "speaker"
    notes = f'echo "$@" >> {folder}/argv\ncat > {folder}/stdin\necho x >> {folder}/runs'
    program.write_text(f"#!/bin/sh\n{notes}\n{script}\n")
    program.chmod(0o700)
    return str(program)


def sound(samples: bytes = b"\1\0" * 100, *, length: int | None = None) -> bytes:
    """A WAV of mono PCM16 at 22050 Hz, as a program writes it to a pipe: with a length it cannot know."""
    size = len(samples) if length is None else length
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 22050, 44100, 2, 16)
    rest = b"WAVE" + form + struct.pack("<4sI", b"data", size) + samples
    return struct.pack("<4sI", b"RIFF", len(rest) if length is None else 0x7FFFF024) + rest


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().split()) if (folder / "runs").exists() else 0


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "said.wav"
    path.write_bytes(sound(length=0x7FFFF000))
    return path


@speaking
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_sentence_is_heard(language: str) -> None:
    spoken = await installed_voice().say("fr" if language == "fr" else "en", KEY)
    with wave.open(io.BytesIO(spoken)) as heard:
        assert heard.getnchannels() == 1
        seconds = heard.getnframes() / heard.getframerate()
        loud = max(heard.readframes(heard.getnframes()))
    assert 0.5 < seconds < 20
    assert loud > 0


async def test_the_text_goes_in_on_standard_input_and_never_on_the_command_line(tmp_path: Path, wav: Path) -> None:
    spoken = await Voice(speaker(tmp_path, f"cat {wav}")).say("fr", KEY)
    assert (tmp_path / "stdin").read_text() == catalogue("fr")[KEY]
    assert (tmp_path / "argv").read_text().split() == ["-v", "fr-fr", "-s", "140", "--stdin", "--stdout"]
    with wave.open(io.BytesIO(spoken)) as heard:
        assert heard.getnframes() == 100


async def test_a_sentence_is_spoken_once_and_then_remembered(tmp_path: Path, wav: Path) -> None:
    voice = Voice(speaker(tmp_path, f"cat {wav}"))
    first, *others = await asyncio.gather(*(voice.say("fr", KEY) for _ in range(10)))
    assert all(other == first for other in others)
    assert runs(tmp_path) == 1
    await voice.say("en", KEY)
    assert runs(tmp_path) == 2


async def test_what_is_remembered_is_bounded(tmp_path: Path, wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2 * len(sound()))
    voice = Voice(speaker(tmp_path, f"cat {wav}"))
    for key in ("state.code", "state.welcome", "state.code", "state.ready", "state.code", "state.welcome"):
        await voice.say("fr", key)
    assert runs(tmp_path) == 4


@pytest.mark.parametrize("key", ["", "no.such.key", "result.weight", "../fr", "Jeanne Martin"])
async def test_only_sentences_without_values_are_spoken(tmp_path: Path, wav: Path, key: str) -> None:
    voice = Voice(speaker(tmp_path, f"cat {wav}"))
    with pytest.raises(Refusal) as refused:
        await voice.say("fr", key)
    assert refused.value.code == "bad-value"
    assert runs(tmp_path) == 0


@pytest.mark.parametrize("script", ["exit 1", "echo nothing", "", "kill -9 $$"])
async def test_a_speaker_that_fails_is_one_sentence(tmp_path: Path, script: str) -> None:
    with pytest.raises(Refusal, match="read the text instead") as refused:
        await Voice(speaker(tmp_path, script)).say("fr", KEY)
    assert refused.value.code == "no-voice"


async def test_a_speaker_that_hangs_is_killed(tmp_path: Path) -> None:
    voice = Voice(speaker(tmp_path, "exec sleep 100"), hangs_s=0.3)
    with pytest.raises(Refusal, match="hangs"):
        await voice.say("fr", KEY)
    assert [child for child in psutil.Process(os.getpid()).children() if "sleep" in child.name()] == []
    voice = Voice(speaker(tmp_path, "exit 1"))
    with pytest.raises(Refusal, match="failed"):
        await voice.say("fr", KEY)


async def test_a_listener_that_leaves_leaves_no_speaker(tmp_path: Path) -> None:
    voice = Voice(speaker(tmp_path, "exec sleep 100"))
    asking = asyncio.create_task(voice.say("fr", KEY))
    async with asyncio.timeout(10):
        while runs(tmp_path) == 0:  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert [child for child in psutil.Process(os.getpid()).children() if "sleep" in child.name()] == []


async def test_a_cabin_without_speech_says_so(tmp_path: Path) -> None:
    assert not Voice().installed
    for voice in (Voice(), Voice(str(tmp_path / "nowhere"))):
        with pytest.raises(Refusal) as refused:
            await voice.say("fr", KEY)
        assert refused.value.code == "no-voice"


@given(st.binary(max_size=200))
def test_nothing_breaks_the_length(junk: bytes) -> None:
    for broken in (sound() + junk, sound()[:20] + junk, b"RIFF" + junk.ljust(12, b"\0")):
        assert len(with_length(broken)) == len(broken)


def test_the_true_length_is_written_in() -> None:
    assert with_length(sound(length=0x7FFFF000)) == sound()
    assert with_length(sound()) == sound()


# --- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def client(tmp_path: Path, wav: Path) -> AsyncIterator[Client]:
    voice = Voice(speaker(tmp_path, f"cat {wav}"))
    app = make_app(FakeFace(), FakeAccess(), frozenset({"127.0.0.1"}), voice=voice)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("language=fr&key=state.code", ("fr", "state.code")),
        ("language=en&key=state.code&as=kiosk", ("en", "state.code")),
        ("language=fr&measure=temperature", ("fr", "measure.temperature.instruction")),
    ],
)
async def test_the_kiosk_hears(client: Client, tmp_path: Path, query: str, said: tuple[str, str]) -> None:
    response = await client.get(f"/api/v1/voice?{query}", headers=KIOSK)
    assert (response.status, response.content_type) == (200, "audio/wav")
    assert (await response.read()).startswith(b"RIFF")
    assert response.headers["Cache-Control"] == "no-store"
    language, key = said
    assert (tmp_path / "stdin").read_text() == catalogue("fr" if language == "fr" else "en")[key]


@pytest.mark.parametrize(
    "query", ["", "language=fr", "key=state.code", "language=de&key=state.code", "language=fr&measure=x"]
)
async def test_what_cannot_be_read_aloud(client: Client, query: str) -> None:
    response = await client.get(f"/api/v1/voice?{query}", headers=KIOSK)
    assert (response.status, (await response.json(content_type=None))["code"]) == (422, "bad-value")


async def test_the_visit_says_whether_there_is_a_voice() -> None:
    for voice, there in ((Voice(), False), (Voice("/usr/bin/espeak-ng"), True)):
        app = make_app(FakeFace(), FakeAccess(), frozenset({"127.0.0.1"}), voice=voice)
        async with TestClient(TestServer(app)) as client:
            assert (await (await client.get("/api/v1/visit", headers=KIOSK)).json())["voice"] is there
            if not there:
                response = await client.get("/api/v1/voice?language=fr&key=state.code", headers=KIOSK)
                assert (response.status, (await response.json(content_type=None))["code"]) == (501, "no-voice")
