"""The machine's clock: a possible date, whether a time server is heard, and the last time that the cabin knew."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.cabin_time import FILE
from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.clock_quality import SYNCHRONISED, Kernel, clock_quality, is_plausible
from cabin_agent.kernel_clock import kernel_clock
from cabin_agent.last_time import read_last_time

PART = "clock"
SET = "Set the clock with 'timedatectl set-time', and let the machine reach a time server."
BATTERY = "Replace the battery of the clock, set it, and let the machine reach a time server; results wait meanwhile."
SLACK_S = 600
"""A clock may be so much behind the last time kept: it was corrected since."""


def lines(
    now_s: float | None = None,
    synchronised: Path = SYNCHRONISED,
    state_dir: Path | None = None,
    kernel: Kernel = kernel_clock,
) -> list[Line]:
    """`now_s`: seconds since 1970, the machine's own by default; `state_dir`: where the last time is kept."""
    now_s = time.time() if now_s is None else now_s
    quality = clock_quality(now_s, synchronised, kernel)
    last_s = 0.0 if state_dir is None else read_last_time(state_dir / FILE).ms / 1000
    if quality == "unset" or not is_plausible(now_s):
        return [wrong(PART, f"The clock shows {_day(now_s)}, which cannot be.", SET)]
    if quality == "rtc" and now_s + SLACK_S < last_s:
        says = f"The clock shows {_day(now_s)}, and this cabin knew {_day(last_s)} already."
        return [wrong(PART, says, BATTERY)]
    return [ok(PART, f"{_day(now_s)}; {_heard(quality == 'ntp', kernel)}.")]


def _heard(heard: bool, kernel: Kernel) -> str:
    told = kernel()
    if not heard:
        return "no time server is heard, as far as known"
    if told is None:
        return "a time server was heard"
    return f"a time server is heard, at most {max(1, told.most_wrong_us // 1000)} ms off"


def _day(now_s: float) -> str:
    return f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M} UTC"
