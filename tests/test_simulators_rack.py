"""The whole rack on real pseudo-terminals: rates, speed, each fault, the control socket, and a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DriverError, Unplugged
from drivers.stream import Line, Stream, open_stream
from simulators.body import Body
from simulators.device import SimulatorError, WrongUse
from simulators.rack import INSTRUMENTS, Ready, run_rack
from simulators.suntech import acknowledge

LINE = Line(9600)


@asynccontextmanager
async def rack(folder: Path, *names: str, **settings: Any) -> AsyncIterator[Ready]:
    """A running rack; ended by cancelling it."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    settings.setdefault("body", Body(1))
    task = asyncio.create_task(run_rack(folder, names, ready=ready.set_result, **settings))
    waited: list[asyncio.Future[Any]] = [task, ready]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    try:
        if task.done():
            await task
        yield ready.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def host(url: str) -> AsyncIterator[Stream]:
    stream = await open_stream(url, LINE)
    try:
        yield stream
    finally:
        stream.close()


async def heard(stream: Stream, seconds: float) -> bytes:
    """What comes in a time of the wall."""
    data = b""
    try:
        async with asyncio.timeout(seconds):
            while True:
                data += await stream.read()
    except TimeoutError:
        return data


async def heard_until(stream: Stream, enough: Callable[[bytes], bool]) -> bytes:
    data = b""
    async with asyncio.timeout(5):
        while not enough(data):
            data += await stream.read()
    return data


