"""From the letter box to the core: settings between two visits, appointments at once, nothing told too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.appointments import Appointment, Appointments
from cabin_agent.clock import VisitClock
from cabin_agent.config import Config, load_config
from cabin_agent.kiosk import Desk
from cabin_agent.posts import inbox as module
from cabin_agent.posts.appointment_content import AppointmentList, encode_appointments
from cabin_agent.posts.config_content import ConfigContent, encode_config
from cabin_agent.posts.inbox import FILE, Inbox
from cabin_agent.posts.readers import kept_settings
from sync.envelope import APPOINTMENTS, CONFIG
from sync.errors import OutboxFailed
from sync.keys import RecipientKey
from sync.outbox import Outbox, Room
from sync.posting import Posting
from sync.record_keys import Known, RecordKeys
from tests.sync_parties import RECIPIENT, RECORD, RECORDS, STAMP, STRANGER, sender

POST = RecipientKey(1, bytes(range(32)), demo=True)
CODE = "864209"
TOML = """
[cabin]
name = "a"
serial = "b"
state_dir = "state"
[instruments.balance]
driver = "scale"
url = "/dev/ttyS0"
[record]
broker = "mqtt://127.0.0.1:1883"
client = "c-1"
recipient = "r"
signers = "s"
signing = "k"
"""


@dataclass
class Core:
    """What an inbox asks of the core, and what it did to it."""

    config: Config
    desk: Desk
    between: bool = False
    on_between: Callable[[], None] = lambda: None
    calibrated: dict[str, date | None] = field(default_factory=dict)
    room: Room | None = None
    grace_s: float = 0.0

    @property
    def idle(self) -> Core:
        return self

    @property
    def bench(self) -> Any:
        core = self

        class Bench:
            def calibrated(self, kind: str, day: date | None) -> None:
                core.calibrated[kind] = day

        return Bench()

    @property
    def delivery(self) -> Core:
        return self

    def resize(self, room: Room) -> None:
        self.room = room

    def changed(self) -> None:
        pass


class Waiting:
    """The record's store, as far as posts go."""

    def __init__(self) -> None:
        self.posts: list[bytes] = []

    def post(self, client: str, envelope: bytes) -> bytes:
        self.posts.append(envelope)
        return b""


class Booth:
    """A cabin without a broker, and the record's hand that writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, [1500]
        (folder / "cabin.toml").write_text(TOML)
        (folder / "state").mkdir()
        self.config = load_config(folder / "cabin.toml")
        self.outbox, self.waiting = Outbox(folder / "outbox.db"), Waiting()
        self.notes: list[dict[str, object]] = []
        self.posting = Posting(folder / "posting.db", self.waiting, RECORD, lambda: STAMP)
        self.inbox = self.open()
        desk = Desk(Appointments(folder / "none.toml"), VisitClock(1), "1", 3, ())
        self.core: Any = Core(self.config, desk)

    def open(self) -> Inbox:
        keys = RecordKeys(Known(RECIPIENT.public, RECORDS))
        posted = {POST.public.kid: POST}
        return Inbox(self.config, posted, keys, sender(self.outbox), lambda: self.now[0], self.note)

    def note(self, what: str, **fields: object) -> None:
        self.notes.append({"what": what, **fields})

    def post(self, kind: str, content: Callable[[int], bytes]) -> None:
        self.posting.post("c-1", POST.public, kind, content)
        self.inbox.hear(self.waiting.posts[-1])

    def settings(self, **posted: int | str) -> None:
        named = {name.replace("__", "."): value for name, value in posted.items()}
        self.post(CONFIG, lambda number: encode_config(ConfigContent(number, named)))

    def expect(self, until_ms: int) -> None:
        one = Appointment(CODE, "checkup", "urn:oid:1.2", "person", (), 1000, until_ms)
        self.post(APPOINTMENTS, lambda number: encode_appointments(AppointmentList(number, (one,))))

    def close(self) -> None:
        self.inbox.close()
        self.posting.close()
        self.outbox.close()


@pytest.fixture
def booth(tmp_path: Path) -> Any:
    made = Booth(tmp_path)
    yield made
    made.close()


async def turn() -> None:
    """Let the loop do what was put into it."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_settings_wait_for_the_end_of_the_visit(booth: Booth) -> None:
    booth.inbox.attach(booth.core)
    booth.settings(visit__code_attempts=7, visit__idle_grace_s=40, record__quota_mb=900,
                   instruments__scale__calibrated="2026-05-06")  # fmt: skip
    await turn()
    assert booth.core.desk.code_attempts == 3
    assert not booth.core.room
    booth.core.between = True
    booth.core.on_between()
    assert (booth.core.desk.code_attempts, booth.core.grace_s) == (7, 40)
    assert booth.core.room.quota == 900 << 20
    assert booth.core.calibrated == {"scale": date(2026, 5, 6)}
    booth.settings()
    await turn()
    assert booth.core.desk.code_attempts == 3, "an idle cabin takes them at once"
    assert booth.core.calibrated == {"scale": None}


