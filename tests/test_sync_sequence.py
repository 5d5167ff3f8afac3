"""Places in a sequence, in any order: every pair of neighbours is compared, and gaps are exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sequence import Finding, Gap, Place, findings, opened_gap, rest_of_gap, went_back, without_hole

FIRST = Place(1, bytes(32), b"1" * 32, (3, b"a" * 32))
SECOND = Place(2, b"1" * 32, b"2" * 32, (3, b"a" * 32))


def test_what_fits_gives_no_finding() -> None:
    assert list(findings(FIRST, None, SECOND)) == []
    assert list(findings(SECOND, FIRST, None)) == []


@pytest.mark.parametrize("place", [Place(1, b"x" * 32, b"1" * 32, (0, b""))])
def test_a_first_letter_has_no_predecessor(place: Place) -> None:
    assert list(findings(place, None, None)) == [Finding("chain", 1)]


def test_a_break_is_seen_from_both_sides() -> None:
    stray = Place(2, b"x" * 32, b"2" * 32, (3, b"a" * 32))
    assert list(findings(stray, FIRST, None)) == list(findings(FIRST, None, stray)) == [Finding("chain", 2)]


def test_letters_that_are_no_neighbours_need_no_link() -> None:
    assert list(findings(Place(5, b"x" * 32, b"5" * 32, (9, b"b" * 32)), FIRST, None)) == []


@pytest.mark.parametrize(
    ("earlier", "later", "back"),
    [
        ((3, b"a"), (4, b"b"), False),
        ((3, b"a"), (3, b"a"), False),
        ((3, b"a"), (3, b"b"), True),
        ((3, b"a"), (2, b"a"), True),
    ],
)
def test_an_audit_chain_only_grows(earlier: tuple[int, bytes], later: tuple[int, bytes], back: bool) -> None:
    assert went_back(earlier, later) is back
    upper = Place(7, b"x" * 32, b"y" * 32, later)
    lower = Place(1, bytes(32), b"1" * 32, earlier)
    assert list(findings(upper, lower, None)) == ([Finding("audit", 7)] if back else [])


@given(st.permutations(range(1, 30)), st.integers(0, 29))
def test_gaps_are_exactly_what_is_missing(order: list[int], count: int) -> None:
    highest, gaps = 0, set[Gap]()
    for seq in order[:count]:
        if seq > highest:
            opened = opened_gap(highest, seq)
            gaps |= {opened} if opened else set()
            highest = seq
        else:
            gap = next(gap for gap in gaps if gap[0] <= seq <= gap[1])
            gaps = gaps - {gap} | set(rest_of_gap(gap, seq))
    come = set(order[:count])
    missing = {seq for first, last in gaps for seq in range(first, last + 1)}
    assert missing == set(range(1, highest)) - come
    whole = without_hole(highest, min((first for first, _ in gaps), default=None))
    assert whole == next(n for n in range(31) if n + 1 not in come)
