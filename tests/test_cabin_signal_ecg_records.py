"""The ECG stream on real recordings: every one of the development set by itself, and all together.

Whole records, first channel, no learning time left out, fed second by second.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cabin_signal.ecg import EcgStream
from cabin_signal.findings import Beat
from tests.cabin_signal_models import Array, Recording, Score, recording, score

CLEAN = ("102", "106", "107", "112", "115", "118", "119", "121", "122", "124", "209", "219", "230", "234")
"""Those that a person reads without hesitation."""
BEGINNING_S = 600.0
KEPT: list[Path] = []
"""The folder in which a record's beats lie, while the tests of this file run."""
Change = Callable[[Array, float, np.random.Generator], Array]
MITDB = (*CLEAN, "105", "108", "114", "200", "201", "202", "207", "214", "222", "228")


def beats_of(x: Array, fs: float) -> list[Beat]:
    stream = EcgStream(fs)
    size = round(fs)
    found = [b for i in range(0, len(x), size) for b in stream.update(x[i : i + size]).beats]
    return found + list(stream.finish().beats)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of this run alone, which its workers share: what one of them has heard the others read."""
    own = tmp_path_factory.getbasetemp()
    KEPT.append((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "ecg-records")
    KEPT[0].mkdir(exist_ok=True)
    yield
    KEPT.clear()


@cache
def heard(file: Path) -> tuple[Recording, tuple[Beat, ...]]:
    real, place = recording(file), KEPT[0] / f"{file.parent.name}-{file.name}"
    if not place.exists():
        half = place.with_suffix(f".{os.getpid()}")
        half.write_bytes(pickle.dumps(beats_of(real.samples, real.fs)))
        half.rename(place)
    return real, tuple(pickle.loads(place.read_bytes()))


def beginning(file: Path) -> Recording:
    """Ten minutes of a record: enough for what compares two runs of the same."""
    real = recording(file)
    end = round(BEGINNING_S * real.fs)
    return replace(real, samples=real.samples[:end], beats=tuple(each for each in real.beats if each < end))


def plainly(file: Path) -> Score:
    """How well the beginning is heard as it is."""
    real = beginning(file)
    return real.judge([b.sample for b in heard(file)[1] if b.sample < len(real.samples)])


def judged(file: Path, window_s: float = 0.15) -> Score:
    real, beats = heard(file)
    return real.judge([b.sample for b in beats], window_s)


@pytest.mark.parametrize("record", MITDB)
def test_one_record_of_mitdb(cabin_data: Path, record: str) -> None:
    found = judged(cabin_data / "mitdb" / record)
    assert found.f1 >= (99.8 if record in CLEAN else 99.0)


def test_all_of_mitdb_together(cabin_data: Path) -> None:
    total = sum((judged(cabin_data / "mitdb" / record) for record in MITDB), Score(0, 0, 0))
    assert total.found + total.missed > 50_000
    assert total.f1 >= 99.8


def test_r_peaks_lie_where_the_readers_put_them(cabin_data: Path) -> None:
    total = Score(0, 0, 0)
    spreads: list[float] = []
    for record in MITDB:
        real, _ = heard(cabin_data / "mitdb" / record)
        within_50_ms = judged(cabin_data / "mitdb" / record, 0.05)
        total += within_50_ms
        spreads.append(float(np.std(within_50_ms.offsets)) / real.fs)
    assert total.f1 >= 99.4
    assert np.mean(spreads) <= 0.008


def test_beats_are_announced_in_time(cabin_data: Path) -> None:
    late: list[float] = []
    for record in MITDB:
        real, beats = heard(cabin_data / "mitdb" / record)
        late += [(b.announced - b.sample) / real.fs for b in beats]
    assert min(late) > 0
    assert np.percentile(late, 99) <= 0.4
    assert np.mean(np.array(late) > 1.0) < 0.002


@pytest.mark.parametrize(("record", "least"), [("118e24", 99.8), ("118e12", 99.3)])
def test_electrode_motion(cabin_data: Path, record: str, least: float) -> None:
    assert judged(cabin_data / "nstdb" / record).f1 >= least


def test_short_noisy_strips(cabin_data: Path) -> None:
    files = sorted((cabin_data / "cpsc2019").glob("*.hea"))
    assert len(files) == 25
    total = sum((judged(f.with_suffix("")) for f in files), Score(0, 0, 0))
    assert total.f1 >= 95.5


def test_strips_with_an_irregular_rhythm(cabin_data: Path) -> None:
    files = sorted((cabin_data / "cpsc2021").glob("*.hea"))
    total = sum((judged(f.with_suffix("")) for f in files), Score(0, 0, 0))
    assert total.f1 >= 98.7


@pytest.mark.parametrize("gain", [-1.0, 0.2, 5.0])
@pytest.mark.parametrize("record", ["119", "228"])
def test_a_turned_or_rescaled_record_keeps_its_beats(cabin_data: Path, record: str, gain: float) -> None:
    real = beginning(cabin_data / "mitdb" / record)
    upright = plainly(cabin_data / "mitdb" / record).f1
    changed = real.judge([b.sample for b in beats_of(gain * real.samples, real.fs)]).f1
    assert changed >= upright - 0.25


@pytest.mark.parametrize("rate", [250.0, 500.0])
def test_another_sampling_rate_keeps_the_beats(cabin_data: Path, rate: float) -> None:
    real = beginning(cabin_data / "mitdb" / "200")
    t = np.arange(0, len(real.samples) / real.fs, 1 / rate)
    x = np.interp(t, np.arange(len(real.samples)) / real.fs, real.samples)
    other = [round(b.sample * real.fs / rate) for b in beats_of(x, rate)]
    assert real.judge(other).f1 >= plainly(cabin_data / "mitdb" / "200").f1 - 0.25


def stepped(x: Array, fs: float, rng: np.random.Generator) -> Array:
    """Five millivolts up or down, for good, every fifteen seconds."""
    edges = np.zeros(len(x))
    edges[np.arange(round(7 * fs), len(x), round(15 * fs))] = 5.0
    result: Array = x + np.cumsum(edges * rng.choice([-1, 1], len(x)))
    return result


def humming(x: Array, fs: float, rng: np.random.Generator) -> Array:
    result: Array = x + 0.2 * np.sin(2 * np.pi * 50.03 * np.arange(len(x)) / fs + rng.uniform(0, 6))
    return result


def torn(x: Array, fs: float, rng: np.random.Generator) -> Array:
    """A packet of 10 to 60 ms lost every ten seconds."""
    x = x.copy()
    for at in np.arange(round(6 * fs), len(x), round(10 * fs)).tolist():
        x[at : at + round(rng.uniform(0.01, 0.06) * fs)] = np.nan
    return x


@pytest.mark.parametrize("change", [stepped, humming, torn])
def test_steps_hum_and_lost_packets_cost_next_to_nothing(cabin_data: Path, change: Change) -> None:
    plain, changed = Score(0, 0, 0), Score(0, 0, 0)
    for record in ("207", "228"):
        real = beginning(cabin_data / "mitdb" / record)
        plain += plainly(cabin_data / "mitdb" / record)
        x = change(real.samples, real.fs, np.random.default_rng(7))
        changed += real.judge([b.sample for b in beats_of(x, real.fs)])
    assert changed.f1 >= plain.f1 - 0.2


def test_what_is_missed_or_invented_lies_in_seconds_that_were_doubted(cabin_data: Path) -> None:
    real = recording(cabin_data / "nstdb" / "118e12")
    stream, size = EcgStream(real.fs), round(real.fs)
    parts = [stream.update(real.samples[i : i + size]) for i in range(0, len(real.samples), size)]
    bad = [span.grade == "bad" for part in parts for span in part.quality]
    beats = [b.sample for part in parts for b in part.beats]
    kept = [b for b in beats if not bad[min(b // size, len(bad) - 1)]]
    lost = [r for r in real.beats if not bad[min(r // size, len(bad) - 1)]]
    assert 0.01 < np.mean(bad) < 0.12
    withheld = score(lost, kept, 0.15 * real.fs)
    whole = real.judge(beats)
    assert (withheld.missed + withheld.invented) / len(lost) < 0.9 * (whole.missed + whole.invented) / len(real.beats)
