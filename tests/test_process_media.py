"""`cabin media` as a process: killed, hung, without a core, with one that goes; it comes back, the call goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.doctor import Doctor
from tests.media_core import CABIN, LOG, RESTART_S, MediaCore, media_process, supervised

pytestmark = pytest.mark.processes

BACK_S = 2.0
"""Within this a killed worker has to be there again, less the time by which this machine lets everybody wait."""
TICK_S = 0.02
UNIT = Path(__file__).parents[1] / "systemd" / "cabin-media.service"


def lives(pid: int) -> bool:
    """Whether a process is there and not a corpse."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(pid: int, seconds: float = 5) -> None:
    """Wait until a process is no more."""
    async with asyncio.timeout(seconds):
        while lives(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def waits() -> AsyncIterator[Callable[[], float]]:
    """Gives the seconds by which turns of a loop that has nothing to do came late: others have the machine then."""
    late = 0.0

    async def turns() -> None:
        nonlocal late
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            late += time.monotonic() - due

    turning = asyncio.create_task(turns())
    try:
        yield lambda: late
    finally:
        turning.cancel()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    """Where the core listens."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "media.sock"


async def call(core: MediaCore, session: str = "s1") -> Doctor:
    """A doctor who sees pictures."""
    doctor = Doctor()
    core.send({"type": "offer", "re": 1, "session": session, "sdp": await doctor.offer(), "language": "en"})
    answer = await core.until(lambda each: each["type"] in ("answer", "refused"))
    assert answer["type"] == "answer", answer
    await doctor.accept(answer["sdp"])
    await doctor.pictures(3, 20)
    return doctor


async def test_it_waits_for_the_core_says_so_once_and_introduces_itself(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path) as process:
        await asyncio.sleep(1)
        async with MediaCore(socket) as core:
            hello = await core.until(lambda each: each["type"] == "hello")
            assert [each["name"] for each in hello["cameras"]] == ["room", "hand"]
            assert all(each["simulated"] for each in hello["cameras"])
            assert [hello["sound"][card] for card in ("microphone", "speaker", "stethoscope")] == [None] * 3
            assert hello["sound"]["why"]["microphone"].endswith(".")
    said = (tmp_path / LOG).read_text()
    assert said.count("waiting for it") <= 2
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
async def test_a_worker_that_dies_or_hangs_is_back(tmp_path: Path, socket: Path, how: signal.Signals) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core, waits() as late:
        first = await core.hello()
        began, before = time.monotonic(), late()
        os.kill(first, how)
        second = await core.hello(other_than=first)
        assert core.hello_at[second] - began - (late() - before) < BACK_S
        assert second != first
        await gone(first)


async def test_a_keeper_that_is_killed_is_back_with_its_worker(tmp_path: Path, socket: Path) -> None:
    """Started again as systemd does it. A busy machine may need twice what the first start took just before."""
    began = time.monotonic()
    async with MediaCore(socket) as core, supervised(tmp_path) as keepers:
        first = await core.hello()
        allowed = max(BACK_S, 2 * (core.hello_at[first] - began))
        killed = time.monotonic()
        os.kill(keepers[-1], signal.SIGKILL)
        second = await core.hello(other_than=first)
        assert core.hello_at[second] - killed < allowed
        assert not lives(first)
    assert f"RestartSec={RESTART_S * 1000:.0f}ms" in UNIT.read_text().splitlines()


async def test_cards_and_cameras_are_watched_while_nobody_calls(tmp_path: Path, socket: Path) -> None:
    settings = CABIN + '[cameras.third]\nurl = "/dev/video-that-is-not-there"\n'
    async with media_process(tmp_path, settings), MediaCore(socket) as core:
        await core.until(lambda each: [found["state"] for found in each.get("cameras", [])][2:] == ["missing"])


async def test_the_keepers_end_is_the_workers_end(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path) as process, MediaCore(socket) as core:
        worker = await core.hello()
        process.kill()
        await gone(worker)


async def test_a_friendly_signal_ends_both(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path) as process, MediaCore(socket) as core:
        worker = await core.hello()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(8):
            assert await process.wait() == 0
        assert not lives(worker)


async def test_a_core_that_dies_in_a_call_leaves_the_video_running(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path):
        async with MediaCore(socket) as core:
            worker = await core.hello()
            doctor = await call(core)
        await doctor.until(lambda each: each.get("event") == "core" and not each["up"])
        await doctor.pictures(20, 20)
        assert (await doctor.answered(doctor.ask("view", to="core")))["code"] == "core-down"
        async with MediaCore(socket) as core:
            assert await core.hello() == worker
            await core.until(lambda each: each["type"] == "session" and each["state"] == "connected")
            await doctor.until(lambda each: each.get("event") == "core" and each["up"])
            asked = doctor.ask("view", to="core")
            await core.until(lambda each: each["type"] == "ask" and each["id"] == asked)
            core.send({"type": "reply", "session": "s1", "re": asked, "ok": True, "view": {}})
            assert (await doctor.answered(asked))["ok"] is True
            core.send({"type": "close", "session": "s1"})
            await core.until(lambda each: each["type"] == "session" and each["state"] == "closed")
        await doctor.close()


async def test_a_core_that_hangs_is_left_and_found_again(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core:
        await core.hello()
        core.beating = False
        async with asyncio.timeout(8):
            while core.came < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_a_core_that_talks_nonsense_is_left(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core:
        worker = await core.hello()
        core.send_raw(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(8):
            while core.came < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        core.send({"type": "whatever"})
        core.send({"type": "offer", "re": 7})
        refused = await core.until(lambda each: each.get("re") == 7)
        assert (refused["type"], refused["code"]) == ("refused", "bad-offer")
        assert lives(worker)


async def test_a_new_offer_takes_the_place_of_the_call_before(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core:
        await core.hello()
        first = await call(core, "s1")
        core.heard.clear()
        second = await call(core, "s2")
        await core.until(lambda each: each.get("session") == "s1" and each.get("state") == "closed")
        assert (await second.answered(second.ask("ping", t=1)))["ok"] is True
        await first.close()
        await second.close()


async def test_a_repeated_offer_is_refused_in_the_persons_language(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core:
        await core.hello()
        doctor = Doctor()
        offer = {"type": "offer", "session": "s1", "sdp": await doctor.offer(), "language": "fr"}
        core.send({**offer, "re": 1})
        assert (await core.until(lambda each: each.get("re") == 1))["type"] == "answer"
        core.send({**offer, "re": 2, "session": "s2"})
        refused = await core.until(lambda each: each.get("re") == 2)
        assert (refused["type"], refused["code"]) == ("refused", "bad-offer")
        assert "page" in refused["text"]
        await doctor.close()


async def test_a_call_survives_a_worker_only_as_a_new_call(tmp_path: Path, socket: Path) -> None:
    """The page sees silence, and its next offer is answered by the new worker."""
    async with media_process(tmp_path), MediaCore(socket) as core:
        first = await core.hello()
        doctor = await call(core)
        os.kill(first, signal.SIGKILL)
        await core.hello(other_than=first)
        core.heard.clear()
        again = await call(core, "s2")
        await doctor.close()
        await again.close()


async def test_nothing_of_a_call_is_in_the_log(tmp_path: Path, socket: Path) -> None:
    async with media_process(tmp_path), MediaCore(socket) as core:
        await core.hello()
        doctor = await call(core, "session-4711")
        core.send({"type": "event", "event": {"type": "reading", "value": 4711}})
        await doctor.event("reading")
        await doctor.close()
    said = (tmp_path / LOG).read_text()
    assert not [word for word in ("4711", "127.0.0.1", "candidate", "Traceback") if word in said]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (CABIN + '[media]\naddresses = ["everywhere"]\n', "addresses"),
        (CABIN + '[cameras.third]\nurl = "ftp://x"\n', "third"),
        (CABIN + '[cameras.third]\nurl = "synthetic:room"\n', "room"),
        (CABIN + "[cameras.third]\n", "url"),
    ],
)
def test_settings_that_are_refused_are_told_in_one_sentence(tmp_path: Path, settings: str, word: str) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(settings)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "cabin_agent", "media", "--config", str(file)], capture_output=True, timeout=60
    )
    assert ended.returncode == 3
    assert ended.stdout == b""
    assert word in ended.stderr.decode()
    assert len(ended.stderr.decode().strip().splitlines()) == 1
