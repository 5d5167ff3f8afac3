"""Rate and rhythm: intervals whose verdict is known, and the recordings that have readers' verdicts."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.ecg import EcgStream
from cabin_signal.findings import Beat, QualitySpan, grade_of, merged
from cabin_signal.rate import RateWatch, median_rate, strip_heart_rate
from cabin_signal.rhythm import BEATS, RhythmSpan, RhythmWatch, irregularity
from tests.cabin_signal_models import Array, heart

FS = 250.0
RNG = np.random.default_rng(4)


def sinus(n: int, breath: float = 0.03) -> Array:
    """Intervals that breathe."""
    at = np.arange(n) * 0.9
    rr: Array = 0.9 * (1 + breath * np.sin(2 * np.pi * 0.23 * at)) + RNG.normal(0, 0.008, n)
    return rr


def scattered(n: int, spread: float = 0.2) -> Array:
    """Independent intervals, as of an irregularly irregular rhythm."""
    return np.clip(RNG.gamma(1 / spread**2, 0.75 * spread**2, n), 0.3, 2.0)


def beats_of(rr: Array, fs: float = FS, start_s: float = 0.5) -> list[Beat]:
    at = start_s + np.concatenate(([0.0], np.cumsum(rr)))
    samples = np.round(at * fs).astype(int).tolist()
    return [Beat(s, s + 80, fresh=i == 0) for i, s in enumerate(samples)]


def verdicts(rr: Array) -> list[str]:
    watch = RhythmWatch(FS)
    spans = [span for beat in beats_of(rr) if (span := watch.add(beat)) is not None]
    return [span.verdict for span in spans]


def test_breathing_is_regular_and_scatter_is_not() -> None:
    assert verdicts(sinus(120)) == ["regular"] * 4
    assert verdicts(sinus(120, 0.08)).count("irregular") == 0
    assert verdicts(scattered(300)).count("irregular") >= 9


def test_a_bigeminy_is_a_pattern() -> None:
    rr = np.tile([0.55, 1.05], 60) + RNG.normal(0, 0.01, 120)
    assert irregularity(rr[:30]).turning > 0.9
    assert verdicts(rr) == ["regular"] * 4


def test_single_extra_beats_do_not_make_a_rhythm_irregular() -> None:
    rr = sinus(120)
    rr[10::15] *= 0.65
    rr[11::15] *= 1.35
    assert verdicts(rr) == ["regular"] * 4


def test_the_turning_points_of_chance_are_two_thirds() -> None:
    ratios = [irregularity(RNG.normal(1, 0.1, 128)).turning for _ in range(300)]
    assert np.mean(ratios) == pytest.approx(2 / 3, abs=0.01)
    assert np.std(ratios) == pytest.approx(0.038, abs=0.008)


def test_the_unit_of_the_intervals_does_not_matter() -> None:
    rr = scattered(30)
    ours, thousandfold = irregularity(rr), irregularity(1000 * rr)
    assert ours.spread == pytest.approx(thousandfold.spread) and ours.scatter == pytest.approx(thousandfold.scatter)


def test_a_window_is_thirty_intervals_and_the_next_begins_where_it_ended() -> None:
    watch = RhythmWatch(FS)
    beats = beats_of(sinus(2 * BEATS))
    spans = [span for beat in beats if (span := watch.add(beat)) is not None]
    assert [(s.start, s.end) for s in spans] == [
        (beats[0].sample, beats[BEATS].sample),
        (beats[BEATS].sample, beats[2 * BEATS].sample),
    ]


def test_bad_signal_makes_a_window_unanalysable() -> None:
    for bad_s, verdict in ((1, "regular"), (6, "unanalysable")):
        watch = RhythmWatch(FS)
        watch.spoiled(2500, 2500 + round(bad_s * FS))
        spans = [span for beat in beats_of(sinus(BEATS)) if (span := watch.add(beat)) is not None]
        assert [span.verdict for span in spans] == [verdict]


def test_a_minute_without_enough_beats_is_unanalysable() -> None:
    watch = RhythmWatch(FS)
    assert watch.pass_time(round(60 * FS)) is None
    assert watch.pass_time(round(60 * FS) + 1) == RhythmSpan(0, 15001, "unanalysable")
    assert watch.pass_time(round(61 * FS)) is None


def test_a_strip_of_thirty_seconds_has_a_verdict_at_its_end() -> None:
    for rr, verdict in ((sinus(32), "regular"), (scattered(38), "irregular")):
        watch = RhythmWatch(FS)
        spans = [span for beat in beats_of(rr[:28]) if (span := watch.add(beat)) is not None]
        assert spans == []
        last = watch.finish(round(30 * FS))
        assert last is not None and last.verdict == verdict


def test_ten_beats_say_nothing_about_a_rhythm() -> None:
    watch = RhythmWatch(FS)
    for beat in beats_of(scattered(10)):
        watch.add(beat)
    assert watch.finish(2500) == RhythmSpan(0, 2500, "unanalysable")
    assert RhythmWatch(FS).finish(0) is None


def test_an_interval_over_a_hole_is_no_interval() -> None:
    watch = RhythmWatch(FS)
    beats = beats_of(sinus(31))
    broken = [Beat(b.sample, b.announced, b.fresh or i == 15) for i, b in enumerate(beats)]
    spans = [span for beat in broken if (span := watch.add(beat)) is not None]
    assert [span.end for span in spans] == [beats[31].sample]


def test_the_stream_says_irregular_of_an_irregular_heart() -> None:
    for rr, verdict in ((sinus(100), "regular"), (scattered(130), "irregular")):
        x = heart(0.5 + np.cumsum(rr), FS, float(rr.sum()) + 1)
        stream = EcgStream(FS)
        spans = stream.update(x).rhythm + stream.finish().rhythm
        assert len(spans) >= 3 and {s.verdict for s in spans[:3]} == {verdict}


def test_the_readers_rhythms(cabin_data: Path) -> None:
    """Windows that readers do not call AFIB often have extra beats or blocks, and may be irregular all the same."""
    hits = {True: [0, 0], False: [0, 0]}
    for file in sorted((cabin_data / "cpsc2021").glob("*.hea")) + [
        cabin_data / "mitdb" / f"{n}.hea" for n in (112, 201, 202, 219)
    ]:
        for rr, af in windows(file.with_suffix(""), "AFIB"):
            hits[af][irregularity(rr).irregular == af] += 1
    assert hits[True][1] / sum(hits[True]) >= 0.93
    assert hits[False][1] / sum(hits[False]) >= 0.8


def test_a_day_of_sinus_rhythm_is_regular(cabin_data: Path) -> None:
    wrong = total = 0
    for file in sorted((cabin_data / "nsr2db_rr").glob("*.hea"))[:2]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wfdb

            rr = np.diff(wfdb.rdann(str(file.with_suffix("")), "ecg").sample[:40000]) / 128
        for i in range(0, len(rr) - BEATS, BEATS):
            window = rr[i : i + BEATS]
            if window.min() > 0.3 and window.max() < 3:
                total += 1
                wrong += irregularity(window).irregular
    assert total > 2000
    assert wrong / total < 0.01


def windows(file: Path, irregular: str) -> list[tuple[Array, bool]]:
    """Windows of thirty intervals of one rhythm, and whether it is the irregular one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

        notes = wfdb.rdann(str(file), "atr")
        fs = wfdb.rdheader(str(file)).fs
    at: list[int] = []
    af: list[bool] = []
    now = False
    for sample, symbol, note in zip(notes.sample, notes.symbol, notes.aux_note, strict=True):
        if note.startswith("("):
            now = irregular in note
        if symbol in set("NLRBAaJSVrFejnE/fQ?"):
            at.append(int(sample))
            af.append(now)
    rr = np.diff(at) / fs
    out = []
    for i in range(0, len(rr) - BEATS, BEATS):
        part = af[i + 1 : i + 1 + BEATS]
        if all(part) or not any(part):
            out.append((rr[i : i + BEATS], part[0]))
    return out


