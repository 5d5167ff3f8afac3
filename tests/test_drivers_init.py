"""The two dictionaries, and what every driver in them owes to the house."""

from __future__ import annotations

import asyncio
import importlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, DRIVERS, KINDS, protocols
from drivers.errors import Unplugged
from drivers.events import Event
from drivers.pipe import CABLES, pipe


def test_every_kind_of_instrument_has_a_driver_and_every_driver_a_decoder() -> None:
    assert set(KINDS) == {"oximeter", "ecg", "tensiometer", "thermometer", "scale", "audiometer"}
    misnamed = {protocol: driver.protocol for protocol, driver in DRIVERS.items() if driver.protocol != protocol}
    assert not misnamed, "name in DRIVERS: `protocol` of its class; make them one"
    assert set(DRIVERS) <= set(DECODERS), "give each protocol of DRIVERS its line in DECODERS"


def test_the_first_protocol_of_a_kind_is_the_usual_one() -> None:
    usual = ["nonin", "cyton", "suntech", "gymcu90614", "healthometer", "tm262"]
    assert [protocols(kind)[0] for kind in KINDS] == usual, "put a new driver below those of its kind"


@pytest.mark.parametrize("protocol", sorted(DRIVERS))
def test_driver_and_decoder_of_a_protocol_are_found_in_one_file(protocol: str) -> None:
    module = importlib.import_module(DRIVERS[protocol].__module__)
    assert DECODERS[protocol] is module.Decoder, f"{module.__name__} has to hold a class Decoder, that of DECODERS"


@pytest.mark.parametrize("protocol", sorted(DRIVERS))
def test_a_driver_says_how_long_its_instrument_may_be_silent(protocol: str) -> None:
    quiet_s = DRIVERS[protocol]().quiet_s
    assert quiet_s is None or 0.1 <= quiet_s <= 60


@pytest.mark.parametrize("protocol", sorted(DECODERS))
@given(soup=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400)))
def test_soup_cut_anywhere_is_the_same_soup(protocol: str, soup: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(soup) + 1) for cut in cuts), len(soup)]
    decoder = DECODERS[protocol]()
    apart = [event for a, b in pairwise(edges) for event in decoder.feed(soup[a:b])]
    assert apart == DECODERS[protocol]().feed(soup), "bytes cut elsewhere gave other events: keep what is not whole"


@pytest.mark.parametrize("cable", CABLES)
@pytest.mark.parametrize("protocol", sorted(DRIVERS))
async def test_a_driver_ends_with_its_stream_and_only_then(protocol: str, cable: str) -> None:
    here, there = pipe(CABLES[cable])
    events: list[Event] = []
    running = asyncio.create_task(DRIVERS[protocol]().run(here, events.append))
    await there.write(bytes(range(256)))
    await asyncio.sleep(0.05)
    assert not running.done(), "soup is no reason to give up"
    there.drop()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(running, 10)
