"""Sessions of browsers: what outlives a restart, what does not, and a file that cannot be trusted."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent import sessions as module
from cabin_agent.sessions import Session, Sessions, digest_of

NURSE = Session("nadia", "nurse", behind="ab" * 32, until=4e9)
KIOSK = Session("kiosk", "kiosk")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.json"


def test_sessions_outlive_the_process_and_no_token_is_written(path: Path) -> None:
    before = Sessions(path)
    tokens = {before.open(session): session for session in (NURSE, KIOSK)}
    after = Sessions(path)
    for token, session in tokens.items():
        assert after.of(token) == session
        assert token not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert after.of("") is after.of("unknown") is None


def test_a_session_of_this_process_is_in_no_file(path: Path) -> None:
    sessions = Sessions(path)
    token = sessions.open(Session("owner", "technician", kept=False))
    assert sessions.of(token) is not None
    assert Sessions(path).of(token) is None
    assert json.loads(path.read_text()) == {}


def test_only_a_person_can_be_signed_out(path: Path) -> None:
    sessions = Sessions(path)
    nurse, kiosk = sessions.open(NURSE), sessions.open(KIOSK)
    for token in (nurse, kiosk, "unknown"):
        sessions.end(token)
    assert sessions.of(nurse) is Sessions(path).of(nurse) is None
    assert sessions.of(kiosk) == Sessions(path).of(kiosk) == KIOSK


def test_a_session_ends_with_its_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(path)
    until = time.time() + 100
    token = sessions.open(Session("nadia", "nurse", behind="ab" * 32, until=until))
    assert sessions.of(token) is not None
    monkeypatch.setattr(time, "time", lambda: until)
    assert sessions.of(token) is None
    sessions.open(KIOSK)
    assert digest_of(token) not in path.read_text()


def test_the_oldest_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OF_PEOPLE", 3)
    sessions = Sessions(path)
    kiosks = [sessions.open(KIOSK) for _ in range(module.MOST_OF_KIOSKS + 2)]
    people = [sessions.open(NURSE) for _ in range(5)]
    own = [sessions.open(Session("owner", "technician", kept=False)) for _ in range(70)]
    assert [sessions.of(token) is not None for token in kiosks] == [False] * 2 + [True] * module.MOST_OF_KIOSKS
    assert [sessions.of(token) is not None for token in people] == [False] * 2 + [True] * 3
    assert all(sessions.of(token) for token in own)


def test_a_disk_that_takes_nothing_costs_no_session(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sessions = Sessions(tmp_path / "nowhere" / "sessions.json")
    token = sessions.open(NURSE)
    assert sessions.of(token) == NURSE
    assert "everybody signs in again" in caplog.text
    assert "nadia" not in caplog.text


def entry(**changes: Any) -> dict[str, Any]:
    """A whole session as it is written, with `changes`."""
    return {"name": "nadia", "role": "nurse", "behind": "ab" * 32, "until": 4e9, "kept": True} | changes


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "3", '{"a": 3}', '{"a": {}}', '{"a": {"name": "x"}}',
        *(
            json.dumps({"ab" * 32: entry(**changes)})
            for changes in (
                {"role": "surgeon"}, {"role": 3}, {"name": None}, {"behind": 3}, {"behind": ""}, {"until": None},
                {"until": "tomorrow"}, {"kept": False}, {"more": 1},
            )
        ),
    ],
)  # fmt: skip
def test_a_damaged_file_signs_everybody_out_and_is_replaced(
    path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = "token"
    path.write_text(content.replace("ab" * 32, digest_of(token), 1) if "nurse" in content else content)
    sessions = Sessions(path)
    assert sessions.of(token) is None
    assert "cannot be used" in caplog.text
    opened = sessions.open(NURSE)
    assert Sessions(path).of(opened) == NURSE


def test_a_whole_file_is_read(path: Path) -> None:
    path.write_text(json.dumps({digest_of("token"): entry()}))
    assert Sessions(path).of("token") == NURSE


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o622])
def test_a_file_that_others_may_write_counts_for_nothing(path: Path, mode: int) -> None:
    token = Sessions(path).open(NURSE)
    path.chmod(mode)
    assert Sessions(path).of(token) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_another_user_counts_for_nothing(path: Path) -> None:
    token = Sessions(path).open(NURSE)
    os.chown(path, 12345, 12345)
    assert Sessions(path).of(token) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), token=st.text(max_size=40))
def test_no_content_and_no_token_lets_in(path: Path, content: bytes, token: str) -> None:
    path.write_bytes(content)
    assert Sessions(path).of(token) is None
