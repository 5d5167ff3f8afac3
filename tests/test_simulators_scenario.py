"""Scenarios: what they say happens, at its time, once; and what they cannot say is refused before anything starts."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.body import Body
from simulators.cli import main
from simulators.control import Control
from simulators.device import Clock, SimulatorError, WrongUse
from simulators.physiology import AT_REST
from simulators.rack import Ready, run_rack
from simulators.scenario import Happening, Scenario, command_of, read_scenario
from simulators.words import COLD

AFTERNOON = """
# What was seen in the booth.
at 12 s unplug
at 15 s replug          # by the nurse
from 20 s finger cold
from 30.5 s to 40 s finger-out
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "afternoon.scenario"
    file.write_text(text)
    return file


def test_a_scenario_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, AFTERNOON), ["oximeter"])
    assert [(each.at, command_of(each, ["oximeter"], AT_REST)) for each in scenario.left] == [
        (12.0, {"fault": "unplug", "instrument": "oximeter"}),
        (15.0, {"clear": "unplug", "instrument": "oximeter"}),
        (20.0, {"body": {"perfusion": COLD}}),
        (30.5, {"fault": "finger-out", "instrument": "oximeter"}),
        (40.0, {"clear": "finger-out", "instrument": "oximeter"}),
    ]


@given(st.lists(st.floats(0, 100), max_size=8), st.lists(st.floats(0, 120), max_size=12))
def test_each_happening_is_given_out_once_and_in_time(times: list[float], looks: list[float]) -> None:
    scenario = Scenario([Happening(at, str(number)) for number, at in enumerate(times)])
    given_out = []
    for now in sorted(looks):
        for each in scenario.due(now):
            assert each.at <= now
            given_out.append(each)
    last = max(looks, default=-1.0)
    assert [each.at for each in given_out] == sorted(at for at in times if at <= last)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("unplug", "Line 1 of afternoon.scenario: Write when and what"),
        ("at noon unplug", "Write when and what"),
        ("at 3 s dance on the table", "Line 1"),
        ("\n\nfrom 9 s to 3 s silence", "Line 3 of afternoon.scenario: It ends before it begins"),
        ("from 1 s to 2 s spo2 90", "does not end by itself"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(WrongUse, match=sentence):
        read_scenario(written(tmp_path, text), ["oximeter"])


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError) as refused:
        read_scenario(tmp_path / "none", ["oximeter"])
    assert str(refused.value) == (
        f"The scenario {tmp_path / 'none'} cannot be read (No such file or directory); correct the path."
    )
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(SimulatorError, match=r"is not text in UTF-8: save it as such\.$"):
        read_scenario(tmp_path / "bytes", ["oximeter"])


@pytest.mark.parametrize("text", ["at 1 s loose-cuff", "at 1 s spo2 400", "at 1 s pressure 90/89"])
def test_what_cannot_come_true_is_refused_before_anything_starts(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, text)
    assert main(["oximeter", "--scenario", str(file), "--folder", str(tmp_path / "rack")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert not list((tmp_path / "rack").glob("*"))


def is_link(path: str) -> bool:
    return os.path.islink(path)


async def test_a_scenario_comes_true(tmp_path: Path) -> None:
    """At speed 50 the unplug of the 12th second is there after a quarter of a second."""
    scenario = read_scenario(written(tmp_path, "at 12 s unplug\nat 15 s replug\n"), ["oximeter"])
    folder, met = tmp_path / "rack", asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(run_rack(folder, ["oximeter"], Body(1), 50.0, scenario=scenario, ready=met.set_result))
    ready: Ready = await met
    link = ready.urls["oximeter"]
    seen: list[bool] = [is_link(link)]
    async with asyncio.timeout(20):
        while len(seen) < 3:
            if is_link(link) is not seen[-1]:
                seen.append(is_link(link))
            await asyncio.sleep(0)
    assert seen == [True, False, True]
    assert scenario.left == []
    rack.cancel()
    await asyncio.gather(rack, return_exceptions=True)


# --- typed words --------------------------------------------------------------------------------------------------


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let `text` be what is typed, and then the end of the input."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(os.fdopen(reader, "rb")))


def test_the_person_is_changed_by_typing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "spo2 88\nshow\nnonsense\noximeter unplug\nfaults\nquit\nspo2 99\n")
    assert main(["--body", "--folder", str(tmp_path / "rack")]) == 0
    out = capsys.readouterr().out
    answers = out[out.index("“quit” ends.") :].splitlines()[1:]
    assert answers[0] == "ok"
    assert "spo2 88" in answers[1] and "heart_rate 68" in answers[1]
    assert answers[2].startswith("Say ")
    assert answers[3] == "ok"
    assert answers[4].startswith("oximeter: unplug, silence")


def test_the_end_of_the_input_ends_the_simulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    assert main(["oximeter", "--body", "--folder", str(tmp_path / "rack")]) == 0
    assert not list((tmp_path / "rack").iterdir())


def test_nobody_to_attach_to_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--body", "--attach", str(tmp_path)]) == 3
    assert "No simulated instruments run in" in capsys.readouterr().err
    assert main(["--attach", str(tmp_path)]) == 2


async def test_words_reach_a_rack_that_runs(tmp_path: Path) -> None:
    body = Body(1)
    control = Control(tmp_path / "control.sock", {}, body, Clock())
    await control.open()
    try:
        reader, writer = await asyncio.open_unix_connection(control.path)
        for words, answer in (("temperature 39", {"said": "ok"}), ("unplug", None)):
            writer.write(json.dumps({"say": words}).encode() + b"\n")
            told = json.loads(await reader.readline())
            assert told == answer if answer else "error" in told
        writer.close()
    finally:
        control.close()
    assert body.physiology.temperature == 39.0
