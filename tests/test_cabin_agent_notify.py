"""What a service says to systemd, and when it keeps silent."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent import notify as told
from cabin_agent.notify import ALIVE, READY, Watch, address, interval, message, notify, watch_loop, watch_thread
from tests.manager import Manager

TEXT = st.text(max_size=40)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run as a service of somebody's do not speak for it."""
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


def test_a_message_is_one_assignment_a_line() -> None:
    assert message({}) == b""
    assert message(READY) == b"READY=1"
    assert message({**READY, "STATUS": "prêt"}) == "READY=1\nSTATUS=prêt".encode()


@given(st.dictionaries(st.sampled_from(["STATUS", "READY", "WATCHDOG"]), TEXT))
def test_no_value_makes_an_assignment_of_its_own(fields: dict[str, str]) -> None:
    lines = message(fields).decode().split("\n") if fields else []
    assert [line.partition("=")[0] for line in lines] == list(fields)


def test_nobody_is_told_where_systemd_did_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notify(**READY)
    for wrong in ("", "relative/path", "vsock:2:1234"):
        monkeypatch.setenv("NOTIFY_SOCKET", wrong)
        assert address(wrong) is None and not notify(**READY)


@pytest.mark.parametrize("abstract", [True, False])
def test_what_is_said_arrives(abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"@cabin-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with Manager(name, 1) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        assert notify(**READY, STATUS="three words here") and notify(**ALIVE)
        assert manager.heard(0.1) == ["READY=1", "STATUS=three words here", "WATCHDOG=1"]


def test_a_manager_that_is_gone_or_does_not_listen_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify(**READY) and "systemd cannot be told" in caplog.text
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "deaf"))
        assert any(not notify(STATUS="x" * 2000) for _ in range(2000)), "a full queue is no reason to wait"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_interval_is_for_this_process(environment: dict[str, str], seconds: float | None) -> None:
    assert interval(environment) == seconds


class Said:
    """In place of systemd: everything that is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[dict[str, str]] = []
        self.alive = threading.Event()
        monkeypatch.setattr(told, "notify", self._hear)

    def _hear(self, **fields: str) -> bool:
        self.all.append(fields)
        if fields == ALIVE:
            self.alive.set()
        return True


def test_life_is_told_only_while_every_part_turns(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said, ages = Said(monkeypatch), {"uplink": 1.0, "gateway": 0.0}
    watch = Watch({"uplink": lambda: ages["uplink"], "gateway": lambda: ages["gateway"]}, 60)
    watch.say()
    ages["uplink"] = 120.0
    watch.say()
    assert said.all == [ALIVE, ALIVE] and watch.stuck() == ""
    ages["uplink"] = 120.1
    watch.say()
    watch.say()
    assert watch.stuck() == "uplink"
    assert said.all[2:] == [{"STATUS": "stuck: uplink"}], "said once, and no sign of life"
    assert caplog.text.count("uplink: no turn for 120 s") == 1
    ages["gateway"] = 500.0
    assert watch.stuck() == "uplink, gateway"
    ages.update(uplink=0.0, gateway=0.0)
    with caplog.at_level(logging.WARNING):
        watch.say()
    assert said.all[3:] == [{"STATUS": ""}, ALIVE] and "turns again" in caplog.text


def test_four_signs_of_life_fit_into_an_interval() -> None:
    assert Watch({}, 60).every == 15


async def test_a_loop_says_nothing_unless_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said(monkeypatch)
    await watch_loop({})
    watch_thread({})
    assert said.all == []


async def test_a_loop_says_so_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said(monkeypatch)
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    task = asyncio.create_task(watch_loop({"one": lambda: 0.0}))
    async with asyncio.timeout(10):
        while len(said.all) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    assert said.all[:3] == [ALIVE] * 3


def test_a_thread_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said(monkeypatch)
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    turning = [0.0]
    watch_thread({"one": lambda: turning[0]})
    assert said.alive.wait(10)
    turning[0] = 1.0
