"""The governor: never under the floor or over the ceiling, quick down, patient up, and what it does in each case."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.governor import (
    CEILING,
    FACE,
    FLOOR,
    HEART_BESIDE,
    LADDER,
    SPEECH_BESIDE,
    START,
    START_CLEAN,
    WAVES_BESIDE,
    Governor,
    Report,
    beside_still,
    still_rate,
)

CLEAN = Report(remb=3_000_000, loss=0.0, rtt_s=0.001, usual_s=0.002, sent=280_000)
QUEUE = replace(CLEAN, rtt_s=0.402, usual_s=0.450)

reports = st.builds(
    Report,
    remb=st.none() | st.integers(0, 10_000_000),
    loss=st.none() | st.floats(0, 1),
    rtt_s=st.none() | st.floats(0, 5),
    usual_s=st.none() | st.floats(0, 5),
    sent=st.integers(0, 5_000_000),
    beside=st.integers(0, 1_000_000),
    encoder_s=st.floats(0, 0.2),
    lag_s=st.floats(0, 1),
)


def after(governor: Governor, seen: list[Report]) -> list[Governor]:
    """The governor after each second."""
    found = []
    for report in seen:
        governor = governor.step(report)
        found.append(governor)
    return found


@given(st.lists(reports, max_size=60))
def test_whatever_is_reported_rate_and_rung_keep_to_their_limits(seen: list[Report]) -> None:
    for governor in after(Governor(), seen):
        assert FLOOR <= governor.bitrate <= CEILING
        assert 0 <= governor.rung <= governor.best < len(LADDER)
        assert still_rate(governor) > 0


@given(st.lists(reports, max_size=30), reports)
def test_more_loss_never_gives_more(seen: list[Report], last: Report) -> None:
    before = after(Governor(), seen)[-1] if seen else Governor()
    rates = [before.step(replace(last, loss=loss)).bitrate for loss in (0.0, 0.01, 0.05, 0.13, 0.3, 0.8)]
    assert rates == sorted(rates, reverse=True)


@given(st.lists(reports, max_size=30), reports)
def test_more_in_the_queue_never_gives_more(seen: list[Report], last: Report) -> None:
    before = after(Governor(), [CLEAN, *seen])[-1]
    least = before.rtt_least_s or 0.0
    trips = [least + queue for queue in (0.0, 0.04, 0.1, 0.2, 0.6)]
    rates = [before.step(replace(last, rtt_s=trip)).bitrate for trip in trips]
    assert rates == sorted(rates, reverse=True)


@given(st.lists(reports, max_size=30))
def test_a_bad_second_never_raises_anything(seen: list[Report]) -> None:
    before = after(Governor(), [CLEAN, *seen])[-1]
    worse = before.step(replace(QUEUE, rtt_s=(before.rtt_least_s or 0) + 0.5))
    assert worse.bitrate <= before.bitrate
    assert worse.rung <= before.rung


def test_a_clean_link_nearby_is_climbed_in_a_few_seconds() -> None:
    found = after(Governor(), [replace(CLEAN, sent=0)] * 12)
    assert found[0].bitrate == START_CLEAN
    assert found[-1].bitrate == CEILING
    assert found[6].shape == LADDER[-1]


def test_a_small_estimate_that_only_follows_what_is_sent_is_tried_beyond() -> None:
    """Chrome's estimate is at most half above what it receives; that may not hold an encoder with little to say."""
    governor = Governor()
    for _ in range(20):
        governor = governor.step(Report(remb=450_000, loss=0.0, rtt_s=0.005, sent=300_000))
    assert governor.bitrate == 900_000


def test_an_estimate_of_the_link_is_not_exceeded() -> None:
    governor = Governor()
    for _ in range(20):
        governor = governor.step(Report(remb=320_000, loss=0.0, rtt_s=0.005, sent=290_000))
    assert governor.bitrate == START


def test_a_queue_is_drained_at_once_and_not_filled_again_soon() -> None:
    high = replace(Governor(), bitrate=1_000_000, rung=6, rtt_least_s=0.002)
    cut = high.step(QUEUE)
    assert cut.bitrate == 500_000
    later = after(cut, [replace(CLEAN, sent=0)] * 20)
    assert max(each.bitrate for each in later) <= 850_000
    much_later = after(later[-1], [replace(CLEAN, sent=0)] * 20)[-1]
    assert much_later.bitrate > 850_000


def test_a_link_that_is_nearly_full_is_not_filled_up() -> None:
    """Some packets wait for others although the queue still empties: more would make it stand."""
    waiting = Report(remb=600_000, loss=0.0, rtt_s=0.008, usual_s=0.040, sent=300_000)
    assert after(Governor(), [waiting] * 20)[-1].bitrate == START


def test_random_loss_on_an_empty_link_is_no_reason_to_shrink() -> None:
    found = after(Governor(), [Report(remb=600_000, loss=0.05, rtt_s=0.040, sent=280_000)] * 20)
    assert all(each.bitrate >= START for each in found)
    assert found[-1].shape.height >= 480


def test_heavy_loss_cuts_by_half_of_it() -> None:
    cut = replace(Governor(), bitrate=1_000_000, rung=6).step(Report(remb=1_000_000, loss=0.4, rtt_s=0.01))
    assert cut.bitrate == 800_000


