"""The share of packets lost: of enough of them, and only of what is new."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.governor import POOR_LOSS
from cabin_agent.media.losses import ENOUGH, FEW, Losses


def test_the_share_is_of_the_last_packets_and_not_of_the_last_report() -> None:
    losses = Losses()
    losses.told(1000, 0)
    losses.told(1088, 2)
    losses.told(1100, 5)  # three of twelve: a quarter, by the report's own fraction
    assert losses.share() == pytest.approx(0.05)


def test_what_was_lost_long_ago_counts_no_more() -> None:
    losses = Losses()
    for highest, lost in ((0, 0), (100, 60), (200, 60), (300, 60)):
        losses.told(highest, lost)
    assert losses.share() == 0.0


def test_nothing_is_said_twice_and_nothing_of_a_few_packets() -> None:
    losses = Losses()
    assert losses.share() is None
    losses.told(500, 3)
    assert losses.share() is None
    losses.told(500 + FEW, 3 + FEW // 2)
    assert losses.share() == 0.5
    assert losses.share() is None


def test_steady_chance_is_not_taken_for_a_full_link() -> None:
    """5 % of all packets, a report for each dozen: an hour of looks, one a second."""
    chance, losses = random.Random(7), Losses()
    highest = lost = wrong = 0
    for _ in range(3600):
        for _ in range(4):
            highest += 12
            lost += sum(chance.random() < 0.05 for _ in range(12))
            losses.told(highest, lost)
        wrong += (losses.share() or 0.0) > POOR_LOSS
    assert wrong < 20


def test_a_full_link_is_seen_within_enough_packets() -> None:
    losses = Losses()
    losses.told(0, 0)
    losses.told(ENOUGH, ENOUGH // 2)
    assert losses.share() == 0.5


@given(st.lists(st.tuples(st.integers(0, 2**32), st.integers(-(2**23), 2**23))))
def test_whatever_a_page_reports_is_a_share(reports: list[tuple[int, int]]) -> None:
    losses = Losses()
    for highest, lost in reports:
        losses.told(highest, lost)
        share = losses.share()
        assert share is None or 0.0 <= share <= 1.0
