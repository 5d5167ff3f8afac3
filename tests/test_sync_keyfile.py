"""Key files: they come back, they are private, and each damage has its sentence."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sync.errors import KeyFileError
from sync.keyfile import Key, load_key, load_signers, save_key
from sync.keys import RecipientKey, RecipientPublic, SigningPair, SigningPublic
from tests.sync_parties import CABIN, RECIPIENT, RECIPIENT5, RECORD

PRIVATE: list[Key] = [CABIN, RECIPIENT, RECIPIENT5]
PUBLIC: list[Key] = [CABIN.public, RECIPIENT.public, RECIPIENT5.public]


@pytest.mark.parametrize("key", PRIVATE + PUBLIC, ids=lambda key: type(key).__name__)
def test_a_key_comes_back_with_its_demo_mark(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "key.json"
    save_key(path, key)
    back = load_key(path, type(key))
    assert back == key
    assert back.demo
    assert stat.S_IMODE(path.stat().st_mode) == (0o600 if key in PRIVATE else 0o644)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o640, 0o620, 0o644, 0o666])
def test_a_private_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.json"
    save_key(path, CABIN)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=r"may be read or changed by others: .*\.$"):
        load_key(path, SigningPair)


def test_a_credential_of_systemd_may_show_group_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.json"
    save_key(path, CABIN)
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_key(path, SigningPair) == CABIN
    path.chmod(0o444)
    with pytest.raises(KeyFileError, match="by others"):
        load_key(path, SigningPair)


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_key(path, CABIN)
    with pytest.raises(KeyFileError, match="already a key"):
        save_key(path, RECORD)
    assert load_key(path, SigningPair) == CABIN
    with pytest.raises(KeyFileError, match="cannot be written"):
        save_key(tmp_path / "absent" / "key.json", CABIN)


def test_another_kind_of_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_key(path, RECIPIENT)
    with pytest.raises(KeyFileError, match="a SigningPair is needed"):
        load_key(path, SigningPair)


GOOD = {"kind": "signing", "demo": False, "ed25519": "00" * 32, "ml-dsa-65": "00" * 32}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({**GOOD, "ed25519": "zz"}),
        json.dumps({**GOOD, "ed25519": "00"}),
        json.dumps({**GOOD, "demo": "no"}),
        json.dumps({**GOOD, "kind": "other"}),
        json.dumps({"kind": "recipient", "suite": 9, "demo": False, "secret": "00" * 32}),
        "\xff",
    ],
)
def test_a_damaged_file_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text, encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"key\.json is damaged"):
        load_key(path, SigningPair)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        load_key(tmp_path / "key.json", RecipientKey)


def test_production_refuses_demo_signers(tmp_path: Path) -> None:
    real = SigningPair.generate().public
    save_key(tmp_path / "a.json", real)
    assert load_signers([tmp_path / "a.json"], demo=False) == {real.kid: real}
    save_key(tmp_path / "b.json", CABIN.public)
    both = sorted(tmp_path.glob("*.json"))
    with pytest.raises(KeyFileError, match="for demonstration only"):
        load_signers(both, demo=False)
    assert set(load_signers(both, demo=True)) == {real.kid, CABIN.public.kid}


def test_no_secret_in_a_message(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_key(path, RECIPIENT)
    kinds: list[type[Key]] = [SigningPair, SigningPublic, RecipientPublic]
    for kind in kinds:
        with pytest.raises(KeyFileError) as caught:
            load_key(path, kind)
        assert RECIPIENT.secret.hex()[:8] not in str(caught.value)
