"""The soak in short: real processes killed, nothing lost; and a verdict that would have seen it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.store_sqlite import SqliteStore
from tests import soak_delivery, soak_report
from tests.soak_adversary import DOWN, UP, Adversary
from tests.soak_documents import KIND, Documents, Truth
from tests.soak_points import Board, Points, code, names, statement
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS, sender

ROOT = Path(__file__).resolve().parent.parent
SEED = 7


@pytest.mark.processes
@pytest.mark.timeout(180)
def test_nothing_is_lost_readable_or_twice(tmp_path: Path) -> None:
    if not (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")):
        pytest.skip("mosquitto is not installed: apt-get install mosquitto to run this test")
    page, log = tmp_path / "page.md", tmp_path / "log"
    words = f"--seeds 2 --kills 60 --jobs 2 --folder {tmp_path} --report {page} --log {log}".split()
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "delivery", *words], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'signal'}"}, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["seed"] for line in lines] == [1, 2]
    for line in lines:
        assert line["total"] >= 30
        assert line["documents"] > 0
        assert (line["missing"], line["twice"], line["foreign"], line["readable"]) == (0, 0, 0, 0)
    assert "missing 0, twice 0, readable by others 0" in page.read_text()


# --- documents and points -----------------------------------------------------------------------------------------


def test_a_document_is_the_same_each_time_and_says_which_it_is() -> None:
    documents = Documents(3)
    for number in range(60):
        content = documents.content(number)
        assert content == Documents(3).content(number)
        assert documents.number(content) == number
        assert documents.canary in content
    assert documents.number(b"something else") is None
    assert len({documents.mid(number) for number in range(60)} | {Documents(4).mid(0)}) == 61


def test_the_truth_survives_its_producer(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth")
    truth.intend(0)
    truth.acknowledge(0)
    truth.intend(1)
    assert Truth(tmp_path / "truth").open_ones() == [1]


@pytest.mark.parametrize(
    ("sql", "label"),
    [
        ("INSERT INTO letter (mid) VALUES (?)", "INSERT letter"),
        ("INSERT OR REPLACE INTO delivered VALUES (?)", "INSERT delivered"),
        ("UPDATE sender SET a = 1", "UPDATE sender"),
        ("DELETE FROM letter WHERE id = ?", "DELETE letter"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("PRAGMA wal_checkpoint(TRUNCATE)", "wal_checkpoint"),
        ("SELECT 1 FROM letter", ""),
        ("PRAGMA journal_mode=WAL", ""),
    ],
)
def test_a_statement_is_named_by_what_it_changes(sql: str, label: str) -> None:
    assert statement(sql) == label


def test_a_process_dies_at_its_point_and_not_before(tmp_path: Path) -> None:
    slot, path = Board(2).slot(1), tmp_path / "points"
    slot.armed, slot.skip = code("after b"), 1
    pid = os.fork()
    if not pid:
        points = Points(slot, path)
        for name in ("before a", "after b", "before a", "after b", "never"):
            points.reach(name)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert (slot.steps, slot.hit) == (3, code("after b"))
    assert list(names(path).values()) == ["before a", "after b"]


# --- the adversary ------------------------------------------------------------------------------------------------


def test_no_lie_of_the_adversary_is_believed(tmp_path: Path) -> None:
    documents = Documents(SEED)
    with closing(Outbox(tmp_path / "outbox.db")) as box, closing(SqliteStore(tmp_path / "record.db")) as store:
        receiver, evil = Receiver(RECIPIENTS, POLICY, RECORD, store), Adversary(random.Random(1))
        for number in range(6):
            sender(box).send(documents.mid(number), KIND, documents.content(number))
        letters = box.due(0.0, 10)
        for letter in letters:
            evil.hear(UP, letter.envelope)
        evil.hear(UP, b"")
        for letter in letters[:3]:
            filed = receiver.handle("cabin-1", letter.envelope)
            assert filed is not None
            box.settle(filed.receipt, RECORDS)
            evil.hear(DOWN, filed.receipt)
        for _ in range(60):
            for topic, payload in evil.lie():
                if topic == DOWN:
                    settled = box.settle(payload, RECORDS)
                    # What the adversary repeats may be a true letter, which the record then really has.
                    filed_already = settled.mid is not None and store.find(settled.mid) is not None
                    assert settled.outcome in ("unknown", "refused") or (
                        settled.outcome == "purged" and filed_already
                    )
                elif topic.startswith("dmst/v1/up/") and (filed := receiver.handle("cabin-1", payload)):
                    evil.hear(DOWN, filed.receipt)
        assert len(evil.done) == 10
        true = {documents.content(number) for number in range(6)}
        assert {record.content for record in store.records()} <= true
        assert box.counts().quarantined == 0


def test_a_seed_that_ended_without_a_verdict_is_told_with_the_others() -> None:
    line = json.loads(soak_delivery._without_verdict(9))
    page = soak_report.delivery([line], "make soak-delivery")
    assert line["problems"]
    assert "1 seeds broke a promise" in page


def test_a_page_tells_of_a_broken_promise() -> None:
    line = {
        "seed": 1, "record": "sqlite", "gateways": 1, "total": 3, "kills": {"cabin": {"before x": 3}}, "sent": 9,
        "idle_kills": 0, "recoveries": 0, "documents": 5, "rejected": 1, "missing": 2, "twice": 0, "readable": 0,
        "drain_s": 1.5, "problems": ["missing"], "lies": {"cut envelope": 4},
    }  # fmt: skip
    page = soak_report.delivery([line], "make soak-delivery")
    assert "1 seeds broke a promise" in page
    assert "**missing 2, twice 0, readable by others 0**" in page
    assert "| cabin: before x | 3 |" in page