class Switch:
    """A technician at the control socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, asked: object) -> dict[str, Any]:
        self._writer.write(asked if isinstance(asked, bytes) else json.dumps(asked).encode() + b"\n")
        return dict(json.loads(await self._reader.readline()))

    async def set(self, **asked: object) -> None:
        assert await self.ask(asked) == {"ok": True}


@asynccontextmanager
async def switch(ready: Ready) -> AsyncIterator[Switch]:
    reader, writer = await asyncio.open_unix_connection(ready.control)
    try:
        yield Switch(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


def good(data: bytes) -> list[bytes]:
    """Nonin frames whose sum is right, sliding over the rest."""
    frames, n = [], 0
    while n + 5 <= len(data):
        frame = data[n : n + 5]
        right = frame[0] & 0x80 and sum(frame[:4]) % 256 == frame[4]
        frames += [frame] if right else []
        n += 5 if right else 1
    return frames


@pytest.mark.parametrize("speed", [1, 20])
async def test_a_true_rate_times_the_speed(tmp_path: Path, speed: float) -> None:
    async with rack(tmp_path, "oximeter", speed=speed) as ready, host(ready.urls["oximeter"]) as stream:
        await stream.read()
        began = time.monotonic()
        frames = good(await heard(stream, 1.5))
        rate = len(frames) / (time.monotonic() - began)
    assert rate == pytest.approx(75 * speed, rel=0.06)


async def test_everything_in_one_rack_and_nothing_left_behind(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with rack(tmp_path, *INSTRUMENTS, speed=20) as ready:
        assert set(ready.urls) == set(INSTRUMENTS)
        assert sorted(os.listdir(tmp_path)) == sorted([*INSTRUMENTS, "control.sock"])
        async with host(ready.urls["scale"]) as scale, host(ready.urls["thermometer"]) as thermometer:
            assert b"\x1bW72.4\x1b" in await heard_until(scale, lambda data: b"\x1bE" in data)
            assert (await heard_until(thermometer, lambda data: len(data) > 8)).startswith(b"\x5a\x5a\x45\x04")
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_a_conversation_over_a_socket(tmp_path: Path) -> None:
    listen = {"tensiometer": "socket://127.0.0.1:0"}
    async with rack(tmp_path, "tensiometer", listen=listen) as ready, host(ready.urls["tensiometer"]) as stream:
        assert ready.urls["tensiometer"].startswith("socket://127.0.0.1:")
        assert stream.simulated
        await stream.write(bytes.fromhex("3a 79 05 00 48"))
        assert await heard_until(stream, lambda data: len(data) >= 5) == bytes.fromhex("3e 05 00 00 bd")


async def test_unplug_and_replug(tmp_path: Path) -> None:
    async with rack(tmp_path, "oximeter", "scale", speed=20) as ready, switch(ready) as technician:
        async with host(ready.urls["oximeter"]) as stream:
            await stream.read()
            await technician.set(fault="unplug", instrument="oximeter")
            await technician.set(fault="unplug", instrument="oximeter")
            with pytest.raises(Unplugged):
                await heard(stream, 2.0)
        with pytest.raises(DriverError):
            await open_stream(ready.urls["oximeter"], LINE)
        async with host(ready.urls["scale"]) as other:
            assert await other.read()
        await technician.set(clear="unplug", instrument="oximeter")
        async with host(ready.urls["oximeter"]) as stream:
            assert good(await heard_until(stream, lambda data: len(data) > 50))


async def test_silence_is_deaf_too(tmp_path: Path) -> None:
    async with (
        rack(tmp_path, "tensiometer") as ready,
        switch(ready) as technician,
        host(ready.urls["tensiometer"]) as stream,
    ):
        await technician.set(fault="silence", instrument="tensiometer")
        await stream.write(bytes.fromhex("3a 20 a6"))
        assert await heard(stream, 0.2) == b""
        await technician.set(clear="silence", instrument="tensiometer")
        await stream.write(bytes.fromhex("3a 79 05 00 48"))
        assert await heard_until(stream, lambda data: len(data) >= 5) == bytes.fromhex("3e 05 00 00 bd")


async def test_bad_checksums_and_dropped_bytes_come_and_go(tmp_path: Path) -> None:
    async with (
        rack(tmp_path, "oximeter", speed=20) as ready,
        switch(ready) as technician,
        host(ready.urls["oximeter"]) as stream,
    ):
        for name in ("bad-checksum", "dropped-bytes"):
            await heard(stream, 0.1)
            await technician.set(fault=name, instrument="oximeter")
            worn = await heard(stream, 0.5)
            assert 0.9 < 5 * len(good(worn)) / len(worn) < 0.999, name
            await technician.set(clear=name, instrument="oximeter")
            await heard(stream, 0.1)
            clean = await heard(stream, 0.3)
            assert 5 * len(good(clean)) >= len(clean) - 8, name


@pytest.mark.parametrize(
    ("instrument", "fault"), [("oximeter", "finger-out"), ("tensiometer", "loose-cuff"), ("ecg", "electrode-off:V2")]
)
async def test_instrument_faults_from_the_start_and_cleared(tmp_path: Path, instrument: str, fault: str) -> None:
    body = Body(1)
    fields = ("finger_in", "cuff_on", "electrodes_on")
    whole = [getattr(body.presence, field) for field in fields]
    async with (
        rack(tmp_path, instrument, body=body, faults={instrument: [fault]}) as ready,
        switch(ready) as technician,
    ):
        changed = [getattr(body.presence, field) for field in fields]
        assert sum(a != b for a, b in zip(whole, changed, strict=True)) == 1
        await technician.set(clear=fault, instrument=instrument)
        assert [getattr(body.presence, field) for field in fields] == whole


async def test_one_electrode_at_a_time(tmp_path: Path) -> None:
    body = Body(1)
    async with rack(tmp_path, "ecg", body=body) as ready, switch(ready) as technician:
        await technician.set(fault="electrode-off:V1", instrument="ecg")
        await technician.set(fault="electrode-off:II", instrument="ecg")
        await technician.set(clear="electrode-off:V1", instrument="ecg")
        assert set(body.presence.electrodes_on) == {"I", "V1", "V2", "V3", "V4", "V5", "V6"}
        await technician.set(fault="electrode-off", instrument="ecg")
        assert not body.presence.electrodes_on


async def test_the_body_is_changed_while_it_runs(tmp_path: Path) -> None:
    body = Body(1)
    async with rack(tmp_path, "oximeter", body=body, speed=40) as ready, switch(ready) as technician:
        await technician.set(body={"heart_rate": 120, "spo2": 91})
        async with host(ready.urls["oximeter"]) as stream:
            frames = good(await heard(stream, 0.6))
    first = next(n for n in range(len(frames) - 50, 0, -1) if frames[n][0] & 1)
    assert (frames[first][3] & 3) << 7 | frames[first + 1][3] == pytest.approx(120, abs=6)
    assert frames[first + 2][3] == 91


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"fault": "fire", "instrument": "oximeter"}, "unplug, silence"),
        ({"fault": "unplug", "instrument": "toaster"}, "there is oximeter"),
        ({"fault": "unplug"}, '"instrument"'),
        ({"fault": "unplug", "clear": "unplug", "instrument": "oximeter"}, '"instrument"'),
        ({"body": {"heart_rate": 900}}, "from 30 to 220"),
        ({"body": {"shoe_size": 42}}, "shoe_size"),
        ({"body": 3}, '"body"'),
        ({}, '"body"'),
        ([1], '"body"'),
        (b"not json\n", "one JSON object"),
        (b"\xff\xfe\n", "one JSON object"),
    ],
)
async def test_a_wrong_command_is_answered_by_a_sentence_and_the_socket_goes_on(
    tmp_path: Path, asked: object, says: str
) -> None:
    async with rack(tmp_path, "oximeter") as ready, switch(ready) as technician:
        answer = await technician.ask(asked)
        assert says in answer["error"]
        assert await technician.ask({"body": {"spo2": 96}}) == {"ok": True}


async def test_a_measurement_from_start_to_k_at_speed(tmp_path: Path) -> None:
    async with rack(tmp_path, "tensiometer", speed=20) as ready, host(ready.urls["tensiometer"]) as stream:
        await stream.write(bytes.fromhex("3a 20 a6"))
        said = await heard_until(stream, lambda data: acknowledge("K") in data)
        assert said == acknowledge("O") + acknowledge("K")
        await stream.write(bytes.fromhex("3a 79 03 00 4a"))
        result = await heard_until(stream, lambda data: len(data) >= 24)
        assert (result[:2], result[20]) == (b"\x3e\x18", 0)


async def test_what_cannot_start_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    for names, settings, says in (
        (["toaster"], {}, "no simulated “toaster”"),
        (["scale"], {"replays": {"scale": tmp_path / "x"}}, "plays no recordings"),
        (["ecg"], {"faults": {"ecg": ["fire"]}}, "can have unplug"),
        (["ecg"], {"listen": {"ecg": "tcp://x"}}, "no address"),
    ):
        with pytest.raises(WrongUse, match=says):
            await run_rack(tmp_path, names, Body(1), **settings)
    with pytest.raises(SimulatorError, match="no WFDB record"):
        await run_rack(tmp_path, ["ecg"], Body(1), replays={"ecg": tmp_path / "absent"})
    (tmp_path / "scale").write_text("mine")
    with pytest.raises(SimulatorError, match="free that path"):
        await run_rack(tmp_path, ["oximeter", "scale"], Body(1))
    assert os.listdir(tmp_path) == ["scale"]
    with pytest.raises(SimulatorError, match="Cannot make the folder"):
        await run_rack(tmp_path / "scale" / "x", ["oximeter"], Body(1))


async def test_two_racks_do_not_share_a_folder_but_a_dead_one_is_replaced(tmp_path: Path) -> None:
    async with rack(tmp_path, "oximeter"):
        with pytest.raises(SimulatorError, match="already uses"):
            await run_rack(tmp_path, ["oximeter"], Body(1))
        assert (tmp_path / "oximeter").exists()
    (tmp_path / "oximeter").symlink_to("/dev/pts/99999")
    (tmp_path / "control.sock").write_text("")
    async with rack(tmp_path, "oximeter") as ready, host(ready.urls["oximeter"]) as stream:
        assert await stream.read()


async def test_a_whole_cabin_at_speed_20_is_cheap(tmp_path: Path) -> None:
    async with rack(tmp_path, *INSTRUMENTS, speed=20):
        await asyncio.sleep(0.2)
        began = time.process_time()
        await asyncio.sleep(1.5)
        assert (time.process_time() - began) / 1.5 < 0.5
