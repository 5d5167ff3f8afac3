"""The black box: the right key alone reads it, it stays small, and no visit finds another's bytes in it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.black_box import PRELUDE, BlackBox
from cabin_agent.black_box_file import MAGIC, SEGMENT, BoxWriter, read_box
from drivers.capture import CaptureError, Entry, Head, Way
from sync.keys import RecipientKey

KEY = RecipientKey.generate(demo=True)
HEAD = Head("suntech", {"time_scale": 1.0})
CANARY = b"CANARY-OF-ONE-PERSON"
Note = Callable[[Way, bytes], None]


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder of one example: hypothesis and `tmp_path` do not go together."""
    with TemporaryDirectory() as name:
        yield Path(name)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def black_box(folder: Path, *, size: int = SEGMENT * 4, visits: int = 3) -> tuple[BlackBox, Note, Clock]:
    clock = Clock()
    box = BlackBox(folder, KEY.public, size=size, visits=visits, now=clock)
    return box, box.wire("tensiometer", HEAD), clock


def boxes(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*"))


def entries(folder: Path) -> list[tuple[Way, bytes]]:
    """What the newest box holds of the one instrument."""
    return [(entry.way, entry.data) for entry in read_box(boxes(folder)[-1], KEY)["tensiometer"].entries]


def test_a_visit_is_read_again_with_its_times(tmp_path: Path) -> None:
    box, note, clock = black_box(tmp_path)
    box.begin()
    clock.s = 1.5
    note("out", b"\x01\x02")
    clock.s = 2.25
    note("in", b"\x03")
    box.end()
    capture = read_box(boxes(tmp_path)[0], KEY)["tensiometer"]
    assert capture.head == HEAD
    assert capture.entries == (Entry(1_500_000, "out", b"\x01\x02"), Entry(2_250_000, "in", b"\x03"))


def test_the_opening_of_the_port_comes_first(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    note("open", b"")
    note("out", b"hello")
    box.begin()
    note("in", b"there")
    box.end()
    assert entries(tmp_path) == [("open", b""), ("out", b"hello"), ("in", b"there")]


def test_an_opening_of_before_is_not_kept(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    for word in (b"first", b"second"):
        note("open", b"")
        note("in", word)
        note("close", b"")
    box.begin()
    box.end()
    assert [data for _, data in entries(tmp_path)] == [b""]


def test_a_long_life_before_a_visit_takes_little_memory(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    note("open", b"")
    for _ in range(5 * PRELUDE // 100):
        note("in", bytes(100))
    box.begin()
    note("in", b"now")
    box.end()
    kept = entries(tmp_path)
    assert sum(len(data) for _, data in kept) <= PRELUDE + 3
    assert [way for way, _ in kept[-2:]] == ["gap", "in"]


def test_nothing_of_one_visit_is_in_the_box_of_the_next(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    note("open", b"")
    note("in", b"opening")
    box.begin()
    note("in", CANARY)
    note("close", b"")
    note("open", b"")
    note("in", CANARY)
    assert box.end() == {"tensiometer"}, "opened during the visit: to be opened again"
    note("in", b"between")
    box.begin()
    note("in", b"second visit")
    assert box.end() == frozenset()
    assert CANARY not in b"".join(data for _, data in entries(tmp_path))
    assert b"second visit" in b"".join(data for _, data in entries(tmp_path))


def test_a_port_open_since_before_a_visit_keeps_its_opening_and_marks_what_is_left_out(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    note("open", b"")
    note("in", b"opening")
    box.begin()
    note("in", CANARY)
    box.end()
    box.begin()
    note("in", b"second visit")
    box.end()
    assert entries(tmp_path) == [("open", b""), ("in", b"opening"), ("gap", b""), ("in", b"second visit")]


def test_nothing_on_the_disk_is_readable(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    box.begin()
    for _ in range(2000):
        note("in", CANARY)
    box.end()
    for path in boxes(tmp_path)[0].iterdir():
        data = path.read_bytes()
        assert CANARY not in data and CANARY.hex().encode() not in data and b"tensiometer" not in data
        assert path.stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    box.begin()
    note("in", CANARY)
    box.end()
    with pytest.raises(CaptureError, match="sealed to another key"):
        read_box(boxes(tmp_path)[0], RecipientKey.generate(demo=True))


def test_a_box_is_a_ring(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path, size=2 * SEGMENT)
    box.begin()
    for _ in range(400):
        note("in", os.urandom(8192))
        box.flush()
    note("in", b"the newest")
    box.end()
    size = sum(path.stat().st_size for path in boxes(tmp_path)[0].iterdir())
    assert size <= 3 * SEGMENT
    kept = entries(tmp_path)
    assert kept[-1] == ("in", b"the newest")
    assert 20 < len(kept) < 400


def test_only_the_last_visits_are_kept(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path, visits=3)
    for number in range(5):
        box.begin()
        note("in", bytes([number]))
        box.end()
    assert [read_box(each, KEY)["tensiometer"].entries[-1].data for each in boxes(tmp_path)] == [b"\2", b"\3", b"\4"]


def test_what_was_flushed_survives_a_kill(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    box.begin()
    note("in", b"flushed")
    box.flush()
    note("in", b"lost")
    assert entries(tmp_path) == [("in", b"flushed")]
    box.end()


@settings(max_examples=60)
@given(st.integers(0, 3000), st.integers(0, 255))
def test_a_cut_box_is_read_up_to_the_cut_and_a_changed_one_is_refused(place: int, flip: int) -> None:
    data = _two_blocks()
    assert read_bytes(data[:-1]) == [b"first"], "the last block was cut by a power cut"
    changed = bytearray(data)
    changed[place % len(data)] ^= flip
    try:
        assert read_bytes(bytes(changed)) in ([b"first", b"second"], [b"first"], [])
        assert flip == 0 or read_bytes(bytes(changed)) != [b"first", b"second"]
    except CaptureError as error:
        assert str(error).endswith(".")


def _two_blocks(cache: list[bytes] = []) -> bytes:  # noqa: B006 - made once
    if not cache:
        with temporary() as folder:
            writer = BoxWriter(folder / "box", KEY.public, 4)
            writer.head("scale", Head("healthometer"))
            for word in (b"first", b"second"):
                writer.add("scale", Entry(0, "in", word))
                writer.flush()
            writer.close()
            cache.append((folder / "box" / "000001.box").read_bytes())
    return cache[0]


def read_bytes(data: bytes) -> list[bytes]:
    with temporary() as folder:
        (folder / "000001.box").write_bytes(data)
        return [entry.data for entry in read_box(folder, KEY)["scale"].entries]


def test_a_disk_that_takes_nothing_costs_the_box_and_not_the_visit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    box, note, _ = black_box(tmp_path / "file" / "boxes")
    box.begin()
    note("in", CANARY)
    box.flush()
    box.end()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the visit goes on" in caplog.text and "CANARY" not in caplog.text


def test_begin_and_end_may_be_said_again(tmp_path: Path) -> None:
    box, note, _ = black_box(tmp_path)
    box.end()
    box.begin()
    note("in", b"a")
    box.begin()
    note("in", b"b")
    box.end()
    box.end()
    assert len(boxes(tmp_path)) == 1
    assert [data for _, data in entries(tmp_path)] == [b"a", b"b"]


@pytest.mark.parametrize("content", [b"", b"nothing", MAGIC, MAGIC + b"\xff\xff"])
def test_what_is_no_box_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "000001.box").write_bytes(content)
    with pytest.raises(CaptureError):
        read_box(tmp_path, KEY)


def test_an_empty_folder_holds_no_box(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="holds no box"):
        read_box(tmp_path, KEY)


@pytest.mark.parametrize("text", [zlib.compress(bytes(64 << 20)), b"no deflate", zlib.compress(b"\xff\xfe")])
def test_a_block_that_somebody_forged_takes_no_memory_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setattr(zlib, "compress", lambda *_: text)
    writer = BoxWriter(tmp_path / "box", KEY.public, 4)
    writer.head("tensiometer", HEAD)
    writer.close()
    with pytest.raises(CaptureError, match="is damaged in its block 1"):
        read_box(tmp_path / "box", KEY)