@pytest.mark.parametrize("hard", [replace(CLEAN, encoder_s=0.030), replace(CLEAN, lag_s=0.2)])
def test_a_machine_that_cannot_keep_up_gets_a_smaller_picture_and_a_rest(hard: Report) -> None:
    best = replace(Governor(), bitrate=CEILING, rung=6, rtt_least_s=0.002)
    assert [each.rung for each in after(best, [hard, hard, CLEAN, hard, hard])] == [6] * 5
    slow = after(best, [hard] * 3)[-1]
    assert slow.shape == LADDER[5]
    rested = [each.rung for each in after(slow, [CLEAN] * 45)]
    assert rested[:29] == [5] * 29
    assert rested[-1] == 6


def test_a_machine_that_is_too_slow_for_anything_ends_at_the_poorest_rung() -> None:
    assert after(Governor(), [replace(CLEAN, encoder_s=0.2)] * 60)[-1].rung == 0


@pytest.mark.parametrize(
    ("bitrate", "fits"),
    [(FLOOR, 0), (80_000, 1), (115_000, 2), (140_000, 3), (180_000, 4), (300_000, 5), (700_000, 6)],
)
def test_the_ladder_suits_the_rate(bitrate: int, fits: int) -> None:
    steady = replace(Governor(), bitrate=bitrate, rung=0, hold=60)
    found = after(steady, [Report(remb=bitrate, loss=0.0, rtt_s=0.04, sent=bitrate)] * 40)
    assert found[-1].rung == fits
    assert [later.rung - earlier.rung for earlier, later in itertools.pairwise(found)].count(2) == 0


def test_a_rate_that_wavers_does_not_change_the_size_each_second() -> None:
    governor, rungs = replace(Governor(), bitrate=560_000, rung=6), set()
    for second in range(20):
        governor = replace(governor, bitrate=560_000 if second % 2 else 500_000).step(Report(rtt_s=0.01))
        rungs.add(governor.rung)
    assert rungs == {6}


def test_nothing_reported_changes_nothing() -> None:
    assert after(Governor(), [Report()] * 10)[-1].bitrate == START


# --- sound and waves are never cut


def test_what_is_sent_from_the_start_is_reckoned_with() -> None:
    usual = replace(CLEAN, rtt_s=0.04, usual_s=0.04, beside=SPEECH_BESIDE + WAVES_BESIDE)
    assert after(Governor(), [usual] * 5)[0].bitrate >= START


def test_what_is_added_is_taken_from_the_picture_at_once_and_not_given_back_soon() -> None:
    """On a link that is just wide enough: no queue stands yet, and the estimate knows nothing of it."""
    narrow = Report(remb=300_000, loss=0.0, rtt_s=0.02, usual_s=0.03, sent=290_000, beside=168_000)
    before = after(Governor(), [narrow] * 5)[-1]
    louder = before.making_room(before.beside + HEART_BESIDE)
    assert louder.bitrate == before.bitrate - HEART_BESIDE
    heard = replace(narrow, beside=168_000 + HEART_BESIDE, remb=320_000)
    found = after(louder, [heard] * 3)
    assert all(each.bitrate == louder.bitrate for each in found)


def test_waves_that_begin_are_made_room_for_when_they_are_seen() -> None:
    quiet = Report(remb=400_000, loss=0.0, rtt_s=0.02, usual_s=0.021, sent=390_000, beside=SPEECH_BESIDE)
    before = after(Governor(), [quiet] * 120)[-1]
    assert before.beside < 1.1 * SPEECH_BESIDE
    seen = before.step(replace(quiet, beside=SPEECH_BESIDE + WAVES_BESIDE))
    assert before.bitrate - seen.bitrate > 0.9 * WAVES_BESIDE


def test_sound_and_waves_that_waver_or_pause_do_not_wear_the_picture_down() -> None:
    governor, report = Governor(), replace(CLEAN, rtt_s=0.04, usual_s=0.04, remb=320_000, sent=290_000)
    for second in range(60):
        beside = 168_000 + (second % 3) * 3_000 - (second % 20 == 0) * 150_000
        governor = governor.step(replace(report, beside=beside))
    assert governor.bitrate >= START


@given(st.lists(reports, max_size=30), reports)
def test_more_beside_the_picture_never_gives_it_more(seen: list[Report], last: Report) -> None:
    before = after(Governor(), seen)[-1] if seen else Governor()
    rates = [before.step(replace(last, beside=beside)).bitrate for beside in (0, 50_000, 200_000, 400_000, 900_000)]
    assert rates == sorted(rates, reverse=True)


def test_a_link_too_narrow_for_a_face_keeps_three_pictures_a_second_and_gives_the_rest_to_the_waves() -> None:
    """Two seconds down to a face, and further only while the queue still stands; back up once it is gone."""
    found = after(Governor(), [replace(CLEAN, rtt_s=0.02), *[QUEUE] * 6])
    assert [each.bitrate for each in found[-6:]][-1] == FLOOR
    assert FACE in [each.bitrate for each in found]
    assert found[-1].shape == LADDER[0]
    wide = Report(remb=600_000, loss=0.0, rtt_s=0.02, usual_s=0.03, sent=30_000)
    assert after(found[-1], [wide] * 16)[-1].bitrate >= FACE
    assert after(found[-1], [replace(wide, remb=20_000)] * 16)[-1].bitrate == FACE


def test_while_a_still_is_sent_the_two_together_take_what_the_video_had() -> None:
    narrow, wide = replace(Governor(), bitrate=300_000), replace(Governor(), bitrate=CEILING)
    assert beside_still(narrow) + still_rate(narrow) == 300_000
    assert beside_still(wide) == CEILING


def test_a_still_goes_fast_on_a_wide_link_and_leaves_room_on_a_narrow_one() -> None:
    assert still_rate(replace(Governor(), bitrate=300_000)) == 150_000
    assert still_rate(replace(Governor(), bitrate=CEILING)) == 8_000_000