async def test_appointments_are_found_at_once_and_after_a_restart(booth: Booth) -> None:
    booth.inbox.attach(booth.core)
    assert booth.core.desk.appointments.find(CODE) is None
    booth.expect(until_ms=2000)
    assert booth.core.desk.appointments.find(CODE) is not None
    booth.now[0] = 2000
    assert booth.core.desk.appointments.find(CODE) is None
    booth.now[0] = 1500
    booth.inbox.close()
    booth.inbox = booth.open()
    booth.core.desk.appointments.posted = ()
    booth.inbox.attach(booth.core)
    assert booth.core.desk.appointments.find(CODE) is not None


async def test_appointments_of_yesterday_leave_the_disk_where_nobody_comes(
    booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIDY_S", 0.001)
    booth.inbox.attach(booth.core)
    booth.expect(until_ms=2000)
    piece = booth.waiting.posts[-1][300:364]
    files = [path for path in (booth.folder / "state").iterdir() if path.name.startswith(FILE)]
    assert any(piece in path.read_bytes() for path in files)
    booth.now[0], booth.core.between = 2000, True
    tidying = asyncio.create_task(booth.inbox.tidy(booth.core))
    async with asyncio.timeout(20):
        # What is erased from a file has no event.
        while any(piece in path.read_bytes() for path in files):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    tidying.cancel()
    assert booth.core.desk.appointments.posted == ()


async def test_refused_messages_are_noted_once_a_minute(booth: Booth, caplog: pytest.LogCaptureFixture) -> None:
    booth.inbox.attach(booth.core)
    for _ in range(50):
        booth.inbox.hear(b"nonsense")
    assert booth.notes == [{"what": "post", "outcome": "refused", "reason": "malformed", "number": 0}]
    assert caplog.text.count("is refused: malformed") == 1
    booth.settings(visit__code_attempts=99)
    assert [each["outcome"] for each in booth.notes] == ["refused", "rejected"]
    assert "rejected: setting" in caplog.text


async def test_settings_that_cannot_be_written_are_not_answered_before_they_are_in_force(
    booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    booth.inbox.attach(booth.core)
    booth.core.between = True
    with monkeypatch.context() as patched:
        patched.setattr("cabin_agent.posts.readers.replace_file", full)
        with pytest.raises(OSError, match="No space"):
            booth.settings(visit__code_attempts=7)
        with pytest.raises(OutboxFailed, match="make room on the disk"):
            booth.inbox.hear(booth.waiting.posts[-1])
        booth.inbox.close()
        booth.inbox = booth.open()
        booth.inbox.attach(booth.core)
        with pytest.raises(OutboxFailed, match="make room on the disk"):
            booth.inbox.hear(booth.waiting.posts[-1])
    assert booth.outbox.counts().pending == 0
    await turn()
    assert booth.core.desk.code_attempts == 3
    booth.inbox.close()
    booth.inbox = booth.open()
    booth.inbox.hear(booth.waiting.posts[-1])
    assert booth.outbox.counts().pending == 1
    assert kept_settings(booth.folder / "state") is not None


async def test_settings_that_could_be_written_at_last_are_in_force(
    booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    booth.inbox.attach(booth.core)
    booth.core.between = True
    with monkeypatch.context() as patched:
        patched.setattr("cabin_agent.posts.readers.replace_file", full)
        with pytest.raises(OSError, match="No space"):
            booth.settings(visit__code_attempts=7)
    booth.inbox.hear(booth.waiting.posts[-1])
    await turn()
    assert booth.core.desk.code_attempts == 7
    assert booth.outbox.counts().pending == 1


async def test_a_stranger_changes_nothing(booth: Booth) -> None:
    booth.inbox.attach(booth.core)
    forged = Posting(booth.folder / "forged.db", booth.waiting, STRANGER, lambda: STAMP)
    forged.post("c-1", POST.public, CONFIG, lambda number: encode_config(ConfigContent(number, {})))
    forged.close()
    booth.core.between = True
    booth.inbox.hear(booth.waiting.posts[-1])
    await turn()
    assert booth.core.room is None
    assert booth.outbox.counts().pending == 0
