"""The cabin's letter box: each post once, in order, from the record alone, and answered once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.envelope import APPOINTMENTS, CONFIG, FHIR, RECEIPT, Opened, Policy, Stamp, open_envelope, peek, seal
from sync.errors import OutboxFull
from sync.keys import LEVEL5, RecipientKey, RecipientPublic, SigningPair
from sync.outbox import Outbox, Room
from sync.postbox import REMEMBERED, Heard, Postbox, Reader, Unfit, answer_id
from sync.posting import Posting
from sync.receipt import Receipt, verify_receipt
from tests.sync_parties import (
    CABIN,
    CABINS,
    POLICY,
    RECIPIENT,
    RECIPIENTS,
    RECORD,
    RECORDS,
    STAMP,
    STRANGER,
    receipt,
    sender,
)

POST = RecipientKey(1, bytes(range(32)), demo=True)
SRC = b"record-16-bytes!"


def sealed(
    number: int,
    *,
    seq: int | None = None,
    mid: bytes | None = None,
    src: bytes = SRC,
    kind: str = CONFIG,
    signer: SigningPair = RECORD,
    to: RecipientPublic = POST.public,
    word: str = "",
) -> bytes:
    """One post; its content is its number, and whatever the test adds."""
    return seal(
        f"{number} {word}".encode(),
        kind,
        recipient=to,
        signer=signer,
        mid=mid or hashlib.sha256(f"{number}{kind}{seq}{src!r}{word}".encode()).digest()[:16],
        src=src,
        seq=number if seq is None else seq,
        prev=bytes(32),
        stamp=STAMP,
    ).envelope


class Cabin:
    """A letter box with its outbox, and what it took into force."""

    def __init__(
        self, folder: Path, keys: Mapping[bytes, RecipientKey] | None = None, room: Room | None = None
    ) -> None:
        self.outbox = Outbox(folder / "outbox.db", room)
        self.taken: list[tuple[str, str]] = []
        self.signers = dict(RECORDS)
        self.folder, self._keys = folder, keys
        self.box = self._box()

    def _box(self) -> Postbox:
        keys = {POST.public.kid: POST} if self._keys is None else self._keys
        readers = {
            kind: Reader(self._number, partial(self._take, kind), self._apart) for kind in (CONFIG, APPOINTMENTS)
        }
        return Postbox(self.folder / "post.db", keys, self.signers, lambda: sender(self.outbox), readers)

    @staticmethod
    def _number(content: bytes) -> int:
        number, _, word = content.decode().partition(" ")
        if word == "unfit":
            raise Unfit("unknown-setting")
        return int(number)

    @staticmethod
    def _apart(content: bytes) -> str:
        return "apart" if content.endswith(b"apart") else ""

    def _take(self, kind: str, content: bytes) -> None:
        self.taken.append((kind, content.decode().strip()))

    def restart(self) -> list[str]:
        """As after a crash: what is in memory is gone."""
        self.box.close()
        self.taken.clear()
        self.box = self._box()
        return self.box.resume()

    def answers(self) -> list[Receipt]:
        """What the record reads in the outbox."""
        found = []
        for letter in self.outbox.due(0.0, 1000):
            opened = open_envelope(letter.envelope, RECIPIENTS, POLICY)
            assert opened.protected.content_type == RECEIPT
            found.append(verify_receipt(opened.content, CABINS))
        return found

    def close(self) -> None:
        self.box.close()
        self.outbox.close()


@pytest.fixture
def cabin(tmp_path: Path) -> Iterator[Cabin]:
    made = Cabin(tmp_path)
    yield made
    made.close()


def test_a_post_is_taken_and_answered(cabin: Cabin) -> None:
    envelope = sealed(5, seq=1)
    assert cabin.box.hear(envelope) == Heard("stored", "", CONFIG, 5)
    assert cabin.taken == [(CONFIG, "5")]
    (answer,) = cabin.answers()
    assert answer.envelope_hash == hashlib.sha256(envelope).digest()
    assert (answer.status, answer.reason, answer.src, answer.highest) == ("stored", "", SRC, 1)
    assert cabin.box.numbers() == {CONFIG: 5}


def test_a_repeated_post_is_answered_once_and_taken_once(cabin: Cabin) -> None:
    envelope = sealed(1)
    cabin.box.hear(envelope)
    cabin.restart()
    for _ in range(3):
        assert cabin.box.hear(envelope).outcome == "repeated"
    assert cabin.taken == [(CONFIG, "1")]
    assert len(cabin.answers()) == 1


def test_an_answer_that_was_delivered_is_not_made_again(cabin: Cabin) -> None:
    envelope = sealed(1)
    cabin.box.hear(envelope)
    (letter,) = cabin.outbox.due(0.0, 9)
    assert cabin.outbox.settle(receipt(letter.mid, letter.envelope, cabin.outbox.src), RECORDS).outcome == "purged"
    cabin.box.hear(envelope)
    assert cabin.outbox.counts().pending == 0


def test_the_answer_names_post_and_bytes() -> None:
    one = answer_id(b"m" * 16, b"h" * 32)
    assert len(one) == 16
    assert one != answer_id(b"m" * 16, b"i" * 32)
    assert one != answer_id(b"n" * 16, b"h" * 32)


@pytest.mark.parametrize("signer", [STRANGER, CABIN])
def test_nobody_but_the_record_is_believed_nor_answered(cabin: Cabin, signer: SigningPair) -> None:
    assert cabin.box.hear(sealed(1, signer=signer)) == Heard("refused", "signature")
    assert (cabin.taken, cabin.answers()) == ([], [])


def test_what_is_not_for_this_cabin_is_not_opened(cabin: Cabin) -> None:
    assert cabin.box.hear(sealed(1, to=RECIPIENT.public)) == Heard("refused", "unknown-recipient")
    assert cabin.box.hear(b"noise") == Heard("refused", "malformed")
    assert cabin.answers() == []


def test_a_revoked_key_of_the_record_posts_nothing_more(cabin: Cabin) -> None:
    cabin.box.hear(sealed(1))
    del cabin.signers[RECORD.public.kid]
    assert cabin.box.hear(sealed(2)).outcome == "refused"
    cabin.restart()
    assert cabin.taken == [(CONFIG, "1")], "what was believed when it came stays in force"


def test_an_old_post_never_follows_a_new_one(cabin: Cabin) -> None:
    cabin.box.hear(sealed(9, seq=2))
    assert cabin.box.hear(sealed(10, seq=1)) == Heard("rejected", "superseded", CONFIG, 10)
    assert cabin.box.hear(sealed(8, seq=3)) == Heard("rejected", "superseded", CONFIG, 8)
    assert cabin.box.hear(sealed(9, seq=1, src=b"another-16-bytes")).reason == "superseded"
    assert cabin.taken == [(CONFIG, "9")]
    assert [answer.status for answer in cabin.answers()] == ["stored", "rejected", "rejected", "rejected"]


def test_what_is_numbered_apart_cannot_be_held_back_by_the_rest_of_its_type(cabin: Cabin) -> None:
    assert cabin.box.hear(sealed(9, seq=9)).outcome == "stored"
    assert cabin.box.hear(sealed(3, seq=3, word="apart")).outcome == "stored"
    assert cabin.box.hear(sealed(2, seq=10, word="apart")).reason == "superseded"
    assert cabin.box.hear(sealed(10, seq=3, word="apart")).reason == "superseded"
    assert cabin.box.hear(sealed(8, seq=11)).reason == "superseded"
    cabin.restart()
    assert sorted(cabin.taken) == [(CONFIG, "3 apart"), (CONFIG, "9")]


def test_after_damage_nothing_older_is_taken_than_before(cabin: Cabin) -> None:
    for number in (1, 2):
        cabin.box.hear(sealed(number))
    for made_new in range(2):
        cabin.box.close()
        (cabin.folder / "post.db").write_bytes(b"no database" * 500)
        cabin.box = cabin._box()
        assert cabin.box.damaged is not None
        assert cabin.box.hear(sealed(1)).reason == "superseded", made_new
        assert cabin.box.hear(sealed(made_new + 1, kind=APPOINTMENTS)).outcome == "stored", "no number falls by that"
    assert cabin.box.hear(sealed(2)).outcome == "stored", "the last one itself may come again"
    assert cabin.box.hear(sealed(1, seq=9)).reason == "superseded"


@pytest.mark.parametrize("data", [b"", b"noise", b"\x01", b"\xa1\x01\x02", b"\xa1\x61a\x61b"])
def test_a_damaged_file_of_numbers_counts_as_none(cabin: Cabin, data: bytes) -> None:
    cabin.box.hear(sealed(2))
    cabin.box.close()
    for file in cabin.folder.glob("post.db*"):
        file.unlink()
    (cabin.folder / "post.numbers").write_bytes(data)
    cabin.box = cabin._box()
    assert cabin.box.hear(sealed(1)).outcome == "stored"


def test_each_type_has_numbers_of_its_own(cabin: Cabin) -> None:
    cabin.box.hear(sealed(9, seq=2))
    assert cabin.box.hear(sealed(1, seq=1, kind=APPOINTMENTS)).outcome == "stored"
    assert cabin.taken == [(CONFIG, "9"), (APPOINTMENTS, "1")]


@pytest.mark.parametrize("kind", [FHIR, RECEIPT, "text/plain"])
def test_another_type_is_rejected(cabin: Cabin, kind: str) -> None:
    assert cabin.box.hear(sealed(1, kind=kind)) == Heard("rejected", "content-type", kind)
    (answer,) = cabin.answers()
    assert (answer.status, answer.reason) == ("rejected", "content-type")


def test_an_unfit_content_has_no_effect_and_its_reason_is_told(cabin: Cabin) -> None:
    cabin.box.hear(sealed(1))
    envelope = sealed(2, word="unfit")
    assert cabin.box.hear(envelope) == Heard("rejected", "unknown-setting", CONFIG)
    assert cabin.box.hear(envelope) == Heard("repeated", "unknown-setting")
    assert cabin.restart() == []
    assert cabin.taken == [(CONFIG, "1")]
    assert [(each.status, each.reason) for each in cabin.answers()] == [
        ("stored", ""),
        ("rejected", "unknown-setting"),
    ]


def test_a_message_id_names_one_post_for_ever(cabin: Cabin) -> None:
    cabin.box.hear(sealed(1, mid=b"m" * 16))
    assert cabin.box.hear(sealed(2, mid=b"m" * 16)) == Heard("rejected", "mid-conflict", CONFIG)
    assert cabin.taken == [(CONFIG, "1")]
    assert len(cabin.answers()) == 2


def test_what_was_taken_survives_a_restart_and_only_the_newest(cabin: Cabin) -> None:
    for number in (1, 2, 3):
        cabin.box.hear(sealed(number))
    cabin.box.hear(sealed(1, kind=APPOINTMENTS))
    assert cabin.restart() == []
    assert sorted(cabin.taken) == [(APPOINTMENTS, "1"), (CONFIG, "3")]
    assert cabin.box.hear(sealed(2, seq=9)).reason == "superseded"


def test_what_was_forgotten_does_not_come_back(cabin: Cabin) -> None:
    cabin.box.hear(sealed(4, kind=APPOINTMENTS))
    cabin.box.forget(APPOINTMENTS, 4)
    cabin.restart()
    assert cabin.taken == []
    assert cabin.box.hear(sealed(3, seq=9, kind=APPOINTMENTS)).reason == "superseded"


def test_what_came_while_the_list_before_was_forgotten_stays(cabin: Cabin) -> None:
    cabin.box.hear(sealed(4, kind=APPOINTMENTS))
    cabin.box.hear(sealed(5, kind=APPOINTMENTS))
    cabin.box.forget(APPOINTMENTS, 4)
    cabin.restart()
    assert cabin.taken == [(APPOINTMENTS, "5")]


def test_what_can_no_longer_be_opened_is_named(tmp_path: Path) -> None:
    cabin = Cabin(tmp_path)
    cabin.box.hear(sealed(1))
    other = RecipientKey(1, bytes(range(1, 33)), demo=True)
    cabin._keys = {other.public.kid: other}
    assert cabin.restart() == [CONFIG]
    assert cabin.taken == []
    cabin.close()


def test_nothing_of_a_content_lies_on_the_disk(cabin: Cabin, tmp_path: Path) -> None:
    cabin.box.hear(sealed(1, kind=APPOINTMENTS, word="canary-246810"))
    assert cabin.taken == [(APPOINTMENTS, "1 canary-246810")]
    for file in tmp_path.iterdir():
        assert b"canary" not in file.read_bytes(), file.name


def test_a_forgotten_post_leaves_the_disk(cabin: Cabin, tmp_path: Path) -> None:
    envelope = sealed(1, kind=APPOINTMENTS)
    cabin.box.hear(envelope)
    piece = envelope[200:264]
    assert any(piece in file.read_bytes() for file in tmp_path.glob("post.db*"))
    cabin.box.forget(APPOINTMENTS, 1)
    assert not any(piece in file.read_bytes() for file in tmp_path.glob("post.db*"))


def test_without_room_for_the_answer_the_post_is_to_come_again(tmp_path: Path) -> None:
    cabin = Cabin(tmp_path, room=Room(100, 1))
    envelope = sealed(1)
    with pytest.raises(OutboxFull):
        cabin.box.hear(envelope)
    assert cabin.taken == [(CONFIG, "1")]
    cabin.outbox.close()
    cabin.outbox = Outbox(tmp_path / "outbox.db")
    assert cabin.box.hear(envelope).outcome == "repeated"
    assert len(cabin.answers()) == 1
    cabin.close()


def test_only_so_many_answers_are_remembered(cabin: Cabin, monkeypatch: pytest.MonkeyPatch) -> None:
    assert REMEMBERED > 1000
    monkeypatch.setattr("sync.postbox.REMEMBERED", 2)
    posts = [sealed(number) for number in (1, 2, 3)]
    for envelope in posts:
        cabin.box.hear(envelope)
    assert cabin.box.hear(posts[2]).outcome == "repeated"
    assert cabin.box.hear(posts[0]) == Heard("rejected", "superseded", CONFIG, 1)
    assert cabin.taken == [(CONFIG, "1"), (CONFIG, "2"), (CONFIG, "3")]


def test_a_cabin_of_level_5_is_written_to_in_its_suite(tmp_path: Path) -> None:
    key = RecipientKey.generate(LEVEL5)
    cabin = Cabin(tmp_path, {key.public.kid: key})
    assert cabin.box.hear(sealed(1, to=key.public)).outcome == "stored"
    cabin.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_altered_post_has_any_effect(cabin: Cabin, at: int, flip: int) -> None:
    at %= len(GOOD)
    altered = GOOD[:at] + bytes([GOOD[at] ^ flip]) + GOOD[at + 1 :]
    assert cabin.box.hear(altered).outcome == "refused"
    assert (cabin.taken, cabin.outbox.counts().pending) == ([], 0)


GOOD = sealed(1)


def test_a_damaged_box_is_moved_aside_and_letters_come_again(cabin: Cabin) -> None:
    envelope = sealed(1)
    cabin.box.hear(envelope)
    cabin.box.close()
    (cabin.folder / "post.db").write_bytes(b"no database" * 500)
    cabin.box = cabin._box()
    assert cabin.box.damaged == cabin.folder / "post.db.damaged-1"
    cabin.taken.clear()
    assert cabin.box.resume() == []
    assert cabin.box.hear(envelope).outcome == "stored"
    assert cabin.taken == [(CONFIG, "1")]
    assert len(cabin.answers()) == 1, "the same answer as before"


def opened(envelope: bytes) -> Opened:
    """A post, as its cabin opens it."""
    return open_envelope(envelope, {POST.public.kid: POST}, Policy(RECORDS))


# --- the record's side --------------------------------------------------------------------------------------------


class Waiting:
    """The store of the record, as far as posts go; may be out of order."""

    def __init__(self) -> None:
        self.posts: list[bytes] = []
        self.broken = False

    def post(self, client: str, envelope: bytes) -> bytes:
        if self.broken:
            raise OSError("no store")
        if envelope not in self.posts:
            self.posts.append(envelope)
        return client.encode()


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def posting(folder: Path, waiting: Waiting, signer: SigningPair = RECORD, stamp: Stamp = STAMP) -> Posting:
    return Posting(folder / "posting.db", waiting, signer, lambda: stamp)


def test_posts_arrive_in_order_and_their_numbers_rise_with_a_clock_that_stands(
    tmp_path: Path, cabin: Cabin, waiting: Waiting
) -> None:
    made = posting(tmp_path, waiting)
    posts = [made.post("c-1", POST.public, CONFIG, lambda number: str(number).encode()) for _ in range(3)]
    assert [each.number for each in posts] == [STAMP.created_ms + step for step in range(3)]
    assert [cabin.box.hear(envelope).outcome for envelope in waiting.posts] == ["stored"] * 3
    assert [each.envelope for each in posts] == waiting.posts
    headers = [
        open_envelope(each, {POST.public.kid: POST}, replace(POLICY, signers=RECORDS)) for each in waiting.posts
    ]
    assert [each.header.seq for each in headers] == [1, 2, 3]
    assert [each.protected.prev for each in headers[1:]] == [each.prot_hash for each in headers[:2]]
    made.close()


def test_each_cabin_has_a_sender_id_of_its_own_and_a_new_key_a_new_one(tmp_path: Path, waiting: Waiting) -> None:
    made = posting(tmp_path, waiting)
    made.post("c-1", POST.public, CONFIG, lambda number: b"1")
    made.post("c-2", POST.public, CONFIG, lambda number: b"1")
    made.close()
    again = posting(tmp_path, waiting, STRANGER)
    last = again.post("c-1", POST.public, CONFIG, lambda number: b"1")
    again.close()
    assert last.number == STAMP.created_ms + 1
    headers = [peek(envelope) for envelope in waiting.posts]
    assert [each.seq for each in headers] == [1, 1, 1]
    assert len({each.src for each in headers}) == 3


def test_a_clock_that_falls_back_makes_no_lower_number(tmp_path: Path, waiting: Waiting) -> None:
    made = posting(tmp_path, waiting)
    first = made.post("c-1", POST.public, CONFIG, lambda number: b"1")
    made.close()
    again = posting(tmp_path, waiting, stamp=replace(STAMP, created_ms=0))
    assert again.post("c-1", POST.public, CONFIG, lambda number: b"1").number == first.number + 1
    again.close()


def test_what_the_store_did_not_get_it_gets_before_the_next(tmp_path: Path, waiting: Waiting) -> None:
    made = posting(tmp_path, waiting)
    waiting.broken = True
    with pytest.raises(OSError, match="no store"):
        made.post("c-1", POST.public, CONFIG, lambda number: b"first")
    waiting.broken = False
    made.close()
    again = posting(tmp_path, waiting)
    again.post("c-1", POST.public, CONFIG, lambda number: b"second")
    again.close()
    told = [opened(each) for each in waiting.posts]
    assert [(each.header.seq, each.content) for each in told] == [(1, b"first"), (2, b"second")]


def test_what_is_too_large_uses_up_no_number_and_holds_nothing_up(tmp_path: Path, waiting: Waiting) -> None:
    made = posting(tmp_path, waiting)
    with pytest.raises(ValueError, match="post less at once"):
        made.post("c-1", POST.public, CONFIG, lambda number: os.urandom(200_000))
    assert made.post("c-1", POST.public, CONFIG, lambda number: b"1").number == STAMP.created_ms
    assert [peek(envelope).seq for envelope in waiting.posts] == [1]
    made.close()


def test_what_cannot_be_made_uses_up_no_number(tmp_path: Path, waiting: Waiting) -> None:
    made = posting(tmp_path, waiting)

    def bad(number: int) -> bytes:
        raise ValueError("no content")

    with pytest.raises(ValueError, match="no content"):
        made.post("c-1", POST.public, CONFIG, bad)
    assert made.post("c-1", POST.public, CONFIG, lambda number: b"1").number == STAMP.created_ms
    made.close()
