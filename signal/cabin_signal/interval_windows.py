"""Intervals of a long recording: one after the other, stretches of thirty seconds, each on its own median beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cabin_signal.filters import Samples
from cabin_signal.intervals import NAMES, Intervals, NotMeasured, measure

WINDOW_S, SHORTEST_S = 30.0, 10.0
"""A stretch, and the shortest rest at the end that is still one."""


def interval_windows(samples: Samples, fs: float, beats: Sequence[int]) -> list[dict[str, Any]]:
    """Plain values for each stretch of one lead in mV with R peaks `beats` (samples) at `fs` Hz.

    `pr`, `qrs` and `qt` are milliseconds, `qtc` the four corrections; each is None where it was not measured, and
    `reasons` says why.
    """
    return [
        {"start": start, "end": end, **_told(measure(samples[None, start:end], fs, _within(beats, start, end)))}
        for start, end in _stretches(len(samples), fs)
    ]


def _stretches(length: int, fs: float) -> Iterator[tuple[int, int]]:
    size = round(WINDOW_S * fs)
    for start in range(0, length, size):
        end = min(start + size, length)
        if end - start >= SHORTEST_S * fs:
            yield start, end


def _within(beats: Sequence[int], start: int, end: int) -> list[int]:
    return [beat - start for beat in beats if start <= beat < end]


def _told(found: Intervals | NotMeasured) -> dict[str, Any]:
    names = (*NAMES, "qtc")
    if isinstance(found, NotMeasured):
        return {"beats": 0, **dict.fromkeys(names), "noise_uv": None, "reasons": dict.fromkeys(names, found.reason)}
    each = {name: getattr(found, name) for name in names}
    reasons = {name: one.reason for name, one in each.items() if isinstance(one, NotMeasured)}
    stated: dict[str, float | None] = {n: None if n in reasons else round(each[n].ms, 1) for n in NAMES}
    qtc = None if isinstance(found.qtc, NotMeasured) else {k: round(v, 1) for k, v in asdict(found.qtc).items()}
    return {"beats": len(found.beats), **stated, "qtc": qtc, "noise_uv": round(found.noise_uv, 1), "reasons": reasons}
