"""A trace in braille: its dots, its holes and its edges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.monitoring.braille import BLANK, braille

SAMPLES = st.lists(st.none() | st.floats(-1e6, 1e6), max_size=300)


def test_a_rise_goes_from_the_lowest_dot_to_the_highest() -> None:
    assert braille([0, 1, 2, 3], 2, 1) == ["⡠⠊"]


def test_a_flat_line_lies_in_the_middle() -> None:
    assert braille([5.0] * 4, 2, 1) == ["⠤⠤"]


def test_an_extreme_between_two_columns_is_kept() -> None:
    """One sample of a thousand stands out and is drawn from top to bottom."""
    lines = braille([0.0] * 500 + [1.0] + [0.0] * 499, 10, 2)
    assert lines[0] == chr(BLANK) * 5 + "⡇" + chr(BLANK) * 4


def test_a_hole_is_blank_and_no_line_crosses_it() -> None:
    line = braille([0.0, 0.0, None, None, 1.0, 1.0], 3, 1)[0]
    assert line == "⣀" + chr(BLANK) + "⠉"


def test_a_slow_wave_has_no_gaps() -> None:
    assert braille([0.0, 1.0], 3, 1) == ["⢀⣀⠏"]


def test_nothing_is_blank() -> None:
    assert braille([], 3, 2) == [chr(BLANK) * 3] * 2 == braille([None], 3, 2)


@given(SAMPLES, st.integers(0, 40), st.integers(0, 6))
def test_it_is_always_as_large_as_was_asked(samples: list[float | None], width: int, height: int) -> None:
    lines = braille(samples, width, height)
    assert [len(line) for line in lines] == [width] * height
    assert all(BLANK <= ord(each) <= BLANK + 255 for line in lines for each in line)


@given(st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=8))
def test_every_column_with_a_sample_has_a_dot(samples: list[float]) -> None:
    lines = braille(samples, 4, 3)
    assert all(any(line[column] != chr(BLANK) for line in lines) for column in range(4))
