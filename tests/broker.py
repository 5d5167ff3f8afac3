"""Real brokers and processes that tests may kill: mosquitto from Debian, amqtt, a gateway, a writer.

`python -m tests.broker amqtt PORT | gateway PORT STORE MODE MQTT | writer OUTBOX FIRST` are the children.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from cabin_agent.demo.processes import free_port

ROOT = Path(__file__).resolve().parent.parent
Kind = Literal["mosquitto", "amqtt"]


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


class Broker:
    """One broker process on a port of its own; it keeps nothing over a kill."""

    def __init__(self, kind: Kind, folder: Path, extra: str = "") -> None:
        self.kind, self.port = kind, free_port()
        self._config = folder / f"{kind}-{self.port}.conf"
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def mqtt5(self) -> bool:
        """Whether it speaks MQTT 5; amqtt knows 3.1.1 alone, and does not answer a CONNECT that has properties."""
        return self.kind == "mosquitto"

    def start(self) -> None:
        """Start, or start again on the same port, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        end = time.monotonic() + 15
        while not is_listening(self.port):
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"{self.kind} does not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _command(self) -> list[str]:
        if self.kind == "amqtt":
            return [sys.executable, "-m", "tests.broker", "amqtt", str(self.port)]
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto to run this test")
        listener = f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
        self._config.write_text(listener + self._extra)
        return [program, "-c", str(self._config)]


class Child:
    """A process of this house that tests start and kill."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.broker", *arguments], stdout=subprocess.PIPE, cwd=ROOT
        )

    def line(self) -> str:
        """The next line that it says; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=15)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def _run_amqtt(port: int) -> None:
    from amqtt.broker import Broker as Amqtt

    async def serve() -> None:
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = Amqtt(config)
        await broker.start()
        await asyncio.Event().wait()

    asyncio.run(serve())


def _run_writer(path: Path, first: int) -> None:
    from sync.outbox import Outbox
    from tests.sync_parties import blank_sealer, mid

    outbox = Outbox(path)
    for number in range(first, first + 100_000):
        outbox.put(mid(number), blank_sealer(number, 2000))
        print(number, flush=True)


def _run_gateway(port: int, store: Path, mode: str, *, mqtt5: bool) -> None:
    """A gateway that dies by SIGKILL at a chosen point of its first letter: "opened", "commit", "committed"."""
    from sync.gateway import Gateway
    from sync.link import LinkSettings
    from sync.receiver import Receiver
    from sync.store_sqlite import SqliteStore
    from tests.sync_parties import POLICY, RECIPIENTS, RECORD

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def check(_kind: str, _content: bytes) -> None:
        if mode == "opened":
            die()

    record = SqliteStore(store)
    if mode == "commit":
        record.database.connection.set_trace_callback(lambda statement: die() if statement == "COMMIT" else None)
    if mode == "committed":
        # The receipt was published, and is about to be forgotten.
        record.sent = lambda receipt_ids: die()  # type: ignore[method-assign]
    patience: dict[str, Any] = {"backoff_first": 0.05, "backoff_most": 0.5}
    link = LinkSettings("127.0.0.1", port, "gateway", keep_session=True, mqtt5=mqtt5, **patience)
    gateway = Gateway(link, Receiver(RECIPIENTS, POLICY, RECORD, record, check))
    signal.signal(signal.SIGTERM, lambda number, frame: gateway.stop())
    print("ready", flush=True)
    gateway.run()
    record.close()


def main(arguments: list[str]) -> None:
    """Run one of the children."""
    match arguments:
        case ["amqtt", port]:
            _run_amqtt(int(port))
        case ["writer", path, first]:
            _run_writer(Path(path), int(first))
        case ["gateway", port, store, mode, mqtt]:
            _run_gateway(int(port), Path(store), mode, mqtt5=mqtt == "True")


if __name__ == "__main__":
    main(sys.argv[1:])
