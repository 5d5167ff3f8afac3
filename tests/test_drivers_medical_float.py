"""SFLOAT and FLOAT of IEEE 11073-20601: numbers with their decimals, and the five that are none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import NoValue
from drivers.medical_float import FLOAT_SPECIALS, SFLOAT_SPECIALS, float32, sfloat


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(0x0079, "121"), (0xF0A1, "16.1"), (0x0FFF, "-1"), (0x07FD, "2045"), (0x0803, "-2045"), (0x1001, "10")],
)
def test_sfloat(raw: int, shown: str) -> None:
    assert f"{sfloat(raw):f}" == shown


@pytest.mark.parametrize(
    ("raw", "shown"), [(0xFF00016F, "36.7"), (0xFE000E56, "36.70"), (0x00FFFFFF, "-1"), (0x01000003, "30")]
)
def test_float(raw: int, shown: str) -> None:
    assert f"{float32(raw):f}" == shown


@pytest.mark.parametrize("raw", SFLOAT_SPECIALS)
def test_what_is_no_number_is_no_value(raw: int) -> None:
    assert isinstance(sfloat(raw), NoValue)
    assert isinstance(float32({0x07: 0x007FF800, 0x08: 0x00800000}[raw >> 8] | (raw & 0x7FF)), NoValue)


def test_not_a_number_is_missing_and_the_infinite_are_out_of_range() -> None:
    assert sfloat(0x07FF) == float32(0x007FFFFF) == NoValue("missing")
    assert sfloat(0x07FE) == sfloat(0x0802) == float32(0x007FFFFE) == float32(0x00800002) == NoValue("out-of-range")


@given(st.integers(0, 0xFFFF))
def test_every_sfloat_is_its_mantissa_times_a_power_of_ten(raw: int) -> None:
    value = sfloat(raw)
    if raw in SFLOAT_SPECIALS:
        assert value == SFLOAT_SPECIALS[raw]
    else:
        mantissa, exponent = (raw & 0xFFF) - (0x1000 if raw & 0x800 else 0), (raw >> 12) - (16 if raw & 0x8000 else 0)
        assert value == Decimal(mantissa) * Decimal(10) ** exponent


@given(st.integers(0, 0xFFFFFFFF))
def test_no_float_breaks(raw: int) -> None:
    value = float32(raw)
    assert isinstance(value, NoValue) == (raw in FLOAT_SPECIALS)
    if isinstance(value, Decimal):
        assert float(value) == float(f"{value:f}")
