"""The second detector by itself, and how far it agrees with the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cabin_signal.continuous import Continuous
from cabin_signal.curve_length import CurveLength
from cabin_signal.ecg import EcgStream
from cabin_signal.second_opinion import SecondOpinion
from tests.cabin_signal_models import Array, heart, recording, score

FS = 250.0
BEATS = np.cumsum(np.random.default_rng(8).uniform(0.7, 0.95, 80))


def lengths(x: Array, fs: float, block: int = 250) -> list[int]:
    other = CurveLength(fs)
    return [at for i in range(0, len(x), block) for at in other.update(x[i : i + block])]


@pytest.mark.parametrize("fs", [125.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("gain", [1.0, -0.3])
def test_beats_are_found_at_every_rate_either_way_up(fs: float, gain: float) -> None:
    x = gain * heart(BEATS, fs, 40)
    true = [round(t * fs) for t in BEATS if 1.0 < t < 39.0]
    found = [at for at in lengths(x, fs, round(fs)) if fs < at + 0.1 * fs < 39.1 * fs]
    judged = score(true, found, 0.1 * fs)
    assert judged.missed <= 1 and judged.invented <= 1


@pytest.mark.parametrize("block", [1, 14, 360, 5000])
def test_blocks_of_any_size_give_the_same_beats(block: int) -> None:
    x = heart(BEATS, FS, 20) + 0.05 * np.random.default_rng(1).standard_normal(5000)
    assert lengths(x, FS, block) == lengths(x, FS, 250)


def test_a_flat_line_has_none() -> None:
    assert lengths(np.zeros(5000), FS) == []


def test_a_smaller_heart_is_heard_after_a_while() -> None:
    x = heart(BEATS, FS, 40)
    x[20 * 250 :] *= 0.2
    late = [at / FS for at in lengths(x, FS) if at > 26 * FS]
    assert len(late) == pytest.approx(sum(26 < t < 39.9 for t in BEATS), abs=2)


@pytest.mark.parametrize("record", ["105", "119", "234"])
def test_by_itself_it_is_a_fair_detector(cabin_data: Path, record: str) -> None:
    real = recording(cabin_data / "mitdb" / record)
    whole, n = Continuous(real.fs), round(real.fs)
    x = np.concatenate([whole.update(real.samples[i : i + n])[0] for i in range(0, len(real.samples), n)])
    found = [at - whole.delay for at in lengths(x, real.fs, n)]
    assert real.judge(found).f1 > 97.0


def opinion(ours: list[float], x: Array, now_s: float) -> float | None:
    second = SecondOpinion(FS)
    for i in range(0, round(now_s * FS), 250):
        second.update(x[i : i + 250])
    for t in ours:
        second.beat(round(t * FS))
    return second.agreement(round(now_s * FS))


def test_who_finds_the_same_beats_agrees() -> None:
    assert opinion([t for t in BEATS if t < 20], heart(BEATS, FS, 40), 20) == 1.0


def test_every_beat_that_one_has_alone_counts_against_it() -> None:
    beats = [t for t in BEATS if t < 20]
    inside = [t for t in beats if 14.5 <= t < 19.5]
    with_extra = sorted([*beats, inside[1] + 0.4, inside[3] + 0.4])
    assert opinion(with_extra, heart(BEATS, FS, 40), 20) == pytest.approx(len(inside) / (len(inside) + 2), abs=0.1)
    without = [t for t in beats if t not in inside[1:3]]
    assert opinion(without, heart(BEATS, FS, 40), 20) == pytest.approx(1 - 2 / len(inside), abs=0.1)


def test_there_is_no_opinion_before_the_first_beat() -> None:
    assert opinion([], heart(BEATS, FS, 40), 10) is None


def test_noise_on_a_lead_costs_its_clearness_before_it_costs_beats() -> None:
    rng = np.random.default_rng(4)
    noise = np.cumsum(rng.standard_normal(60 * 250)) * 0.02
    noise -= np.convolve(noise, np.ones(63) / 63, mode="same")
    noise[: 30 * 250] = 0
    stream, x = EcgStream(FS), heart(BEATS, FS, 60) + 6 * noise
    spans = [s for i in range(60) for s in stream.update(x[i * 250 : i * 250 + 250]).quality]
    before = [s.score for s in spans[5:30] if s.score is not None]
    after = [s.score for s in spans[40:] if s.score is not None]
    assert min(before) > 0.8 and np.mean(after) < 0.6
    assert {s.grade for s in spans[5:30]} == {"good"} and "good" not in {s.grade for s in spans[45:]}
    assert {r for s in spans[45:] for r in s.reasons} == {"movement"}
