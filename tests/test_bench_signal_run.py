"""Detectors behind one door, passages worth a look, leads without a heart, and the processes that run them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import signal_run
from bench.__main__ import SIGNAL, groups
from bench.cabin import BenchError
from bench.signal_beats import named
from bench.signal_cases import Case, Given, Truth
from bench.signal_changed import loss
from bench.signal_detectors import DETECTORS, ECG, GRADES, OURS, PLETH, Found, cabin_ecg, cabin_ppg, timed
from bench.signal_nothing import LEADS, beats_on_nothing
from bench.signal_passages import judge, median_beat, worst
from bench.signal_run import Result, run
from bench.signal_speed import words
from tests.cabin_signal_models import finger, heart

FS = 250.0
TIMES = [1.0 + 0.8 * n for n in range(35)]
LEAD = heart(TIMES, FS, 30)


def result(beats: list[int], detected: list[int], change: str = "none", error: str = "") -> Result:
    truth = Truth(10_000, FS, np.array(beats, dtype=np.int64), ())
    return Result(Case("a/b", change=change), truth, Found(detected, error=error))


@pytest.mark.parametrize("block_s", [0.04, 1.0])
def test_ours_is_heard_the_same_in_blocks_of_any_size(block_s: float) -> None:
    found = cabin_ecg(block_s, LEAD, FS)
    whole = cabin_ecg(30.0, LEAD, FS)
    assert np.array_equal(found.margins, whole.margins, equal_nan=True)
    assert replace(found, margins=[]) == replace(whole, margins=[])
    assert len(found.beats) == len(TIMES) == len(found.known)
    assert len(found.quality) == 30 and found.rhythm


def test_our_pleth_is_heard_too() -> None:
    found = cabin_ppg(1.0, finger(TIMES, FS, 30), FS)
    assert len(found.beats) >= len(TIMES) - 1
    assert found.rates and found.quality


def test_time_is_taken_and_an_exception_is_an_answer() -> None:
    assert timed(lambda _x, _fs: Found([1]), LEAD, FS).beats == [1]

    def refuses(_x: object, _fs: float) -> Found:
        raise ValueError("too short")

    assert timed(refuses, LEAD, FS).error == "ValueError: too short"


def test_every_detector_has_one_name_and_ours_begin_alike() -> None:
    assert len(DETECTORS) == len(ECG) + len(PLETH) + 1
    assert [name for name in DETECTORS if name.startswith(OURS)] == [OURS, "cabin pleth", "cabin, 40 ms blocks"]


@pytest.mark.parametrize("name", ["zeros", "1 mV", "no samples", "at a rail"])
def test_a_lead_without_anything_has_no_beat(name: str) -> None:
    assert beats_on_nothing(LEADS[name]) == (0, 0)


def test_the_loss_is_what_a_change_costs_in_points() -> None:
    beats = [1000, 2000, 3000, 4000]
    short = {
        "none": {"x": [result(beats, beats)]},
        "inverted": {"x": [result(beats, beats[:2], "inverted")]},
        "hum": {"x": [result(beats, [], "hum", "ValueError: no")]},
    }
    assert loss(short, "inverted", "x") == pytest.approx(100 - 200 * 2 / 6)
    assert np.isnan(loss(short, "hum", "x"))


def test_a_hole_is_left_out_of_the_recording_as_it_was() -> None:
    beats = [1000, 2000, 3000]
    holed = Truth(10_000, FS, np.array(beats, dtype=np.int64), ((1900, 2100),))
    short = {
        "none": {"x": [result(beats, [1000, 3000])]},
        "gaps": {"x": [Result(Case("a/b", change="gaps"), holed, Found([1000, 3000]))]},
    }
    assert loss(short, "gaps", "x") == 0


def test_peers_are_named_from_the_best_on_and_ours_is_none() -> None:
    values = {OURS: 100.0, "a": 97.0, "b": 99.0, "c": 98.0}
    assert named(values, "%", 1) == "b 99.0 %, c 98.0 %"
    assert named(values, "ms", 0, highest=False) == "a 97 ms, c 98 ms"


def test_results_know_their_scores_and_delays() -> None:
    truth = Truth(1000, 100.0, np.array([100, 200, 300], dtype=np.int64), ())
    found = Found([101, 250], [130, 285], [(0, 220, "good"), (220, 400, "bad")])
    one = Result(Case("a/b"), truth, found)
    assert (one.score().found, one.score().missed, one.score().invented) == (1, 2, 1)
    assert one.score(withhold=True).errors == 1
    assert one.late_ms == [290, 350]


def test_the_worst_passage_holds_most_errors_in_its_middle() -> None:
    errors = [100, 5000, 5100, 5200, 9000]
    assert worst(errors, 100.0, 10, 20_000) == 46.0
    assert worst([50], 100.0, 10, 20_000) == 0.0
    assert worst([19_990], 100.0, 10, 20_000) == 190.0
    assert worst([], 100.0, 10, 20_000) == 0.0


def test_a_passage_knows_what_is_right_missed_and_invented() -> None:
    given = Given(np.zeros(1000), 100.0, np.array([100, 200, 300, 800], dtype=np.int64), ((700, 900),))
    heard = judge(Case("a/b"), given, Found([102, 240, 301, 850]))
    assert (heard.right.tolist(), heard.invented.tolist(), heard.missed.tolist()) == ([102, 301], [240], [200])
    assert heard.errors.tolist() == [200, 240]


def test_the_median_beat_is_of_whole_beats_alone() -> None:
    lead = LEAD.copy()
    lead[round(9 * FS) : round(9.2 * FS)] = np.nan
    at = np.array([round(t * FS) for t in TIMES], dtype=np.int64)
    rows = median_beat(lead, at, FS)
    assert rows.shape == (len(TIMES) - 1, round(0.8 * FS))
    assert int(np.argmax(np.median(rows, axis=0))) == round(0.3 * FS)
    assert median_beat(lead, at[:0], FS).shape == (0, round(0.8 * FS))


def test_without_peers_the_bench_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(signal_run, "PYTHON", tmp_path / "python")
    with pytest.raises(BenchError, match="make bench-signal"):
        run({OURS: []})


def test_without_recordings_the_bench_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "python").touch()
    monkeypatch.setattr(signal_run, "PYTHON", tmp_path / "python")
    monkeypatch.setenv("CABIN_DATA", str(tmp_path))
    with pytest.raises(BenchError, match="CABIN_DATA"):
        run({OURS: []})


def test_a_detector_reads_cases_and_writes_answers(
    cabin_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bench.signal_work import main

    monkeypatch.setenv("CABIN_DATA", str(cabin_data))
    asked, answer = tmp_path / "cases.json", tmp_path / "found.json"
    asked.write_text(json.dumps([{"record": "mitdb/119", "seconds": 20.0}, {"record": "cpsc2019/c00014"}]))
    assert main([OURS, str(asked), str(answer)]) == 0
    first, second = json.loads(answer.read_text())
    assert (first["truth"]["length"], first["truth"]["fs"], second["truth"]["fs"]) == (7200, 360, 500)
    assert len(first["found"]["beats"]) == pytest.approx(len(first["truth"]["beats"]), abs=1)
    assert first["found"]["cpu_s"] > 0 and not first["found"]["error"]


def test_every_chapter_of_the_analysis_may_be_asked_for_by_name() -> None:
    assert list(groups(hour=False, quick=True)["signal"]) == list(SIGNAL)


def test_doubt_is_by_grade_and_then_by_score() -> None:
    lead = LEAD.copy()
    lead[round(20 * FS) : round(24 * FS)] = np.nan
    found = cabin_ecg(1.0, lead, FS)
    assert len(found.doubts) == len(found.quality)
    by_grade = {
        grade: [d for d, q in zip(found.doubts, found.quality, strict=True) if q[2] == grade] for grade in GRADES
    }
    assert 0 <= min(by_grade["good"]) <= max(by_grade["good"]) <= 1 / 3
    assert 2 / 3 <= min(by_grade["bad"]) <= max(by_grade["bad"]) <= 1


def test_findings_are_compared_to_the_last_bit() -> None:
    one = Found([1], [2], [(0, 5, "good")], rates=[(1.0, 60.0)], rhythm=[(0, 5, "regular")])
    assert len(words(one)) == 4
    assert set(words(one)) ^ set(words(replace(one, rates=[(1.0, 60.00000000000001)])))
