"""The record's keys at the cabin: the newest statement counts, none older is taken, also after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.errors import KeyFileError
from sync.keys import SigningPair
from sync.outbox import Outbox
from sync.record_keys import Known, RecordKeys, load_statement, pinned_keys
from sync.statement import Recipient, Statement, make_statement
from tests.sync_parties import RECIPIENT, RECIPIENT5, RECORD, RECORDS, STRANGER, blank_sealer, mid, receipt

ROOT = SigningPair(bytes(range(32)), bytes(range(1, 33)), demo=True)
FIRST = Known(RECIPIENT.public, RECORDS)


def statement(number: int, *, revoked: tuple[bytes, ...] = (), root: SigningPair = ROOT) -> bytes:
    """Both recipient keys, both signers, and what is revoked."""
    recipients = (Recipient(RECIPIENT.public, 1), Recipient(RECIPIENT5.public, 2))
    signing = (RECORD.public, STRANGER.public)
    return make_statement(Statement(number, number, recipients, signing, dict.fromkeys(revoked, 1)), root)


ONE, TWO, THREE = map(statement, (1, 2, 3))


def keys(folder: Path) -> RecordKeys:
    return pinned_keys(ROOT.public, folder / "record.statement", None, FIRST)


def test_without_a_root_the_settings_hold_for_ever() -> None:
    fixed = RecordKeys(FIRST)
    assert fixed.take(statement(1)) == "no-root"
    assert fixed.recipient == RECIPIENT.public
    assert dict(fixed.signers) == RECORDS


def test_a_statement_comes_into_force_for_whoever_holds_the_signers(tmp_path: Path) -> None:
    found = keys(tmp_path)
    held = found.signers
    assert set(held) == set(RECORDS)
    assert found.take(ONE) == ""
    assert found.recipient.kid == RECIPIENT5.public.kid
    assert set(held) == {RECORD.public.kid, STRANGER.public.kid}
    assert len(held) == 2
    assert found.take(statement(2, revoked=(RECORD.public.kid,))) == ""
    assert RECORD.public.kid not in held


def test_a_receipt_by_a_revoked_key_purges_nothing(tmp_path: Path) -> None:
    found, outbox = keys(tmp_path), Outbox(tmp_path / "outbox.db")

    for number in (1, 2):
        outbox.put(mid(number), blank_sealer(number))
    letters = {letter.mid: letter.envelope for letter in outbox.due(0.0, 9)}

    def word(number: int, signer: SigningPair) -> str:
        told = receipt(mid(number), letters[mid(number)], outbox.src, signer=signer)
        return outbox.settle(told, found.signers).outcome

    found.take(statement(1))
    assert word(1, STRANGER) == "purged", "listed"
    found.take(statement(2, revoked=(STRANGER.public.kid,)))
    assert word(2, STRANGER) == "refused", "revoked"
    assert outbox.counts().pending == 1
    assert word(2, RECORD) == "purged"
    outbox.close()


def test_no_older_statement_and_no_other_of_the_same_number(tmp_path: Path) -> None:
    found = keys(tmp_path)
    assert found.take(TWO) == ""
    assert found.take(TWO) == "", "the same again is no fault"
    assert found.take(ONE) == "rollback"
    assert found.take(statement(2, revoked=(RECORD.public.kid,))) == "rollback"
    assert found.known.number == 2


@pytest.mark.parametrize(("data", "reason"), [(statement(9, root=STRANGER), "signature"), (b"", "malformed")])
def test_what_the_root_did_not_sign_changes_nothing(tmp_path: Path, data: bytes, reason: str) -> None:
    found = keys(tmp_path)
    assert found.take(data) == reason
    assert found.known == FIRST
    assert not (tmp_path / "record.statement").exists()


def test_it_survives_a_restart_and_the_settings_cannot_take_it_back(tmp_path: Path) -> None:
    keys(tmp_path).take(THREE)
    assert keys(tmp_path).known.number == 3
    (tmp_path / "old").write_bytes(TWO)
    again = pinned_keys(ROOT.public, tmp_path / "record.statement", tmp_path / "old", None)
    assert again.known.number == 3
    assert again.take(THREE) == ""


def test_an_offered_statement_is_kept(tmp_path: Path) -> None:
    (tmp_path / "offered").write_bytes(statement(5))
    assert pinned_keys(ROOT.public, tmp_path / "kept", tmp_path / "offered", None).known.number == 5
    (tmp_path / "offered").unlink()
    assert pinned_keys(ROOT.public, tmp_path / "kept", None, None).known.number == 5


def test_a_damaged_kept_statement_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "record.statement").write_bytes(b"x")
    found = keys(tmp_path)
    assert found.known == FIRST
    assert found.take(ONE) == ""


def test_nothing_to_start_from_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"No statement .*\[record\] statement\.$"):
        pinned_keys(ROOT.public, tmp_path / "kept", None, None)


def test_an_offered_statement_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        load_statement(tmp_path / "none", ROOT.public)
    (tmp_path / "other").write_bytes(statement(1, root=STRANGER))
    with pytest.raises(KeyFileError, match="another root signed it"):
        load_statement(tmp_path / "other", ROOT.public)
    (tmp_path / "noise").write_bytes(b"noise")
    with pytest.raises(KeyFileError, match="refused as malformed"):
        pinned_keys(ROOT.public, tmp_path / "kept", tmp_path / "noise", FIRST)


def test_what_cannot_be_written_is_not_in_force(tmp_path: Path) -> None:
    found = RecordKeys(FIRST, ROOT.public, tmp_path / "absent" / "file")
    with pytest.raises(OSError, match="No such file"):
        found.take(ONE)
    assert found.known == FIRST
