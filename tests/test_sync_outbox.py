"""The outbox: nothing lost, nothing twice, numbers without holes, whatever crashes in between."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sync.envelope import NO_PREVIOUS, Sealed
from sync.errors import OutboxFailed, OutboxFull, OutboxLocked
from sync.outbox import Counts, Letter, Outbox, Room
from sync.receipt import Status
from sync.rows import Handed, read_outbox
from tests.sync_parties import (
    RECORDS,
    STRANGER,
    blank_sealer,
    content,
    mid,
    receipt,
    reopened,
    sender,
)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


def answer(outbox: Outbox, letter: Letter, status: Status = "stored", reason: str = "") -> bytes:
    return receipt(letter.mid, letter.envelope, outbox.src, status, reason=reason)


def only(outbox: Outbox) -> Letter:
    (letter,) = outbox.due(0.0, 10)
    return letter


# storing


def test_letters_are_numbered_and_chained(outbox: Outbox) -> None:
    seen: list[tuple[int, bytes]] = []

    def watch(number: int) -> None:
        def seal(seq: int, prev: bytes) -> Sealed:
            seen.append((seq, prev))
            return blank_sealer(number)(seq, prev)

        outbox.put(mid(number), seal)

    for number in range(1, 5):
        watch(number)
    assert [seq for seq, _ in seen] == [1, 2, 3, 4]
    links = [NO_PREVIOUS, *(blank_sealer(n + 1)(seq, prev).prot_hash for n, (seq, prev) in enumerate(seen))]
    assert [prev for _, prev in seen] == links[:4]


def test_a_known_message_is_stored_once(outbox: Outbox) -> None:
    first = outbox.put(mid(1), blank_sealer(1))

    def never(seq: int, prev: bytes) -> Sealed:
        raise AssertionError("sealed again")

    again = outbox.put(mid(1), never)
    assert (first.seq, first.repeated, again.seq, again.repeated) == (1, False, 1, True)
    assert outbox.settle(answer(outbox, only(outbox)), RECORDS).outcome == "purged"
    assert outbox.put(mid(1), never).repeated  # the tombstone remembers
    assert outbox.put(mid(2), blank_sealer(2)).seq == 2


def test_a_sealer_that_fails_uses_up_no_number(outbox: Outbox) -> None:
    def broken(seq: int, prev: bytes) -> Sealed:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError, match="no key"):
        outbox.put(mid(1), broken)
    assert outbox.put(mid(2), blank_sealer(2)).seq == 1
    assert outbox.counts().pending == 1


def test_real_letters_open_at_the_far_end(outbox: Outbox) -> None:
    for number in (1, 2):
        assert sender(outbox).send(mid(number), "application/fhir+json", content(number)).seq == number
    assert [reopened(letter.envelope) for letter in outbox.due(0.0, 9)] == [content(1), content(2)]
    with pytest.raises(ValueError, match="16 bytes"):
        sender(outbox).send(b"short", "application/fhir+json", b"")


def test_a_put_wakes_whoever_listens(outbox: Outbox) -> None:
    rung = threading.Event()
    outbox.on_put(rung.set)
    outbox.put(mid(1), blank_sealer(1))
    assert rung.is_set()


def test_a_new_sender_id_begins_at_one(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    before = outbox.src
    outbox.rotate()
    stored = outbox.put(mid(2), blank_sealer(2))
    assert stored.src == outbox.src != before
    assert stored.seq == 1
    old, new = outbox.due(0.0, 9)
    assert outbox.settle(receipt(old.mid, old.envelope, before), RECORDS).outcome == "purged"
    assert outbox.settle(receipt(new.mid, new.envelope, stored.src), RECORDS).outcome == "purged"


# sending and settling


def test_a_letter_is_due_until_its_receipt(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    letter = only(outbox)
    outbox.mark_sent(letter, resend_at=10.0)
    assert outbox.due(9.0, 10) == []
    assert [entry.state for entry in outbox.entries()] == ["in-flight"]
    assert outbox.due(10.0, 10) == [letter]
    outbox.mark_sent(letter, resend_at=20.0)
    outbox.release()
    assert outbox.due(10.0, 10) == [letter]
    settled = outbox.settle(answer(outbox, letter), RECORDS)
    assert (settled.outcome, settled.mid, settled.seq) == ("purged", mid(1), 1)
    assert outbox.due(1e9, 10) == []
    outbox.mark_sent(letter, resend_at=0.0)  # too late: it is gone
    assert outbox.due(1e9, 10) == []


def test_the_limit_is_kept_and_old_letters_go_first(outbox: Outbox) -> None:
    for number in range(1, 6):
        outbox.put(mid(number), blank_sealer(number))
    first, second = outbox.due(0.0, 2)
    assert (first.seq, second.seq) == (1, 2)
    outbox.mark_sent(first, resend_at=5.0)
    assert [one.seq for one in outbox.due(0.0, 2)] == [2, 3]
    assert outbox.load(0.0) == (1, len(first.envelope))
    assert [one.seq for one in outbox.due(5.0, 3)] == [1, 2, 3]


def test_a_letter_that_never_gets_a_receipt_does_not_block_others(outbox: Outbox) -> None:
    for number in (1, 2, 3):
        outbox.put(mid(number), blank_sealer(number))
    for _ in range(3):
        poison = outbox.due(0.0, 1)[0]
        outbox.mark_sent(poison, resend_at=0.0)
    assert poison.seq == 1
    assert [one.seq for one in outbox.due(0.0, 9)] == [2, 3, 1]


def test_duplicate_purges_too(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    assert outbox.settle(answer(outbox, only(outbox), "duplicate"), RECORDS).outcome == "purged"
    assert outbox.counts().pending == 0


def test_a_rejected_letter_is_kept_aside_until_it_is_requeued(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    letter = only(outbox)
    outbox.mark_sent(letter, resend_at=5.0)
    settled = outbox.settle(answer(outbox, letter, "rejected", "signature"), RECORDS)
    assert (settled.outcome, settled.reason) == ("quarantined", "signature")
    assert outbox.due(1e9, 9) == []
    assert outbox.counts().quarantined == 1
    assert [(entry.state, entry.reason) for entry in outbox.entries()] == [("quarantined", "signature")]
    assert not outbox.requeue(mid(2))
    assert outbox.requeue(mid(1))
    assert outbox.due(0.0, 9) == [letter]
    assert outbox.settle(answer(outbox, letter), RECORDS).outcome == "purged"


@pytest.mark.parametrize("forgery", ["stranger", "hash", "src", "mid", "noise", "cut"])
def test_a_receipt_that_does_not_fit_purges_nothing(outbox: Outbox, forgery: str) -> None:
    outbox.put(mid(1), blank_sealer(1))
    letter = only(outbox)
    good = answer(outbox, letter)
    bad = {
        "stranger": receipt(letter.mid, letter.envelope, outbox.src, signer=STRANGER),
        "hash": receipt(letter.mid, letter.envelope + b"\0", outbox.src),
        "src": receipt(letter.mid, letter.envelope, bytes(16)),
        "mid": receipt(mid(2), letter.envelope, outbox.src),
        "noise": os.urandom(500),
        "cut": good[:-1],
    }[forgery]
    settled = outbox.settle(bad, RECORDS)
    assert settled.outcome == ("unknown" if forgery == "mid" else "refused")
    assert outbox.due(0.0, 9) == [letter]
    assert outbox.settle(good, {}).outcome == "refused"  # an unknown record key
    assert outbox.settle(good, RECORDS).outcome == "purged"


def test_a_replayed_receipt_does_nothing(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    good = answer(outbox, only(outbox))
    assert outbox.settle(good, RECORDS).outcome == "purged"
    outbox.put(mid(2), blank_sealer(2))
    assert outbox.settle(good, RECORDS).outcome == "unknown"
    assert outbox.counts().pending == 1


def test_receipts_that_come_together_are_settled_together(outbox: Outbox) -> None:
    for number in range(1, 6):
        outbox.put(mid(number), blank_sealer(number))
    one, two, three, four, five = outbox.due(0.0, 5)
    for letter in (one, two, three, four, five):
        outbox.mark_sent(letter, resend_at=9.0)
    commits: list[str] = []
    outbox._db.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    receipts = [
        answer(outbox, one),
        answer(outbox, one),
        answer(outbox, two, "rejected", "signature"),
        receipt(three.mid, b"another", outbox.src),
        receipt(mid(99), b"nobody's", outbox.src),
        answer(outbox, four, "duplicate"),
    ]
    settled = outbox.settle_many(receipts, RECORDS)
    outcomes = [each.outcome for each in settled]
    assert outcomes == ["purged", "unknown", "quarantined", "refused", "unknown", "purged"]
    assert [each.mid for each in settled] == [one.mid, one.mid, two.mid, three.mid, mid(99), four.mid]
    assert len(commits) == 1
    assert outbox.counts() == Counts(2, 1, sum(len(letter.envelope) for letter in (two, three, five)))
    assert outbox.load(0.0) == (2, len(three.envelope) + len(five.envelope))
    assert outbox.settle_many([], RECORDS) == []


def test_receipts_that_cannot_be_written_change_nothing(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        outbox.put(mid(number), blank_sealer(number))
    receipts = [answer(outbox, letter) for letter in outbox.due(0.0, 2)]
    outbox._db.execute(
        "CREATE TRIGGER broken BEFORE DELETE ON letter WHEN old.seq = 2 BEGIN SELECT RAISE(ABORT, 'disk'); END"
    )
    with pytest.raises(OutboxFailed):
        outbox.settle_many(receipts, RECORDS)
    assert outbox.counts().pending == 2
    outbox._db.execute("DROP TRIGGER broken")
    assert [each.outcome for each in outbox.settle_many(receipts, RECORDS)] == ["purged", "purged"]


def test_a_purged_letter_leaves_no_trace_on_the_disk(outbox: Outbox) -> None:
    needle = b"needle-in-the-haystack-" * 20
    outbox.put(mid(1), lambda seq, prev: Sealed(needle, bytes(32)))
    assert any(needle in file.read_bytes() for file in outbox.path.parent.iterdir())
    outbox.settle(answer(outbox, only(outbox)), RECORDS)
    assert not any(needle[:40] in file.read_bytes() for file in outbox.path.parent.iterdir())


# restarts, damage, rivals


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    first = Outbox(path)
    for number in (1, 2):
        first.put(mid(number), blank_sealer(number))
    src, letters = first.src, first.due(0.0, 9)
    first.mark_sent(letters[0], resend_at=1e9)
    first.close()
    again = Outbox(path)
    assert (again.src, again.due(0.0, 9), again.damaged) == (src, letters, None)
    assert again.put(mid(3), blank_sealer(3)).seq == 3
    again.close()


def test_two_processes_cannot_share_an_outbox(tmp_path: Path, outbox: Outbox) -> None:
    with pytest.raises(OutboxLocked, match=r"^The outbox is in use by another process: stop that one first\.$"):
        Outbox(tmp_path / "outbox.db")
    code = "import sys; from pathlib import Path; from sync.outbox import Outbox; Outbox(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(outbox.path)], capture_output=True, text=True, check=False)
    assert "OutboxLocked: The outbox is in use by another process" in done.stderr


def test_a_technician_may_read_beside_the_daemon(outbox: Outbox) -> None:
    outbox.put(mid(1), blank_sealer(1))
    (entry,) = read_outbox(outbox.path)
    assert (entry.mid, entry.seq, entry.state) == (mid(1), 1, "pending")
    with pytest.raises(OutboxFailed):
        read_outbox(outbox.path.with_name("absent.db"))


def test_the_history_tells_the_record_s_word_on_each_letter(tmp_path: Path) -> None:
    times = iter(range(1000, 2000))
    box = Outbox(tmp_path / "outbox.db", now_ms=lambda: next(times))
    for number in (1, 2, 3, 4):
        box.put(mid(number), blank_sealer(number))
    one, two, three, _ = box.due(0.0, 9)
    box.settle(answer(box, one), RECORDS)
    box.settle(answer(box, two, "duplicate"), RECORDS)
    box.settle(answer(box, three, "rejected", "signature"), RECORDS)
    expected = [
        Handed(mid(4), 4, "pending", None, None),
        Handed(mid(3), 3, "quarantined", "rejected", None),
        Handed(mid(2), 2, "delivered", "duplicate", 1005),
        Handed(mid(1), 1, "delivered", "stored", 1004),
    ]
    assert box.history(9) == expected
    assert box.history(3) == expected[:3]
    box.close()


@pytest.mark.parametrize("damage", ["header", "pages", "noise"])
def test_a_damaged_outbox_is_moved_aside_and_reported(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox(path)
    for number in range(1, 60):
        box.put(mid(number), blank_sealer(number, 3000))
    src = box.src
    box.close()
    raw = bytearray(path.read_bytes())
    if damage == "header":
        raw[:16] = bytes(16)
    elif damage == "pages":
        raw[4096 : 4096 * 9] = os.urandom(4096 * 8)
    else:
        raw[:] = os.urandom(len(raw))
    path.write_bytes(raw)
    fresh = Outbox(path)
    assert fresh.damaged == tmp_path / "outbox.db.damaged-1"
    assert fresh.damaged.read_bytes() == bytes(raw)
    assert fresh.src != src
    assert fresh.put(mid(1), blank_sealer(1)).seq == 1
    fresh.close()
    path.write_bytes(raw)
    second = Outbox(path)
    assert second.damaged == tmp_path / "outbox.db.damaged-2"
    second.close()


def test_an_outbox_that_cannot_be_opened_says_so_and_is_not_moved(tmp_path: Path) -> None:
    with pytest.raises(OutboxFailed, match="check its folder"):
        Outbox(tmp_path / "absent" / "outbox.db")
    (tmp_path / "outbox.db").mkdir()
    with pytest.raises(OutboxFailed, match="check the disk"):
        Outbox(tmp_path / "outbox.db")
    assert (tmp_path / "outbox.db").is_dir()


def test_put_and_settle_from_two_threads(outbox: Outbox) -> None:
    failures: list[BaseException] = []

    def put_all(first: int) -> None:
        try:
            for number in range(first, first + 60):
                outbox.put(mid(number), blank_sealer(number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=put_all, args=(first,)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    settled = 0
    while settled < 120 and not failures:
        for letter in outbox.due(0.0, 5):
            settled += outbox.settle(answer(outbox, letter), RECORDS, tidy=False).outcome == "purged"
    for thread in threads:
        thread.join()
    assert not failures
    assert outbox.counts().used == 0
    assert outbox.put(mid(999), blank_sealer(999)).seq == 121


# room


def test_the_quota_refuses_new_visits_first_and_letters_last(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", Room(quota=10_000, reserve=4_000))
    assert box.accepts_new_visit()
    for number in range(1, 4):
        box.put(mid(number), blank_sealer(number, 2_200))
    assert not box.accepts_new_visit()
    box.put(mid(4), blank_sealer(4, 2_200))  # the visit under way is stored all the same
    with pytest.raises(OutboxFull, match="has reached its quota"):
        box.put(mid(5), blank_sealer(5, 2_200))
    letters = box.due(0.0, 9)
    assert [letter.seq for letter in letters] == [1, 2, 3, 4]
    for letter in letters[:2]:
        box.settle(answer(box, letter), RECORDS)
    assert box.accepts_new_visit()
    assert box.put(mid(5), blank_sealer(5, 2_200)).seq == 5
    box.close()
    again = Outbox(tmp_path / "outbox.db", Room(quota=10_000, reserve=4_000))
    assert again.counts().used == 3 * len(letters[0].envelope)
    again.close()


def test_a_disk_without_room_takes_no_new_visit(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    box = Outbox(tmp_path / "outbox.db", Room(quota=4 * free, reserve=free))
    assert not box.accepts_new_visit()
    box.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], check=False)
    if not done or done.returncode:
        pytest.skip("a small file system cannot be mounted here: run as root to test a full disk for real")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.processes
def test_a_full_disk_refuses_cleanly_and_empties_again(small_disk: Path) -> None:
    box = Outbox(small_disk / "outbox.db")
    stored = 0
    with pytest.raises(OutboxFull, match="The disk is full"):
        for number in range(1, 1000):
            box.put(mid(number), blank_sealer(number, 9_000))
            stored = number
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    assert shutil.disk_usage(small_disk).free == 0
    assert stored > 200
    assert not box.accepts_new_visit()
    letters = box.due(0.0, 1000)
    assert [letter.seq for letter in letters] == list(range(1, stored + 1))
    for letter in letters[:-1]:
        assert box.settle(answer(box, letter), RECORDS).outcome == "purged"
    assert box.put(mid(5000), blank_sealer(5000, 9_000)).seq == stored + 1  # no number was lost to the failures
    assert [letter.seq for letter in box.due(0.0, 9)] == [stored, stored + 1]
    box.close()
    again = Outbox(small_disk / "outbox.db")
    assert again.damaged is None
    again.close()


def test_a_database_at_its_page_limit_refuses_cleanly(tmp_path: Path) -> None:
    """The same without root: SQLite's own limit raises the error of a full disk."""
    box = Outbox(tmp_path / "outbox.db")
    box._db.execute("PRAGMA max_page_count = 60")
    stored = 0
    with pytest.raises(OutboxFull, match="The disk is full"):
        for number in range(1, 100):
            box.put(mid(number), blank_sealer(number, 9_000))
            stored = number
    assert [letter.seq for letter in box.due(0.0, 1000)] == list(range(1, stored + 1))
    box._db.execute("PRAGMA max_page_count = 6000")
    assert box.put(mid(200), blank_sealer(200, 9_000)).seq == stored + 1
    box.close()


