"""A core played by a test: the listening end of the media process's socket, and the process itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cabin_agent.media import wire

CABIN = (
    '[cabin]\nname = "T"\nserial = "1"\nstate_dir = "state"\nruntime_dir = "run"\naccept_simulated = true\n'
    '[cameras.room]\nurl = "synthetic:room"\n[cameras.hand]\nurl = "synthetic:hand"\n'
)

RESTART_S = 0.1
"""`RestartSec` of `systemd/cabin-media.service`."""
LOG = "media.log"
"""In the folder of the settings: what the process said on its standard error."""


class MediaCore:
    """Listens at `path`, takes what connects, and beats while `beating`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[wire.Item] = []
        self.came = 0
        self.beating = True
        self.hello_at: dict[int, float] = {}
        """`time.monotonic()` at which each process was heard first, by its pid."""
        self._news = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> MediaCore:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    def send(self, item: wire.Item) -> None:
        """To whoever is connected."""
        for writer in self._writers:
            writer.write(wire.encode(item))

    def send_raw(self, data: bytes) -> None:
        """Bytes that are no frame."""
        for writer in self._writers:
            writer.write(data)

    async def until(self, wanted: Callable[[wire.Json], Any], seconds: float = 10) -> wire.Json:
        """The newest message that is wanted, as soon as there is one."""
        async with asyncio.timeout(seconds):
            while not (found := [each for each in self.heard if isinstance(each, dict) and wanted(each)]):
                self._news.clear()
                await self._news.wait()
        return found[-1]

    async def hello(self, *, other_than: int = 0, seconds: float = 20) -> int:
        """The pid of a media process that has introduced itself."""
        said = await self.until(lambda each: each["type"] == "hello" and each["pid"] != other_than, seconds)
        return int(said["pid"])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        self._writers.add(writer)
        beats = asyncio.create_task(self._beat(writer))
        decoder = wire.Decoder()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self._take(decoder.feed(data))
        beats.cancel()
        self._writers.discard(writer)
        writer.transport.abort()

    def _take(self, items: list[wire.Item]) -> None:
        for item in items:
            if isinstance(item, dict) and item["type"] == "hello":
                self.hello_at.setdefault(item["pid"], time.monotonic())
        self.heard += items
        self._news.set()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if self.beating:
                writer.write(wire.encode({"type": "beat"}))
            await asyncio.sleep(wire.BEAT_S)


@asynccontextmanager
async def media_process(folder: Path, settings: str = CABIN) -> AsyncIterator[asyncio.subprocess.Process]:
    """`cabin media`, once it says that it is ready; ended at the end, whatever became of it."""
    (folder / "run").mkdir(exist_ok=True)
    file = folder / "cabin.toml"
    file.write_text(settings)
    with (folder / LOG).open("wb") as log:
        process = await _started(file, log)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        await _ended(process)


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[list[int]]:
    """`cabin media`, started again whenever it ends, as systemd would; the pids of its keepers, the newest last."""
    (folder / "run").mkdir(exist_ok=True)
    (folder / "cabin.toml").write_text(CABIN)
    keepers: list[int] = []
    keeping = asyncio.create_task(_keep(folder, keepers))
    try:
        yield keepers
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(folder: Path, keepers: list[int]) -> None:
    while True:
        with (folder / LOG).open("ab") as log:
            process = await _started(folder / "cabin.toml", log)
        keepers.append(process.pid)
        try:
            await process.wait()
        except asyncio.CancelledError:
            await _ended(process)
            raise
        await asyncio.sleep(RESTART_S)


async def _started(file: Path, log: BinaryIO) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", "media", "--config", str(file),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Friendly at first; the end of its output is the end of the worker too."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(10):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
