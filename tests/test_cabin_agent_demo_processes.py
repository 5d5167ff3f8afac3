"""The demonstration's processes: one that ends is started again, ever later, and left alone in the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cabin_agent.demo import processes as module
from cabin_agent.demo.processes import Processes
from cabin_agent.demo.site import Site


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    made = Processes(Site(tmp_path, tmp_path / "run"))
    yield made
    await made.stop()


def starts(folder: Path) -> int:
    written = folder / "starts"
    return written.read_text().count("x") if written.exists() else 0


async def test_a_process_that_ends_at_once_is_left_alone_after_a_few_tries_and_the_rest_goes_on(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACK_OFF_S", (0.0, 0.1, 0.2))
    words = f"printf x >> {tmp_path}/starts; echo 'no camera can be opened.' >&2"
    await processes.start("core", "lives on", ["sleep", "60"])
    await processes.start("media", "ends at once", ["sh", "-c", words], again=True)
    said: list[str] = []
    began = time.monotonic()
    watching = asyncio.create_task(processes.first_death(said.append))
    async with asyncio.timeout(10):
        while not said:  # noqa: ASYNC110 - a process is not an event
            await asyncio.sleep(0.01)
    assert time.monotonic() - began >= 0.3
    assert said == ["The media ended 4 times in a row and is left alone: no camera can be opened."]
    await asyncio.sleep(0.2)
    assert (starts(tmp_path), watching.done(), len(processes.children)) == (4, False, 2)
    processes.children[0].process.kill()
    assert (await watching).name == "core"


async def test_a_process_that_worked_is_started_again_as_often_as_it_ends(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACK_OFF_S", (0.0,))
    monkeypatch.setattr(module, "STEADY_S", 0.05)
    await processes.start("media", "ends", ["sh", "-c", f"printf x >> {tmp_path}/starts; sleep 0.1"], again=True)
    said: list[str] = []
    watching = asyncio.create_task(processes.first_death(said.append))
    async with asyncio.timeout(10):
        while starts(tmp_path) < 4:  # noqa: ASYNC110 - a process is not an event
            await asyncio.sleep(0.01)
    assert said == []
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
