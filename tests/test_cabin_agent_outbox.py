"""`cabin outbox`: the rows without content, and a refused result sent again, with and without a running core."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.access import Access
from cabin_agent.client import CoreClient, CoreError
from cabin_agent.core_face import CoreFace
from cabin_agent.runtime import publish
from cabin_agent.web.app import make_app, serve
from sync.outbox import Outbox
from sync.rows import read_outbox
from tests.core_bench import prepare, running_core
from tests.sync_parties import RECORDS, blank_sealer, mid, receipt


@pytest.fixture
def cabin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cabin that is not running, with one letter that waits and one that was refused."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    prepare(tmp_path)
    outbox = Outbox(tmp_path / "state" / "outbox.db")
    for number in (1, 2):
        outbox.put(mid(number), blank_sealer(number))
    first = outbox.due(0.0, 1)[0]
    outbox.settle(receipt(first.mid, first.envelope, outbox.src, "rejected", reason="signature"), RECORDS)
    outbox.close()
    yield tmp_path


def outbox(cabin: Path, *words: str) -> int:
    return main(["outbox", *words, "--config", str(cabin / "cabin.toml")])


def states(cabin: Path) -> list[str]:
    return [entry.state for entry in read_outbox(cabin / "state" / "outbox.db")]


def test_the_rows_are_listed(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outbox(cabin) == 1
    out = capsys.readouterr().out
    assert mid(1).hex() in out
    assert "signature" in out
    assert outbox(cabin, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    first, second = said["letters"]
    assert (first["mid"], first["seq"], first["state"], first["reason"]) == (
        mid(1).hex(),
        1,
        "quarantined",
        "signature",
    )
    assert (second["state"], second["attempts"], said["damaged"]) == ("pending", None, [])
    assert 0 <= second["age_s"] < 600


def test_a_refused_result_is_sent_again_without_a_core(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (mid(2).hex(), mid(9).hex(), "nonsense"):
        assert outbox(cabin, "requeue", wrong) == 3
        assert "No result in quarantine" in capsys.readouterr().err
    assert outbox(cabin, "requeue", mid(1).hex()) == 0
    assert states(cabin) == ["pending", "pending"]
    assert outbox(cabin) == 0
    assert outbox(cabin, "requeue") == 2


def test_an_empty_and_a_damaged_outbox_are_said(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cabin / "state" / "outbox.db"
    path.unlink()
    assert outbox(cabin) == 0
    assert "Nothing waits" in capsys.readouterr().out
    path.with_name("outbox.db.damaged-1").touch()
    path.with_name("outbox.db.damaged-1-wal").touch()
    assert outbox(cabin) == 1
    assert "outbox.db.damaged-1. Keep" in capsys.readouterr().out
    path.write_bytes(b"no database, and longer than the head of one" * 9)
    assert outbox(cabin) == 3


async def test_beside_a_running_core_the_core_is_asked(cabin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running_core(cabin) as core:
        access = Access(cabin / "state" / "access.json")
        async with serve(make_app(CoreFace(core), access, frozenset({"127.0.0.1"})), 0) as url:
            token = access.session("owner", "technician")
            publish(cabin / "run", url, token, cabin / "cabin.toml")
            assert await asyncio.to_thread(outbox, cabin, "--json") == 1
            said = json.loads(capsys.readouterr().out)
            assert [each["attempts"] for each in said["letters"]] == [0, 0]
            assert await asyncio.to_thread(outbox, cabin, "requeue", mid(1).hex()) == 0
            assert states(cabin) == ["pending", "pending"]
            assert await asyncio.to_thread(outbox, cabin, "requeue", mid(1).hex()) == 3
            async with CoreClient(url, token) as client:
                with pytest.raises(CoreError) as refused:
                    await client.requeue("x" * 32)
            assert refused.value.code == "bad-value"
