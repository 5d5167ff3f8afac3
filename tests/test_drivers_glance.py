"""A look at what is at an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.glance import fingerprint
from tests.sysfs_tree import Tree


@pytest.mark.parametrize("scheme", ["", "usb-sim://", "ble-sim://"])
def test_a_path_that_appears_changes_or_goes_is_noticed(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "port"
    seen = [fingerprint(f"{scheme}{path}")]
    path.touch()
    seen.append(fingerprint(f"{scheme}{path}"))
    path.chmod(0o600 if path.stat().st_mode & 0o077 else 0o660)
    seen.append(fingerprint(f"{scheme}{path}"))
    assert seen[0] is None and len(set(seen)) == 3
    path.unlink()
    assert fingerprint(f"{scheme}{path}") is None


def test_a_usb_device_is_new_whenever_it_was_put_in_again(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert fingerprint("usb://0590:0028", tree.sysfs) is None
    tree.usb("1-1.2", "0590:0028", number=7)
    first = fingerprint("usb://0590:0028", tree.sysfs)
    assert first is not None and first == fingerprint("usb://0590:0028/SERIAL", tree.sysfs)
    assert fingerprint("usb://0590:0029", tree.sysfs) is None
    tree.usb("1-1.2", "0590:0028", number=8)
    assert fingerprint("usb://0590:0028", tree.sysfs) not in (None, first)


def test_of_a_server_nothing_can_be_seen() -> None:
    assert fingerprint("socket://127.0.0.1:1") is None
