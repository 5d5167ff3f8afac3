"""The gateway's process before it serves: keys that it must not serve with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync import gateway_process
from sync.errors import KeyFileError
from sync.gateway_process import GatewaySettings, run_gateway
from sync.keyfile import save_key
from sync.link import LinkSettings
from tests.sync_parties import RECIPIENT, RECORD


def test_no_receipts_are_signed_with_a_revoked_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cabin would believe them, and every cabin would keep its letters without a word."""
    save_key(tmp_path / "record.private", RECIPIENT)
    save_key(tmp_path / "receipts.private", RECORD)
    monkeypatch.setattr(gateway_process, "_revoked", lambda _settings: {RECORD.public.kid: 0})
    settings = GatewaySettings(
        LinkSettings("127.0.0.1", 1, "record"),
        tmp_path / "record.db",
        (tmp_path / "record.private",),
        tmp_path / "receipts.private",
        tmp_path,
        demo=True,
    )
    with pytest.raises(KeyFileError, match="is revoked"):
        run_gateway(settings)
    assert not (tmp_path / "record.db").exists()
