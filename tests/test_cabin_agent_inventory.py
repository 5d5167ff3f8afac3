"""The inventory: what was learnt of an instrument is there after a power cut, and a damaged file costs no start."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.inventory import Inventory, Known


def test_a_new_instrument_is_new(tmp_path: Path) -> None:
    known = Inventory(tmp_path / "inventory.json").of("scale", "600KL", "6000")
    assert known == Known("scale", "600KL", "6000")
    assert known.key == "scale/6000"


def test_without_a_serial_number_the_model_tells_it() -> None:
    assert Known("scale", "600KL", "").key == "scale/600KL"


def test_what_was_seen_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "inventory.json"
    inventory = Inventory(file)
    first = inventory.seen(inventory.of("scale", "600KL", "6000"), 1000, firmware="3.2.02", openings=1)
    second = inventory.seen(first, 5000, open_s=12.5, clock_offset_s=-61.0)
    inventory.save()
    again = Inventory(file).of("scale", "another model", "6000")
    assert again == second
    assert (again.first_seen_ms, again.last_seen_ms, again.firmware) == (1000, 5000, "3.2.02")
    assert file.stat().st_mode & 0o077 == 0


def test_a_clock_set_back_does_not_unsee_it(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path / "inventory.json")
    known = inventory.seen(inventory.of("scale", "m", "1"), 9000)
    assert inventory.seen(known, 10).last_seen_ms == 9000


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    Inventory(tmp_path / "inventory.json").save()
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_instrument_is_another_one(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path / "inventory.json")
    for at, serial in enumerate(("old", "new")):
        inventory.seen(inventory.of("ecg", "Cyton", serial), at, openings=at + 1)
    assert [(each.serial, each.openings) for each in inventory.all()] == [("old", 1), ("new", 2)]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"instruments": [{"kind": "scale"}]}', '{"instruments": [3]}'])
def test_a_damaged_file_is_moved_aside(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "inventory.json"
    file.write_text(content)
    assert Inventory(file).all() == ()
    assert (tmp_path / "inventory.damaged").read_text() == content
    assert "inventory.damaged" in caplog.text


def test_a_field_of_a_later_version_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "inventory.json"
    told = {"kind": "scale", "model": "m", "serial": "1", "openings": 3, "colour": "white"}
    file.write_text(json.dumps({"version": 2, "instruments": [told]}))
    assert Inventory(file).of("scale", "m", "1").openings == 3


def test_a_full_disk_costs_a_line_of_the_log_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inventory = Inventory(tmp_path / "inventory.json")
    inventory.seen(inventory.of("scale", "m", "1"), 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        inventory.save()
    assert "No space left" in caplog.text
    inventory.save()
    assert len(Inventory(tmp_path / "inventory.json").all()) == 1


def test_without_a_file_it_is_kept_in_memory() -> None:
    inventory = Inventory(None)
    inventory.seen(inventory.of("scale", "m", "1"), 1, openings=1)
    inventory.save()
    assert inventory.of("scale", "m", "1").openings == 1


knowns = st.builds(
    Known, st.sampled_from(["scale", "ecg"]), st.text(max_size=9), st.text(max_size=9), st.text(max_size=9),
    open_s=st.floats(0, 1e9), clock_offset_s=st.none() | st.floats(-1e9, 1e9),
)  # fmt: skip


@given(st.lists(knowns, max_size=5, unique_by=lambda each: each.key))
def test_any_inventory_is_read_as_it_was_written(found: list[Known]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "inventory.json"
        inventory = Inventory(file)
        for at, known in enumerate(found, 1):
            inventory.seen(known, at)
        inventory.save()
        assert Inventory(file).all() == inventory.all()
    assert [each.key for each in inventory.all()] == [known.key for known in found]
