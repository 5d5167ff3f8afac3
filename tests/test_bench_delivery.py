"""What the delivery is measured with: stores that keep what they are given, calls counted as strace writes them."""

from __future__ import annotations

import pytest

from bench.__main__ import groups
from bench.delivery_herd import Box
from bench.delivery_puts import _calls, _puts
from bench.figures import Figure
from bench.sealing import LIMITS_MS
from sync.outbox import Letter

SUMMARY = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 99.10    0.012345         100       123           fdatasync
  0.90    0.000112          37         3         1 fsync
------ ----------- ----------- --------- --------- ----------------
100.00    0.012457          98       126         1 total
"""


def test_calls_are_counted_by_name() -> None:
    assert _calls(SUMMARY) == 126
    assert _calls("") == 0


@pytest.mark.parametrize("name", ["bare", "outbox", "sealed"])
def test_each_store_of_ours_times_every_put(name: str) -> None:
    taken = _puts(name, 5)
    assert len(taken) == 5
    assert all(each > 0 for each in taken)


def test_the_group_has_its_chapters_and_the_seal_its_limits() -> None:
    assert list(groups(hour=False)["delivery"]) == ["sealing", "puts", "chain", "backlog", "cabins"]
    assert LIMITS_MS == {"seal 5 kB": 2.5, "open 5 kB": 1.0}
    assert Figure("a ratio", 0.8, "", 0.8, at_least=True).met


def test_a_cabin_of_the_herd_sends_in_order_and_again() -> None:
    box = Box()
    letters = [Letter(number, bytes([number]) * 16, number, b"x" * 10) for number in (1, 2, 3)]
    box.letters.update((letter.id, letter) for letter in letters)
    assert box.due(0.0, 2) == letters[:2]
    box.mark_sent(letters[0], 5.0)
    assert (box.due(0.0, 1), box.load(0.0), box.next_due()) == ([letters[1]], (1, 10), 5.0)
    box.release()
    assert (box.due(0.0, 1), box.attempts(letters[0])) == ([letters[0]], 1)