def test_a_failing_database_is_named_and_not_taken_for_a_full_disk(outbox: Outbox) -> None:
    outbox._db.execute("PRAGMA query_only = ON")
    with pytest.raises(OutboxFailed, match="could not be read or written"):
        outbox.put(mid(1), blank_sealer(1))
    outbox._db.execute("PRAGMA query_only = OFF")
    assert outbox.put(mid(1), blank_sealer(1)).seq == 1


def test_a_look_at_the_counts_and_at_what_is_due_costs_the_same_for_any_backlog(outbox: Outbox) -> None:
    for number in range(40):
        outbox.put(mid(number), blank_sealer(number))
    asked: list[str] = []
    outbox._db.set_trace_callback(asked.append)
    assert (outbox.counts().pending, outbox.counts().quarantined) == (40, 0)
    assert asked == []
    outbox._db.set_trace_callback(None)
    query = "EXPLAIN QUERY PLAN SELECT id FROM letter WHERE state = 'pending' AND id > 0 ORDER BY id LIMIT 1"
    (plan,) = outbox._db.execute(query).fetchall()
    assert "SEARCH letter USING COVERING INDEX letter_state" in plan[3]


# crashes


@pytest.mark.processes
def test_a_writer_killed_again_and_again_loses_nothing_it_reported(tmp_path: Path) -> None:
    path, reported = tmp_path / "outbox.db", set()
    for round_number in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.broker", "writer", str(path), str(round_number * 100_000)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent,
        )
        assert writer.stdout is not None
        for _ in range(10 + 17 * round_number):
            reported.add(int(writer.stdout.readline()))
        writer.kill()
        reported |= {int(line) for line in writer.stdout.read().split()}
        writer.stdout.close()
        writer.wait()
    box = Outbox(path)
    letters = box.due(0.0, 100_000)
    stored = {letter.mid for letter in letters}
    assert box.damaged is None
    assert {mid(number) for number in reported} <= stored
    assert len(stored) == len(letters) <= len(reported) + 6  # at most one each that was not yet reported
    assert [letter.seq for letter in letters] == list(range(1, len(letters) + 1))
    chain = [(letter.envelope[24:56], hashlib.sha256(letter.envelope[:56]).digest()) for letter in letters]
    assert [prev for prev, _ in chain] == [NO_PREVIOUS, *(own for _, own in chain[:-1])]
    box.close()


