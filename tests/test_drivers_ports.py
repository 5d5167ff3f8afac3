"""What is plugged in, by the names that the settings use."""

from __future__ import annotations

import os
from pathlib import Path

from drivers.ports import PHDC, ports
from drivers.sysfs import usb_devices
from tests.sysfs_tree import Tree


def test_serial_ports_and_usb_devices_with_what_they_look_like(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    bridge = tree.usb("1-1.2", "0403:6001", serial="FT1234", manufacturer="FTDI", product="FT232R")
    tree.tty(bridge / "1-1.2:1.0" / "ttyUSB0", "ttyUSB0", os.makedev(188, 0))
    plain = tree.usb("1-1.3", "1a86:7523")
    tree.tty(plain / "1-1.3:1.0" / "ttyUSB1", "ttyUSB1", os.makedev(188, 1))
    tree.usb("1-4", "0000:0001", interface="0f")
    tree.usb("1-5", "1234:5678", manufacturer="Maker", product="Thing")
    tree.usb("1-1", "05e3:0608", bDeviceClass="09")
    by_id = tree.dev / "serial" / "by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-FTDI_FT1234-if00-port0").symlink_to("../../ttyUSB0")

    found = ports(tree.sysfs, tree.dev)
    assert [(port.url, port.usb and port.usb.port, port.usb and port.usb.serial) for port in found] == [
        (str(by_id / "usb-FTDI_FT1234-if00-port0"), "1-1.2", "FT1234"),
        (str(tree.dev / "ttyUSB1"), "1-1.3", ""),
        ("usb://0000:0001", "1-4", ""),
        ("usb://1234:5678", "1-5", ""),
    ]
    assert "FTDI" in found[0].looks and "any serial instrument" in found[1].looks
    assert [port.looks for port in found[2:]] == [PHDC, "Maker Thing"]
    assert [device.port for device in usb_devices(tree.sysfs) if device.is_hub] == ["1-1"]


def test_a_name_of_the_cabin_is_better_than_any_other(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    bridge = tree.usb("1-1", "10c4:ea60")
    tree.tty(bridge / "1-1:1.0" / "ttyUSB0", "ttyUSB0", os.makedev(188, 0))
    for folder in ("serial/by-path", "cabin"):
        (tree.dev / folder).mkdir(parents=True)
        (tree.dev / folder / "one").symlink_to("/dev/ttyUSB0")
    assert [port.url for port in ports(tree.sysfs, tree.dev)] == [str(tree.dev / "cabin" / "one")]


def test_sockets_of_the_board_that_were_never_soldered_in_are_no_ports(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for place, kind in enumerate(("4", "0")):
        board = tree.sysfs / "devices" / f"serial{place}"
        tree.tty(board, f"ttyS{place}", os.makedev(4, 64 + place))
        (board / "tty" / f"ttyS{place}" / "type").write_text(kind + "\n")
    (port,) = ports(tree.sysfs, tree.dev)
    assert (port.url, port.usb, port.looks) == (str(tree.dev / "ttyS0"), None, "")


def test_a_machine_without_anything(tmp_path: Path) -> None:
    assert ports(tmp_path, tmp_path) == []
