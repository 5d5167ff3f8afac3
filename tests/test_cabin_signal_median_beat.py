"""Which beats are laid upon each other, and what is left of noise, breathing and ectopy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cabin_signal.median_beat import FEWEST, MedianBeat, median_beats, slopes
from tests.interval_models import Array, Heart, Strip

CALM = Heart(leads=3)


def usual(strip: Strip, beats: list[int] | None = None) -> MedianBeat:
    found = median_beats(strip.leads, strip.beats if beats is None else beats, strip.fs)
    assert found is not None
    return found.whole


def one_beat(heart: Heart, beat: MedianBeat, lead: int) -> Array:
    """The wave of that lead as it was placed, over the span of the median beat."""
    t = (np.arange(beat.millivolts.shape[1]) - beat.peak) / beat.fs
    wave: Array = np.sum([h * np.exp(-0.5 * ((t - m) / s) ** 2) for m, s, h in heart.waves(lead).values()], axis=0)
    return wave


def test_the_median_is_the_beat_that_was_put_in() -> None:
    beat = usual(CALM.record())
    for lead in range(3):
        assert np.max(np.abs(beat.millivolts[lead] - one_beat(CALM, beat, lead))) < 0.05
        assert beat.millivolts[lead, beat.peak] == pytest.approx(one_beat(CALM, beat, lead)[beat.peak], rel=0.02)


def test_breathing_is_taken_out_and_leaves_t_where_it_was() -> None:
    calm, breathing = (usual(replace(CALM, wander=w).record()) for w in (0.0, 0.5))
    assert np.max(np.abs(calm.millivolts - breathing.millivolts)) < 0.02


def test_noise_sinks_with_the_root_of_the_beats_and_is_stated() -> None:
    strip = replace(CALM, noise=0.05).record()
    beat = usual(strip)
    expected = 1.2533 * 50 / len(beat.beats) ** 0.5
    assert beat.noise_uv == pytest.approx([expected] * 3, rel=0.25)


def test_the_slope_is_that_of_a_straight_line_and_of_a_parabola_in_its_middle() -> None:
    t = np.arange(100) / 500
    assert slopes(3 * t, 500)[5:-5] == pytest.approx(3.0)
    assert slopes(t**2, 500)[50] == pytest.approx(2 * t[50])


def test_peaks_that_jitter_are_laid_upon_each_other_all_the_same() -> None:
    strip = CALM.record()
    jitter = np.random.default_rng(1).integers(-5, 6, len(strip.beats))
    shaken = usual(strip, [b + int(j) for b, j in zip(strip.beats, jitter, strict=True)])
    assert len(set(np.subtract(shaken.beats, strip.beats[1 : 1 + len(shaken.beats)]).tolist())) <= 2
    assert float(np.ptp(shaken.millivolts[0])) == pytest.approx(float(np.ptp(usual(strip).millivolts[0])), rel=0.02)


def ectopic(strip: Strip, every: int) -> tuple[Strip, list[int]]:
    """Some beats replaced by wide, early ones; their samples."""
    leads, beats, moved = strip.leads.copy(), list(strip.beats), []
    t = np.arange(leads.shape[1])
    for number in range(3, len(beats) - 1, every):
        old, new = beats[number], beats[number] - round(0.25 * strip.fs)
        leads[:, old - 150 : old + 225] = 0
        leads += -1.5 * np.exp(-0.5 * ((t - new) / (0.035 * strip.fs)) ** 2)
        beats[number] = new
        moved.append(new)
    return replace(strip, leads=leads, beats=beats), moved


@pytest.mark.parametrize("every", [2, 3, 7])
def test_beats_of_another_shape_are_left_out_even_in_bigeminy(every: int) -> None:
    strip, moved = ectopic(CALM.record(), every)
    found = median_beats(strip.leads, strip.beats, strip.fs)
    assert found is not None
    assert not {m for m in moved for b in found.whole.beats if abs(m - b) < 20}


def test_early_beats_of_the_same_shape_are_left_out_too() -> None:
    strip = CALM.record()
    r = np.array(CALM.r_times())
    early = {5, 12, 19}
    r[list(early)] -= 0.3
    moved = [round(each * strip.fs) for each in r]
    leads = strip.leads
    found = usual(replace(strip, leads=_at(CALM, r.tolist()), beats=moved))
    assert not early & {moved.index(min(moved, key=lambda m: abs(m - b))) for b in found.beats}
    assert leads.shape[0] == 3


def _at(heart: Heart, r: list[float]) -> Array:
    t = np.arange(round(heart.seconds * heart.fs)) / heart.fs
    return np.array([heart._lead(lead, t, r) for lead in range(heart.leads)])


def test_a_lead_with_holes_uses_its_whole_beats_and_an_empty_one_is_none() -> None:
    strip = CALM.record()
    leads = strip.leads.copy()
    leads[0, 4000:6000] = np.nan
    leads[1] = np.nan
    beat = usual(replace(strip, leads=leads))
    assert np.isfinite(beat.millivolts[[0, 2]]).all()
    assert np.isnan(beat.millivolts[1]).all()
    assert np.isnan(beat.noise_uv[1])


def test_few_beats_give_no_median() -> None:
    strip = CALM.record()
    assert median_beats(strip.leads, strip.beats[: FEWEST - 1], strip.fs) is None
    assert median_beats(strip.leads, [], strip.fs) is None
    assert median_beats(np.full_like(strip.leads, np.nan), strip.beats, strip.fs) is None


def test_the_interval_that_belongs_to_it_is_that_of_its_beats() -> None:
    strip = CALM.record()
    beat = usual(strip)
    assert beat.rr_ms == pytest.approx(strip.rr_ms, rel=0.02)
    assert beat.rr_spread == pytest.approx(0.02, abs=0.01)
