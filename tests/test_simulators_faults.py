"""The names of faults and what a worn link does to the bytes on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.device import Wear, WrongUse
from simulators.faults import Fault, Link, accepted, fault_of
from simulators.physiology import LEADS
from simulators.rack import INSTRUMENTS, MODELS, device_of

FRAME = bytes.fromhex("81 96 06 00 1d")


def test_every_instrument_can_be_unplugged_silent_and_worn() -> None:
    for name in (*INSTRUMENTS, *MODELS):
        assert {"unplug", "silence", "dropped-bytes"} <= set(accepted(device_of(name)))


def test_a_checksum_can_only_be_wrong_where_there_is_one() -> None:
    have = {name for name in INSTRUMENTS if "bad-checksum" in accepted(device_of(name))}
    assert have == {"oximeter", "tensiometer", "thermometer", "audiometer"}


def test_instrument_faults_belong_to_their_instrument() -> None:
    assert "finger-out" in accepted(device_of("oximeter"))
    assert "loose-cuff" in accepted(device_of("tensiometer"))
    assert {f"electrode-off:{lead}" for lead in LEADS} < set(accepted(device_of("ecg")))
    assert fault_of("ecg", device_of("ecg"), "electrode-off:V3") == Fault("electrode-off", "V3")
    assert fault_of("ecg", device_of("ecg"), "electrode-off") == Fault("electrode-off", None)


@pytest.mark.parametrize(
    ("instrument", "text"),
    [
        ("oximeter", "loose-cuff"),
        ("ecg", "electrode-off:V9"),
        ("scale", "bad-checksum"),
        ("scale", ""),
        ("ecg", "unplug:I"),
    ],
)
def test_an_unknown_fault_names_the_accepted_ones(instrument: str, text: str) -> None:
    with pytest.raises(WrongUse, match="unplug, silence, dropped-bytes") as refused:
        fault_of(instrument, device_of(instrument), text)
    assert str(refused.value).count(".") == 1


@given(st.lists(st.integers(0, 9), max_size=30))
def test_a_link_in_order_changes_nothing(sizes: list[int]) -> None:
    link = Link(Wear(drop_every=7, spoil_every=2))
    assert b"".join(link.carry([FRAME] * n) for n in sizes) == FRAME * sum(sizes)


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(2, 40))
def test_one_byte_in_so_many_is_lost_whatever_the_cut(sizes: list[int], every: int) -> None:
    link = Link(Wear(drop_every=every))
    link.drops = True
    carried = b"".join(link.carry([FRAME] * n) for n in sizes)
    whole = FRAME * sum(sizes)
    assert carried == bytes(byte for n, byte in enumerate(whole, 1) if n % every)


def test_one_frame_in_so_many_is_spoilt_by_one_bit_and_keeps_its_length() -> None:
    link = Link(Wear(drop_every=100, spoil_every=3))
    link.spoils = True
    carried = link.carry([FRAME] * 9)
    frames = [carried[n : n + 5] for n in range(0, 45, 5)]
    wrong = [n for n, f in enumerate(frames) if sum(f[:4]) % 256 != f[4]]
    assert wrong == [2, 5, 8]
    link.spoils = False
    assert link.carry([FRAME] * 9) == FRAME * 9


def test_a_spoilt_hearing_record_stays_well_formed() -> None:
    text = b":y011-----01FFF6FFECFFF600000000000000000000"
    link = Link(device_of("audiometer").wear)
    link.spoils = True
    good, bad = link.carry([text, text]), link.carry([text])
    assert good == text + text
    assert bad != text
    assert len(bad) == len(text)
    assert bad[:5] + bad[10:] == text[:5] + text[10:]
