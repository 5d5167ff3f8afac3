"""Keys as credentials of systemd: named in the settings, found where systemd puts them, never elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cabin_agent import credential
from cabin_agent.config import ConfigError, load_config
from sync.keyfile import load_key, save_key
from sync.keys import SigningPair
from tests.sync_parties import CABIN

UNIT = "cabin-agent.service"


def test_a_path_starts_at_the_folder_of_the_settings(tmp_path: Path) -> None:
    assert credential.key_file("keys/a.private", tmp_path, UNIT) == tmp_path / "keys/a.private"
    assert credential.key_file("/etc/a", tmp_path, UNIT) == Path("/etc/a")


def test_a_credential_lies_where_the_unit_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert credential.key_file("credential:cabin.private", tmp_path, UNIT) == tmp_path / "given/cabin.private"


def test_a_command_beside_the_unit_looks_where_systemd_puts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    found = credential.key_file("credential:a", Path("/etc"), UNIT)
    assert found == Path("/run/credentials/cabin-agent.service/a")


@pytest.mark.parametrize(
    "text", ["", " ", "credential:", "credential:..", "credential:.", "credential:a/b", "credential:a b"]
)
def test_what_names_no_file_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name"):
        credential.key_file(text, tmp_path, UNIT)


RECORD = """
[cabin]
name = "a"
serial = "b"
[record]
broker = "mqtt://127.0.0.1:1883"
client = "c-1"
recipient = "record.public"
signers = "receipts.public"
signing = "{signing}"
cert = "credential:cabin.pem"
key = "credential:cabin.key"
[gateway]
broker = "mqtt://127.0.0.1:1883"
recipient = "credential:record.private"
signing = "credential:receipts.private"
allow = "cabins"
"""


def test_the_settings_take_a_credential_for_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file = tmp_path / "cabin.toml"
    file.write_text(RECORD.format(signing="credential:cabin.private"))
    config = load_config(file)
    assert config.record is not None
    assert config.gateway is not None
    run = Path("/run/credentials")
    assert config.record.recipient == tmp_path / "record.public"
    assert config.record.signing == run / "cabin-agent.service/cabin.private"
    assert (config.record.cert, config.record.key) == (run / f"{UNIT}/cabin.pem", run / f"{UNIT}/cabin.key")
    assert config.gateway.recipient == run / "cabin-gateway.service/record.private"
    assert config.gateway.signing == run / "cabin-gateway.service/receipts.private"


def test_a_wrong_name_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(RECORD.format(signing="credential:../x"))
    with pytest.raises(ConfigError, match=r"signing is .*; accepted is a path in quotes, or credential:NAME"):
        load_config(file)


def test_a_key_is_read_from_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_key(tmp_path / "cabin.private", CABIN)
    (tmp_path / "cabin.private").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_key(credential.key_file("credential:cabin.private", Path("/etc"), UNIT), SigningPair) == CABIN


def test_group_bits_of_the_folder_of_all_credentials_are_access_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("sync.keyfile._CREDENTIALS", tmp_path)
    (tmp_path / UNIT).mkdir()
    save_key(tmp_path / UNIT / "cabin.private", CABIN)
    (tmp_path / UNIT / "cabin.private").chmod(0o440)
    assert load_key(tmp_path / UNIT / "cabin.private", SigningPair) == CABIN
