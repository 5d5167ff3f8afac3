"""A visit that was let in always fits into the outbox, whatever the settings say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.room import most_of, room_of
from sync.envelope import FHIR, RECORDING
from sync.errors import OutboxFull
from sync.outbox import Counts, Outbox
from tests.sync_parties import blank_sealer, mid, sender


@given(st.integers(8, 4096), st.integers(1, 4096))
def test_the_reserve_and_what_is_over_it_are_what_a_visit_may_need(quota: int, reserve: int) -> None:
    room = room_of(quota, reserve)
    assert (room.quota, room.reserve) == (quota << 20, reserve << 20)
    assert 2 * most_of(room.quota) < room.reserve + room.over
    assert room.over <= 68 << 20


@pytest.mark.parametrize("reserve_mb", [1, 7])
def test_the_largest_visit_that_was_let_in_at_the_last_byte_fits(tmp_path: Path, reserve_mb: int) -> None:
    room = room_of(8, reserve_mb)
    box = Outbox(tmp_path / "outbox.db", room)
    box.put(mid(1), blank_sealer(1, room.quota - room.reserve - 56))
    assert box.counts().used == room.quota - room.reserve
    assert box.accepts_new_visit()
    content = os.urandom(most_of(room.quota))
    for number, kind in ((2, RECORDING), (3, FHIR)):
        assert sender(box).send(mid(number), kind, content).seq == number
    assert not box.accepts_new_visit()
    box._count = Counts(3, 0, room.quota + room.over)
    with pytest.raises(OutboxFull):
        box.put(mid(4), blank_sealer(4))
    box.close()
