"""Ours and the peers behind one door: samples and a sampling rate in, what was found out.

Peers get the whole recording and whatever cleaning their own documentation puts before the detector; nothing is
corrected afterwards. Ours gets it in blocks, as it would arrive. Each library is imported by the process that uses
it alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from bench.signal_changes import Samples, Spans
from cabin_signal.findings import Grade, QualitySpan


@dataclass(frozen=True, slots=True)
class Found:
    """What one detector found in one case; all in samples of the case's own rate."""

    beats: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    """When each beat was announced; empty for a detector that needs the whole recording."""
    quality: list[tuple[int, int, str]] = field(default_factory=list)
    """(start, end, grade)."""
    doubts: list[float] = field(default_factory=list)
    """Of each span of `quality`, 0 to 1: how far it is from faultless."""
    rates: list[tuple[float, float]] = field(default_factory=list)
    """(seconds, beats per minute) as stated live."""
    rhythm: list[tuple[int, int, str]] = field(default_factory=list)
    """(start, end, verdict)."""
    margins: list[float] = field(default_factory=list)
    """How far each verdict of `rhythm` is from the other one; NaN where there is none."""
    cpu_s: float = 0.0
    error: str = ""
    """What it raised instead of an answer."""

    @property
    def bad(self) -> Spans:
        """Samples [start, end) that were graded bad."""
        return tuple((start, end) for start, end, grade in self.quality if grade == "bad")


GRADES: tuple[Grade, ...] = ("good", "usable", "bad")
Detect = Callable[[Samples, float], Found]
BLOCK_S = 1.0


def timed(detect: Detect, samples: Samples, fs: float) -> Found:
    """What it finds, with the processor time that it took; an exception is an answer too."""
    began = time.process_time()
    try:
        found = detect(samples, fs)
    except Exception as error:
        found = Found(error=f"{type(error).__name__}: {error}"[:200])
    spent = time.process_time() - began
    return replace(found, cpu_s=spent)


def cabin_ecg(block_s: float, samples: Samples, fs: float) -> Found:
    """Ours, in blocks of so many seconds."""
    from cabin_signal.ecg import EcgStream

    stream = EcgStream(fs)
    parts = [*map(stream.update, _blocks(samples, max(1, int(block_s * fs)))), stream.finish()]
    return Found(
        beats=[beat.sample for part in parts for beat in part.beats],
        known=[beat.announced for part in parts for beat in part.beats],
        quality=[(span.start, span.end, span.grade) for part in parts for span in part.quality],
        doubts=[_doubt(span) for part in parts for span in part.quality],
        rates=[(point.t, point.bpm) for part in parts for point in part.heart_rate],
        rhythm=[(span.start, span.end, span.verdict) for part in parts for span in part.rhythm],
        margins=[math.nan if span.score is None else abs(span.score) for part in parts for span in part.rhythm],
    )


def cabin_ppg(block_s: float, samples: Samples, fs: float) -> Found:
    """Ours, in blocks of so many seconds."""
    from cabin_signal.ppg import PlethStream

    stream = PlethStream(fs)
    parts = [*map(stream.update, _blocks(samples, max(1, int(block_s * fs)))), stream.finish()]
    return Found(
        beats=[beat.sample for part in parts for beat in part.beats],
        known=[beat.announced for part in parts for beat in part.beats],
        quality=[(span.start, span.end, span.grade) for part in parts for span in part.quality],
        doubts=[_doubt(span) for part in parts for span in part.quality],
        rates=[(point.t, point.bpm) for part in parts for point in part.pulse_rate],
    )


def _doubt(span: QualitySpan) -> float:
    """By its grade, and among equals by its score, where it has one."""
    return (GRADES.index(span.grade) + (0.5 if span.score is None else 1 - span.score)) / len(GRADES)


def _blocks(samples: Samples, size: int) -> list[Samples]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def _gqrs(samples: Samples, fs: float) -> Found:
    from wfdb.processing import gqrs_detect

    return _beats(gqrs_detect(sig=samples, fs=fs))


