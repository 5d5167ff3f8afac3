"""The machine's clock: a possible date, and whether a time server was heard."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.clock_quality import SYNCHRONISED, clock_quality

PART = "clock"
TOO_LATE_S = 2_145_916_800
"""2038-01-01: days before the seconds of 32 bits run out, and no date at which this software is still kept."""
SET = "Set the clock with 'timedatectl set-time', and let the machine reach a time server."


def lines(now_s: float | None = None, synchronised: Path = SYNCHRONISED) -> list[Line]:
    """`now_s`: seconds since 1970, the machine's own by default."""
    now_s = time.time() if now_s is None else now_s
    quality = clock_quality(now_s, synchronised)
    shown = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M} UTC"
    if quality == "unset" or now_s >= TOO_LATE_S:
        return [wrong(PART, f"The clock shows {shown}, which cannot be.", SET)]
    heard = (
        "a time server was heard" if quality == "ntp" else "no time server was heard since the start, as far as known"
    )
    return [ok(PART, f"{shown}; {heard}.")]