def test_the_strip_rate_is_intervals_over_time() -> None:
    assert strip_heart_rate([0, 250, 500, 750], 250) == pytest.approx(60)
    assert strip_heart_rate([0, 100, 500], 250) == pytest.approx(60)
    assert strip_heart_rate([7], 250) is None
    assert strip_heart_rate([], 250) is None
    assert strip_heart_rate([5, 5], 250) is None


@pytest.mark.parametrize(
    ("pattern", "bpm"), [([0.5, 1.0], 80), ([1.5, 0.5], 60), ([0.5], 120), ([0.4, 0.4, 1.2], 90), ([1.0], 60)]
)
def test_the_strip_rate_stays_right_in_irregular_rhythms(pattern: list[float], bpm: float) -> None:
    rr = np.tile(pattern, 40)
    beats = np.round(np.cumsum(rr) * 500).astype(int).tolist()
    assert strip_heart_rate(beats, 500) == pytest.approx(bpm, rel=0.02)


def test_the_median_rate_forgives_a_missed_pulse() -> None:
    assert median_rate([0, 100, 200, 400, 500, 600], 100) == pytest.approx(60)
    assert median_rate([0], 100) is None


@given(gap=st.integers(751, 5000))
def test_a_pause_or_a_hole_begins_the_rate_anew(gap: int) -> None:
    watch = RateWatch(250)
    points = [watch.add(Beat(250 * i, 250 * i + 80, fresh=i == 0)) for i in range(5)]
    assert [p is None for p in points] == [True] * 3 + [False] * 2
    assert watch.add(Beat(1000 + gap, 2000 + gap)) is None


def test_a_hole_begins_the_rate_anew() -> None:
    watch = RateWatch(250)
    for i in range(6):
        watch.add(Beat(200 * i, 200 * i + 80))
    assert watch.add(Beat(1200, 1280, fresh=True)) is None


def test_grades_add_up() -> None:
    assert grade_of(set(), set()) == "good"
    assert grade_of(set(), {"mains"}) == "usable"
    assert grade_of({"flat"}, {"mains"}) == "bad"


def test_equal_neighbours_are_merged() -> None:
    spans = [
        QualitySpan(0, 10, "good"), QualitySpan(10, 20, "good"), QualitySpan(20, 30, "bad", ("flat",)),
        QualitySpan(30, 40, "bad", ("mains",)), QualitySpan(50, 60, "bad", ("mains",)),
    ]  # fmt: skip
    assert [(s.start, s.end) for s in merged(spans)] == [(0, 20), (20, 30), (30, 40), (50, 60)]
    assert merged([]) == []
