"""Several gateways as processes of their own: `python -m tests.gateways PORT STORE NAME GROUP`.

Each says "ready" when it is subscribed, and at its end how many messages it was brought.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Gateways:
    """Processes on one broker and one record."""

    def __init__(self, count: int, port: int, store: str, group: str) -> None:
        self.children = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.gateways", str(port), store, f"gateway-{number}", group],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for number in range(count)
        ]
        for child in self.children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """The first one is gone without a word."""
        child = self.children.pop(0)
        child.kill()
        child.communicate()

    def end(self) -> list[int]:
        """End those that are left; how many messages each was brought."""
        for child in self.children:
            child.send_signal(signal.SIGTERM)
        said = [child.communicate(timeout=60)[0] for child in self.children]
        self.children.clear()
        return [int(each) for each in said]

    def close(self) -> None:
        """Leave none behind."""
        for child in self.children:
            with suppress(OSError):
                child.kill()
            child.communicate()


def main(port: str, store: str, name: str, group: str) -> None:
    """Serve until SIGTERM."""
    from sync.gateway import Gateway
    from sync.gateway_process import open_store
    from sync.link import LinkSettings
    from sync.receiver import Receiver
    from tests.sync_parties import POLICY, RECIPIENTS, RECORD

    brought = 0

    def count(_kind: str, _content: bytes) -> None:
        nonlocal brought
        brought += 1

    record = open_store(store)
    link = LinkSettings("127.0.0.1", int(port), name, backoff_first=0.05, backoff_most=0.5)
    receiver = Receiver(RECIPIENTS, POLICY, RECORD, record, count)
    gateway = Gateway(link, receiver, lambda: print("ready", flush=True), group)
    signal.signal(signal.SIGTERM, lambda number, frame: gateway.stop())
    gateway.run()
    record.close()
    print(brought, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
