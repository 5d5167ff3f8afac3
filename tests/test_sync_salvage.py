"""A damaged outbox: what can be read of it goes on as if nothing had happened, at the start and while it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sync.durable import asides, connect
from sync.errors import OutboxFailed
from sync.outbox import DAMAGED, Outbox, Room, Step
from sync.rows import read_outbox
from sync.salvage import Damage
from tests.sync_parties import RECORDS, blank_sealer, mid, receipt

PAGE = 4096
LETTERS = 60


def filled(path: Path) -> Outbox:
    """An outbox of letters larger than what SQLite keeps of it in memory."""
    box = Outbox(path)
    for number in range(1, LETTERS + 1):
        box.put(mid(number), blank_sealer(number, 60_000))
    box.tidy()
    return box


def tables(path: Path) -> dict[str, int]:
    """The root page of each table and index."""
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall())


def spoil(path: Path, *pages: int) -> None:
    """Overwrite pages (numbered from 1), as a failing flash does."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(os.urandom(PAGE))
        file.flush()
        os.fsync(file.fileno())


def mourned(box: Outbox) -> list[Damage]:
    heard: list[Damage] = []
    box.on_damage(heard.append)
    return heard


def test_letters_that_can_still_be_read_go_on_under_their_own_names(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    box = filled(path)
    src, before = box.src, box.due(0.0, 999)
    refused = before[4]
    box.settle(receipt(refused.mid, refused.envelope, src, "rejected", reason="signature"), RECORDS)
    box.settle(receipt(before[0].mid, before[0].envelope, src), RECORDS)
    box.close()
    spoil(path, tables(path)["letter_state"])
    again = Outbox(path)
    (damage,) = mourned(again)
    assert damage == Damage("outbox.db.damaged-1", LETTERS - 1, 0)
    assert again.src != src
    kept = again.due(0.0, 999)
    assert [(one.mid, one.seq, one.envelope) for one in kept] == [
        (one.mid, one.seq, one.envelope) for one in before[1:] if one is not refused
    ]
    assert again.counts().quarantined == 1
    assert again.counts() == again._counted()
    assert again.put(mid(1), blank_sealer(1)).repeated  # it was delivered before
    assert again.settle(receipt(kept[0].mid, kept[0].envelope, src), RECORDS).outcome == "purged"
    again.close()
    third = Outbox(path)
    assert mourned(third) == []
    assert third.counts().pending == LETTERS - 3  # one delivered before, one after, one refused
    third.close()


def test_a_row_that_cannot_be_read_or_believed_is_left_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox(path)
    for number in range(1, 400):
        box.put(mid(number), blank_sealer(number, 1500))
    box.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE letter SET envelope = zeroblob(length(envelope)) WHERE id = 7")
        db.commit()
    spoil(path, 90, 91)
    again = Outbox(path)
    (damage,) = mourned(again)
    assert damage.saved > 350
    assert damage.lost >= 2
    assert damage.saved + damage.lost >= 399
    assert mid(7) not in {letter.mid for letter in again.due(0.0, 999)}
    again.close()


@pytest.mark.parametrize("work", ["put", "settle", "due", "requeue"])
def test_a_file_that_proves_damaged_while_it_is_used_is_replaced_and_the_next_call_works(
    tmp_path: Path, work: str
) -> None:
    path = tmp_path / "outbox.db"
    box = filled(path)
    letters, src = box.due(0.0, 999), box.src
    box.settle(receipt(mid(9), letters[8].envelope, src, "rejected", reason="suite"), RECORDS)
    box.tidy()
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: box.put(mid(999), blank_sealer(999, 60_000)),
        "settle": lambda: box.settle(receipt(mid(2), letters[1].envelope, src), RECORDS),
        "due": lambda: box.due(0.0, 999),
        "requeue": lambda: box.requeue(mid(9)),
    }
    heard = mourned(box)
    # Another process's write makes SQLite forget what it holds of the pages.
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 7")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(path, *(tables_of(path)))
    with pytest.raises(OutboxFailed):
        calls[work]()
    (damage,) = heard
    assert (damage.saved, damage.lost) == (LETTERS, 0)
    assert calls[work]() is not None
    assert asides(path) == [tmp_path / "outbox.db.damaged-1"]
    assert len(read_outbox(path)) == LETTERS + {"put": 1, "settle": -1}.get(work, 0)
    assert box.put(mid(1000), blank_sealer(1000)).repeated is False
    box.close()


def tables_of(path: Path) -> list[int]:
    """Every index page: the letters themselves stay readable by their rows."""
    roots = tables(path)
    return [
        page for name, page in roots.items() if name == "letter_state" or name.startswith("sqlite_autoindex_letter")
    ]


def test_a_disk_without_room_keeps_the_damaged_file_and_takes_its_letters_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.db"
    filled(path).close()
    spoil(path, tables(path)["letter_state"])

    def cramped(file: Path, schema: str) -> sqlite3.Connection:
        db = connect(file, schema)
        db.execute("PRAGMA max_page_count = 200")
        return db

    monkeypatch.setattr("sync.outbox.connect", cramped)
    box = Outbox(path)
    assert box.counts().pending < LETTERS
    assert mourned(box) == []
    box.close()
    monkeypatch.undo()
    again = Outbox(path)
    (damage,) = mourned(again)
    assert again.counts().pending == LETTERS
    assert damage.lost == 0
    again.close()


def test_an_envelope_that_the_disk_altered_is_put_aside_and_the_others_leave(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", Room())
    steps: list[Step] = []
    box.watch(steps.append)
    for number in (1, 2):
        box.put(mid(number), blank_sealer(number))
    box._db.execute("UPDATE letter SET envelope = zeroblob(length(envelope)) WHERE seq = 1")
    assert [letter.seq for letter in box.due(0.0, 9)] == [2]
    assert steps[-1] == Step("quarantined", mid(1), 1, DAMAGED)
    assert (box.counts().pending, box.counts().quarantined) == (1, 1)
    assert box.counts() == box._counted()
    box.close()


@pytest.mark.parametrize("damage", ["header", "noise"])
def test_a_file_that_is_no_database_any_more_is_kept_and_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    filled(path).close()
    raw = path.read_bytes()
    path.write_bytes(bytes(100) + raw[100:] if damage == "header" else os.urandom(len(raw)))
    again = Outbox(path)
    (found,) = mourned(again)
    assert (found.saved, found.lost) == (0, 1)
    again.close()
