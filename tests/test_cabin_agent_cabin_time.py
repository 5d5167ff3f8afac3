"""The cabin's time: a dead, wrong or jumping clock is measured and flagged, and never stops anything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent import cabin_time
from cabin_agent.cabin_time import FILE, CabinTime, Jump
from cabin_agent.clock_quality import PLAUSIBLE_FROM_S, TOO_LATE_S, clock_quality, server_heard
from cabin_agent.kernel_clock import KernelClock, boot_ms, kernel_clock
from cabin_agent.last_time import LastTime, keep_last_time, read_last_time

NOW = 1_795_000_000_000
"""A day in November 2026, milliseconds."""
HOUR = 3_600_000
Y1970, Y2038, Y2106 = 1_000_000, 2_147_483_648_000, 4_294_967_296_000


class Machine:
    """A clock that may be set, a counter that may not, and a time server that is heard or not."""

    def __init__(self, wall: int = NOW, *, heard: bool = False) -> None:
        self.wall, self.boot, self.heard = wall, 50_000, heard
        self.jumps: list[Jump] = []

    def passes(self, ms: int) -> None:
        self.wall += ms
        self.boot += ms

    def time(self, folder: Path) -> CabinTime:
        made = CabinTime(folder, lambda: self.wall, lambda: self.boot, lambda _now: self.heard)
        made.on_jump = self.jumps.append
        return made


def test_a_clock_that_a_server_keeps_is_taken_as_it_is(tmp_path: Path) -> None:
    machine = Machine(heard=True)
    time = machine.time(tmp_path)
    assert time.stamp() == (NOW, "ntp")
    machine.passes(HOUR)
    assert time.stamp() == (NOW + HOUR, "ntp")
    machine.wall -= 5 * HOUR  # the server knows better
    assert time.stamp() == (NOW - 4 * HOUR, "ntp")
    assert machine.jumps == [Jump(-5 * HOUR, followed=True, quality="ntp")]
    machine.heard = False
    assert time.stamp() == (NOW - 4 * HOUR, "rtc")
    assert len(machine.jumps) == 1


@pytest.mark.parametrize("dead", [0, Y1970, NOW - 1000 * HOUR, Y2038, Y2106])
def test_a_dead_clock_goes_on_from_the_last_time_on_disk(tmp_path: Path, dead: int) -> None:
    keep_last_time(tmp_path / FILE, LastTime(NOW, NOW))
    machine = Machine(dead)
    time = machine.time(tmp_path)
    assert time.stamp() == (NOW, "unset")
    assert time.at_start == Jump(dead - NOW, followed=False, quality="unset")
    machine.passes(HOUR)
    assert time.stamp() == (NOW + HOUR, "unset")
    time.keep()
    assert read_last_time(tmp_path / FILE) == LastTime(NOW, NOW)  # a guess is not kept
    machine.wall, machine.heard = NOW + 30 * HOUR, True
    assert time.stamp() == (NOW + 30 * HOUR, "ntp")
    assert len(machine.jumps) == 1
    assert machine.jumps[0].followed


def test_without_a_last_time_a_dead_clock_begins_where_this_software_did(tmp_path: Path) -> None:
    assert Machine(0).time(tmp_path).stamp() == (PLAUSIBLE_FROM_S * 1000, "unset")


@pytest.mark.parametrize("silly", [0, Y1970, TOO_LATE_S * 1000, Y2038, Y2106])
def test_a_clock_that_is_set_to_what_cannot_be_is_not_followed(tmp_path: Path, silly: int) -> None:
    machine = Machine()
    time = machine.time(tmp_path)
    machine.passes(10)
    by = silly - machine.wall
    machine.wall = silly
    assert time.stamp() == (NOW + 10, "unset")
    assert machine.jumps == [Jump(by, followed=False, quality="unset")]
    machine.passes(HOUR)
    assert time.stamp() == (NOW + 10 + HOUR, "unset")
    assert len(machine.jumps) == 1  # told once
    machine.wall = NOW + 2 * HOUR  # a technician sets it right
    assert time.stamp() == (NOW + 2 * HOUR, "rtc")


def test_a_clock_is_not_set_back_before_a_server_was_heard(tmp_path: Path) -> None:
    machine = Machine(heard=True)
    time = machine.time(tmp_path)
    time.keep()
    machine.heard = False
    machine.passes(HOUR)
    machine.wall -= 2 * HOUR
    assert time.stamp() == (NOW + HOUR, "unset")
    machine.wall += 2 * HOUR + 1
    assert time.stamp() == (NOW + HOUR + 1, "rtc")


def test_a_server_that_steps_a_clock_which_was_taken_up_is_told_as_one_jump(tmp_path: Path) -> None:
    keep_last_time(tmp_path / FILE, LastTime(NOW, NOW))
    machine = Machine(NOW - 9 * HOUR)
    time = machine.time(tmp_path)
    machine.heard = True
    assert time.stamp() == (NOW - 9 * HOUR, "ntp")  # the kept time had been wrong
    assert machine.jumps == [Jump(-9 * HOUR, followed=True, quality="ntp")]


def test_the_time_is_kept_and_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    machine = Machine()
    machine.time(tmp_path).keep()
    assert read_last_time(tmp_path / FILE) == LastTime(NOW, 0)
    machine.heard = True
    machine.time(tmp_path).keep()
    assert read_last_time(tmp_path / FILE) == LastTime(NOW, NOW)
    for damaged in (b"", b"[]", b'{"ms": "?"}', b"\xff\x00"):
        (tmp_path / FILE).write_bytes(damaged)
        assert read_last_time(tmp_path / FILE) == LastTime()
        assert machine.time(tmp_path).stamp() == (NOW, "ntp")


def test_a_time_that_cannot_be_kept_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    time = machine.time(tmp_path / "absent")
    time.keep()
    assert "cannot be kept" in caplog.text
    assert time.stamp() == (NOW, "rtc")


async def test_the_watch_looks_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cabin_time, "LOOK_S", 0.001)
    monkeypatch.setattr(cabin_time, "KEEP_S", 0.0)
    machine, told = Machine(), asyncio.Event()
    time = machine.time(tmp_path)
    time.on_jump = lambda _jump: told.set()
    watch = asyncio.create_task(time.run())
    machine.wall += 10 * HOUR
    await asyncio.wait_for(told.wait(), 30)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


@given(st.lists(st.tuples(st.integers(0, HOUR), st.integers(-(10**12), 10**13)), max_size=8))
def test_whatever_is_set_the_time_goes_forward_or_says_why(steps: list[tuple[int, int]]) -> None:
    machine = Machine()
    time = machine.time(Path("absent"))
    before = NOW
    for passed, by in steps:
        machine.passes(passed)
        machine.wall = max(0, machine.wall + by)
        told = len(machine.jumps)
        now, quality = time.stamp()
        assert PLAUSIBLE_FROM_S * 1000 <= now < TOO_LATE_S * 1000 + 9 * HOUR
        if now < before + passed - cabin_time.JUMP_MS or now > before + passed + cabin_time.JUMP_MS:
            assert machine.jumps[told:]
            assert machine.jumps[-1].followed
        assert quality in ("rtc", "unset")
        before = now


@pytest.mark.parametrize(
    ("kernel", "mark", "now_s", "quality"),
    [
        (KernelClock(True, 100), False, NOW / 1000, "ntp"),
        (KernelClock(False, 16_000_000), True, NOW / 1000, "rtc"),  # heard once, and hours ago
        (KernelClock(True, 100), False, Y2106 / 1000, "ntp"),  # if a server says so
        (KernelClock(True, 100), False, 1000.0, "unset"),
        (None, True, NOW / 1000, "ntp"),
        (None, False, NOW / 1000, "rtc"),
        (None, True, Y2106 / 1000, "unset"),
        (None, True, 0.0, "unset"),
    ],
)
def test_who_vouches_for_a_time(
    tmp_path: Path, kernel: KernelClock | None, mark: bool, now_s: float, quality: str
) -> None:
    if mark:
        (tmp_path / "mark").touch()
    assert clock_quality(now_s, tmp_path / "mark", lambda: kernel) == quality
    assert server_heard(now_s, tmp_path / "mark", lambda: kernel) == (quality == "ntp")


def test_the_kernel_is_asked_and_nobody_minds_if_it_refuses() -> None:
    told = kernel_clock()
    assert told is None or told.most_wrong_us >= 0
    assert 0 < boot_ms() <= boot_ms()
