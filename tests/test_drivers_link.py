"""The table of a link's life, every pair of it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import OPEN_STATES, TABLE, LinkEvent, LinkState, as_text, step

PAIRS = list(product(LinkState, LinkEvent))
"""Every state with every event: 56 pairs."""

EXPECTED = """
            opened   bytes    idle   active     quiet   lost    refused  broken
absent      opening  absent   absent absent     absent  absent  failed   failed
opening     opening  probing  ready  measuring  stale   absent  failed   failed
probing     probing  probing  ready  measuring  stale   absent  failed   failed
ready       ready    ready    ready  measuring  stale   absent  failed   failed
measuring   measuring measuring ready measuring stale   absent  failed   failed
stale       stale    probing  ready  measuring  stale   absent  failed   failed
failed      opening  failed   failed failed     failed  absent  failed   failed
"""


def expected() -> dict[tuple[LinkState, LinkEvent], LinkState]:
    head, *rows = (line.split() for line in EXPECTED.strip().splitlines())
    return {
        (LinkState(row[0]), LinkEvent(event)): LinkState(after)
        for row in rows
        for event, after in zip(head, row[1:], strict=True)
    }


def test_the_grid_of_this_test_is_whole() -> None:
    assert list(expected()) == PAIRS


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair(state: LinkState, event: LinkEvent) -> None:
    assert step(state, event) is expected()[state, event]


def test_the_table_lists_only_moves() -> None:
    assert all(state is not after for (state, _), after in TABLE.items())


def test_the_table_prints_one_move_a_line() -> None:
    lines = as_text().splitlines()
    assert len(lines) == len(TABLE)
    assert "absent + opened -> opening" in lines


@given(st.lists(st.sampled_from(LinkEvent)))
def test_after_a_loss_no_state_pretends_to_be_open(events: list[LinkEvent]) -> None:
    state = LinkState.ABSENT
    for event in events:
        state = step(state, event)
    assert step(state, LinkEvent.LOST) is LinkState.ABSENT
    assert step(state, LinkEvent.BROKEN) not in OPEN_STATES


@given(st.lists(st.sampled_from([event for event in LinkEvent if event is not LinkEvent.OPENED])))
def test_only_an_opened_port_opens_a_link(events: list[LinkEvent]) -> None:
    state = LinkState.ABSENT
    for event in events:
        state = step(state, event)
    assert state not in OPEN_STATES


def test_every_state_is_reached() -> None:
    assert {LinkState.ABSENT, *TABLE.values()} == set(LinkState)
