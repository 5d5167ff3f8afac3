"""The null modem and its cables."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Unplugged
from drivers.pipe import CABLES, DRIP, LATE, WHOLE, Cable, End, pipe
from drivers.stream import Stream


async def drain(end: End) -> list[bytes]:
    """What arrives until the other end is closed."""
    pieces = []
    try:
        while True:
            pieces.append(await end.read())
    except Unplugged:
        return pieces


async def carry(cable: Cable, *messages: bytes) -> list[bytes]:
    here, there = pipe(cable)
    for message in messages:
        await here.write(message)
    here.close()
    return await drain(there)


def test_both_ends_are_streams() -> None:
    ends: tuple[Stream, Stream] = pipe()
    assert all(end.simulated for end in ends)


async def test_a_whole_cable_keeps_messages_as_they_were_written() -> None:
    assert await carry(WHOLE, b"one", b"", b"three") == [b"one", b"three"]


async def test_a_dripping_cable_gives_one_byte_at_a_time() -> None:
    assert await carry(DRIP, b"abc", b"d") == [b"a", b"b", b"c", b"d"]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_pieces_lose_nothing(data: bytes, size: int) -> None:
    pieces = asyncio.run(carry(Cable(piece=size), data))
    assert b"".join(pieces) == data
    assert all(len(piece) <= size for piece in pieces)


async def test_losses_are_those_of_the_seed() -> None:
    data = bytes(range(256)) * 8
    first, again = await carry(Cable(loss=0.1, seed=3), data), await carry(Cable(loss=0.1, seed=3), data)
    other = await carry(Cable(loss=0.1, seed=4), data)
    assert first == again != other
    assert 0.85 * len(data) < len(first[0]) < 0.95 * len(data)
    kept = iter(data)
    assert all(byte in kept for byte in first[0]), "the order of what is left is kept"


async def test_the_two_directions_lose_different_bytes() -> None:
    here, there = pipe(Cable(loss=0.5, seed=1))
    data = bytes(range(256))
    await here.write(data)
    await there.write(data)
    assert await there.read() != await here.read()


async def test_all_is_lost_without_a_read_that_returns_nothing() -> None:
    assert await carry(Cable(loss=1.0), b"gone") == []


async def test_late_bytes_arrive_in_order_and_late_even_after_the_writer_left() -> None:
    here, there = pipe(Cable(piece=1, delay_s=0.05))
    began = time.monotonic()
    await here.write(b"abcdef")
    here.close()
    assert b"".join(await drain(there)) == b"abcdef"
    assert time.monotonic() - began >= 0.05


async def test_both_directions_at_once() -> None:
    here, there = pipe()
    await here.write(b"ping")
    await there.write(b"pong")
    assert (await here.read(), await there.read()) == (b"pong", b"ping")


@pytest.mark.parametrize("cable", CABLES.values(), ids=CABLES.keys())
async def test_close_of_one_end_unplugs_the_other(cable: Cable) -> None:
    here, there = pipe(cable)
    reading = asyncio.create_task(there.read())
    await asyncio.sleep(0)
    here.close()
    here.close()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(reading, 5)
    with pytest.raises(Unplugged):
        await there.write(b"x")
    with pytest.raises(Unplugged):
        await here.read()
    with pytest.raises(Unplugged):
        await here.write(b"x")


async def test_what_was_sent_before_the_close_is_still_read() -> None:
    here, there = pipe()
    await here.write(b"last words")
    here.close()
    assert await there.read() == b"last words"
    with pytest.raises(Unplugged):
        await there.read()


@pytest.mark.parametrize("cable", [WHOLE, LATE])
async def test_drop_takes_both_ends_and_all_that_was_on_the_way(cable: Cable) -> None:
    here, there = pipe(cable)
    await here.write(b"never read")
    here.drop()
    for end in (here, there):
        with pytest.raises(Unplugged):
            await end.read()
        assert not end.dirty
    await asyncio.sleep(2 * cable.delay_s)
    assert not there.dirty


async def test_an_end_is_dirty_until_it_is_closed_and_read_empty() -> None:
    here, there = pipe()
    await here.write(b"a")
    await here.write(b"b")
    here.close()
    assert not here.dirty and there.dirty
    await there.read()
    there.close()
    assert there.dirty, "one message was never read"
    here, there = pipe()
    await here.write(b"a")
    await there.read()
    assert here.dirty and there.dirty, "both are open"
    here.close()
    there.close()
    assert not here.dirty and not there.dirty


async def test_a_writer_that_never_waits_lets_the_reader_have_its_turn() -> None:
    here, there = pipe()

    async def talk() -> None:
        while True:
            await here.write(b"x")

    talking = asyncio.create_task(talk())
    assert await asyncio.wait_for(there.read(), 5) == b"x"
    there.close()
    with pytest.raises(Unplugged):
        await talking
