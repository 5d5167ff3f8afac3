"""The audit log on disk: append-only files that one thread writes, and anybody may read beside it.

Files and not SQLite: what was written is never written again, so no later power cut can reach it; a damaged block
costs what is in it and nothing else; and the whole can be copied, compared and checked by a program that knows
`sync.audit` alone. A segment holds `SEGMENT` entries, so that a start reads one file, however old the cabin is.

`add` puts an event into a queue and returns: nobody ever waits for the disk. The thread writes what has gathered,
syncs it, and rests: at most `1 / REST_S` syncs a second; `head` is that of the last sync, so no envelope can name an
entry that a power cut takes back. A disk without room costs nobody anything: events wait in the queue, those that no
longer fit into it are counted, and one entry says how many they were.

A torn tail (`sync.audit.is_torn`) is cut off, kept beside and told in an entry; whatever else does not verify at the
start is moved aside with its whole folder, never deleted, and a new chain is begun.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sync.audit import EVERY, MOST_TORN, Head, Value, append, begin, checkpoint, walk
from sync.audit_reading import KEYS, read_segment, segments
from sync.ballast import Ballast
from sync.errors import AuditFailed, KeyFileError
from sync.keyfile import save_key
from sync.keys import SigningPair, SigningPublic

SEGMENT = 5000
"""Entries of one file."""
MOST_WAITING = 2000
"""Events that wait for a disk without room; more are counted."""
REST_S = 0.1
"""Seconds between two syncs."""
RETRY_S = 5.0
"""Seconds before a disk that took nothing is tried again."""
_BATCH = MOST_TORN // 2
_BALLAST = 256 << 10


def wall_ms() -> int:
    """UTC in milliseconds, as the machine believes it."""
    return time.time_ns() // 1_000_000


class AuditLog:
    """The chain in `folder`, signed by `signer`; one process at a time.

    `moved` names where a broken chain was moved to, `torn` how many bytes were cut off. Raises `AuditFailed` where
    the folder cannot be used at all.
    """

    def __init__(self, folder: Path, signer: SigningPair, now_ms: Callable[[], int] = wall_ms) -> None:
        self.folder = folder
        self.moved: Path | None = None
        self.torn = 0
        self._signer, self._now_ms = signer, now_ms
        self._waiting: deque[dict[str, Value]] = deque()
        self._missed = 0
        self._ready = threading.Condition()
        self._closing = False
        self._durable = Head()
        self._signed = 0
        self._path: Path | None = None
        self._length = 0
        self._lock = _hold(folder)
        try:
            self._resume()
        except OSError as error:
            self._lock.close()
            raise AuditFailed(f"The audit log {folder} cannot be read ({error.strerror}): check the disk.") from None
        _keep_public(folder, signer.public)
        self._ballast = Ballast(folder / "ballast", _BALLAST)
        self._ballast.fill()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """The head of what is safe on disk; what an envelope carries."""
        return self._durable

    def add(self, what: str, **fields: Value) -> None:
        """Note an event, from any thread; returns at once and raises nothing that the disk says."""
        with self._ready:
            if len(self._waiting) >= MOST_WAITING:
                self._missed += 1
                return
            self._waiting.append({"at": self._now_ms(), "what": what, **fields})
            self._ready.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything that was noted is safe; False where the disk did not take it in time."""
        with self._ready:
            return self._ready.wait_for(lambda: not self._waiting and not self._missed, timeout)

    def last(self, what: str) -> dict[str, Value] | None:
        """The last event of a kind that is safe on disk, however long ago."""
        for path in reversed(segments(self.folder)):
            found = [entry.event for entry in read_segment(path) if entry.event.get("what") == what]
            if found:
                return found[-1]
        return None

    def close(self) -> None:
        """Write what waits, on the ballast if need be, sign it and end the thread."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self._thread.join()
        self._lock.close()

    # --- the start -----------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        while paths := segments(self.folder):
            data = paths[-1].read_bytes()
            walked = walk(data, None, {self._signer.public.kid: self._signer.public})
            if walked.fault is not None and walked.fault.why != "torn":
                return self._move_aside()
            if walked.fault is not None:
                self._cut(paths[-1], data[walked.length :], walked.length, walked.head)
            if walked.length:
                self._durable, self._signed = walked.head, walked.signed
                self._path, self._length = paths[-1], walked.length
                return None
            paths[-1].unlink()
        return None

    def _cut(self, path: Path, rest: bytes, length: int, head: Head) -> None:
        """Keep the torn bytes beside, where there is room for them, and shorten the file."""
        self.torn += len(rest)
        with contextlib.suppress(OSError):
            path.with_suffix(f".torn-{length}").write_bytes(rest)
        with path.open("r+b") as file:
            file.truncate(length)
            os.fsync(file.fileno())
        self.add("audit-torn", bytes=len(rest), after=head.count)

    def _move_aside(self) -> None:
        number = 1
        while (aside := self.folder.with_name(f"{self.folder.name}.damaged-{number}")).exists():
            number += 1
        self.folder.rename(aside)
        self.folder.mkdir(mode=0o700)
        self.moved = aside
        self.add("audit-damaged", aside=aside.name)

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._turn():
            self._closed_within(REST_S)
        self._end()

    def _turn(self) -> bool:
        """Write what waits for it; False once everything is written and nothing more will come."""
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self._missed or self._closing)
            closing = self._closing
        try:
            self._write(last=False)
        except OSError:
            return not closing and not self._closed_within(RETRY_S)
        return not closing or bool(self._waiting)

    def _closed_within(self, seconds: float) -> bool:
        with self._ready:
            return self._ready.wait_for(lambda: self._closing, seconds)

    def _end(self) -> None:
        """The last words and the signature under them; a full disk gives them the ballast."""
        for _ in range(2):
            with contextlib.suppress(OSError):
                while self._waiting or self._missed:
                    self._write(last=False)
                self._write(last=True)
                return
            self._ballast.release()

    def _write(self, *, last: bool) -> None:
        """One write of what waits, signed where it is due, and one sync. `OSError`: nothing of it counts."""
        with self._ready:
            events, missed = list(self._waiting), self._missed
        lost: list[dict[str, Value]] = [{"at": self._now_ms(), "what": "audit-missed", "count": missed}]
        batch = _batch(self._durable, self._signed, [*events, *lost[: bool(missed)]], self._signer, last=last)
        self._append(batch)
        with self._ready:
            for _ in events[: batch.used]:
                self._waiting.popleft()
            self._missed -= missed if batch.used > len(events) else 0
            self._durable, self._signed = batch.head, batch.signed
            self._ready.notify_all()

    def _append(self, batch: _Batch) -> None:
        if not batch.data:
            return
        path, length, data = self._path, self._length, batch.data
        if path is None or (batch.used and self._durable.count % SEGMENT == 0):
            path, length = self.folder / f"{self._durable.count + 1:012d}.log", 0
            data = begin(self._durable) + data
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Whatever an earlier attempt left behind the last whole frame goes first.
            os.ftruncate(handle, length)
            _write_all(handle, data, length)
            os.fdatasync(handle)
        finally:
            os.close(handle)
        if length == 0:
            _sync(self.folder)
        self._path, self._length = path, length + len(data)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one write adds: the bytes, where the chain stands then, and how many events are in it."""

    data: bytes
    head: Head
    signed: int
    used: int


