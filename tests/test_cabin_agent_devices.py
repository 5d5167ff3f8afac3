"""`cabin devices` as a table: as wide as the terminal, and what is wrong in whole sentences below it."""

from __future__ import annotations

import pytest

from cabin_agent import tables
from cabin_agent.commands.devices import LEFT_OUT, _table
from cabin_agent.face import Json
from tests.stage import KINDS, instrument

WHY = "The scale has been silent for 10 s: check its cable and its power."


@pytest.fixture(params=[100, 160])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    columns = int(request.param)
    monkeypatch.setattr(tables, "width_here", lambda: columns)
    return columns


def rows(**more: object) -> list[Json]:
    return [instrument(kind, url=f"/dev/cabin-{kind}", **more) for kind in KINDS]


def test_six_instruments_are_six_lines(width: int) -> None:
    lines = _table(rows(), width).splitlines()
    assert len(lines) == 2 + len(KINDS) and max(map(len, lines)) <= width
    assert any(column in lines[0] for column in LEFT_OUT) is (width == 160)
    assert all("SIMULATED" in line and "good until 2027-10-03" in line for line in lines[2:])


def test_what_is_wrong_is_a_sentence_of_its_own(width: int) -> None:
    told = rows(simulated=False)
    told[0] |= {"state": "stale", "reason": WHY, "past_due": True, "unconfirmed": "its baud rate"}
    lines = _table(told, width).splitlines()
    assert lines[-2:] == [f"scale: {WHY}", "scale: not confirmed: its baud rate"]
    assert "PAST since 2027-10-03" in lines[2] and "SIMULATED" not in "".join(lines)
