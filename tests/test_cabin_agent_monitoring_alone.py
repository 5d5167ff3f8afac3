"""`cabin monitor` with an address: it opens the instrument itself, shows what it says and leaves it safe."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.face import Json
from cabin_agent.monitoring.alone import Alone
from cabin_agent.monitoring.capture_file import CaptureFile
from drivers.capture import decode
from tests.test_simulators_rack import rack


class Heard:
    """A `Shown` that keeps it all."""

    def __init__(self) -> None:
        self.rows: list[Json] = []
        self.events: list[Json] = []
        self.came = asyncio.Event()

    def told(self, row: Json) -> None:
        self.rows.append(row)
        self.came.set()

    def said(self, said: Json) -> None:
        self.events.append(said)
        self.came.set()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def until(self, event: str) -> Json:
        async with asyncio.timeout(20):
            while not (found := [each for each in self.events if each["event"] == event]):
                self.came.clear()
                await self.came.wait()
        return found[0]


async def over(instrument: Alone, heard: Heard, event: str, *, start: bool = False) -> None:
    """Watch it until an event has come, then end as Ctrl-C does."""
    task = asyncio.create_task(instrument.run(heard, start))
    waiting = asyncio.create_task(heard.until(event))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    ended = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(ended, asyncio.CancelledError), ended
    await waiting


async def test_an_oximeter_is_shown_and_its_capture_gives_the_same_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard, file = Heard(), tmp_path / "finger.capture"
    async with rack(tmp_path, "oximeter") as ready:
        capture = CaptureFile(file, "nonin")
        await over(Alone(ready.urls["oximeter"], "nonin", capture), heard, "reading")
        capture.close()
    assert {"wave", "reading", "identity"} <= {each["event"] for each in heard.events}
    row = heard.rows[-1]
    assert (row["kind"], row["simulated"]) == ("oximeter", True) and row["bytes_in"] > 100
    assert file.stat().st_mode & 0o777 == 0o600
    kept = decode(file.read_text())
    assert [kept.entries[0].way, kept.entries[-1].way] == ["open", "close"]
    assert await asyncio.to_thread(main, ["replay", str(file)]) == 0
    again = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert again[: len(heard.events)] == heard.events, "the last block may have come after the end"


async def test_an_ecg_sends_only_when_it_is_started_and_is_stopped_at_the_end(tmp_path: Path) -> None:
    async with rack(tmp_path, "ecg") as ready:
        quiet, file = Heard(), tmp_path / "ecg.capture"
        await over(Alone(ready.urls["ecg"], "cyton", None), quiet, "identity")
        assert not [each for each in quiet.events if each["event"] == "wave"]
        capture = CaptureFile(file, "cyton")
        instrument = Alone(ready.urls["ecg"], "cyton", capture)
        await over(instrument, Heard(), "wave", start=True)
        capture.close()
    said = [entry.way for entry in decode(file.read_text()).entries]
    assert instrument.left_open == "" and said.index("start") < said.index("stop")


def test_a_capture_takes_the_place_of_no_other_and_is_for_an_address_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there"
    there.touch()
    words = ["monitor", str(tmp_path / "port"), "--protocol", "nonin", "--seconds", "0"]
    assert main([*words, "--capture", str(there)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["monitor", "oximeter", "--capture", str(tmp_path / "new")]) == 2
    assert "--capture goes with an address" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/dev/x"], "--protocol"),
        (["oximeter", "--protocol", "nonin"], "address of a port is needed"),
        (["/dev/x", "--protocol", "morse"], "no protocol 'morse'"),
        (["/dev/x", "--protocol", "suntech", "--start"], "an arm or a mandrel"),
    ],
)
def test_wrong_use_is_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *words]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and said in told.err


def test_it_ends_by_itself_and_says_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", str(tmp_path / "port"), "--protocol", "nonin", "--seconds", "0.5"]) == 0
    rows = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert {row["event"] for row in rows} == {"instrument"}
    assert rows[-1]["state"] == "absent" and "plug it in" in rows[-1]["reason"]


async def test_ctrl_c_is_a_good_end(tmp_path: Path) -> None:
    async with rack(tmp_path, "oximeter") as ready:
        words = [sys.executable, "-P", "-m", "cabin_agent", "monitor", ready.urls["oximeter"], "--protocol", "nonin"]
        here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = await asyncio.create_subprocess_exec(*words, stdout=-1, stderr=-1, env=here)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while b'"reading"' not in (line := await process.stdout.readline()):
                assert line, "it ended before it was told to"
            process.send_signal(2)
            rest, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b"")
        assert b"Traceback" not in rest