def _xqrs(samples: Samples, fs: float) -> Found:
    from wfdb.processing import xqrs_detect

    return _beats(xqrs_detect(sig=samples, fs=fs, verbose=False))


def _neurokit(method: str, samples: Samples, fs: float) -> Found:
    import neurokit2

    rate = round(fs)
    clean = neurokit2.ecg_clean(samples, sampling_rate=rate, method=method)
    _, info = neurokit2.ecg_peaks(clean, sampling_rate=rate, method=method)
    return _beats(info["ECG_R_Peaks"])


def _biosppy(samples: Samples, fs: float) -> Found:
    """`biosppy.signals.ecg.ecg` without its drawing and its templates."""
    from biosppy.signals import ecg, tools

    clean, *_ = tools.filter_signal(
        signal=samples, ftype="FIR", band="bandpass", order=int(0.3 * fs), frequency=[3, 45], sampling_rate=fs
    )
    (peaks,) = ecg.hamilton_segmenter(signal=clean, sampling_rate=fs)
    (moved,) = ecg.correct_rpeaks(signal=clean, rpeaks=peaks, sampling_rate=fs, tol=0.05)
    return _beats(moved)


def _neurokit_pleth(samples: Samples, fs: float) -> Found:
    import neurokit2

    clean = neurokit2.ppg_clean(samples, sampling_rate=round(fs), method="elgendi")
    return _beats(neurokit2.ppg_findpeaks(clean, sampling_rate=round(fs), method="elgendi")["PPG_Peaks"])


def _biosppy_pleth(samples: Samples, fs: float) -> Found:
    """`biosppy.signals.ppg.ppg` without its drawing: its filter, and Elgendi's detector of 2013."""
    from biosppy.signals import ppg, tools

    clean, *_ = tools.filter_signal(
        signal=samples, ftype="butter", band="bandpass", order=4, frequency=[1, 8], sampling_rate=fs
    )
    peaks, *_ = ppg.find_onsets_elgendi2013(signal=clean, sampling_rate=fs)
    return _beats(peaks)


def _heartpy(samples: Samples, fs: float) -> Found:
    import heartpy

    clean = heartpy.filter_signal(samples, cutoff=[0.7, 3.5], sample_rate=fs, order=3, filtertype="bandpass")
    working, _ = heartpy.process(clean, sample_rate=fs)
    kept = zip(working["peaklist"], working["binary_peaklist"], strict=True)
    return _beats([peak for peak, accepted in kept if accepted])


def _beats(samples: Any) -> Found:
    return Found(beats=[int(sample) for sample in np.asarray(samples).ravel()])


OURS = "cabin"
ECG: Mapping[str, Detect] = {
    OURS: partial(cabin_ecg, BLOCK_S),
    "wfdb gqrs": _gqrs,
    "wfdb xqrs": _xqrs,
    "biosppy hamilton": _biosppy,
    "neurokit pantompkins1985": partial(_neurokit, "pantompkins1985"),
    "neurokit neurokit": partial(_neurokit, "neurokit"),
    "neurokit hamilton2002": partial(_neurokit, "hamilton2002"),
    "neurokit kalidas2017": partial(_neurokit, "kalidas2017"),
    "neurokit elgendi2010": partial(_neurokit, "elgendi2010"),
}
PLETH: Mapping[str, Detect] = {
    "cabin pleth": partial(cabin_ppg, BLOCK_S),
    "biosppy elgendi2013": _biosppy_pleth,
    "neurokit elgendi": _neurokit_pleth,
    "heartpy": _heartpy,
}
SMALL_BLOCKS = "cabin, 40 ms blocks"
DETECTORS: Mapping[str, Detect] = {**ECG, **PLETH, SMALL_BLOCKS: partial(cabin_ecg, 0.04)}
"""Name -> detector; ours are those that begin with "cabin"."""