class Crashes(RuleBasedStateMachine):
    """Any order of puts, sendings, receipts and crashes, against a model of three sets."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.generation = 0
        (self.folder / "0").mkdir()
        self.box = Outbox(self.folder / "0" / "outbox.db")
        self.src = self.box.src
        self.pending: dict[bytes, bytes] = {}
        self.aside: dict[bytes, bytes] = {}
        self.delivered: set[bytes] = set()
        self.seqs: list[int] = []
        self.now = 0.0

    @rule(number=st.integers(0, 30))
    def put(self, number: int) -> None:
        stored = self.box.put(mid(number), blank_sealer(number))
        known = self.pending.keys() | self.aside.keys() | self.delivered
        assert stored.repeated == (mid(number) in known)
        if not stored.repeated:
            self.seqs.append(stored.seq)
            self.pending[mid(number)] = b""
            for letter in self.box.due(1e18, 100):
                self.pending[letter.mid] = letter.envelope

    @rule(limit=st.integers(1, 4), wait=st.floats(0.1, 30))
    def send(self, limit: int, wait: float) -> None:
        for letter in self.box.due(self.now, limit):
            assert self.pending[letter.mid] == letter.envelope
            self.box.mark_sent(letter, self.now + wait)

    @rule(step=st.floats(0, 60))
    def time_passes(self, step: float) -> None:
        self.now += step

    @precondition(lambda self: self.pending or self.aside)
    @rule(data=st.data(), status=st.sampled_from(["stored", "duplicate", "rejected"]))
    def settle(self, data: st.DataObject, status: Status) -> None:
        key = data.draw(st.sampled_from(sorted(self.pending | self.aside)))
        envelope = self.pending.pop(key, b"") or self.aside.pop(key)
        self.box.settle(receipt(key, envelope, self.src, status), RECORDS)
        if status == "rejected":
            self.aside[key] = envelope
        else:
            self.delivered.add(key)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def forge(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pending)))
        self.box.settle(receipt(key, self.pending[key], self.src, signer=STRANGER), RECORDS)
        self.box.settle(receipt(key, b"other", self.src), RECORDS)

    @precondition(lambda self: self.aside)
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.aside)))
        assert self.box.requeue(key)
        self.pending[key] = self.aside.pop(key)

    @rule()
    def release(self) -> None:
        self.box.release()

    @rule()
    def crash(self) -> None:
        """What a kill leaves: the files as they are now, opened by the next process."""
        here = self.folder / str(self.generation)
        self.generation += 1
        there = self.folder / str(self.generation)
        shutil.copytree(here, there)
        self.box.close()
        shutil.rmtree(here)
        self.box = Outbox(there / "outbox.db")
        assert self.box.damaged is None
        assert self.box.src == self.src

    @invariant()
    def nothing_lost_and_nothing_twice(self) -> None:
        everything = self.box.due(1e18, 1000)
        assert {letter.mid: letter.envelope for letter in everything} == self.pending
        assert len(everything) == len(self.pending)
        assert self.seqs == list(range(1, len(self.seqs) + 1))
        counts = self.box.counts()
        assert (counts.pending, counts.quarantined) == (len(self.pending), len(self.aside))
        assert counts.used == sum(map(len, [*self.pending.values(), *self.aside.values()]))
        assert counts == self.box._counted()

    def teardown(self) -> None:
        self.box.close()
        shutil.rmtree(self.folder)


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_the_settings_that_durability_rests_on(outbox: Outbox) -> None:
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert outbox._db.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_the_disk_holds_nothing_readable(outbox: Outbox) -> None:
    secret = b"a very recognisable content " * 8
    sender(outbox).send(mid(1), "application/fhir+json", secret)
    for file in outbox.path.parent.iterdir():
        assert secret[:20] not in file.read_bytes()
    with sqlite3.connect(outbox.path) as db:
        assert db.execute("SELECT COUNT(*) FROM letter").fetchone() == (1,)
    db.close()
