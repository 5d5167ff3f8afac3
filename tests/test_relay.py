"""The relay of the impairment tests is a link that tests can trust: it loses, delays and narrows as it says."""

from __future__ import annotations

import random

import pytest

from tests.relay import HEADERS, Conditions, Direction, first_candidate, rewritten

SDP = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=candidate:1 1 udp 5 127.0.0.1 4000 typ host\r\n"
    "a=candidate:2 1 udp 4 192.0.2.1 4001 typ host\r\na=candidate:3 1 tcp 3 192.0.2.1 9 typ host tcptype active\r\n"
    "a=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=candidate:1 1 udp 5 127.0.0.1 4000 typ host\r\n"
)


def direction(conditions: Conditions) -> Direction:
    return Direction(conditions, random.Random(7))


def test_an_open_link_passes_at_once() -> None:
    assert [direction(Conditions()).when(1000, now, cut=False) for now in (1.0, 2.0)] == [1.0, 2.0]


def test_a_cut_link_passes_nothing() -> None:
    assert direction(Conditions()).when(1000, 1.0, cut=True) is None


def test_losses_are_as_frequent_as_asked_for() -> None:
    link = direction(Conditions(loss=0.05))
    lost = [link.when(100, 0.0, cut=False) for _ in range(10_000)].count(None)
    assert lost / 10_000 == pytest.approx(0.05, abs=0.01)
    assert link.count.lost == lost


def test_a_narrow_link_takes_its_time_and_its_queue_overflows() -> None:
    link = direction(Conditions(rate=500_000, queue_s=0.3, delay_s=0.1))
    size = 1250 - HEADERS
    at = [link.when(size, 0.0, cut=False) for _ in range(30)]
    passed = [each for each in at if each is not None]
    assert passed == pytest.approx([0.1 + 0.02 * (place + 1) for place in range(len(passed))])
    assert len(passed) == 16
    assert link.count.full == 14
    assert link.when(size, 1.0, cut=False) == pytest.approx(1.12)


def test_jitter_keeps_the_order() -> None:
    link = direction(Conditions(jitter_s=0.05))
    at = [link.when(100, place / 1000, cut=False) or 0.0 for place in range(200)]
    assert at == sorted(at)
    assert max(after - place / 1000 for place, after in enumerate(at)) <= 0.0501


def test_each_section_gets_the_relay_as_its_only_candidate() -> None:
    lines = [line for line in rewritten(SDP, ("127.0.0.9", 77)).splitlines() if "candidate:" in line]
    assert lines == ["a=candidate:1 1 udp 5 127.0.0.9 77 typ host"] * 2
    assert first_candidate(SDP) == ("127.0.0.1", 4000)
