"""A whole recording through the live analysis: the same streams, in blocks, and the result as plain JSON values.

The shapes are those that `cabin analyze` prints. Sample numbers are of the recording's own rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.cuff import CuffFindings, CuffStream
from cabin_signal.ecg import EcgFindings, EcgStream
from cabin_signal.filters import Samples
from cabin_signal.findings import Beat, QualitySpan, RatePoint, merged
from cabin_signal.interval_windows import interval_windows
from cabin_signal.ppg import PlethFindings, PlethStream

BLOCK = 250
"""Samples at a time, where nothing else is asked."""

Json = dict[str, Any]
"""Strings, numbers, None, lists and dicts of them."""


def analyze_ecg(samples: ArrayLike, fs: float, channel: str, block: int = BLOCK, *, intervals: bool = False) -> Json:
    """Beats, heart rate, quality and rhythm of one lead: `samples` in mV (NaN where there are none) at `fs` Hz.

    `intervals` adds PR, QRS and QT of every thirty seconds, which takes longer than all the rest.
    """
    stream = EcgStream(fs)
    parts: list[EcgFindings] = [stream.update(piece) for piece in _blocks(samples, block)]
    parts.append(stream.finish())
    beats = [beat for part in parts for beat in part.beats]
    found: Json = {
        "fs": fs,
        "channel": channel,
        **_beats(beats),
        "heart_rate": _rates([point for part in parts for point in part.heart_rate]),
        "quality": _quality([span for part in parts for span in part.quality]),
        "rhythm": [
            {"start": span.start, "end": span.end, "verdict": span.verdict} for part in parts for span in part.rhythm
        ],
    }
    if intervals:
        whole = np.asarray(samples, dtype=np.float64).ravel()
        found["intervals"] = interval_windows(whole, fs, [beat.sample for beat in beats])
    return found


def analyze_ppg(samples: ArrayLike, fs: float, channel: str, block: int = BLOCK, light: bool = False) -> Json:
    """Pulses, pulse rate, perfusion and quality of one pleth at `fs` Hz; `light` as in `ppg.PlethStream`."""
    stream = PlethStream(fs, light)
    parts: list[PlethFindings] = [stream.update(piece) for piece in _blocks(samples, block)]
    parts.append(stream.finish())
    return {
        "fs": fs,
        "channel": channel,
        **_beats([beat for part in parts for beat in part.beats]),
        "pulse_rate": _rates([point for part in parts for point in part.pulse_rate]),
        "perfusion_index": [
            {"t": point.t, "percent": point.percent} for part in parts for point in part.perfusion_index
        ],
        "quality": _quality([span for part in parts for span in part.quality]),
    }


def analyze_cuff(t_s: ArrayLike, mmhg: ArrayLike, block: int = BLOCK) -> Json:
    """The estimate of one cuff cycle from times in seconds and pressures in mmHg; numbers None where rejected."""
    stream = CuffStream()
    for t, p in zip(_blocks(t_s, block), _blocks(mmhg, block), strict=True):
        stream.update(t, p)
    found = stream.finish()
    return {
        "systolic": found.systolic,
        "diastolic": found.diastolic,
        "mean": found.mean,
        "pulse_rate": found.pulse_rate,
        "beats": found.beats,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "interval": _intervals(found),
        "estimates": {
            method: {"systolic": round(each.systolic, 1), "diastolic": round(each.diastolic, 1)}
            for method, each in found.estimates.items()
        },
        "deflation": None if found.deflation is None else asdict(found.deflation),
        "irregular": found.irregular,
    }


def _intervals(found: CuffFindings) -> Json | None:
    """The mmHg that the pressures lie between, nine times in ten; None where there is no estimate."""
    if found.systolic_interval is None or found.diastolic_interval is None:
        return None
    both = {"systolic": found.systolic_interval, "diastolic": found.diastolic_interval}
    return {side: [round(each.low, 1), round(each.high, 1)] for side, each in both.items()}


def _blocks(samples: ArrayLike, block: int) -> Iterator[Samples]:
    """The recording as it would arrive. ValueError for a block below one sample."""
    if block < 1:
        raise ValueError(f"a block holds at least one sample, not {block}")
    whole = np.asarray(samples, dtype=np.float64).ravel()
    for start in range(0, len(whole), block):
        yield whole[start : start + block]


def _beats(beats: Sequence[Beat]) -> Json:
    return {"beats": [beat.sample for beat in beats], "reported": [beat.announced for beat in beats]}


def _rates(points: Sequence[RatePoint]) -> list[Json]:
    return [{"t": point.t, "bpm": point.bpm} for point in points]


def _quality(spans: Sequence[QualitySpan]) -> list[Json]:
    return [
        {"start": span.start, "end": span.end, "grade": span.grade, "reasons": list(span.reasons)}
        for span in merged(spans)
    ]
