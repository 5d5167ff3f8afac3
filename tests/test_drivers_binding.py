"""Which USB device is behind a port, and the sentence when it is another one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.binding import Binding, behind
from drivers.errors import WrongInstrument
from drivers.keeper import Keeper, Pace
from drivers.link import LinkState
from drivers.tm262 import Audiometer
from drivers.usb_address import read_address
from tests.plug import Plug
from tests.sysfs_tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def port(tmp_path: Path, tree: Tree) -> Iterator[Plug]:
    """A pseudo-terminal that this sysfs knows as a bridge of FTDI in the second socket of a hub."""
    plug = Plug(tmp_path / "port")
    plug.plug()
    bridge = tree.usb("1-1.2", "0403:6001", serial="FT1234")
    tree.tty(bridge / "1-1.2:1.0" / "ttyUSB0", "ttyUSB0", os.stat(plug.url).st_rdev)
    yield plug
    plug.unplug()


def refusal(tree: Tree, url: str, serial: str | None = None, port: str | None = None) -> str:
    with pytest.raises(WrongInstrument) as caught:
        Binding("oximeter", serial, port, tree.sysfs).check(url)
    return str(caught.value)


def test_the_device_that_was_meant_is_let_in(tree: Tree, port: Plug) -> None:
    for serial, place in ((None, None), ("FT1234", None), (None, "1-1.2"), ("FT1234", "1-1.2")):
        Binding("oximeter", serial, place, tree.sysfs).check(port.url)


def test_another_one_is_refused_with_what_to_do(tree: Tree, port: Plug) -> None:
    said = refusal(tree, port.url, serial="FT9999")
    assert "states the USB serial number FT1234, not FT9999: plug the oximeter in there" in said
    assert "correct usb_serial" in said and "'cabin devices --ports'" in said
    said = refusal(tree, port.url, "FT1234", "1-1.3")
    assert "is plugged into USB port 1-1.2, not 1-1.3" in said and "correct usb_port" in said


def test_a_device_without_a_number_is_not_taken_for_one_that_has_one(tree: Tree, port: Plug) -> None:
    tree.usb("1-1.2", "0403:6001", serial="")
    assert "states no USB serial number, not FT1234" in refusal(tree, port.url, "FT1234")


def test_a_port_without_usb_behind_it(tree: Tree, tmp_path: Path) -> None:
    plug = Plug(tmp_path / "other")
    plug.plug()
    assert "is no USB device" in refusal(tree, plug.url, port="1-1.2")
    plug.unplug()


def test_where_nothing_is_there_is_nothing_to_refuse(tree: Tree, tmp_path: Path) -> None:
    for url in (str(tmp_path / "nothing"), "usb://0590:0028"):
        assert behind(url, tree.sysfs) is None
        Binding("oximeter", "FT1234", "1-1.2", tree.sysfs).check(url)


def test_of_two_devices_of_one_make_one_has_to_be_the_right_one(tree: Tree) -> None:
    tree.usb("1-1", "0590:0028", serial="A")
    tree.usb("1-2", "0590:0028", serial="B")
    Binding("tensiometer", serial="B", sysfs=tree.sysfs).check("usb://0590:0028")
    assert "plug the tensiometer in" in refusal(tree, "usb://0590:0028", serial="C").replace(
        "oximeter", "tensiometer"
    )


def test_an_address_that_names_a_kind_of_device_gets_what_is_known_of_the_one() -> None:
    for serial, place in ((None, None), ("A 1/2", None), (None, "1-1.2"), ("A", "1-1.2")):
        address = read_address(Binding("scale", serial, place).address("usb://0590:0028"))
        assert (address.serial, address.port) == (serial or "", place or "")
    for whole in ("/dev/ttyUSB0", "usb://0590:0028/A", "usb-sim:///run/x"):
        assert Binding("scale", "B", "1-1").address(whole) == whole


async def test_a_keeper_opens_nothing_but_the_right_device(tree: Tree, port: Plug) -> None:
    changed = asyncio.Event()
    seen: list[tuple[LinkState, str]] = []

    def on_state(_: str, state: LinkState, reason: str) -> None:
        seen.append((state, reason))
        changed.set()

    binding = Binding("audiometer", serial="FT9999", sysfs=tree.sysfs)
    keeper = Keeper(
        "a", port.url, Audiometer(), lambda *_: None, on_state, True, Pace(0.02, 0.1, 0.02), admit=binding.check
    )
    task = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        await changed.wait()
        assert seen[0][0] is LinkState.FAILED and "not FT9999" in seen[0][1]
        tree.usb("1-1.2", "0403:6001", serial="FT9999")
        while keeper.state is not LinkState.READY:
            changed.clear()
            await changed.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
