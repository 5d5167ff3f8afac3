"""The cabin reads its own sentences aloud: espeak-ng, where it is installed, from text to WAV.

Only texts of the catalogue are spoken, never a value; they go in on standard input, because anybody on the machine
can read a command line.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import struct
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

from cabin_agent.face import Refusal
from cabin_agent.wording import Language, catalogue

log = logging.getLogger(__name__)

VOICES: Mapping[Language, str] = {"fr": "fr-fr", "en": "en-gb"}
WORDS_A_MINUTE = 140
"""Calmer than espeak-ng's own 175."""
MOST_KEPT = 16 << 20
"""Bytes of speech kept in memory."""
HANGS_S = 5.0
"""Real seconds after which a speaker that says nothing is killed."""
LONGEST = 2000
"""Characters of one text."""
_RIFF = struct.Struct("<4sI4s")


class Voice:
    """Speech of one installation; `program` is the path of espeak-ng, None where there is none."""

    def __init__(self, program: str | None = None, hangs_s: float = HANGS_S) -> None:
        self._program, self._hangs_s = program, hangs_s
        self._spoken: OrderedDict[tuple[Language, str], bytes] = OrderedDict()
        self._turn = asyncio.Lock()

    @property
    def installed(self) -> bool:
        """Whether there is a speaker."""
        return self._program is not None

    async def say(self, language: Language, key: str) -> bytes:
        """A text of the catalogue as WAV; raises `Refusal` "bad-value" (no such text) or "no-voice"."""
        text = catalogue(language).get(key)
        if text is None or "{" in text or len(text) > LONGEST:
            raise Refusal("bad-value", "There is no text of this key that can be read aloud.")
        if self._program is None:
            raise Refusal("no-voice", "This cabin cannot read aloud: install espeak-ng.")
        async with self._turn:
            wav = self._spoken.get((language, key)) or await self._speak(self._program, language, text)
            self._keep((language, key), wav)
        return wav

    def _keep(self, key: tuple[Language, str], wav: bytes) -> None:
        """The newest stay; what was said longest ago goes first."""
        self._spoken[key] = wav
        self._spoken.move_to_end(key)
        while len(self._spoken) > 1 and sum(map(len, self._spoken.values())) > MOST_KEPT:
            self._spoken.popitem(last=False)

    async def _speak(self, program: str, language: Language, text: str) -> bytes:
        words = [program, "-v", VOICES[language], "-s", str(WORDS_A_MINUTE), "--stdin", "--stdout"]
        try:
            speaker = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
        except OSError:
            raise Refusal("no-voice", "The cabin's speech cannot be started: install espeak-ng again.") from None
        try:
            async with asyncio.timeout(self._hangs_s):
                wav, _ = await speaker.communicate(text.encode())
        except TimeoutError:
            raise Refusal("no-voice", "The cabin's speech hangs: read the text instead.") from None
        finally:
            await _ended(speaker)
        if speaker.returncode or not wav.startswith(b"RIFF"):
            raise Refusal("no-voice", "The cabin's speech failed: read the text instead.")
        return with_length(wav)


def installed_voice() -> Voice:
    """The voice of this machine."""
    return Voice(shutil.which("espeak-ng"))


def with_length(wav: bytes) -> bytes:
    """The same sound with its true length written in: a program that writes to a pipe cannot know it beforehand.

    WAV: "RIFF", u32 length of the rest, "WAVE", then chunks of a name, a u32 length and their content.
    """
    fixed, at = bytearray(wav), _RIFF.size
    struct.pack_into("<I", fixed, 4, len(wav) - 8)
    while at + 8 <= len(wav):
        name, length = struct.unpack_from("<4sI", wav, at)
        if name == b"data":
            struct.pack_into("<I", fixed, at + 4, len(wav) - at - 8)
            break
        at += 8 + length + length % 2
    return bytes(fixed)


async def _ended(speaker: asyncio.subprocess.Process) -> None:
    """Leave no speaker behind, whatever ended the waiting for it."""
    if speaker.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(speaker.pid, signal.SIGKILL)
        await speaker.wait()
