"""What the record posts to this cabin, from the uplink's thread to the core, between visits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from cabin_agent.appointments import Appointment, Appointments
from cabin_agent.config import Config
from cabin_agent.core import Core
from cabin_agent.posts.readers import AppointmentReader, ConfigReader
from cabin_agent.room import room_of
from cabin_agent.trail import Note
from sync.envelope import APPOINTMENTS, CONFIG
from sync.keys import RecipientKey
from sync.postbox import Heard, Postbox
from sync.record_keys import RecordKeys
from sync.sender import Sender

log = logging.getLogger(__name__)

FILE = "post.db"
"""In the state folder: what was posted, sealed as it came."""
QUIET_S = 60.0
"""Real seconds between two notes of refused messages."""
TIDY_S = 600.0
"""Real seconds between two looks for appointments that are over."""


class Inbox:
    """The letter box of one cabin, and what is done with its letters.

    `hear` is the uplink's; it also works before there is a core, and then the core finds all of it at `attach`.
    """

    def __init__(
        self,
        config: Config,
        keys: Mapping[bytes, RecipientKey],
        record: RecordKeys,
        sender: Sender,
        believed_ms: Callable[[], int | None],
        note: Note,
    ) -> None:
        """`believed_ms` gives UTC milliseconds, None where nobody knows the time."""
        state_dir = config.cabin.state_dir
        self._believed_ms, self._note = believed_ms, note
        self._new_config: Config | None = None
        self._quiet_until = 0.0
        self._expected: tuple[Appointment, ...] = ()
        self._looked_up: Appointments | None = None
        self._nudge: Callable[[], None] = lambda: None
        self._appointments = AppointmentReader(self._expect, believed_ms)
        readers = {
            CONFIG: ConfigReader(config.file, state_dir, record, self._adopt).reader(),
            APPOINTMENTS: self._appointments.reader(),
        }
        self._box = Postbox(state_dir / FILE, keys, record.signers, lambda: sender, readers)
        if self._box.damaged is not None:
            log.error(
                "the letter box was damaged and moved aside as %s: have it posted again", self._box.damaged.name
            )
        for kind in self._box.resume():
            log.error("what the record posted last (%s) cannot be brought into force: have it posted again", kind)
        self._new_config = None  # the core begins with it in any case

    def hear(self, envelope: bytes) -> None:
        """One sealed message of the record, or of somebody who would like to be it. In the uplink's thread."""
        heard = self._box.hear(envelope)
        if heard.outcome == "repeated" or (heard.outcome == "refused" and not self._may_tell()):
            return
        self._note("post", outcome=heard.outcome, reason=heard.reason, number=heard.number or 0)
        _tell(heard)

    def _may_tell(self) -> bool:
        """Whether a refused message is told: a broker that sends nonsense must not fill the disk with notes of it."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + QUIET_S
        return True

    def attach(self, core: Core) -> None:
        """Give the core what was posted, now and whenever something comes: settings only between two visits."""
        loop = asyncio.get_running_loop()
        core.on_between = lambda: self._hand_over(core)

        def nudge() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: self._hand_over(core) if core.between else None)

        self._nudge = nudge
        self._looked_up = core.desk.appointments
        self._looked_up.now_ms = self._believed_ms
        self._looked_up.posted = self._expected
        nudge()

    async def tidy(self, core: Core) -> None:
        """Forget what is over also where nobody comes, until cancelled."""
        while True:
            await asyncio.sleep(TIDY_S)
            if core.between:
                self._hand_over(core)

    def close(self) -> None:
        """Release the file."""
        self._box.close()

    def _adopt(self, config: Config) -> None:
        self._new_config = config
        self._nudge()

    def _expect(self, appointments: tuple[Appointment, ...]) -> None:
        self._expected = appointments
        if self._looked_up is not None:
            self._looked_up.posted = appointments

    def _hand_over(self, core: Core) -> None:
        """Between two visits: new settings, and no appointments of yesterday."""
        config, self._new_config = self._new_config, None
        if config is not None:
            adopt(core, config)
        over = self._appointments.drop_past()
        if over is not None:
            self._box.forget(APPOINTMENTS, over)


def adopt(core: Core, config: Config) -> None:
    """Put posted settings into force in a running core."""
    core.config = config
    core.desk = replace(
        core.desk, notice_version=config.visit.notice_version, code_attempts=config.visit.code_attempts
    )
    core.idle.grace_s = config.visit.idle_grace_s
    if config.record is not None:
        core.delivery.resize(room_of(config.record.quota_mb, config.record.reserve_mb))
    for each in config.instruments:
        core.bench.calibrated(each.driver, each.calibrated)
    core.changed()


def _tell(heard: Heard) -> None:
    match heard.outcome:
        case "refused":
            log.warning("a message that claims to come from the record is refused: %s", heard.reason)
        case "rejected":
            log.warning("a post of the record is rejected: %s (%s)", heard.reason, heard.content_type)
