"""Accounts, sessions and launch tickets: what lets in, what does not, and what is written down."""

from __future__ import annotations

import hmac
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.access import Access, AccessError, Account
from cabin_agent.private_file import write_private


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def test_a_granted_token_is_known_and_only_its_hash_is_written(path: Path) -> None:
    access = Access(path)
    granted = access.grant("anne", "technician")
    assert access.who(granted.token) == Account("anne", "technician")
    text = path.read_text()
    assert granted.token not in text
    assert granted.code not in text
    assert granted.token not in repr(granted)
    assert granted.code not in repr(granted)
    assert json.loads(text)["anne"]["role"] == "technician"
    assert set(json.loads(text)["anne"]) == {"role", "sha256", "code"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["access.json"]


def test_tokens_are_long_and_never_the_same(path: Path) -> None:
    access = Access(path)
    granted = [access.grant(f"t{number}", "technician") for number in range(8)]
    assert len({each.token for each in granted}) == len({each.code for each in granted}) == 8
    assert min(len(each.token) for each in granted) >= 43
    assert all(re.fullmatch(r"[0-9]{10}", each.code) for each in granted)


def test_a_second_grant_replaces_the_token(path: Path) -> None:
    access = Access(path)
    first, second = access.grant("anne", "technician").token, access.grant("anne", "kiosk").token
    assert access.who(first) is None
    assert access.who(second) == Account("anne", "kiosk")
    assert access.accounts() == [Account("anne", "kiosk")]


def test_another_process_sees_grants_and_revocations_at_once(path: Path) -> None:
    core, command = Access(path), Access(path)
    anne, ben = command.grant("anne", "technician").token, command.grant("ben", "kiosk").token
    assert core.who(anne) == Account("anne", "technician")
    command.revoke("anne")
    assert core.who(anne) is None
    assert core.who(ben) == Account("ben", "kiosk")
    path.unlink()
    assert core.who(ben) is None


def test_unknown_names_and_roles_are_refused(path: Path) -> None:
    access = Access(path)
    for name in ("", "Anne", "anne dupont", "x" * 33, "1a", "anne\n"):
        with pytest.raises(AccessError, match="An account is named"):
            access.grant(name, "technician")
    with pytest.raises(AccessError, match="no role 'surgeon'"):
        access.grant("anne", "surgeon")  # type: ignore[arg-type]
    with pytest.raises(AccessError, match="no account of this name"):
        access.revoke("anne")
    assert not path.exists()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Access:
    access = Access(tmp_path_factory.mktemp("guarded") / "access.json")
    access.grant("anne", "technician")
    return access


@given(token=st.text(max_size=60))
def test_no_other_token_lets_in(guarded: Access, token: str) -> None:
    access = guarded
    assert access.who(token) is None
    assert access.exchange(token) is None


def test_neither_the_hash_nor_a_part_of_a_token_lets_in(path: Path) -> None:
    access = Access(path)
    token = access.grant("anne", "technician").token
    digest = json.loads(path.read_text())["anne"]["sha256"]
    for wrong in (digest, token[:-1], token + "A", token.swapcase(), "", " " + token, "\ud800"):
        assert access.who(wrong) is None


def test_every_account_is_compared_whichever_matches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(path)
    tokens = [access.grant(f"t{number}", "technician").token for number in range(5)]
    session = access.session("local", "technician")
    compared: list[str] = []
    real = hmac.compare_digest

    def watched(known: str, asked: str) -> bool:
        compared.append(known)
        return real(known, asked)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    for token in (tokens[0], tokens[4], session, "wrong"):
        compared.clear()
        access.who(token)
        assert len(compared) == 6


def test_a_launch_ticket_opens_one_session(path: Path) -> None:
    access = Access(path)
    ticket = access.kiosk_ticket()
    assert access.who(ticket) is None
    token = access.exchange(ticket)
    assert token is not None
    assert token != ticket
    assert access.who(token) == Account("kiosk", "kiosk")
    assert access.exchange(ticket) is None
    assert access.exchange("wrong") is None


def test_a_wrong_ticket_does_not_spend_the_right_one(path: Path) -> None:
    access = Access(path)
    ticket = access.kiosk_ticket()
    assert access.exchange("wrong") is None
    assert access.exchange(ticket) is not None


def test_a_new_ticket_replaces_an_unused_one_and_sessions_go_on(path: Path) -> None:
    access = Access(path)
    session = access.exchange(access.kiosk_ticket())
    assert session is not None
    unused, fresh = access.kiosk_ticket(), access.kiosk_ticket()
    assert access.exchange(unused) is None
    assert access.exchange(fresh) is not None
    assert access.who(session) is not None


def test_a_programs_session_ends_with_the_process_and_the_kiosks_outlives_it(path: Path) -> None:
    access = Access(path)
    session = access.session("local", "technician")
    ticket = access.kiosk_ticket()
    kiosk = access.exchange(ticket)
    assert kiosk is not None
    access.grant("anne", "technician")
    assert access.who(session) == Account("local", "technician")
    assert set(json.loads(path.read_text())) == {"anne"}
    assert Access(path).who(session) is None
    assert Access(path).who(kiosk) == Account("kiosk", "kiosk")
    assert Access(path).exchange(ticket) is None
    written = path.with_name("sessions.json").read_text()
    assert not [secret for secret in (session, ticket, kiosk) if secret in written]
    assert "local" not in written


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o622])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    Access(path).grant("anne", "technician")
    path.chmod(mode)
    with pytest.raises(AccessError, match="chmod 600"):
        Access(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    Access(path).grant("anne", "technician")
    os.chown(path, 12345, 12345)
    with pytest.raises(AccessError, match="make it yours alone"):
        Access(path)


DAMAGES: list[Any] = [
    "", "[]", "{", "null", '{"a": 1}', '{"a": {}}', '{"a": {"role": "kiosk", "sha256": "x"}}',
    '{"a": {"role": "surgeon", "sha256": "' + "0" * 64 + '"}}',
    '{"a": {"role": "doctor", "sha256": "' + "0" * 64 + '", "code": "0123456789"}}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damaged_file_lets_nobody_in_and_says_so(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(AccessError, match="are damaged"):
        Access(path)


def test_an_empty_set_of_accounts_is_no_damage(path: Path) -> None:
    access = Access(path)
    access.grant("anne", "technician")
    access.revoke("anne")
    assert json.loads(path.read_text()) == {}
    assert Access(path).accounts() == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"cannot be written: No such file or directory\."):
        Access(tmp_path / "nowhere" / "access.json").grant("anne", "technician")


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o666)
    with path.open() as reader:
        write_private(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
