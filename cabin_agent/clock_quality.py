"""How far the machine's clock can be trusted: an envelope says so, and is never refused for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd once a server was heard since boot (systemd-timesyncd.service(8))."""
Quality = Literal["ntp", "rtc", "unset"]
PLAUSIBLE_FROM_S = 1_735_689_600
"""2025-01-01: a clock before this software existed was never set."""


def clock_quality(now_s: float | None = None, synchronised: Path = SYNCHRONISED) -> Quality:
    """Trust in the clock: "ntp" once a time server was heard, "rtc" alone, "unset" at an impossible date."""
    if (time.time() if now_s is None else now_s) < PLAUSIBLE_FROM_S:
        return "unset"
    return "ntp" if synchronised.exists() else "rtc"
