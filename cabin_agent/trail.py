"""What the core writes into its audit log: technical facts alone, by a table of what may be said.

No identity and no value of anybody can come in: an event that is not in `EVENTS`, or a field of it that does not look
as the table says, is written as "?", and said in the log. A visit is known by the message id of its Bundle, a member
of the staff by their role, an instrument by its serial number.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from cabin_agent.audit_notes import FOLDER, notes_left
from cabin_agent.cabin_time import CabinTime, Jump
from cabin_agent.inventory import Known
from cabin_agent.kernel_clock import boot_bytes
from sync.audit import Value
from sync.audit_log import AuditLog
from sync.envelope import Stamp
from sync.keys import SigningPair
from sync.outbox import Step
from sync.salvage import Damage

log = logging.getLogger(__name__)

COLLECT_S = 60.0
"""Real seconds between two looks for notes of other commands."""
Note = Callable[..., None]
"""Notes one event: its name in `EVENTS`, then its fields by name."""

_ID, _DIGEST, _WORD = r"[0-9a-f]{32}", r"[0-9a-f]{64}", r"[a-z0-9-]{0,32}"
_NAME = r"[\w .:/+()-]{0,64}"
_NUMBER = r"-?[0-9]{1,20}"
_ROLE = r"kiosk|nurse|technician|doctor"

EVENTS: Mapping[str, Mapping[str, str]] = {
    "core-started": {"version": _NAME, "clock": _WORD, "boot": _ID, "settings": _DIGEST},
    "core-stopped": {},
    "simulated-accepted": {},
    "settings-changed": {"settings": _DIGEST},
    "keys-used": {"signing": _ID, "recipient": r"[0-9a-f]{32}|", "signers": r"([0-9a-f]{32},?){0,16}"},
    "clock-set": {"by_ms": _NUMBER, "followed": "yes|no", "clock": _WORD},
    "visit-begun": {"mid": _ID},
    "visit-resumed": {"mid": _ID},
    "visit-ended": {"mid": _ID},
    "visit-lost": {},
    "letter-sealed": {"mid": _ID, "seq": _NUMBER},
    "letter-purged": {"mid": _ID, "seq": _NUMBER},
    "letter-quarantined": {"mid": _ID, "seq": _NUMBER, "reason": _WORD},
    "letter-requeued": {"mid": _ID, "seq": _NUMBER},
    "post": {"outcome": _WORD, "reason": _WORD, "number": _NUMBER},
    "outbox-damaged": {"aside": _NAME, "saved": _NUMBER, "lost": _NUMBER},
    "signed-in": {"role": _ROLE},
    "sign-in-refused": {"role": _ROLE},
    "accounts-changed": {"accounts": _NUMBER},
    "instrument-new": {"kind": _WORD, "model": _NAME, "serial": _NAME, "firmware": _NAME},
    "instrument-other": {"kind": _WORD, "model": _NAME, "serial": _NAME, "firmware": _NAME},
    "black-box-read": {"box": _NUMBER},
}
"""What may be said, and how each field of it looks."""


class Trail:
    """The audit log of one run of the core. Raises `AuditFailed` where it can neither be read nor begun."""

    def __init__(self, state: Path, signer: SigningPair, clock: CabinTime) -> None:
        self._state, self._time = state, clock
        self._log = AuditLog(state / FOLDER, signer, clock.now_ms)
        if self._log.moved is not None:
            log.error("the audit log was broken and moved aside as %s: call support", self._log.moved.name)
        if clock.at_start is not None:
            self.jumped(clock.at_start)
        clock.on_jump = self.jumped

    def note(self, what: str, /, **fields: object) -> None:
        """Write an event down, from any thread, without waiting."""
        shape = EVENTS.get(what)
        if shape is None or shape.keys() != fields.keys():
            log.error("an event that the audit log does not know was not written: report it")
            return
        self._log.add(what, **{name: _shown(shape[name], value) for name, value in fields.items()})

    def now_ms(self) -> int:
        """The cabin's time, UTC milliseconds."""
        return self._time.now_ms()

    def collect(self) -> None:
        """Write down what other commands left a note of."""
        for said in notes_left(self._state):
            what = said.pop("what", "")
            self.note(str(what), **said)

    async def run(self) -> None:
        """Look for notes now and then until cancelled."""
        while True:
            await asyncio.to_thread(self.collect)
            await asyncio.sleep(COLLECT_S)

    def stamp(self) -> Stamp:
        """Time, trust in it, boot and audit head of an envelope that is sealed now."""
        now, quality = self._time.stamp()
        head = self._log.head
        return Stamp(now, quality, boot_bytes(), (head.count, head.hash))

    def started(self, version: str, settings: Path, *, simulated: bool) -> None:
        """The core serves: with which version and which settings, and whether they are others than last time."""
        digest = hashlib.sha256(settings.read_bytes()).hexdigest()
        before = self._log.last("core-started")
        if before is not None and before.get("settings") != digest:
            self.note("settings-changed", settings=digest)
        clock = self._time.stamp()[1]
        self.note("core-started", version=version, clock=clock, boot=boot_bytes().hex(), settings=digest)
        if simulated:
            self.note("simulated-accepted")

    def keys(self, **keys: str) -> None:
        """With which keys is sealed, signed and believed; written where they are others than last time."""
        before = self._log.last("keys-used") or {}
        if any(before.get(name) != value for name, value in keys.items()):
            self.note("keys-used", **keys)

    def letter(self, step: Step) -> None:
        """A letter of the outbox took a step."""
        reason = {"reason": step.reason} if step.what == "quarantined" else {}
        self.note(f"letter-{step.what}", mid=step.mid.hex(), seq=step.seq, **reason)

    def damage(self, damage: Damage) -> None:
        """An outbox was damaged, moved aside, and what could be read of it taken over."""
        log.error(
            "the outbox was damaged and moved aside as %s (%d saved, %d not readable): call support",
            damage.aside,
            damage.saved,
            damage.lost,
        )
        self.note("outbox-damaged", aside=damage.aside, saved=damage.saved, lost=damage.lost)

    def jumped(self, jump: Jump) -> None:
        """The machine's clock was set."""
        followed = "yes" if jump.followed else "no"
        log.warning("the clock was set by %d ms, followed: %s, now %s", jump.by_ms, followed, jump.quality)
        self.note("clock-set", by_ms=jump.by_ms, followed=followed, clock=jump.quality)

    def close(self) -> None:
        """Write what waits, sign it, and keep the time."""
        self._log.close()
        self._time.keep()


def _shown(pattern: str, value: object) -> Value:
    text = str(value)
    if re.fullmatch(pattern, text) is None:
        log.error("a field of an audit event was not as it should be and was left out")
        return "?"
    return value if isinstance(value, int) else text


def silent(what: str, **fields: object) -> None:
    """A trail that nobody keeps."""


def note_visits(note: Note, before: str, following: str) -> None:
    """One step of the core: the visit that ended with it and the one that began, by the message id of its Bundle."""
    if before and before != following:
        note("visit-ended", mid=before)
    if following and before != following:
        note("visit-begun", mid=following)


def note_resumed(note: Note, mid: str, *, lost: bool) -> None:
    """What a start found of a visit that was open."""
    if mid:
        note("visit-resumed", mid=mid)
    elif lost:
        note("visit-lost")


def note_instrument(note: Note, known: Known, new: bool) -> None:
    """Another instrument of a kind is there than the last time."""
    what = "instrument-new" if new else "instrument-other"
    note(what, kind=known.kind, model=known.model, serial=known.serial, firmware=known.firmware)
