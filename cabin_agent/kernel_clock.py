"""What the kernel knows of its own clock: adjtimex(2), read only, whoever disciplines it (timesyncd, chrony, ntpd).

Under systemd's `ProtectClock=yes` the call is refused; then nobody knows, and the caller looks elsewhere.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path

_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of <sys/timex.h>: no server was heard, or the last one hours ago."""
_ERROR = 5
"""TIME_ERROR: what the call returns while the clock is not synchronised."""


@dataclass(frozen=True, slots=True)
class KernelClock:
    """Whether the clock is disciplined by a time server now, and how wrong it may be at most."""

    synchronised: bool
    most_wrong_us: int
    """The kernel's own bound, microseconds; it grows for as long as no server is heard."""


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "sec", "usec", "tick")),
        *((name, ctypes.c_long) for name in ("ppsfreq", "jitter")),
        ("shift", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("stabil", "jitcnt", "calcnt", "errcnt", "stbcnt")),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


def kernel_clock() -> KernelClock | None:
    """The kernel's word; None where it may not be asked or knows no such call."""
    asked = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return KernelClock(state != _ERROR and not asked.status & _UNSYNCHRONISED, int(asked.maxerror))


def boot_ms() -> int:
    """Milliseconds since this machine started, also while it slept; no setting of the clock touches it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def boot_bytes(path: Path = Path("/proc/sys/kernel/random/boot_id")) -> bytes:
    """The machine's boot id as 16 bytes; zeros where the machine does not tell."""
    try:
        return bytes.fromhex(path.read_text().strip().replace("-", ""))
    except (OSError, ValueError):
        return bytes(16)
