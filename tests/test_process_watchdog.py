"""Real services under a stand-in for systemd: offline they say that they live, hung they do not."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from cabin_agent.demo.processes import free_port
from cabin_agent.demo.site import Site, prepare
from cabin_agent.notify import PATIENCE
from tests.manager import PATIENCE_S, Manager

pytestmark = pytest.mark.processes

WATCHDOG_S = 2.0
STUCK_S = PATIENCE * WATCHDOG_S
"""After this a part without a turn counts as stuck."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The files of a cabin and a gateway whose broker is not there."""
    site = Site(tmp_path / "cabin", tmp_path / "run")
    site.folder.mkdir()
    prepare(site, free_port(), 1.0)
    return site


@pytest.fixture
def manager(tmp_path: Path) -> Manager:
    return Manager(str(tmp_path / "notify"), WATCHDOG_S)


def lives_offline(manager: Manager) -> None:
    """Longer than a part without a turn would be left in peace, the service says that it lives, and nothing else."""
    manager.until("READY=1")
    heard = manager.heard(STUCK_S + WATCHDOG_S)
    assert heard.count("WATCHDOG=1") >= 3 and set(heard) == {"WATCHDOG=1"}, heard


def test_a_core_lives_without_a_broker_and_not_when_its_loop_hangs(site: Site, manager: Manager) -> None:
    with manager:
        core = manager.start("run", "--config", str(site.cabin_toml))
        lives_offline(manager)
        core.send_signal(signal.SIGUSR1)
        assert manager.until_silent(WATCHDOG_S) == []
        assert core.poll() is None, "it hangs, and nothing but the watchdog would know"


def test_a_core_whose_uplink_hangs_says_nothing_more_until_it_ends(site: Site, manager: Manager) -> None:
    with manager:
        core = manager.start("run", "--config", str(site.cabin_toml))
        manager.until("WATCHDOG=1")
        core.send_signal(signal.SIGUSR2)
        assert manager.until_silent(STUCK_S) == ["STATUS=stuck: uplink"]
        core.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert core.wait(PATIENCE_S) == 0, "a thread that hangs holds up the end for some seconds only"


def test_a_gateway_lives_without_a_broker_and_not_when_it_hangs(site: Site, manager: Manager) -> None:
    with manager:
        gateway = manager.start("gateway", "--config", str(site.gateway_toml))
        lives_offline(manager)
        gateway.send_signal(signal.SIGUSR1)
        assert "STATUS=stuck: gateway" in manager.until_silent(STUCK_S)
        assert gateway.poll() is None


def test_media_lives_as_long_as_its_worker_is_replaced(site: Site, manager: Manager) -> None:
    with manager:
        keeper = manager.start("media", "--config", str(site.cabin_toml))
        manager.until("READY=1")
        manager.until("WATCHDOG=1")
        (worker,) = psutil.Process(keeper.pid).children()
        worker.send_signal(signal.SIGSTOP)
        assert worker.wait(PATIENCE_S) is not None or not worker.is_running()
        manager.until("WATCHDOG=1")
        keeper.send_signal(signal.SIGSTOP)
        assert manager.until_silent(WATCHDOG_S) == []
        keeper.send_signal(signal.SIGCONT)
        keeper.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert keeper.wait(PATIENCE_S) == 0
