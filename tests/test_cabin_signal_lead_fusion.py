"""Several leads agree on one list of beats, whichever of them are there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.ecg import EcgStream
from cabin_signal.findings import Beat, Grade, QualitySpan
from cabin_signal.lead_fusion import FusedBeat, LeadBeats, fuse
from tests.cabin_signal_models import Array, score
from tests.interval_models import Heart

FS = 500.0
TRUE = [500 + 400 * n for n in range(20)]


def lead(samples: list[int], *grades: Grade, late: int = 0) -> LeadBeats:
    """A lead with these beats; one grade for each second, the last for all that follow."""
    spans = [QualitySpan(round(n * FS), round((n + 1) * FS), grade) for n, grade in enumerate(grades or ("good",))]
    return LeadBeats([Beat(s + late, s + late + 100) for s in samples], spans)


def samples(fused: tuple[FusedBeat, ...]) -> list[int]:
    return [one.beat.sample for one in fused]


def test_leads_that_agree_give_their_beats() -> None:
    fused = fuse([lead(TRUE)] * 3, FS)
    assert samples(fused) == TRUE
    assert {one.leads for one in fused} == {(0, 1, 2)}
    assert {one.share for one in fused} == {1.0}


def test_one_lead_is_its_own_majority() -> None:
    assert samples(fuse([lead(TRUE)], FS)) == TRUE


def test_no_lead_or_only_bad_ones_have_no_beats() -> None:
    assert fuse([], FS) == ()
    assert fuse([lead(TRUE, "bad")] * 2, FS) == ()
    assert fuse([LeadBeats([Beat(5, 6)], [])], FS) == ()


def test_a_beat_that_one_lead_invents_or_misses_changes_nothing() -> None:
    invents, misses = lead(sorted([*TRUE, 700, 1500])), lead([t for t in TRUE if t != TRUE[4]])
    assert samples(fuse([invents, misses, lead(TRUE)], FS)) == TRUE


def test_the_vote_of_a_usable_lead_counts_half() -> None:
    false = lead(sorted([*TRUE, 2720]), "usable")
    assert samples(fuse([false, lead(TRUE)], FS)) == TRUE
    assert 2720 in samples(fuse([false, lead(TRUE, "bad")], FS))


def test_a_lead_that_falls_out_moves_no_interval() -> None:
    """The second lead has R 20 samples later, and is off from the tenth second on."""
    grades: list[Grade] = ["good", "good", "good", "good", "good", "good", "good", "good", "good", "good", "bad"]
    late = lead(TRUE, *grades, late=20)
    fused = samples(fuse([lead(TRUE), late], FS))
    assert len(fused) == len(TRUE)
    assert max(abs(b - a - 400) for a, b in pairwise(fused)) <= 1


def test_a_lead_that_contradicts_the_others_loses_its_vote() -> None:
    noise = lead(list(range(300, 8500, 170)))
    quiet = lead(TRUE, "usable")
    fused = fuse([noise, quiet, quiet], FS)
    assert samples(fused) == TRUE
    assert {one.leads for one in fused} == {(1, 2)}


def test_two_groups_within_the_refractory_time_are_one_beat() -> None:
    early, later = lead(TRUE), lead(TRUE, late=80)
    fused = samples(fuse([early, early, later, later], FS))
    assert all(b - a >= 100 for a, b in pairwise(fused))


def test_the_interval_over_seconds_that_nobody_could_judge_means_nothing() -> None:
    grades: list[Grade] = ["good", "good", "good", "bad", "good"]
    fused = fuse([lead(TRUE, *grades), lead(TRUE, *grades)], FS)
    assert [one.beat.sample for one in fused if one.beat.fresh] == [TRUE[0], next(t for t in TRUE if t >= 2000)]


def test_a_beat_that_one_lead_missed_is_followed_all_the_same() -> None:
    misses = lead([t for t in TRUE if t != TRUE[4]])
    assert [one.beat.fresh for one in fuse([misses, lead(TRUE), lead(TRUE)], FS)] == [True, *[False] * 19]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9000), max_size=40), max_size=8), st.randoms())
def test_whatever_the_leads_say_beats_are_in_order_and_apart(detections: list[list[int]], chance: object) -> None:
    grades: tuple[Grade, ...] = ("good", "usable", "bad", "good")
    fused = fuse([lead(sorted(set(each)), *grades) for each in detections], FS)
    assert all(0.5 <= one.share <= 1 and one.beat.announced >= one.beat.sample for one in fused)
    assert all(a <= b for a, b in pairwise(samples(fused)))


def heard(x: Array, fs: float) -> LeadBeats:
    stream = EcgStream(fs)
    live, last = stream.update(x), stream.finish()
    return LeadBeats((*live.beats, *last.beats), (*live.quality, *last.quality))


@pytest.mark.parametrize("off", [(), (0, 3), (0, 1, 2, 3, 4)])
def test_eight_leads_with_electrodes_off_and_one_in_trouble(off: tuple[int, ...]) -> None:
    strip = Heart(leads=8, fs=250, noise=0.03).record()
    x = strip.leads.copy()
    x[list(off)] = np.nan
    x[5, 2000:4000] += 2 * np.random.default_rng(1).standard_normal(2000)
    fused = fuse([heard(row, strip.fs) for row in x], strip.fs)
    judged = score(strip.beats, samples(fused), 0.05 * strip.fs)
    assert (judged.missed, judged.invented) == (0, 0)
