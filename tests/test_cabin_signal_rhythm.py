"""Rate and rhythm: hearts whose verdict is known, and the recordings that have readers' verdicts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.ecg import EcgStream
from cabin_signal.findings import Beat, QualitySpan, grade_of, merged
from cabin_signal.rate import RateWatch, strip_heart_rate
from cabin_signal.rhythm import BEATS, LEAN, RhythmSpan, RhythmWatch, judged
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
    assert verdicts(rr) == ["regular"] * 4


def test_single_extra_beats_do_not_make_a_rhythm_irregular() -> None:
    rr = sinus(120)
    rr[10::15] *= 0.65
    rr[11::15] *= 1.35
    assert verdicts(rr) == ["regular"] * 4


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


def stream_spans(x: Array, block: int = 250) -> list[RhythmSpan]:
    stream = EcgStream(FS)
    spans = [span for i in range(0, len(x), block) for span in stream.update(x[i : i + block]).rhythm]
    return spans + list(stream.finish().rhythm)


def ventricular(at: list[float], seconds: float) -> Array:
    """Wide beats without a P wave, of their own shape."""
    t = np.arange(round(seconds * FS)) / FS
    x = np.zeros(len(t))
    for r in at:
        x += 1.4 * np.exp(-0.5 * ((t - r) / 0.035) ** 2) - 0.5 * np.exp(-0.5 * ((t - r - 0.2) / 0.05) ** 2)
    return x


def fluttering(at: Array, seconds: float) -> Array:
    """Beats without P waves on f waves of 50 microvolts whose rate wanders around 6 Hz."""
    t = np.arange(round(seconds * FS)) / FS
    x = heart(at, FS, seconds)
    for r in at:
        x -= 0.12 * np.exp(-0.5 * ((t - r + 0.17) / 0.022) ** 2)
    hertz = 6 + np.cumsum(RNG.normal(0, 0.05, len(t)))
    f_waves: Array = 0.05 * np.sin(2 * np.pi * np.cumsum(np.clip(hertz, 4, 9)) / FS)
    return x + f_waves


def test_a_limit_leans_to_the_verdict_before() -> None:
    """A window at the edge is what its neighbour was: the same intervals, after regular and after irregular ones."""
    edge = scattered(30, 0.13)
    after = {
        kind: judged(np.concatenate((rr, edge)))[1].score for kind, rr in (("r", sinus(30)), ("i", scattered(30)))
    }
    alone = judged(edge)[0].score
    assert alone is not None and after["r"] is not None and after["i"] is not None
    assert after["i"] - after["r"] == pytest.approx(2 * LEAN, abs=0.1)


def test_the_score_is_positive_where_the_verdict_is_irregular() -> None:
    spans = judged(np.concatenate((sinus(90), scattered(90), sinus(90, 0.1))))
    assert [span.verdict for span in spans] == ["regular"] * 3 + ["irregular"] * 3 + ["regular"] * 3
    assert all(span.score is not None and (span.score > 0) == (span.verdict == "irregular") for span in spans)


def test_intervals_alone_say_nothing_of_waves() -> None:
    (span,) = judged(sinus(30))
    assert (span.extra_beats, span.pattern, span.p_wave) == (None, "cannot-tell", "cannot-tell")


def test_an_unanalysable_window_has_no_score() -> None:
    watch = RhythmWatch(FS)
    watch.spoiled(0, round(30 * FS))
    spans = [span for beat in beats_of(sinus(BEATS)) if (span := watch.add(beat)) is not None]
    assert [(span.verdict, span.score) for span in spans] == [("unanalysable", None)]


def test_p_waves_are_seen_in_a_sinus_rhythm() -> None:
    rr = sinus(100)
    spans = stream_spans(heart(0.5 + np.cumsum(rr), FS, float(rr.sum()) + 1))
    assert {(s.verdict, s.extra_beats, s.pattern, s.p_wave) for s in spans[:3]} == {("regular", 0, "none", "seen")}


def test_an_irregular_heart_without_p_waves_is_irregular_at_a_slow_rate_too() -> None:
    rr = 1.25 * np.random.default_rng(12).gamma(25, 0.75 / 25, 160)
    at = 0.5 + np.cumsum(rr)
    spans = stream_spans(fluttering(at, float(at[-1]) + 1))
    assert [s.verdict for s in spans[:5]] == ["irregular"] * 5
    assert "seen" not in {s.p_wave for s in spans}


def test_ventricular_beats_are_counted_and_do_not_make_a_rhythm_irregular() -> None:
    """Extra beats at chance, each with a full pause: by intervals alone this is much nearer to irregular."""
    rng = np.random.default_rng(5)
    at, extra = [0.5], list[float]()
    for rr in sinus(180, 0.02):
        if rng.random() < 0.35 and not (extra and extra[-1] > at[-1]):
            extra.append(at[-1] + float(rng.uniform(0.45, 0.75)))
            at.append(at[-1] + 1.8)
        else:
            at.append(at[-1] + float(rr))
    x = heart(at, FS, at[-1] + 1) + ventricular(extra, at[-1] + 1)
    spans = stream_spans(x)[:-1]
    assert len(spans) >= 6 and {s.verdict for s in spans} == {"regular"}
    assert sum(s.extra_beats or 0 for s in spans) == pytest.approx(
        len([e for e in extra if e * FS < spans[-1].end]), abs=3
    )
    alone = judged(np.diff(np.sort(np.concatenate((at, extra)))))
    assert (
        min(s.score for s in alone if s.score is not None) > max(s.score for s in spans if s.score is not None) + 0.2
    )


def test_a_ventricular_bigeminy_is_every_other_beat() -> None:
    at = np.arange(0.5, 120, 1.6)
    x = heart(at, FS, 121) + ventricular((at + 0.55).tolist(), 121)
    spans = stream_spans(x)
    assert {(s.verdict, s.pattern) for s in spans[:3]} == {("regular", "every-other-beat")}


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_of_any_size_give_the_same_spans_to_the_last_bit(block: int) -> None:
    rr = scattered(45, 0.15)
    x = heart(0.5 + np.cumsum(rr), FS, float(rr.sum()) + 1) + RNG.normal(0, 0.02, round((rr.sum() + 1) * FS))
    assert stream_spans(x, block) == stream_spans(x, 250)


@given(st.lists(st.integers(0, 2000), max_size=80), st.lists(st.integers(0, 300), max_size=30))
def test_no_series_of_beats_is_an_error(steps: list[int], late: list[int]) -> None:
    watch, at = RhythmWatch(FS), 0
    for i, step in enumerate(steps):
        at += step
        watch.update(np.full(250, np.nan if i % 3 else 1.0))
        watch.add(Beat(at, at + (late[i] if i < len(late) else 0), fresh=i % 7 == 0))
        watch.pass_time(at)
    watch.finish(at)


def test_the_readers_rhythms(cabin_data: Path) -> None:
    """On beats and waves of development records that readers have called, first lead."""
    hits = {True: [0, 0], False: [0, 0]}
    for name in ("mitdb/119", "mitdb/201", "mitdb/219", "cpsc2021/data_8_2", "cpsc2021/data_21_8"):
        for span, af in called(cabin_data / name):
            if span.verdict != "unanalysable":
                hits[af][(span.verdict == "irregular") == af] += 1
    assert hits[True][1] / sum(hits[True]) >= 0.97
    assert hits[False][1] / sum(hits[False]) >= 0.90
    assert sum(hits[True]) > 80 and sum(hits[False]) > 100


def called(file: Path) -> Iterator[tuple[RhythmSpan, bool]]:
    """The spans of a recording's first lead, and whether readers call most of its beats fibrillation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

        record, notes = wfdb.rdrecord(str(file), channels=[0]), wfdb.rdann(str(file), "atr")
    rhythms = [(s, "AFIB" in n) for s, n in zip(notes.sample, notes.aux_note, strict=True) if n.startswith("(")]
    stream = EcgStream(record.fs)
    x = record.p_signal[:, 0]
    found = [stream.update(x[i : i + 5000]) for i in range(0, len(x), 5000)] + [stream.finish()]
    beats = np.array([beat.sample for part in found for beat in part.beats])
    starts = np.array([s for s, _ in rhythms])
    for span in (span for part in found for span in part.rhythm):
        inside = beats[(beats > span.start) & (beats <= span.end)]
        which = np.searchsorted(starts, inside, side="right") - 1
        yield span, bool(len(inside)) and float(np.mean([i >= 0 and rhythms[i][1] for i in which])) > 0.5


def test_days_of_sinus_rhythm_are_regular(cabin_data: Path) -> None:
    wrong = total = 0
    for name in ("nsr017", "nsr025"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wfdb

            rr = np.diff(wfdb.rdann(str(cabin_data / "nsr2db_rr" / name), "ecg").sample[:25000]) / 128
        spans = judged(rr)
        total += len(spans)
        wrong += sum(span.verdict == "irregular" for span in spans)
    assert total > 1600
    assert wrong / total <= 0.005


def test_the_intervals_of_a_fibrillating_heart(cabin_data: Path) -> None:
    from scipy.io import loadmat

    held = loadmat(cabin_data / "afdb_rr" / "afdb_2.mat")
    at, af = held["qrs"].ravel() / 250, held["targetsRR"].ravel()
    hits = {True: [0, 0], False: [0, 0]}
    for span in judged(np.diff(at)):
        inside = (at[1:] - at[0] > span.start / 1000) & (at[1:] - at[0] <= span.end / 1000)
        truth = bool(np.mean(af[inside]) > 0.5)
        hits[truth][(span.verdict == "irregular") == truth] += 1
    assert hits[True][1] / sum(hits[True]) >= 0.99
    assert hits[False][1] / sum(hits[False]) >= 0.985


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
