"""The disk that forgets: keeps what was synced, may lose anything else, and never invents."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.soak_disk import SECTOR, Call, Disk, Inode

STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 3_000), st.binary(min_size=1, max_size=1_500)),
        st.integers(0, 4_000),
        st.none(),
    ),
    max_size=12,
)
"""Writes, new sizes and syncs."""


def played(steps: list[tuple[int, bytes] | int | None]) -> Inode:
    inode = Inode()
    for step in steps:
        if step is None:
            inode.sync()
        elif isinstance(step, int):
            inode.resize(step)
        else:
            inode.write(*step)
    return inode


def many(inode: Inode) -> set[bytes]:
    return {inode.after_cut(random.Random(seed)) for seed in range(60)}


@given(STEPS)
def test_what_was_synced_is_there_after_every_cut(steps: list[tuple[int, bytes] | int | None]) -> None:
    inode = played([*steps, None])
    assert many(inode) == {bytes(inode.now)}


@given(STEPS, st.integers(0, 1_000))
def test_a_byte_of_a_file_is_one_that_it_has_had(steps: list[tuple[int, bytes] | int | None], seed: int) -> None:
    left = played(steps).after_cut(random.Random(seed))
    states = [bytes(played(steps[:count]).now) for count in range(len(steps) + 1)]
    assert len(left) <= max(map(len, states))
    for at, byte in enumerate(left):
        assert byte in {state[at] for state in states if at < len(state)} | {0}


def test_unsynced_writes_come_in_any_order_and_torn() -> None:
    old, new = b"o" * 4 * SECTOR, b"n" * 4 * SECTOR
    inode = played([(0, old), None, (0, new)])
    left = many(inode)
    assert {old, new} <= left
    assert any(each.startswith(b"n") and each.endswith(b"o") for each in left)
    assert any(each.startswith(b"o") and each.endswith(b"n") for each in left)


def test_a_shorter_file_may_be_long_again() -> None:
    inode = played([(0, b"x" * 100), None, 0])
    assert many(inode) == {b"x" * 100, b""}


def files(disk: Disk) -> set[frozenset[str]]:
    return {frozenset(disk.after_cut(random.Random(seed))) for seed in range(60)}


def names(*calls: Call) -> set[frozenset[str]]:
    disk = Disk()
    for call in calls:
        disk.apply(call)
    return files(disk)


def test_a_new_file_may_be_missing_until_its_folder_is_synced() -> None:
    born = (Call("create", "a"), Call("write", "a", b"1"), Call("sync", "a"))
    assert names(*born) == {frozenset(), frozenset("a")}
    assert names(*born, Call("sync-folder")) == {frozenset("a")}


def test_a_file_that_was_removed_may_be_there_again_with_its_bytes() -> None:
    disk = Disk()
    for call in (
        Call("create", "a"), Call("write", "a", b"1"), Call("sync", "a"), Call("sync-folder"), Call("unlink", "a"),
    ):  # fmt: skip
        disk.apply(call)
    assert {tuple(disk.after_cut(random.Random(seed)).items()) for seed in range(40)} == {(), (("a", b"1"),)}


def test_a_rename_happens_whole_or_not_at_all() -> None:
    safe = (Call("create", "a"), Call("create", "b"), Call("sync-folder"))
    moved = (*safe, Call("rename", "a", to="c"), Call("rename", "b", to="d"))
    assert names(*moved) == {frozenset(each) for each in ("ab", "cb", "ad", "cd")}
    assert names(*moved, Call("sync-folder")) == {frozenset("cd")}


def test_what_a_cut_leaves_is_laid_into_a_folder(tmp_path: Path) -> None:
    disk = Disk()
    for call in (Call("create", "a"), Call("write", "a", b"12", 1), Call("sync", "a"), Call("sync-folder")):
        disk.apply(call)
    disk.leave(tmp_path, random.Random(1))
    assert (tmp_path / "a").read_bytes() == b"\x0012"


@pytest.mark.parametrize("kind", ["write", "sync", "size"])
def test_a_call_on_a_file_that_is_not_there_changes_nothing(kind: str) -> None:
    assert names(Call(kind, "a", b"1")) == {frozenset()}
