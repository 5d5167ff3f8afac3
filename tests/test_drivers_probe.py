"""From the first byte on a port to the first word of its protocol."""

from __future__ import annotations

import pytest

from drivers.probe import FEW, KEPT, Probe, patience


@pytest.mark.parametrize(("quiet_s", "wait_s"), [(None, 3.0), (0.5, 3.0), (1.0, 3.0), (5.0, 10.0)])
def test_two_silences_of_the_sheet_and_never_less_than_three_seconds(quiet_s: float | None, wait_s: float) -> None:
    assert patience(quiet_s) == wait_s


def test_talk_without_a_word_of_the_protocol_is_foreign_after_the_patience() -> None:
    probe = Probe()
    for tenth in range(31):
        assert not probe.is_foreign(3.0)
        probe.take(b"talk", tenth / 10, 3.0)
    assert probe.is_foreign(3.0)


def test_one_word_of_the_protocol_ends_the_doubt_and_the_keeping() -> None:
    probe = Probe()
    probe.take(b"talk", 0.0, 3.0)
    assert probe.pending and probe.said == b"talk"
    probe.known()
    for second in range(20):
        probe.take(bytes(100), second, 3.0)
    assert not probe.is_foreign(3.0) and not probe.pending and probe.said == b""


def test_a_disturbance_and_then_nothing_is_nobody() -> None:
    probe = Probe()
    for second in (0.0, 3.0):
        probe.take(bytes(FEW // 2), second, 3.0)
    assert not probe.is_foreign(3.0)
    probe.take(b"a message at last, whole and long", 100.0, 3.0)
    assert not probe.is_foreign(3.0), "the silence before began it all anew"


def test_no_more_than_a_few_hundred_bytes_are_kept() -> None:
    probe = Probe()
    for second in range(100):
        probe.take(bytes(999) + bytes((second,)), second, 3.0)
    assert len(probe.said) == KEPT and probe.said[-1] == 99
