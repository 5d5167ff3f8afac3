"""The bench's scorer of beats: by hand, by properties, and against the scorer that came with the recordings."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.signal_cases import reference
from bench.signal_score import Score, inside, pairs, score, together

FS = 1000.0
BEATS = st.lists(st.integers(0, 3000), max_size=40)


def test_beats_within_the_window_are_found_and_the_others_are_not() -> None:
    found = score([1000, 2000, 3000], [1150, 2151, 2900], FS)
    assert (found.found, found.missed, found.invented) == (2, 1, 1)
    assert found.offsets_ms == (150.0, -100.0)


def test_the_nearest_pair_is_taken_first() -> None:
    found = score([1000, 1200], [1110], FS)
    assert (found.found, found.missed, found.offsets_ms) == (1, 1, (-90.0,))


def test_a_beat_is_matched_only_once() -> None:
    assert score([1000], [990, 1010], FS).invented == 1
    assert score([990, 1010], [1000], FS).missed == 1


def test_equally_far_beats_go_to_the_earlier_reference() -> None:
    mine, theirs = pairs(np.array([900, 1100]), np.array([1000]), 150)
    assert (mine.tolist(), theirs.tolist()) == ([0], [0])


def test_a_delay_is_taken_off() -> None:
    late = [1120, 2120]
    assert score([1000, 2000], late, FS, window_s=0.05).f1 == 0
    assert score([1000, 2000], late, FS, window_s=0.05, shift_ms=120).f1 == 100


def test_nothing_is_counted_in_what_is_left_out_nor_a_detection_near_it() -> None:
    found = score([1000, 1500, 2000], [1400, 1500, 1600, 2100, 2300], FS, left_out=[(1400, 2000)])
    assert (found.found, found.missed, found.invented) == (0, 1, 1)  # 1000 is missed, 2300 is too far to be left out


def test_withheld_beats_are_matched_and_not_counted() -> None:
    every = score([1000, 2000, 3000], [1010, 2500, 2990], FS)
    kept = score([1000, 2000, 3000], [1010, 2500, 2990], FS, withheld=[(1500, 2600)])
    assert (every.found, every.missed, every.invented) == (2, 1, 1)
    assert (kept.found, kept.missed, kept.invented) == (2, 0, 0)


def test_a_kept_beat_may_be_matched_over_the_edge_of_what_is_withheld() -> None:
    kept = score([1000], [1020], FS, withheld=[(1010, 2000)])
    assert (kept.found, kept.missed, kept.invented) == (1, 0, 0)
    withheld = score([1020], [1000], FS, withheld=[(1010, 2000)])
    assert (withheld.found, withheld.missed, withheld.invented) == (0, 0, 0)


def test_inside_holds_the_start_and_not_the_end() -> None:
    assert inside(np.array([9, 10, 19, 20, 35]), [(10, 20), (30, 40)]).tolist() == [False, True, True, False, True]
    assert not inside(np.array([1, 2]), []).any()


def test_scores_add_up_to_the_score_of_all_together() -> None:
    one, two = Score(90, 10, 5, (1.0, 3.0)), Score(10, 0, 0, (5.0,))
    assert one + two == together([one, two]) == Score(100, 10, 5, (1.0, 3.0, 5.0))
    assert (one + two).delay_ms == 3.0
    assert (one + two).errors == 15
    assert Score().f1 == Score().sensitivity == Score().delay_ms == Score().spread_ms == 0


def test_the_three_rates_have_their_definitions() -> None:
    found = Score(80, 20, 40)
    assert found.sensitivity == 80
    assert found.predictivity == pytest.approx(66.667, abs=1e-3)
    assert found.f1 == pytest.approx(2 * 80 * 66.6667 / 146.6667, abs=1e-3)


@given(BEATS, BEATS, st.integers(0, 200))
def test_pairs_are_one_to_one_within_the_window_and_none_is_left_that_could_be(
    reference: list[int], detected: list[int], window: int
) -> None:
    ref, det = np.unique(np.array(reference, dtype=np.int64)), np.unique(np.array(detected, dtype=np.int64))
    mine, theirs = pairs(ref, det, window)
    assert len(set(mine.tolist())) == len(mine) == len(set(theirs.tolist()))
    assert np.all(np.abs(ref[mine] - det[theirs]) <= window)
    lonely_ref, lonely_det = np.delete(ref, mine), np.delete(det, theirs)
    assert not np.any(np.abs(lonely_ref[:, None] - lonely_det[None, :]) <= window)


@given(BEATS, BEATS)
def test_exchanging_the_two_exchanges_missed_and_invented(reference: list[int], detected: list[int]) -> None:
    there, back = score(reference, detected, FS), score(detected, reference, FS)
    assert (there.missed, there.invented) == (back.invented, back.missed)
    assert there.f1 == back.f1


def _their_scorer(folder: Path) -> ModuleType:
    file = folder.parent / "tools" / "score_beats.py"
    spec = importlib.util.spec_from_file_location("score_beats", file)
    if spec is None or spec.loader is None or not file.exists():
        pytest.skip(f"{file} is not there")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports wfdb, which pandas warns of
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("record", ["mitdb/207", "mitdb/119", "nstdb/118e12"])
@pytest.mark.parametrize("window_s", [0.15, 0.05])
def test_both_scorers_agree(cabin_data: Path, monkeypatch: pytest.MonkeyPatch, record: str, window_s: float) -> None:
    """On reference beats that were moved, left out and added to, flutter included."""
    monkeypatch.setenv("CABIN_DATA", str(cabin_data))
    theirs = _their_scorer(cabin_data)
    beats, flutter = reference(record)
    rng = np.random.default_rng(3)
    detected = beats + rng.normal(5, 20, len(beats)).astype(np.int64)
    detected = np.concatenate([detected[rng.random(len(beats)) > 0.05], rng.integers(0, 650_000, 200)])
    expected = theirs.score(beats, detected, 360, flutter, window_s)
    found = score(beats, detected, 360.0, flutter, window_s)
    assert (found.found, found.missed, found.invented) == (expected["tp"], expected["fn"], expected["fp"])
    assert found.f1 == pytest.approx(expected["f1"]) and found.sensitivity == pytest.approx(expected["se"])
    assert found.predictivity == pytest.approx(expected["ppv"])
    assert found.delay_ms == pytest.approx(expected["offset_ms_median"])
    assert found.spread_ms == pytest.approx(expected["offset_ms_sd"])
    assert bool(flutter) is (record == "mitdb/207")


def test_the_window_is_as_many_whole_samples_as_theirs(cabin_data: Path) -> None:
    theirs = _their_scorer(cabin_data)
    for fs in (125.0, 128.0, 250.0, 257.0, 360.0, 1000.0):
        for apart in range(int(0.2 * fs)):
            expected = theirs.score([1000], [1000 + apart], fs)["tp"]
            assert score([1000], [1000 + apart], fs).found == expected
