"""Bytes cut out of the middle of a talk, and whose they are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, DRIVERS
from drivers.events import Trouble
from drivers.probe import KEPT
from drivers.recognize import MOST, recognize
from simulators.body import Body
from simulators.rack import MODELS

TALKATIVE = ("nonin", "gymcu90614", "healthometer")
"""Instruments of the usual cabin that speak without being asked."""


def talk(name: str) -> bytes:
    """What a probe keeps of a minute of this instrument."""
    device = MODELS[name](Body())
    device.opened(0.0)
    return b"".join(frame for tick in range(3000) for frame in device.produce(tick * 0.02))[-KEPT:]


@pytest.mark.parametrize("name", TALKATIVE)
def test_each_instrument_is_known_by_its_bytes(name: str) -> None:
    assert recognize(talk(name), DECODERS) == name


@pytest.mark.parametrize("name", TALKATIVE)
def test_it_is_known_on_a_worn_cable_too(name: str) -> None:
    worn = bytes(byte for place, byte in enumerate(talk(name), 1) if place % 150)
    assert recognize(worn, DECODERS) == name


@pytest.mark.parametrize("name", TALKATIVE)
def test_no_driver_of_another_kind_takes_it_for_its_own(name: str) -> None:
    """A port that was mixed up gives no value, for as long as it is listened to before it is refused."""
    said, kind = talk(name), MODELS[name].kind
    for protocol, driver in DRIVERS.items():
        if driver.kind != kind:
            false = [event for event in DECODERS[protocol]().feed(said) if not isinstance(event, Trouble)]
            assert false == [], protocol


def test_noise_and_text_are_nobodys() -> None:
    chance = random.Random(5)
    assert recognize(b"", DECODERS) is None
    assert recognize(b"+CREG: 0,1\r\nRING\r\n" * 50, DECODERS) is None
    assert recognize(chance.randbytes(KEPT), DECODERS) is None


@given(st.binary(max_size=2 * MOST))
def test_any_bytes_are_somebodys_or_nobodys(data: bytes) -> None:
    assert recognize(data, DECODERS) in (None, *DECODERS)
