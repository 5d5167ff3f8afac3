"""Whatever the clock says, nothing is refused or lost: through outbox, receiver, store and audit log, and told."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.audit_notes import FOLDER
from cabin_agent.cabin_time import FILE, CabinTime
from cabin_agent.commands.outbox import FILE as OUTBOX
from cabin_agent.last_time import LastTime, keep_last_time
from cabin_agent.trail import Trail
from sync.audit_reading import read_log, verify
from sync.envelope import FHIR, Clock, Stamp, open_envelope
from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.sender import Sender
from sync.store_sqlite import SqliteStore
from tests.core_bench import prepare
from tests.sync_parties import CABIN, CABINS, POLICY, RECIPIENT, RECIPIENTS, RECORD, RECORDS, content, mid

NOW = 1_795_000_000_000
TIMES = {
    "the very first": 0,
    "1970": 86_400_000,
    "before it was built": 1_000_000_000_000,
    "2038, the last second of 32 bits": 2**31 * 1000 - 1,
    "2038, the first one beyond": 2**31 * 1000,
    "2106, beyond unsigned ones": 2**32 * 1000 + 5,
    "the year 9999": 253_402_300_799_000,
    "beyond any calendar": 2**60,
}


@pytest.mark.parametrize("clock", ["ntp", "rtc", "unset"])
@pytest.mark.parametrize("at_ms", TIMES.values(), ids=TIMES.keys())
def test_a_letter_of_any_time_is_filed_and_purged(tmp_path: Path, at_ms: int, clock: Clock) -> None:
    prepare(tmp_path)
    outbox = Outbox(tmp_path / "state" / OUTBOX, now_ms=lambda: at_ms)
    Sender(outbox, RECIPIENT.public, CABIN, lambda: Stamp(at_ms, clock, bytes(16), (1, bytes(32)))).send(
        mid(1), FHIR, content(1)
    )
    (letter,) = outbox.due(0.0, 9)
    stamp = open_envelope(letter.envelope, RECIPIENTS, POLICY).protected.stamp
    assert (stamp.created_ms, stamp.clock) == (at_ms, clock)
    assert main(["outbox", "--config", str(tmp_path / "cabin.toml")]) == 0
    with closing(SqliteStore(tmp_path / "record.db", lambda: NOW)) as store:
        answer = Receiver(RECIPIENTS, POLICY, RECORD, store).handle("cabin", letter.envelope)
        assert answer is not None
        assert answer.status == "stored"
        assert [record.seq for record in store.records()] == [1]
        assert store.quarantined() == []
    assert outbox.settle(answer.receipt, RECORDS).outcome == "purged"
    (handed,) = outbox.history(9)
    assert (handed.state, handed.settled_ms) == ("delivered", at_ms)
    outbox.close()


@pytest.mark.parametrize("at_ms", TIMES.values(), ids=TIMES.keys())
def test_a_cabin_whose_clock_has_died_stamps_what_it_knows_and_says_so(
    tmp_path: Path, at_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path)
    keep_last_time(tmp_path / "state" / FILE, LastTime(NOW, NOW))
    time = CabinTime(tmp_path / "state", lambda: at_ms, lambda: 0, lambda _now: False)
    trail = Trail(tmp_path / "state", CABIN, time)
    stamp = trail.stamp()
    trail.close()
    assert (stamp.created_ms, stamp.clock) == (NOW, "unset")
    (entry,) = read_log(tmp_path / "state" / FOLDER)
    assert (entry.event["at"], entry.event["what"], entry.event["by_ms"]) == (NOW, "clock-set", at_ms - NOW)
    assert verify(tmp_path / "state" / FOLDER, CABINS).whole


@pytest.mark.parametrize("at_ms", TIMES.values(), ids=TIMES.keys())
def test_an_audit_log_of_any_time_is_whole_and_can_be_shown(
    tmp_path: Path, at_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that is wrong is believed, and its time written down as it is."""
    prepare(tmp_path)
    time = CabinTime(tmp_path / "state", lambda: at_ms, lambda: 0, lambda _now: True)
    trail = Trail(tmp_path / "state", CABIN, time)
    trail.note("core-stopped")
    trail.close()
    assert main(["audit", "verify", "--config", str(tmp_path / "cabin.toml")]) == 0
    assert main(["audit", "show", "--config", str(tmp_path / "cabin.toml")]) == 0
    assert "core-stopped" in capsys.readouterr().out
