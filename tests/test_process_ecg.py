"""The heart rate in the record against the reference beats of MIT-BIH, over the very strip that the record holds.

The strip is found again in the recording by its own samples (normalised cross-correlation), so that neither the
simulator's word for where it was nor any of our analysis takes part in the reference.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate, resample_poly

from cabin_agent.demo.cabin import Replays
from cabin_agent.face import Json
from tests.bundles import LEAD_II, lead, measured, value
from tests.cabin import Cabin

with warnings.catch_warnings():
    # wfdb 4.3 still uses what pandas 3.1 calls deprecated; that is between the two of them.
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb

pytestmark = [
    pytest.mark.processes,
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]

Array = NDArray[np.float64]
RATE = 250
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotation codes that stand on a QRS complex (PhysioNet's table of WFDB annotation codes)."""
TOLERANCE_BPM = 2.0
RECORDS = ("105", "115", "119", "122", "201", "234")
"""Clean sinus rhythm, noise, ventricular bigeminy and trigeminy (119), and atrial fibrillation (201)."""


@pytest.mark.parametrize("name", RECORDS)
async def test_the_rate_in_the_record_is_that_of_the_reference_beats(cabin_data: Path, name: str) -> None:
    record = cabin_data / "mitdb" / name
    replays = Replays(ecg=record)
    async with Cabin(speed=12, measures=("ecg", "heart_rate"), replays=replays) as cabin:
        bundle = await cabin.delivered(await cabin.finish())
    (observation,) = measured(bundle, "heart_rate")
    assert observation["status"] == "final"
    begin, likeness = place_of(strip(bundle), recorded(record))
    assert likeness > 0.99, f"the strip is not of this recording (likeness {likeness:.3f})"
    reference = reference_rate(record, begin, begin + len(strip(bundle)) / RATE)
    assert abs(value(bundle, "heart_rate") - reference) <= TOLERANCE_BPM, f"{reference:.1f} /min in the reference"


def strip(bundle: Json) -> Array:
    """Lead II as the record holds it, in mV; NaN where a sample was lost."""
    data = lead(bundle, LEAD_II)
    assert data["period"] * RATE == 1000
    steps = [np.nan if word == "E" else float(word) for word in data["data"].split()]
    samples: Array = np.array(steps) * data["factor"] + data["origin"]["value"]
    assert len(samples) >= 30 * RATE and np.mean(np.isnan(samples)) < 0.02, "less than half a minute of lead II"
    return samples


def recorded(record: Path) -> Array:
    """The record's MLII at 250 samples a second, sample k at k / 250 s."""
    whole = wfdb.rdrecord(str(record))
    signal = whole.p_signal[:, whole.sig_name.index("MLII")]
    return np.asarray(resample_poly(signal, RATE, int(whole.fs)))


def place_of(samples: Array, recording: Array) -> tuple[float, float]:
    """Second of the recording at which the samples lie best, and how well: their correlation coefficient there."""
    pattern = np.nan_to_num(samples - np.nanmean(samples))
    count = len(pattern)
    sums, squares = (np.cumsum(np.r_[0.0, recording**power]) for power in (1, 2))
    mean = (sums[count:] - sums[:-count]) / count
    energy = np.maximum(squares[count:] - squares[:-count] - count * mean**2, 1e-9)
    likeness = correlate(recording, pattern, mode="valid", method="fft") / np.sqrt(energy * np.sum(pattern**2))
    best = int(np.argmax(likeness))
    return best / RATE, float(likeness[best])


def reference_rate(record: Path, begin: float, end: float) -> float:
    """Beats a minute of the cardiologists' beats between two seconds."""
    notes = wfdb.rdann(str(record), "atr")
    seconds = np.array([at for at, code in zip(notes.sample, notes.symbol, strict=True) if code in BEATS]) / notes.fs
    inside = seconds[(seconds >= begin) & (seconds <= end)]
    assert len(inside) > 10
    return float(60.0 * (len(inside) - 1) / (inside[-1] - inside[0]))


def test_a_strip_is_found_where_it_was_cut_out() -> None:
    """The ruler itself: noise added and samples lost, the place is exact."""
    random = np.random.default_rng(7)
    recording = random.normal(size=20_000).cumsum()
    cut = recording[4_321:11_821] + random.normal(0, 0.5, 7_500)
    cut[100:160] = np.nan
    begin, likeness = place_of(cut, recording)
    assert begin == 4_321 / RATE and likeness > 0.99
    assert place_of(random.normal(size=7_500), recording)[1] < 0.9
