"""`cabin replay`: a capture file, a black box, and what is neither; and a whole visit's box out of a real cabin."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.black_box_file import BoxWriter
from drivers.capture import Capture, Entry, Head, encode
from sync.keyfile import save_key
from sync.keys import RecipientKey
from tests.cabin import Cabin

MESSAGE = b"\x1bR\x1bI0000000000\x1bW72.4\x1bH175.0\x1bB23.6\x1bNm\x1bE"
CAPTURE = Capture(
    Head("healthometer"),
    (Entry(0, "open"), Entry(1_000_000, "in", MESSAGE), Entry(2_000_000, "in", MESSAGE), Entry(2_500_000, "close")),
)


def events(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def written(folder: Path, capture: Capture = CAPTURE) -> Path:
    path = folder / "scale.capture"
    path.write_text(encode(capture))
    return path


def test_a_capture_gives_its_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(written(tmp_path))]) == 0
    said = events(capsys.readouterr().out)
    weights = [(event["value"], event["flags"]) for event in said if event.get("quantity") == "weight"]
    assert weights == [(72.4, ["settling"]), (72.4, ["locked"])]


def test_a_changed_conversation_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoken = Capture(Head("suntech", {"time_scale": 1.0}), (Entry(0, "open"), Entry(9_000_000, "close")))
    assert main(["replay", str(written(tmp_path, spoken))]) == 1
    assert "did not say what it said then" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not a capture"),
        ('{"capture": 1, "protocol": "x", "settings": {}, "simulated": true}', "no driver for x"),
        ('{"capture": 1, "protocol": "suntech", "settings": {"a": 1}, "simulated": true}', "settings"),
        ('{"capture": 1, "protocol": "suntech", "settings": {}, "simulated": true}\nfoo', "Line 2"),
    ],
)
def test_a_bad_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    (tmp_path / "bad").write_text(text)
    assert main(["replay", str(tmp_path / "bad")]) == 3
    assert sentence in (said := capsys.readouterr().err) and said.count("\n") == 1
    assert main(["replay", str(tmp_path / "absent")]) == 3


def box(folder: Path) -> tuple[Path, Path]:
    """A box of two instruments, and the key that opens it."""
    key = RecipientKey.generate(demo=True)
    save_key(folder / "support.private", key)
    writer = BoxWriter(folder / "box", key.public, 4)
    for kind in ("scale", "second"):
        writer.head(kind, CAPTURE.head)
        for entry in CAPTURE.entries:
            writer.add(kind, entry)
    writer.close()
    return folder / "box", folder / "support.private"


def test_a_black_box_is_asked_for_its_key_and_its_instrument(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, key = box(tmp_path)
    assert main(["replay", str(folder)]) == 2
    assert "--key" in capsys.readouterr().err
    assert main(["replay", str(folder), "--key", str(key)]) == 2
    assert "scale, second" in capsys.readouterr().err
    assert main(["replay", str(folder), "--key", str(key), "--instrument", "scale"]) == 0
    assert [event["event"] for event in events(capsys.readouterr().out)] == ["reading"] * 6


def test_a_black_box_is_written_as_captures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, key = box(tmp_path)
    assert main(["replay", str(folder), "--key", str(key), "--extract", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "out" / f"{kind}.capture") for kind in ("scale", "second")
    ]
    assert (tmp_path / "out" / "scale.capture").read_text() == encode(CAPTURE)


@pytest.mark.processes
async def test_a_visit_of_a_real_cabin_is_in_its_black_box() -> None:
    async with Cabin(measures=("spo2", "pulse_rate")) as cabin:
        await cabin.delivered(await cabin.finish())
        folder = cabin.folder / "state" / "black-box"
        (visit,) = folder.iterdir()
        command = [sys.executable, "-m", "cabin_agent", "replay", str(visit), "--instrument", "oximeter"]
        command += ["--key", str(cabin.folder / "keys" / "support" / "support.private")]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    values = [event["value"] for event in events(done.stdout) if event.get("quantity") == "spo2"]
    assert [value for value in values if isinstance(value, float)], "the finger was measured"


@pytest.mark.parametrize(
    "settings",
    [
        '{"time_scale": 0}',
        '{"time_scale": "fast"}',
        '{"time_scale": null}',
        '{"time_scale": []}',
    ],
)
def test_settings_that_no_driver_can_use_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: str
) -> None:
    head = f'{{"capture": 1, "protocol": "healthometer", "settings": {settings}, "simulated": true}}'
    (tmp_path / "bad").write_text(f"{head}\n0.000000 open\n1.000000 in 1b52\n2.000000 close\n")
    assert main(["replay", str(tmp_path / "bad")]) in (1, 3)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_box_that_somebody_forged_writes_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has the public key can seal a box."""
    key = RecipientKey.generate(demo=True)
    save_key(tmp_path / "support.private", key)
    writer = BoxWriter(tmp_path / "box", key.public, 4)
    writer.head("../../elsewhere", CAPTURE.head)
    writer.close()
    asked = ["replay", str(tmp_path / "box"), "--key", str(tmp_path / "support.private")]
    assert main([*asked, "--extract", str(tmp_path / "a" / "b" / "c")]) == 3
    assert "no box of a cabin" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.capture"))


def test_extracted_captures_are_this_users_alone_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    opened = os.open

    def noted(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        modes.append(mode)
        return opened(path, flags, mode, **more)

    folder, key = box(tmp_path)
    monkeypatch.setattr(os, "open", noted)
    assert main(["replay", str(folder), "--key", str(key), "--extract", str(tmp_path)]) == 0
    assert 0o600 in modes
    assert {each.stat().st_mode & 0o777 for each in tmp_path.glob("*.capture")} == {0o600}
