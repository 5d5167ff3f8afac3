"""The processes of a demonstration: started one after the other, each waited for by what it says or serves."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cabin_agent.demo.site import ENVIRONMENT, Site

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
START_S = 30.0
"""Real seconds that one process may take to start on a busy machine."""
STOP_S = 8.0
"""Real seconds from the friendly signal to the unfriendly one."""
BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Real seconds before each new start of a process that ends again and again; after the last it is left alone."""
STEADY_S = 20.0
"""Real seconds of life after which a process counts as one that works."""


FREE_PORTS = range(20_000, 32_000)
"""Below Linux' ephemeral range (ip_local_port_range, from 32768), above what services are known by."""


class DemoError(Exception):
    """The demonstration cannot run; one sentence."""


@dataclass(slots=True)
class Child:
    """One process of the demonstration and what it is for."""

    name: str
    what: str
    process: Process
    log: Path
    again: tuple[str, ...] = ()
    """The command to start it anew with when it ends, as systemd would; empty for one whose end is the end of all."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


def _end_with_parent() -> None:
    """Have the kernel end this process when the demonstration is killed (prctl(2), PR_SET_PDEATHSIG)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now, nor is given by chance before it is used.

    The kernel hands out ports from its ephemeral range to every outgoing connection, so that one of those may be
    taken between the look and the use; the ports below that range go only to who asks for one by number.
    """
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DemoError(f"No port from {FREE_PORTS[0]} to {FREE_PORTS[-1]} is free: end what uses them.")


def check_port(port: int) -> None:
    """Raise `DemoError` if somebody listens on this port of the loopback address; 0 is any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(f"Port {port} is in use: end what uses it, or take another with --port 0.") from None


def mosquitto() -> str | None:
    """The installed mosquitto, or None."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Processes:
    """Starts and stops the demonstration's processes; the last started is stopped first."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.children: list[Child] = []

    async def start(
        self, name: str, what: str, command: Sequence[str], *, until: str | None = None, again: bool = False
    ) -> str:
        """Start one process; with `until`, wait for the line of its standard output that contains it, and give it."""
        log = self._site.folder / f"{name}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=PIPE if until is not None else errors,
                stderr=errors,
                env={**os.environ, **ENVIRONMENT},
                start_new_session=True,
                preexec_fn=_end_with_parent,
                limit=1 << 20,
            )
        child = Child(name, what, process, log, tuple(command) if again else ())
        self.children.append(child)
        return await self._line(child, until) if until is not None else ""

    async def stop(self) -> None:
        """Stop every process, the last started first; none is left."""
        for child in reversed(self.children):
            await stop(child.process)
        self.children.clear()

    async def first_death(self, say: Callable[[str], None]) -> Child:
        """Wait until a process ends that nobody starts again; the others are started again meanwhile.

        One that ends again and again is left alone in the end, which `say` is told in one sentence.
        """
        lives = [asyncio.create_task(self._life(child, say)) for child in self.children]
        try:
            done, _ = await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    async def _life(self, child: Child, say: Callable[[str], None]) -> Child:
        """The end of a process that is not started again; of another, nothing as long as this is awaited."""
        tries = 0
        while True:
            began = time.monotonic()
            await child.process.wait()
            if not child.again:
                return child
            tries = 0 if time.monotonic() - began > STEADY_S else tries
            if tries == len(BACK_OFF_S):
                say(f"The {child.name} ended {tries + 1} times in a row and is left alone: {last_words(child)}")
                await asyncio.Event().wait()
            await asyncio.sleep(BACK_OFF_S[tries])
            tries += 1
            self.children.remove(child)
            await self.start(child.name, child.what, child.again, again=True)
            child = self.children[-1]

    async def _line(self, child: Child, until: str) -> str:
        stdout = child.process.stdout
        if stdout is None:
            raise AssertionError("the output of this process is not piped")
        try:
            async with asyncio.timeout(START_S):
                while line := (await stdout.readline()).decode(errors="replace"):
                    if until in line:
                        return line
        except TimeoutError:
            raise DemoError(f"The {child.name} did not start in {START_S:.0f} s: {last_words(child)}") from None
        raise DemoError(f"The {child.name} ended at once: {last_words(child)}")


async def stop(process: Process) -> None:
    """End one process: SIGTERM, then SIGKILL when it does not listen."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            # Not process.terminate(): it would reap a child that ended just now, and asyncio complain of that.
            os.kill(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()


def last_words(child: Child) -> str:
    """The last line that a process wrote to its log."""
    lines = child.log.read_text(errors="replace").strip().splitlines() if child.log.exists() else []
    return lines[-1] if lines else "it said nothing."


def python(*words: str) -> list[str]:
    """A command of this Python, safe from the working directory."""
    return [sys.executable, "-P", "-m", *words]


async def broker(processes: Processes, site: Site, port: int) -> None:
    """Start mosquitto where it is installed, else the embedded broker; both on the loopback address only."""
    installed = mosquitto()
    if installed:
        config = site.folder / "mosquitto.conf"
        # Started by root it would change its user, and with that forget that it has to end with this process.
        config.write_text(
            f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
        )
        await processes.start("broker", f"mosquitto on port {port}", [installed, "-c", str(config)])
    else:
        command = python("cabin_agent.demo.broker", str(port))
        what = f"embedded broker on port {port} (mosquitto is not installed)"
        await processes.start("broker", what, command)
    await _listening(processes.children[-1], port)


async def _listening(child: Child, port: int) -> None:
    async with asyncio.timeout(START_S):
        while child.process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                # A port has no event for its first listener: looking again is all there is.
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
    raise DemoError(f"The broker ended at once: {last_words(child)}")
