"""What a service tells systemd: ready, its status, that it lives, that it ends (sd_notify(3)), without a library.

A watchdog must tell dead from offline: systemd is told that the service lives only as long as every part of it turns.
A part is a function that gives the seconds since its last turn. A link that is down turns; a thread that has ended or
hangs does not, and then nothing is said until systemd starts the service anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

Age = Callable[[], float]
"""Seconds since a part of the service last turned."""

READY = {"READY": "1"}
ALIVE = {"WATCHDOG": "1"}
STOPPING = {"STOPPING": "1"}
OFTEN = 4
"""Signs of life in one interval of the watchdog."""
PATIENCE = 2.0
"""A part is stuck after so many intervals without a turn: looking up a name, say, may take a whole one."""


def message(fields: Mapping[str, str]) -> bytes:
    """The datagram: one assignment a line; a line break in a value, which would begin another, becomes a blank."""
    return "\n".join(f"{key}={' '.join(value.split())}" for key, value in fields.items()).encode()


def address(name: str) -> str | None:
    """The socket that NOTIFY_SOCKET names: a path, or a name of the abstract space, which begins with "@"."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def notify(**fields: str) -> bool:
    """Tell systemd, for instance `notify(**READY, STATUS="...")`; False where it did not ask or cannot be reached."""
    where = address(os.environ.get("NOTIFY_SOCKET", ""))
    if where is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        # Whoever has to say that it lives must not wait for who listens.
        sender.setblocking(False)
        try:
            sender.sendto(message(fields), where)
        except OSError as error:
            log.warning("systemd cannot be told: %s", error.strerror)
            return False
    return True


def interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds within which systemd wants a sign of life of this process (WatchdogSec=), None where it wants none."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None


class Watch:
    """The parts of one service; `say` is its sign of life, withheld while a part is stuck."""

    def __init__(self, parts: Mapping[str, Age], seconds: float) -> None:
        self._parts, self._patience = parts, PATIENCE * seconds
        self.every = seconds / OFTEN
        """Seconds between two calls of `say`."""
        self._stuck = ""

    def stuck(self) -> str:
        """The names of the parts that have not turned for too long, "" where all turn."""
        return ", ".join(name for name, age in self._parts.items() if age() > self._patience)

    def say(self) -> None:
        """Tell systemd that the service lives, if it does; the journal hears of a change."""
        stuck = self.stuck()
        if stuck and stuck != self._stuck:
            log.error("%s: no turn for %.0f s; without one the service is started anew", stuck, self._patience)
            notify(STATUS=f"stuck: {stuck}")
        elif self._stuck and not stuck:
            log.warning("%s: turns again", self._stuck)
            notify(STATUS="")
        self._stuck = stuck
        if not stuck:
            notify(**ALIVE)


async def watch_loop(parts: Mapping[str, Age]) -> None:
    """Say for ever, from this event loop, that the service lives; a loop that hangs says nothing. To be cancelled."""
    seconds = interval()
    if seconds is None:
        return
    watch = Watch(parts, seconds)
    while True:
        watch.say()
        await asyncio.sleep(watch.every)


def watch_thread(parts: Mapping[str, Age]) -> None:
    """The same from a thread of its own, for a service whose main thread is one of the parts."""
    seconds = interval()
    if seconds is None:
        return
    watch = Watch(parts, seconds)

    def say() -> None:
        while True:
            watch.say()
            time.sleep(watch.every)

    threading.Thread(target=say, name="watchdog", daemon=True).start()
