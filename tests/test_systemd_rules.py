"""The udev rules: every line is one, and every documented device is open to the cabin and has its names."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.ports import KNOWN
from tests.udev_rules import Device, follow, read

FILE = Path(__file__).resolve().parent.parent / "systemd" / "70-cabin.rules"
RULES = read(FILE.read_text())
BRIDGES = ("0403:6001", "0403:6015", "10c4:ea60", "1a86:7523", "067b:2303")


def usb(numbers: str, **more: str) -> Device:
    vendor, _, product = numbers.partition(":")
    attributes = {"idVendor": vendor, "idProduct": product, "power/control": "auto", **more}
    return Device("usb", "1-1.2", "usb", {"DEVTYPE": "usb_device"}, attributes)


def tty(name: str, device: Device, **env: str) -> Device:
    interface = Device("usb", "1-1.2:1.0", "ftdi_sio")
    return Device("tty", name, "", dict(env), {}, (Device("usb-serial", "ttyUSB0", "ftdi_sio"), interface, device))


def test_each_line_is_a_rule_and_each_goto_has_its_label() -> None:
    gone = {token.value for rule in RULES for token in rule if token.key == "GOTO"}
    labels = {token.value for rule in RULES for token in rule if token.key == "LABEL"}
    assert gone == labels == {"cabin_end"}


def test_what_is_no_rule_is_found() -> None:
    for wrong in ('SUBSYSTEM="tty"', 'KERNEL=="a" MODE="1"', 'KERNEL=="a", MODE:"0660"', 'ATTR=="x", MODE="0660"'):
        with pytest.raises(ValueError, match="line 1"):
            read(wrong)


@pytest.mark.parametrize("numbers", BRIDGES)
def test_a_bridge_stays_awake_and_unasked(numbers: str) -> None:
    bridge = usb(numbers)
    follow(RULES, bridge)
    assert bridge.env["ID_MM_DEVICE_IGNORE"] == "1" and bridge.said["power/control"] == "on"
    assert not bridge.links, "only what stands behind it has a name"


@pytest.mark.parametrize("name", ["ttyUSB0", "ttyACM3"])
@pytest.mark.parametrize("serial", ["FT1234", ""])
def test_a_serial_port_is_open_to_the_cabin_and_named_by_its_socket_and_its_number(name: str, serial: str) -> None:
    port = tty(name, usb("0403:6001"), **({"ID_SERIAL_SHORT": serial} if serial else {}), ID_USB_INTERFACE_NUM="00")
    follow(RULES, port)
    assert (port.said["GROUP"], port.said["MODE"]) == ("dialout", "0660")
    assert port.env["ID_MM_PORT_IGNORE"] == "1"
    assert port.links == ["cabin/port-1-1.2:1.0", *([f"cabin/serial-{serial}-00"] if serial else [])]


def test_a_terminal_of_the_machine_itself_is_left_alone() -> None:
    port = Device("tty", "tty1", parents=(Device("platform", "serial8250", "serial8250"),))
    follow(RULES, port)
    assert not port.said and not port.links and not port.env


def test_a_bridge_of_ftdi_is_quick() -> None:
    port = Device("usb-serial", "ttyUSB0", "ftdi_sio", attributes={"latency_timer": "16"})
    follow(RULES, port)
    assert port.said["latency_timer"] == "1"


def test_the_omron_and_what_is_of_the_healthcare_class_are_open_to_the_cabin_and_named() -> None:
    omron = usb("0590:0028", serial="42")
    medical = usb("1234:5678")
    medical.env["ID_USB_INTERFACES"] = ":0f0000:"
    for device in (omron, medical):
        follow(RULES, device)
        assert (device.said["GROUP"], device.said["MODE"]) == ("dialout", "0660")
        assert "cabin/port-1-1.2" in device.links
    assert "cabin/serial-42" in omron.links
    keyboard = usb("046d:c31c")
    keyboard.env["ID_USB_INTERFACES"] = ":030101:"
    follow(RULES, keyboard)
    assert not keyboard.said and not keyboard.links


def test_the_raw_face_of_the_omron_too() -> None:
    raw = Device("hidraw", "hidraw0", parents=(Device("hid", "0003:0590:0028.0001"), usb("0590:0028")))
    follow(RULES, raw)
    assert raw.said["GROUP"] == "dialout"


def test_every_device_that_the_list_of_ports_knows_is_in_the_rules() -> None:
    for numbers in KNOWN:
        device = usb(numbers)
        follow(RULES, device)
        assert device.env.get("CABIN"), numbers
