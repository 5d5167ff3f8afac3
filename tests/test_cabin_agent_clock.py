"""The visit's clock and the trust in the machine's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from cabin_agent import clock
from cabin_agent.clock import VisitClock
from cabin_agent.clock_quality import PLAUSIBLE_FROM_S, clock_quality

FAST = 1000.0
EARLY_S = 0.005
"""A timer may come so much before its time, by the clock's own resolution."""


def test_at_speed_one_the_clock_is_the_machine_s() -> None:
    before = time.monotonic()
    assert before <= VisitClock().now() <= time.monotonic()


@pytest.mark.parametrize("speed", [1.0, 12.0, 60.0])
def test_a_fast_clock_counts_so_many_times_more(speed: float) -> None:
    visit_clock = VisitClock(speed)
    before = time.monotonic()
    assert before * speed <= visit_clock.now() <= time.monotonic() * speed
    assert visit_clock.at(2.5) == 2.5 * speed


def test_a_restarted_daemon_counts_on() -> None:
    first = VisitClock(2.0).now()
    assert VisitClock(2.0).now() >= first
    assert VisitClock().boot_id == VisitClock().boot_id


def test_the_wall_clock_is_never_faster() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= VisitClock(60.0).wall_ms() <= time.time_ns() // 1_000_000


async def test_a_moment_is_waited_for_in_the_visit_s_time() -> None:
    visit_clock = VisitClock(FAST)
    began, moment = time.monotonic(), visit_clock.now() + 20.0
    await visit_clock.sleep_until(moment)
    assert visit_clock.now() >= moment - EARLY_S * FAST
    assert time.monotonic() - began < 15.0


async def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    async with asyncio.timeout(5):
        await VisitClock().sleep_until(-1e9)


async def test_a_timeout_is_of_the_visit_s_seconds() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with VisitClock(FAST).timeout(20.0):
            await asyncio.Event().wait()
    assert 0.02 - EARLY_S <= time.monotonic() - began < 15.0


def test_the_boot_is_named_by_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = tmp_path / "boot_id"
    name.write_text("3f0c\n")
    monkeypatch.setattr(clock, "BOOT_ID", name)
    assert VisitClock().boot_id == "3f0c"


def test_a_boot_that_nobody_names_is_never_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "absent")
    assert VisitClock().boot_id != VisitClock().boot_id


@pytest.mark.parametrize(
    ("now_s", "heard", "quality"),
    [
        (0.0, True, "unset"),
        (PLAUSIBLE_FROM_S - 1.0, True, "unset"),
        (float(PLAUSIBLE_FROM_S), False, "rtc"),
        (float(PLAUSIBLE_FROM_S), True, "ntp"),
        (None, False, "rtc"),
        (None, True, "ntp"),
    ],
)
def test_trust_in_the_clock(tmp_path: Path, now_s: float | None, heard: bool, quality: str) -> None:
    mark = tmp_path / "synchronized"
    if heard:
        mark.touch()
    assert clock_quality(now_s, mark, kernel=lambda: None) == quality


def test_the_first_plausible_day_is_in_2025() -> None:
    assert time.gmtime(PLAUSIBLE_FROM_S)[:6] == (2025, 1, 1, 0, 0, 0)
