"""The way to the core: it waits, introduces itself, beats, notices silence and nonsense, and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cabin_agent.media import core_link, wire
from cabin_agent.media.core_link import CoreLink
from tests.media_core import MediaCore


class Ours:
    """A link and what it told."""

    def __init__(self, path: Path) -> None:
        self.heard: list[wire.Item] = []
        self.moves: list[bool] = []
        self.news = asyncio.Event()
        self.link = CoreLink(path, lambda: {"type": "hello", "pid": 1}, self._heard, self._moved)

    async def until(self, condition: str) -> None:
        """Wait for what was told: an expression of `ours`."""
        async with asyncio.timeout(10):
            while not eval(condition, {"ours": self}):
                self.news.clear()
                await self.news.wait()

    def _heard(self, item: wire.Item) -> None:
        self.heard.append(item)
        self.news.set()

    def _moved(self, up: bool) -> None:
        self.moves.append(up)
        self.news.set()


@asynccontextmanager
async def linked(path: Path) -> AsyncIterator[Ours]:
    ours = Ours(path)
    task = asyncio.create_task(ours.link.run())
    try:
        yield ours
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_introduces_itself_first_and_beats(tmp_path: Path) -> None:
    async with MediaCore(tmp_path / "s") as core, linked(core.path) as ours:
        await ours.until("ours.moves == [True]")
        await core.until(lambda each: each["type"] == "beat")
        assert core.heard[0] == {"type": "hello", "pid": 1}
        assert ours.link.up


async def test_what_is_sent_either_way_arrives_and_beats_are_not_told(tmp_path: Path) -> None:
    async with MediaCore(tmp_path / "s") as core, linked(core.path) as ours:
        await core.hello()
        for item in ({"type": "close", "session": "s"}, b"CW" * 9, wire.Picture({"n": 1}, b"jpeg")):
            core.send(item)
        await ours.until("len(ours.heard) == 3")
        assert ours.link.send({"type": "state", "x": 1}) is True
        await core.until(lambda each: each["type"] == "state")
        assert ours.heard == [{"type": "close", "session": "s"}, b"CW" * 9, wire.Picture({"n": 1}, b"jpeg")]


async def test_without_a_core_it_drops_what_is_sent_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with linked(tmp_path / "s") as ours:
        await asyncio.sleep(0.6)
        assert ours.link.send({"type": "state"}) is False
        assert not ours.link.up
        assert [each.message for each in caplog.records].count(
            "no core answers at its socket yet; waiting for it"
        ) == 1  # fmt: skip
        async with MediaCore(tmp_path / "s") as core:
            await core.hello()


async def test_a_core_that_goes_and_comes_is_followed(tmp_path: Path) -> None:
    async with linked(tmp_path / "s") as ours:
        for _ in range(2):
            async with MediaCore(tmp_path / "s") as core:
                await core.hello()
            await ours.until("not ours.moves[-1]")
        assert ours.moves == [True, False, True, False]


@pytest.mark.parametrize("bad", [b"\xff\xff\xff\xff\x01", b"\x00\x00\x00\x00\x09", b"\x01\x00\x00\x00\x01x"])
async def test_nonsense_ends_the_connection_and_not_the_link(tmp_path: Path, bad: bytes) -> None:
    async with MediaCore(tmp_path / "s") as core, linked(core.path) as ours:
        await core.hello()
        core.send_raw(bad)
        await ours.until("ours.moves == [True, False, True]")


async def test_a_silent_core_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "DEAD_S", 0.3)
    async with MediaCore(tmp_path / "s") as core, linked(core.path) as ours:
        core.beating = False
        await ours.until("ours.moves[:2] == [True, False]")


async def test_a_core_that_does_not_read_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(wire.encode({"type": "beat"}))
                await asyncio.sleep(0.1)
        finally:
            writer.transport.abort()

    monkeypatch.setattr(core_link, "MOST_WAITING", 100_000)
    server = await asyncio.start_unix_server(deaf, tmp_path / "s")
    async with linked(tmp_path / "s") as ours:
        await ours.until("ours.moves == [True]")
        sent = [ours.link.send(bytes(50_000)) for _ in range(40)]
        assert sent[0] is True
        assert sent[-1] is False
        await ours.until("False in ours.moves")
    server.close()
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("turns", range(8))
async def test_an_end_in_the_moment_in_which_the_core_goes_is_an_end(turns: int) -> None:
    """Whichever turn of the loop it comes in after the last byte of the core."""
    transport = SimpleNamespace(is_closing=lambda: False, get_write_buffer_size=lambda: 0, abort=lambda: None)
    reader, writer = asyncio.StreamReader(), SimpleNamespace(write=lambda data: None, transport=transport)
    link = CoreLink(Path("/nowhere"), lambda: {"type": "hello"}, lambda item: None, lambda up: None)
    task = asyncio.create_task(endless(link, reader, cast(Any, writer)))
    await asyncio.sleep(0.01)
    reader.feed_eof()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert done and task.cancelled()


async def endless(link: CoreLink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As `run` does it, for one connection and the wait after it."""
    await link._serve(reader, writer)
    await asyncio.sleep(60)
