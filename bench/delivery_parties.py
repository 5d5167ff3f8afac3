"""The processes of a measured delivery: `python -m bench.delivery_parties cabin | gateway | stub | plain ...`.

Keys are those of the tests. A folder named "-" means no TLS; otherwise it holds `NAME.pem`, `NAME.key` and `ca.pem`.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.machine import highest_mb, resident_mb
from sync.gateway import Gateway
from sync.gateway_process import open_store
from sync.link import LinkSettings, Tls
from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.uplink import Uplink, UplinkSettings
from tests.stub_record import StubRecord
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS

PATIENCE_S = 3600.0


def cabin(port: int, outbox: Path, window: int, folder: str) -> None:
    """Deliver all that waits in an outbox; prints seconds since the broker took the connection, and memory in MB."""
    box = Outbox(outbox)
    settings = UplinkSettings(
        "127.0.0.1", port, "cabin-1", _tls(folder, "cabin-1"), window=window, window_bytes=64 << 20, backoff_first=0.2
    )
    before = resident_mb("self")
    began: list[float] = []
    done = threading.Event()

    def watch(_status: object) -> None:
        if uplink.status.connected and not began:
            began.append(time.monotonic())
        if uplink.status.pending == 0:
            done.set()

    uplink = Uplink(box, settings, RECORDS, watch)
    count, used = box.counts().pending, time.process_time()
    uplink.start()
    if not done.wait(PATIENCE_S):
        raise TimeoutError(f"{box.counts().pending} of {count} letters were not delivered")
    seconds, processor = time.monotonic() - began[0], time.process_time() - used
    memory = {"before_mb": before, "peak_mb": highest_mb("self")}
    print(json.dumps({"seconds": seconds, "processor": processor, "count": count, **memory}))
    uplink.stop()
    box.close()


def gateway(port: int, store: str, name: str, group: str, folder: str) -> None:
    """A gateway until SIGTERM; prints "ready" once it is subscribed."""
    record = open_store(store)
    link = LinkSettings("127.0.0.1", port, name, _tls(folder, "record"), backoff_first=0.2)
    receiver = Receiver(RECIPIENTS, POLICY, RECORD, record)
    serving = Gateway(link, receiver, lambda: print("ready", flush=True), group)
    signal.signal(signal.SIGTERM, lambda _number, _frame: serving.stop())
    serving.run()
    record.close()


def stub(port: int) -> None:
    """A record that signs receipts and opens nothing, until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    record = StubRecord(port)
    print("ready", flush=True)
    ended.wait()
    record.close()


def plain(port: int, count: int, size: int, window: int, folder: str) -> None:
    """The peer: paho as it comes, the broker's acknowledgement alone; prints its seconds."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cabin-1")
    tls = _tls(folder, "cabin-1")
    if tls is not None:
        client.tls_set_context(tls.context())
    client.max_inflight_messages_set(window)
    ready, done = threading.Event(), threading.Event()
    left = [count]

    def acknowledged(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            done.set()

    client.on_connect = lambda *_: ready.set()
    client.on_publish = acknowledged
    client.connect("127.0.0.1", port)
    client.loop_start()
    ready.wait(PATIENCE_S)
    began = time.monotonic()
    for _ in range(count):
        client.publish("dmst/v1/up/cabin-1", bytes(size), qos=1)
    done.wait(PATIENCE_S)
    print(json.dumps({"seconds": time.monotonic() - began}))
    client.disconnect()
    client.loop_stop()


def _tls(folder: str, name: str) -> Tls | None:
    if folder == "-":
        return None
    base = Path(folder)
    return Tls(base / "ca.pem", base / f"{name}.pem", base / f"{name}.key")


def main(arguments: list[str]) -> None:
    """Be one of the parties."""
    match arguments:
        case ["cabin", port, outbox, window, folder]:
            cabin(int(port), Path(outbox), int(window), folder)
        case ["gateway", port, store, name, group, folder]:
            gateway(int(port), store, name, group, folder)
        case ["stub", port]:
            stub(int(port))
        case ["plain", port, count, size, window, folder]:
            plain(int(port), int(count), int(size), int(window), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
