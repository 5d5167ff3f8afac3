"""The choice of beats among candidates, rule by rule."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_signal.beats import Candidate, Pick, Picker, Rules
from cabin_signal.finder import Finder
from cabin_signal.qrs import QrsCurve

FS = 100.0
RULES = Rules(dominance=0.2, refractory=0.2, after_wave=0.4, after_wave_slope=0.5, threshold=0.4, floor=0.01)


def picks_of(
    humps: list[tuple[float, float, float]], until: float, rules: Rules = RULES
) -> list[tuple[float, float]]:
    """(seconds, seconds when known) of the beats among humps (seconds, height, slope), each known 0.2 s later."""
    picker = Picker(rules, FS)
    candidates = [(Candidate(round(t * FS), h, s), round((t + 0.2) * FS)) for t, h, s in humps]
    picks: list[Pick] = picker.update(candidates, round(until * FS))
    return [(pick.candidate.at / FS, pick.known / FS) for pick in picks]


def times(humps: list[tuple[float, float, float]], until: float = 20.0) -> list[float]:
    return [t for t, _ in picks_of(humps, until)]


REGULAR = [(float(i), 1.0, 1.0) for i in range(10)]


def test_regular_humps_are_beats_and_late_only_while_learning() -> None:
    found = picks_of(REGULAR, 20)
    assert [t for t, _ in found] == list(range(10))
    assert [round(known - t, 2) for t, known in found[2:]] == [0.2] * 8
    assert found[0][1] == pytest.approx(1.2)


def test_low_humps_between_are_noise() -> None:
    noise = [(i + 0.6, 0.2, 0.2) for i in range(10)]
    assert times(sorted(REGULAR + noise), 11) == list(range(10))


def test_a_second_hump_within_the_refractory_time_is_never_a_beat() -> None:
    assert times(sorted([*REGULAR, (5.15, 1.0, 1.0)])) == list(range(10))


def test_a_slow_hump_soon_after_a_beat_is_its_after_wave() -> None:
    assert times(sorted([*REGULAR, (5.3, 0.9, 0.3)])) == list(range(10))
    assert 5.3 in times(sorted([*REGULAR, (5.3, 0.9, 0.9)]))


def test_search_back_finds_a_low_beat_and_says_when() -> None:
    low = [(t, 0.3 if t == 5 else h, s) for t, h, s in REGULAR]
    found = dict(picks_of(low, 20))
    assert sorted(found) == list(range(10))
    assert found[5.0] == pytest.approx(4 + 1.66, abs=0.02)


def test_search_back_needs_something_to_find() -> None:
    gap = [h for h in REGULAR if h[0] != 5]
    assert times(gap) == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_a_lasting_loss_of_height_is_followed() -> None:
    fading = [(float(i), 1.0 if i < 10 else 0.2, 1.0 if i < 10 else 0.2) for i in range(40)]
    found = times(fading, 60)
    assert set(range(20, 40)) <= set(found)


def test_a_knock_is_no_beat_and_does_not_deafen() -> None:
    assert times(sorted([*REGULAR, (5.5, 40.0, 40.0)])) == list(range(10))


def test_a_lasting_gain_of_height_is_followed() -> None:
    louder = [(float(i), 1.0 if i < 10 else 30.0, 1.0 if i < 10 else 30.0) for i in range(30)]
    assert set(range(15, 30)) <= set(times(louder, 60))


def test_nothing_below_the_floor_is_a_beat() -> None:
    assert times([(float(i), 0.005, 0.005) for i in range(10)]) == []


def test_a_beat_is_never_known_before_its_hump_was() -> None:
    late = [*REGULAR[:5], (11.0, 0.3, 0.3), (12.0, 1.0, 1.0)]
    assert all(known >= t + 0.19 for t, known in picks_of(late, 30))


def test_noisiness_compares_what_was_rejected_with_beats() -> None:
    picker = Picker(RULES, FS)
    assert picker.noisiness() is None
    humps = sorted(REGULAR + [(i + 0.6, 0.2, 0.2) for i in range(10)])
    picker.update([(Candidate(round(t * FS), h, s), round((t + 0.2) * FS)) for t, h, s in humps], 1200)
    assert picker.noisiness() == pytest.approx(0.2)


def test_a_stream_that_ends_while_learning_still_gives_its_beats() -> None:
    picker = Picker(RULES, FS)
    assert picker.update([(Candidate(50, 1.0, 1.0), 70)], 100) == []
    assert [pick.candidate.at for pick in picker.finish(100)] == [50]
    assert Picker(RULES, FS).finish(0) == []


def test_the_finder_leaves_out_what_lies_in_a_hole() -> None:
    x = np.zeros(1000)
    x[[200, 400, 600, 800]] = 1.0
    for hole, expected in ((slice(0, 0), 4), (slice(395, 405), 3)):
        real = np.ones(1000, dtype=bool)
        real[hole] = False
        finder = Finder(RULES, 200, QrsCurve(200), 8)
        picks = [p for i in range(0, 1000, 200) for p in finder.update(x[i : i + 200], real[i : i + 200])]
        assert len(picks + finder.picker.finish(1000)) >= expected - 1
        assert not any(395 <= p.candidate.at <= 405 for p in picks) or expected == 4
