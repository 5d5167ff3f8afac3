"""The two dictionaries, and what every driver in them owes to the house."""

from __future__ import annotations

import asyncio
import importlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, DRIVERS
from drivers.errors import Unplugged
from drivers.events import Event
from drivers.pipe import CABLES, pipe
from drivers.stream import Line

KINDS = {"oximeter", "ecg", "tensiometer", "thermometer", "scale", "audiometer"}


def test_every_kind_of_instrument_has_a_driver_and_every_protocol_a_decoder() -> None:
    assert set(DRIVERS) == KINDS
    assert all(driver.kind == kind for kind, driver in DRIVERS.items())
    assert {driver.protocol for driver in DRIVERS.values()} == set(DECODERS)
    assert all(isinstance(driver.line, Line) for driver in DRIVERS.values())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_driver_and_decoder_of_a_kind_are_found_in_its_file(kind: str) -> None:
    module = importlib.import_module(f"drivers.{kind}")
    assert DRIVERS[kind].__module__ == module.__name__
    assert DECODERS[DRIVERS[kind].protocol] is module.Decoder


@pytest.mark.parametrize("protocol", sorted(DECODERS))
@given(soup=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400)))
def test_soup_cut_anywhere_is_the_same_soup(protocol: str, soup: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(soup) + 1) for cut in cuts), len(soup)]
    decoder = DECODERS[protocol]()
    apart = [event for a, b in pairwise(edges) for event in decoder.feed(soup[a:b])]
    assert apart == DECODERS[protocol]().feed(soup)


@pytest.mark.parametrize("cable", CABLES)
@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_driver_ends_with_its_stream_and_only_then(kind: str, cable: str) -> None:
    here, there = pipe(CABLES[cable])
    events: list[Event] = []
    running = asyncio.create_task(DRIVERS[kind]().run(here, events.append))
    await there.write(bytes(range(256)))
    await asyncio.sleep(0.05)
    assert not running.done(), "soup is no reason to give up"
    there.drop()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(running, 10)
