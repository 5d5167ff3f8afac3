"""A record that opens nothing: it puts parts together, signs a receipt for whatever comes, and remembers what did."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from typing import Any

from sync.envelope import peek
from sync.link import Link, LinkSettings, Message, Up
from sync.parts import Part, read_part
from sync.receipt import Receipt, make_receipt
from tests.sync_parties import RECORD

UP, DOWN = "dmst/v1/up/", "dmst/v1/down/"


class StubRecord:
    """Answers in a thread of its own until it is closed."""

    def __init__(self, port: int, **more: Any) -> None:
        patience: dict[str, Any] = {"backoff_first": 0.05, "backoff_most": 0.3, **more}
        self.link = Link(LinkSettings("127.0.0.1", port, "stub-record", **patience), [f"{UP}+"])
        self.sizes: list[int] = []
        """Of each message that came."""
        self.seen: Counter[bytes] = Counter()
        """How often each letter came whole, by message id."""
        self._parts: dict[tuple[bytes, int], dict[int, Part]] = {}
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def close(self) -> None:
        """Stop answering."""
        self._stopping.set()
        self.link.wake()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for event in self.link.poll(1.0):
                if isinstance(event, Up):
                    self._ready.set()
                elif isinstance(event, Message):
                    self._take(event)
        self.link.close()

    def _take(self, message: Message) -> None:
        self.sizes.append(len(message.payload))
        envelope = self._whole(message.payload)
        if envelope is not None:
            header = peek(envelope)
            self.seen[header.mid] += 1
            digest = hashlib.sha256(envelope).digest()
            data = make_receipt(Receipt(header.mid, digest, "stored", "", 1, header.src, 0), RECORD)
            self.link.publish(DOWN + message.topic.removeprefix(UP), data)
        self.link.ack(message)

    def _whole(self, payload: bytes) -> bytes | None:
        part = read_part(payload)
        if part is None:
            return payload
        parts = self._parts.setdefault((part.envelope_hash, part.count), {})
        parts[part.index] = part
        if len(parts) < part.count:
            return None
        return b"".join(parts.pop(index).data for index in range(part.count))
