"""From the finished visit to the outbox: the Bundle is built, sealed and stored; the uplink carries it from there.

The Bundle is built in a process of its own, because building and validating it takes half a second of an interpreter
that has samples to read, and memory that would stay. A message id is given when the visit begins, so that doing all
this again after a crash changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from cabin_agent.face import Json, Refusal
from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.record import visit_record, without_strips
from cabin_agent.recorder import LeftOut, fitting, recording
from cabin_agent.results import CabinIdentity, VisitRecord
from cabin_agent.room import most_of
from cabin_agent.visit import Visit
from sync.envelope import FHIR, MAX_CONTENT, RECORDING
from sync.errors import SyncError
from sync.outbox import Room
from sync.rows import Handed
from sync.sender import Sender
from sync.uplink import Uplink, UplinkStatus

log = logging.getLogger(__name__)


class DeliveryError(Exception):
    """The visit could not be handed over; one sentence. Nothing of it is lost: it is tried again."""


class Delivery:
    """The outbox and its uplink, as the core uses them; `most` is what one recording or Bundle may have of bytes."""

    def __init__(
        self,
        sender: Sender,
        uplink: Callable[[Callable[[UplinkStatus], None]], Uplink],
        most: int = MAX_CONTENT,
    ) -> None:
        self._sender, self._outbox, self._most = sender, sender.outbox, most
        self._uplink = uplink(self._tell)
        self._fault = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: Callable[[], None] = lambda: None

    def start(self, on_change: Callable[[], None]) -> None:
        """Begin to deliver; `on_change` is called in this event loop whenever something was sent or answered."""
        self._loop, self._changed = asyncio.get_running_loop(), on_change
        self._uplink.start()

    def stop(self) -> None:
        """Stop the uplink and close the outbox; what waits stays there."""
        self._uplink.stop()
        self._outbox.close()

    def resize(self, room: Room) -> None:
        """Another quota, and with it what one recording or Bundle may have of bytes."""
        self._outbox.resize(room)
        self._most = most_of(room.quota)

    def accepts_visit(self) -> bool:
        """Whether there is room for one more visit."""
        return self._outbox.accepts_new_visit()

    def stalled_for(self) -> float:
        """Seconds since the uplink last turned; it turns offline too."""
        return self._uplink.stalled_for()

    def status(self) -> Json:
        """Whether the broker answers, how many envelopes wait or were rejected, how many outboxes were damaged."""
        counts = self._outbox.counts()
        connected = self._uplink.status.connected
        waiting = {"pending": counts.pending, "quarantined": counts.quarantined}
        return {"connected": connected, **waiting, "damaged": self._outbox.aside}

    def history(self, limit: int) -> list[Json]:
        """What was handed over and what the record answered, newest first."""
        return [_handed(row) for row in self._outbox.history(limit)]

    async def requeue(self, mid: str) -> Json:
        """Send a letter again that the record refused; how it stands then. Raises `Refusal`."""
        wanted = bytes.fromhex(mid) if re.fullmatch(r"[0-9a-f]{32}", mid) else b""
        try:
            requeued = await asyncio.to_thread(self._outbox.requeue, wanted)
            found = self._outbox.find(wanted)
        except SyncError as error:
            raise Refusal("not-ready", str(error)) from error
        if not requeued or found is None:
            raise Refusal("bad-value", "No result in quarantine has this message id: 'cabin outbox' lists them.")
        self._changed()
        return _handed(found)

    async def seal(self, visit: Visit, cabin: CabinIdentity, tracks: list[bytes]) -> None:
        """Hand a finished visit to the outbox: its recording, then its Bundle. Raises `DeliveryError`.

        A visit in which nobody was named has no record to go to, and nothing is handed over. What would be too large
        to be delivered is left out, and the record says so: nobody waits for ever before it.
        """
        plain = visit_record(visit, cabin, None)
        if plain is None:
            return
        kept, left_out = fitting(tracks, self._most)
        _say_what_was_left_out(left_out)
        content, digest = b"", None
        if tracks:
            content, digest = recording(kept, simulated=plain.cabin.simulated, left_out=left_out)
        bundle = await _fitting_bundle(visit_record(visit, cabin, digest, left_out) or plain, self._most)
        try:
            if content:
                await asyncio.to_thread(self._sender.send, bytes.fromhex(visit.recording_mid), RECORDING, content)
            await asyncio.to_thread(self._sender.send, bytes.fromhex(visit.mid), FHIR, bundle)
        except SyncError as error:
            raise DeliveryError(str(error)) from error

    def _tell(self, status: UplinkStatus) -> None:
        """Called in the uplink's thread. A fault is logged when it is another one: a month offline is one line."""
        if status.fault and status.fault != self._fault:
            self._fault = status.fault
            log.warning("delivery waits: %s", status.fault)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed)


def _handed(row: Handed) -> Json:
    receipt = {"status": row.status, "at_ms": row.settled_ms} if row.status else None
    return {
        "mid": row.mid.hex(), "seq": row.seq, "state": row.state, "attempts": row.attempts, "receipt": receipt,
    }  # fmt: skip


def _say_what_was_left_out(left_out: LeftOut) -> None:
    if left_out:
        log.error(
            "a recording is too large to be delivered: %d pictures and %d stretches of samples were left out of it",
            len(left_out.pictures),
            left_out.stretches,
        )


async def _fitting_bundle(record: VisitRecord, most: int) -> bytes:
    """The Bundle, without the strips where it would be too large to be delivered. Raises `DeliveryError`."""
    bundle = await _built(record)
    if len(bundle) <= most:
        return bundle
    log.error("the Bundle of a visit is too large to be delivered: its ECG strips were left out")
    return await _built(without_strips(record))


async def _built(record: VisitRecord) -> bytes:
    """The Bundle of a visit, built and validated in a process of its own."""
    try:
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _end_with_the_core)
    except OSError as error:
        raise DeliveryError(
            f"The Bundle's process could not be started ({error.strerror}): it is tried again."
        ) from None
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, build_bundle, record)
    except BrokenProcessPool:
        raise DeliveryError("The Bundle's process was killed: it is started again.") from None
    except Exception as error:  # its text may hold a value of the visit
        sentence = f"The Bundle could not be built ({type(error).__name__}): report it; the visit is kept."
        raise DeliveryError(sentence) from None
    finally:
        # To wait here for the end of the process would hold up every instrument for a quarter of a second.
        pool.shutdown(wait=False)


def _end_with_the_core() -> None:
    """In the Bundle's process: should the core be killed, nobody else would end what holds a visit in its memory."""
    threading.Thread(target=_wait_for_the_core, name="end with the core", daemon=True).start()


def _wait_for_the_core() -> None:
    if core := multiprocessing.parent_process():
        core.join()
        os._exit(1)
