"""The largest message: halved behind a suspect, never by small ones, never under the floor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.bound import FLOOR, MOST, Bound

K = 1024


def test_a_loss_behind_a_large_message_halves_the_bound_down_to_the_floor() -> None:
    bound = Bound()
    seen = [bound.most]
    for _ in range(6):
        bound.doubt(bound.most)
        seen.append(bound.most)
    assert [size // K for size in seen] == [256, 128, 64, 32, 16, 16, 16]


def test_small_messages_are_never_suspected() -> None:
    bound = Bound()
    for _ in range(10):
        bound.doubt(FLOOR)
    assert bound.most == MOST


def test_a_size_that_has_passed_is_doubted_after_three_losses_in_a_row() -> None:
    bound = Bound()
    bound.passed(200 * K)
    bound.doubt(200 * K)
    bound.doubt(200 * K)
    assert bound.most == MOST
    bound.passed(100 * K)  # something large has come through in between
    bound.doubt(200 * K)
    bound.doubt(200 * K)
    assert bound.most == MOST
    bound.doubt(200 * K)
    assert bound.most == 100 * K


def test_a_suspect_does_not_take_the_bound_under_what_has_passed() -> None:
    bound = Bound()
    bound.passed(100 * K)
    bound.doubt(150 * K)
    assert bound.most == 100 * K


def test_a_plain_refusal_is_believed_at_once() -> None:
    bound = Bound()
    bound.passed(200 * K)
    bound.refused(150 * K)
    assert bound.most == 75 * K


@given(st.lists(st.tuples(st.sampled_from(["passed", "doubt", "refused"]), st.integers(0, 2 * MOST))))
def test_the_bound_only_shrinks_and_keeps_its_floor(steps: list[tuple[str, int]]) -> None:
    bound = Bound()
    for verb, size in steps:
        before = bound.most
        getattr(bound, verb)(size)
        assert FLOOR <= bound.most <= before
