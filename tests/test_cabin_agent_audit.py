"""`cabin audit`: whole or broken, where, and what to do; shown from a moment on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.audit_notes import FOLDER
from sync import audit_log
from sync.audit_log import AuditLog
from sync.audit_reading import segments
from sync.keyfile import save_key
from tests.core_bench import prepare
from tests.sync_parties import CABIN, STRANGER

HOUR = 3_600_000
NOV_20 = 1_795_132_800_000
"""2026-11-20, UTC milliseconds."""


@pytest.fixture
def cabin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a cabin that is not running, with three entries in its audit log."""
    monkeypatch.setattr(audit_log, "REST_S", 0.0)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    prepare(tmp_path)
    times: Iterator[int] = iter(range(NOV_20, NOV_20 + 99 * HOUR, HOUR))
    log = AuditLog(tmp_path / "state" / FOLDER, CABIN, lambda: next(times))
    for number in range(3):
        log.add("letter-sealed", mid=f"{number:032x}", seq=number)
    log.close()
    return tmp_path


def audit(cabin: Path, *words: str) -> int:
    return main(["audit", *words, "--config", str(cabin / "cabin.toml")])


def verified(cabin: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    audit(cabin, "verify", "--json", *words)
    return dict(json.loads(capsys.readouterr().out))


def test_a_whole_log_is_whole(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(cabin, "verify") == 0
    assert "verdict  whole" in capsys.readouterr().out
    said = verified(cabin, capsys)
    assert (said["whole"], said["entries"], said["signed"], said["fault"]) == (True, 3, 3, None)
    assert audit(cabin, "verify", "--head", str(said["head"])) == 0
    assert audit(cabin, "verify", "--folder", str(cabin / "state" / FOLDER)) == 0


def test_a_head_that_the_record_kept_and_the_log_lacks(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(cabin, "verify", "--head", f"9:{'00' * 32}") == 1
    assert "CUT OFF OR REPLACED" in capsys.readouterr().out
    for nonsense in ("9", "x:00", "9:00", f"-1:{'00' * 32}"):
        with pytest.raises(SystemExit) as wrong:
            audit(cabin, "verify", f"--head={nonsense}")
        assert wrong.value.code == 2


def test_an_altered_entry_is_named_with_what_to_do(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = segments(cabin / "state" / FOLDER)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"0" * 31 + b"1", b"0" * 31 + b"7"))
    assert audit(cabin, "verify") == 1
    out = capsys.readouterr().out
    assert f"BROKEN: entry 2 in {path.name} was altered. Keep a copy" in out
    assert verified(cabin, capsys)["fault"] == {"entry": 2, "why": "hash", "file": path.name}
    path.write_bytes(raw[:-9])
    assert audit(cabin, "verify") == 0
    assert "unfinished entry" in capsys.readouterr().out


def test_only_the_keys_that_are_named_prove_anything(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, pair in (("ours", CABIN), ("theirs", STRANGER)):
        save_key(cabin / name, pair.public)
    assert audit(cabin, "verify", "--key", str(cabin / "ours")) == 0
    assert audit(cabin, "verify", "--key", str(cabin / "theirs")) == 1
    assert f"NOT PROVEN: signed by {CABIN.public.kid.hex()}" in capsys.readouterr().out
    assert audit(cabin, "verify", "--key", str(cabin / "nobody's")) == 3


def test_logs_that_were_moved_aside_are_named(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cabin / "state" / f"{FOLDER}.damaged-1").mkdir()
    assert audit(cabin, "verify") == 0
    assert f"{FOLDER}.damaged-1" in capsys.readouterr().out


def test_entries_are_shown_from_a_moment_on(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(cabin, "show") == 0
    out = capsys.readouterr().out
    assert "2026-11-20 02:00:00" in out
    assert f"mid={1:032x} seq=1" in out
    for since, first in (("2026-11-20", 1), ("2026-11-20T01:00", 2), ("2026-11-20T03:30:00+02:00", 3)):
        assert audit(cabin, "show", "--json", "--since", since) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["entry"] for line in lines] == list(range(first, 4))
    assert lines[-1] == {"entry": 3, "at": NOV_20 + 2 * HOUR, "what": "letter-sealed", "mid": f"{2:032x}", "seq": 2}


def test_no_log_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(tmp_path)
    assert audit(tmp_path, "verify") == 3
    assert "There is no audit log" in capsys.readouterr().err
