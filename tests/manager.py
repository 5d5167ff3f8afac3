"""A stand-in for systemd as a service's manager: a socket that hears what services say, and services that may hang.

`python -m tests.manager VERB ARGUMENTS...` is a verb of the cabin in which SIGUSR1 hangs the main thread and SIGUSR2
the uplink's, as a bug would: for ever, without an exception, with all threads still there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
FOR_EVER_S = 3600.0
PATIENCE_S = 60.0


class Manager:
    """A context manager: NOTIFY_SOCKET for one service, of which it wants a sign of life every `watchdog_s`."""

    def __init__(self, name: str, watchdog_s: float) -> None:
        self.name, self.watchdog_s = name, watchdog_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self._service: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._service is not None:
            self._service.kill()
            self._service.wait()
        self._socket.close()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A verb of the cabin as a service of this manager; a shell gives it its own process id as WATCHDOG_PID."""
        environment = {**os.environ, "NOTIFY_SOCKET": self.name, "WATCHDOG_USEC": f"{self.watchdog_s * 1e6:.0f}"}
        command = [sys.executable, "-m", "tests.manager", *words]
        self._service = subprocess.Popen(
            ["/bin/sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh", *command],
            env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self._service

    def heard(self, seconds: float) -> list[str]:
        """Every assignment that comes within some seconds."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                found += self._socket.recv(4096).decode().split("\n")
            except TimeoutError:
                break
        return found

    def until(self, words: str) -> None:
        """Wait until one assignment comes."""
        end = time.monotonic() + PATIENCE_S
        while words not in self.heard(0.05):
            assert time.monotonic() < end, f"the service does not say {words}"

    def until_silent(self, seconds: float) -> list[str]:
        """Wait until for so many seconds no sign of life comes; everything else that was heard meanwhile."""
        end, rest = time.monotonic() + PATIENCE_S, []
        while "WATCHDOG=1" in (found := self.heard(seconds)):
            rest += found
            assert time.monotonic() < end, "the service goes on to say that it lives"
        return [word for word in rest + found if word != "WATCHDOG=1"]


def _hang(*_: object) -> None:
    time.sleep(FOR_EVER_S)


def _may_hang() -> None:
    from sync.uplink import Uplink

    turn, hang = Uplink._turn, False

    def frozen(uplink: Uplink) -> None:
        if hang:
            _hang()
        turn(uplink)

    def freeze(*_: object) -> None:
        nonlocal hang
        hang = True

    Uplink._turn = frozen  # type: ignore[method-assign,assignment]
    signal.signal(signal.SIGUSR1, _hang)
    signal.signal(signal.SIGUSR2, freeze)


if __name__ == "__main__":
    from cabin_agent.__main__ import main

    if sys.argv[1] != "media":
        _may_hang()
    sys.exit(main(sys.argv[1:]))
