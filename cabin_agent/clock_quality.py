"""How far the machine's clock can be trusted: an envelope says so, and is never refused for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cabin_agent.kernel_clock import KernelClock, kernel_clock

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd once a server was heard since boot (systemd-timesyncd.service(8))."""
Quality = Literal["ntp", "rtc", "unset"]
PLAUSIBLE_FROM_S = 1_735_689_600
"""2025-01-01: a clock before this software existed was never set."""
TOO_LATE_S = 2_145_916_800
"""2038-01-01: days before the seconds of 32 bits run out, and no date at which this software is still kept."""
Kernel = Callable[[], KernelClock | None]


def is_plausible(now_s: float) -> bool:
    """Whether a clock that nobody vouches for can be right."""
    return PLAUSIBLE_FROM_S <= now_s < TOO_LATE_S


def server_heard(now_s: float, mark: Path = SYNCHRONISED, kernel: Kernel = kernel_clock) -> bool:
    """Whether a time server vouches for `now_s`: by the kernel, or by timesyncd's mark where that may not be asked.

    The mark stays for as long as the machine runs, so it vouches for no date that cannot be.
    """
    told = kernel()
    if told is None:
        return is_plausible(now_s) and mark.exists()
    return told.synchronised and now_s >= PLAUSIBLE_FROM_S


def clock_quality(
    now_s: float | None = None, synchronised: Path = SYNCHRONISED, kernel: Kernel = kernel_clock
) -> Quality:
    """Trust in the clock: "ntp" while a time server is heard, "rtc" alone, "unset" at an impossible date."""
    now_s = time.time() if now_s is None else now_s
    if server_heard(now_s, synchronised, kernel):
        return "ntp"
    return "rtc" if is_plausible(now_s) else "unset"