def _batch(head: Head, signed: int, events: Iterable[dict[str, Value]], signer: SigningPair, *, last: bool) -> _Batch:
    """As many events as one write takes; `last` signs whatever is there."""
    if _is_due(head, signed):
        return _Batch(checkpoint(head, signer), head, head.count, 0)
    data, used = bytearray(), 0
    for event in events:
        head, frame = append(head, event)
        data += frame
        used += 1
        if _is_due(head, signed):
            data += checkpoint(head, signer)
            signed = head.count
        if len(data) > _BATCH or head.count % SEGMENT == 0:
            break
    if last and signed != head.count:
        data += checkpoint(head, signer)
        signed = head.count
    return _Batch(bytes(data), head, signed, used)


def _is_due(head: Head, signed: int) -> bool:
    return head.count > 0 and head.count % EVERY == 0 and signed != head.count


def _write_all(handle: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(handle, data, at)
        data, at = data[written:], at + written


def _hold(folder: Path) -> IO[bytes]:
    """The lock beside the folder, held until the process ends, however it ends. Raises `AuditFailed`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open(f"{folder}.lock", "ab")  # noqa: SIM115
    except OSError as error:
        raise AuditFailed(f"The audit log {folder} cannot be used ({error.strerror}): check its folder.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise AuditFailed("The audit log is in use by another process: stop that one first.") from None
    return file


def _keep_public(folder: Path, public: SigningPublic) -> None:
    """The public key of every signer stays beside what it signed, also when the cabin has a newer one."""
    keys = folder / KEYS
    with contextlib.suppress(OSError, KeyFileError):
        keys.mkdir(mode=0o700, exist_ok=True)
        save_key(keys / f"{public.kid.hex()}.json", public)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
