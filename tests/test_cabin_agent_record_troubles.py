"""`cabin gateway alarms`, `quarantine` and `acknowledge`: what a human has to look at, beside one that serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from sync.receiver import Receiver
from sync.store_sqlite import SqliteStore
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, SRC, mid, sealed


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[gateway]\nbroker = "mqtt://127.0.0.1:1883"\nrecipient = "r.private"\nsigning = "s.private"\n'
        'allow = "cabins"\nstore = "record.db"\n'
    )
    return file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "record.db")
    yield made
    made.close()


@pytest.fixture
def receiver(store: SqliteStore) -> Receiver:
    return Receiver(RECIPIENTS, POLICY, RECORD, store)


def run(settings: Path, *words: str) -> int:
    return main(["gateway", "--config", str(settings), *words])


def test_a_record_in_order_has_nothing_to_say(
    settings: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.handle("cabin-1", sealed(1).envelope)
    assert [run(settings, "alarms"), run(settings, "quarantine")] == [0, 0]
    assert capsys.readouterr().out == "The record has no alarm.\nNothing is in quarantine.\n"


def test_an_alarm_is_wrong_until_it_is_acknowledged(
    settings: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.handle("cabin-1", sealed(1, prev=bytes(range(32))).envelope)
    assert run(settings, "alarms", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "cabin.gateway.alarms/1"
    (alarm,) = told["alarms"]
    assert (alarm["alarm"], alarm["kind"], alarm["sender"], alarm["closed_ms"]) == (1, "chain", SRC.hex(), None)
    assert run(settings, "alarms") == 1
    line = capsys.readouterr().out
    assert "chain" in line
    assert line.endswith("open\n")
    assert run(settings, "acknowledge", "1") == 0
    assert run(settings, "alarms") == 0
    assert "closed" in capsys.readouterr().out
    assert run(settings, "acknowledge", "1") == 3
    assert "No alarm 1 is open" in capsys.readouterr().err


def test_open_alarms_come_first(settings: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (2, 1, 4):
        receiver.handle("cabin-1", sealed(number).envelope)
    run(settings, "alarms", "--json")
    alarms = json.loads(capsys.readouterr().out)["alarms"]
    assert [(each["kind"], each["first"], each["closed_ms"] is None) for each in alarms] == [
        ("chain", 2, True), ("hole", 3, True), ("hole", 1, False),
    ]  # fmt: skip


def test_a_refused_envelope_is_listed_and_exported_as_it_came(
    settings: Path, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = sealed(1).envelope[:-1] + b"x"
    receiver.receive([("cabin-1", bad), ("cabin-1", b"noise")])
    assert run(settings, "quarantine", "--json") == 1
    named, unnamed = json.loads(capsys.readouterr().out)["envelopes"]
    assert (named["mid"], named["reason"], named["size"], named["kept"]) == (mid(1).hex(), "decrypt", len(bad), True)
    assert (unnamed["mid"], unnamed["reason"]) == (None, "malformed")
    assert run(settings, "quarantine") == 1
    assert mid(1).hex() in capsys.readouterr().out
    for name, wanted in ((named["mid"], bad), (unnamed["hash"], b"noise")):
        target = tmp_path / f"{name}.de1"
        assert run(settings, "quarantine", "--export", name, str(target)) == 0
        assert target.read_bytes() == wanted
        assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("name", "said"), [("no-hex", "is no message id"), ("00" * 16, "was kept")])
def test_what_is_not_there_cannot_be_exported(
    settings: Path, store: SqliteStore, tmp_path: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings, "quarantine", "--export", name, str(tmp_path / "x")) == 3
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_export_overwrites_nothing(
    settings: Path, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.handle("cabin-1", sealed(1).envelope[:-1] + b"x")
    (tmp_path / "there").write_text("mine")
    assert run(settings, "quarantine", "--export", mid(1).hex(), str(tmp_path / "there")) == 3
    assert "File exists" in capsys.readouterr().err
    assert (tmp_path / "there").read_text() == "mine"


def test_a_record_that_cannot_be_opened_is_said_in_one_sentence(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "record.db").write_bytes(b"x" * 9000)
    assert run(settings, "alarms") == 3
    assert capsys.readouterr().err.startswith("cabin gateway: The record's file could not be read")


def test_a_record_that_is_not_there_is_no_empty_one(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("alarms",), ("quarantine",), ("acknowledge", "1")):
        assert run(settings, *words) == 3
        assert "There is no record" in capsys.readouterr().err
    assert not (tmp_path / "record.db").exists()
    settings.write_text(settings.read_text().replace("record.db", "away/record.db"))
    assert run(settings, "alarms") == 3
    assert "The folder of the record" in capsys.readouterr().err


def test_settings_may_be_named_after_the_action(settings: Path, store: SqliteStore) -> None:
    assert store.alarms() == []
    assert main(["gateway", "alarms", "--config", str(settings)]) == 0


def test_a_number_that_no_alarm_can_have(
    settings: Path, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.alarms() == []
    assert run(settings, "acknowledge", "9" * 20) == 3
    assert "No alarm" in capsys.readouterr().err


def test_settings_without_a_gateway_are_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text('[cabin]\nname = "x"\nserial = "y"\n')
    assert run(file, "alarms") == 3
    assert "there is no [gateway]" in capsys.readouterr().err
