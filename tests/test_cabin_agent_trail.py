"""What the core writes into its audit log: everything of the table, and nothing of anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabin_agent.access import Access
from cabin_agent.audit_notes import FOLDER, leave_note
from cabin_agent.cabin_time import CabinTime
from cabin_agent.face import Refusal
from cabin_agent.inventory import Inventory, Known
from cabin_agent.sign_in import SignIn
from cabin_agent.trail import EVENTS, Trail
from sync.audit_reading import read_log, verify
from sync.outbox import Outbox
from tests.core_bench import UP_TO, prepare, running_core, say, until
from tests.sync_parties import CABIN, CABINS, RECORDS, blank_sealer, mid, receipt

NOW = 1_795_000_000_000


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    made = Trail(tmp_path, CABIN, still_time(tmp_path))
    yield made
    made._log.close()


def still_time(folder: Path, wall: int = NOW) -> CabinTime:
    return CabinTime(folder, lambda: wall, lambda: 0, lambda _now: False)


def told(folder: Path) -> list[dict[str, object]]:
    """The events of a log, without their time."""
    return [{key: value for key, value in entry.event.items() if key != "at"} for entry in read_log(folder / FOLDER)]


def test_events_are_written_as_the_table_says_and_the_head_goes_into_the_stamp(trail: Trail, tmp_path: Path) -> None:
    trail.note("visit-begun", mid="0f" * 16)
    assert trail._log.flush()
    assert told(tmp_path) == [{"what": "visit-begun", "mid": "0f" * 16}]
    stamp = trail.stamp()
    assert (stamp.created_ms, stamp.clock, stamp.audit[0]) == (NOW, "rtc", 1)
    assert stamp.audit[1] == next(iter(read_log(tmp_path / FOLDER))).head.hash


@pytest.mark.parametrize("canary", ["Jeanne Dupont", "269054958800042", "124.5/78.5 mm[Hg]", "0F" * 16, "\n", "é"])
def test_nothing_but_the_table_s_own_shapes_comes_in(
    trail: Trail, tmp_path: Path, canary: str, caplog: pytest.LogCaptureFixture
) -> None:
    technical = {"model", "serial", "firmware", "version", "aside"}
    for what in EVENTS:
        trail.note(what, **dict.fromkeys(EVENTS[what], canary))
        trail.note(what, name=canary)
    trail.note(canary)
    trail._log.close()
    assert {str(event["what"]) for event in told(tmp_path)} == EVENTS.keys()
    for event in told(tmp_path):
        shapes = EVENTS[str(event["what"])]
        numbers = {name for name, shape in shapes.items() if canary.isdigit() and re.fullmatch(shape, canary)}
        assert all(value == "?" for name, value in event.items() if name not in {"what", *technical, *numbers})
    assert canary not in caplog.text or canary == "\n"


def test_start_and_settings_are_compared_with_the_last_time(tmp_path: Path) -> None:
    settings = tmp_path / "cabin.toml"
    settings.write_text("one")
    for text in ("one", "one", "two"):
        settings.write_text(text)
        trail = Trail(tmp_path, CABIN, still_time(tmp_path))
        trail.started("1.0", settings, simulated=text == "two")
        trail.keys(signing="00" * 16, recipient=("1" if text == "one" else "2") * 32, signers="")
        trail.note("core-stopped")
        trail.close()
    whats = [event["what"] for event in told(tmp_path)]
    assert whats == [
        *("core-started", "keys-used", "core-stopped"),
        *("core-started", "core-stopped"),
        *("settings-changed", "core-started", "simulated-accepted", "keys-used", "core-stopped"),
    ]
    assert verify(tmp_path / FOLDER, CABINS).whole
    assert "?" not in {value for event in told(tmp_path) for value in event.values()}


def test_a_clock_that_was_dead_or_set_is_written_down(tmp_path: Path) -> None:
    dead = Trail(tmp_path, CABIN, still_time(tmp_path, wall=0))
    dead.close()
    (event,) = told(tmp_path)
    assert (event["what"], event["followed"], event["clock"]) == ("clock-set", "no", "unset")


def test_each_step_of_a_letter_is_written_once(trail: Trail, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.watch(trail.letter)
    for number in (1, 2, 2):
        outbox.put(mid(number), blank_sealer(number))
    one, two = outbox.due(0.0, 9)
    good, bad = (receipt(one.mid, one.envelope, outbox.src), receipt(two.mid, two.envelope, outbox.src, "rejected"))
    outbox.settle_many([good, bad, good], RECORDS)
    assert outbox.requeue(two.mid)
    outbox.close()
    assert trail._log.flush()
    assert [(event["what"], event["mid"], event["seq"]) for event in told(tmp_path)] == [
        ("letter-sealed", mid(1).hex(), 1),
        ("letter-sealed", mid(2).hex(), 2),
        ("letter-purged", mid(1).hex(), 1),
        ("letter-quarantined", mid(2).hex(), 2),
        ("letter-requeued", mid(2).hex(), 2),
    ]


def test_another_instrument_of_a_kind_is_told_and_the_same_one_is_not(tmp_path: Path) -> None:
    others: list[tuple[str, bool]] = []

    def inventory() -> Inventory:
        made = Inventory(tmp_path / "inventory.json")
        made.on_other = lambda known, new: others.append((known.serial, new))
        return made

    first = inventory()
    for at, serial in enumerate(("A", "A", "B", "A")):
        first.seen(first.of("scale", "600KL", serial), at + 1)
    first.seen(Known("oximeter", "3150", "N"), 9)
    first.save()
    again = inventory()
    again.seen(again.of("scale", "600KL", "A"), 10)
    again.seen(again.of("scale", "600KL", "B"), 11)
    assert others == [("A", True), ("B", True), ("A", False), ("N", True), ("B", False)]


async def test_who_signs_in_is_known_by_role_alone(tmp_path: Path) -> None:
    access = Access(tmp_path / "access.json", SignIn(wrong_s=0.0))
    seen: list[tuple[str, bool]] = []
    changed: list[int] = []
    access.on_sign_in = lambda role, admitted: seen.append((role, admitted))
    access.on_change = changed.append
    code = access.grant("anne", "nurse").code
    await access.sign_in("anne", code, "nurse")
    with pytest.raises(Refusal):
        await access.sign_in("anne", "0000000000", "nurse")
    assert access.exchange(access.kiosk_ticket())
    assert seen == [("nurse", True), ("nurse", False), ("kiosk", True)]
    Access(tmp_path / "access.json").grant("bob", "doctor")
    assert len(access.accounts()) == 2
    assert changed == [2]


async def test_a_visit_is_written_down_from_its_begin_to_its_end(tmp_path: Path) -> None:
    prepare(tmp_path)
    notes: list[tuple[str, object]] = []

    def note(what: str, **fields: object) -> None:
        notes.append((what, fields.get("mid")))

    async with running_core(tmp_path, note=note) as core:
        await say(core, *UP_TO["welcome"])
        first = core.visit.mid
        await say(core, {"event": "leave"})
        await until(core, lambda: core.sealed)
        await say(core, {"event": "finish"}, *({"event": "tick", "instrument": one} for one in core.desk.instruments))
        await say(core, *UP_TO["welcome"])
        second = core.visit.mid
    async with running_core(tmp_path, note=note):
        pass
    assert notes == [
        ("visit-begun", first),
        ("visit-ended", first),
        ("visit-begun", second),
        ("visit-resumed", second),
    ]


def test_what_other_commands_did_is_written_down_by_the_core(trail: Trail, tmp_path: Path) -> None:
    leave_note(tmp_path, "black-box-read", box="00000001795000000000")
    leave_note(tmp_path, "black-box-read", box="Jeanne Dupont")
    leave_note(tmp_path, "no such event")
    (tmp_path / "audit-notes" / "0.json").write_text("no note")
    (tmp_path / "audit-notes" / "1.json").write_text('["black-box-read"]')
    trail.collect()
    assert trail._log.flush()
    boxes = ["00000001795000000000", "?"]
    assert told(tmp_path) == [{"what": "black-box-read", "box": box} for box in boxes]
    assert list((tmp_path / "audit-notes").iterdir()) == []
    trail.collect()


def test_a_note_where_no_audit_log_is_goes_nowhere(tmp_path: Path) -> None:
    leave_note(tmp_path, "black-box-read", box="1")
    assert list(tmp_path.iterdir()) == []
