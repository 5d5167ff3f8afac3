"""Pictures of the ECG's analysis: typical recordings, hard ones, and the passages in which it fails most."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.signal_cases import Case, Given
from bench.signal_detectors import BLOCK_S, cabin_ecg
from bench.signal_passages import Heard, hear, judge, median_beat, worst
from bench.signal_plot_parts import INK, OURS, SOFT, WRONG, ecg, figure, legend
from cabin_signal.delineation import Marks, delineate
from cabin_signal.intervals import Interval, Intervals, NotMeasured, measure

FAILING = ("105", "108", "201", "207", "228", "222")


def clean() -> Figure:
    """Six seconds as a person would wish them, and the median of half a minute with what is measured on it."""
    made, axes = figure(1, 3.4, 2)
    heard = hear(Case("mitdb/209", seconds=30))
    ecg(axes[0], heard, 20, 6, "Record 209: sinus rhythm, a steady trace")
    _median(axes[1], heard)
    legend(made, "ours", "missed", "invented")
    return made


def _median(ax: Axes, heard: Heard) -> None:
    """All beats in grey, their median as the intervals see it, and the marks between which they are measured."""
    fs = heard.given.fs
    rows = median_beat(heard.given.samples, np.array(heard.found.beats, dtype=np.int64), fs)
    rows -= rows[:, round(0.23 * fs) : round(0.25 * fs)].mean(axis=1, keepdims=True)  # the PR level
    ms = (np.arange(rows.shape[1]) - round(0.3 * fs)) * 1000 / fs
    ax.plot(ms, rows.T, color=SOFT, linewidth=0.4)
    ax.plot([], [], color=SOFT, label="each beat")
    found = measure(heard.given.samples[np.newaxis], fs, heard.found.beats)
    ax.set(xlabel="time from R, ms", ylabel="mV", xlim=(ms[0], ms[-1]), title="No intervals")
    if isinstance(found, Intervals):
        usual = found.median
        at = (np.arange(usual.millivolts.shape[1]) - usual.peak) * 1000 / fs
        ax.plot(at, usual.millivolts[0], color=OURS, linewidth=1.6, label=f"median of {len(found.beats)} beats")
        _marks(ax, delineate(usual, 0))
        names = {"PR": found.pr, "QRS": found.qrs, "QT": found.qt}
        stated = [f"{name} {_stated(each)}" for name, each in names.items()]
        ax.set_title(f"Median beat: {', '.join(stated)}")
    ax.legend(frameon=False)


def _marks(ax: Axes, marks: Marks) -> None:
    """Where P begins, QRS begins and ends, T ends."""
    for at, name in ((marks.p_on, "P"), (marks.qrs_on, "QRS"), (marks.qrs_off, ""), (marks.t_end, "T ends")):
        if at is not None:
            ax.axvline(at, color=WRONG, linewidth=0.9, linestyle="--")
            ax.annotate(
                name, (at, 1), (2, -10), xycoords=("data", "axes fraction"), textcoords="offset points", color=WRONG
            )


def _stated(interval: Interval | NotMeasured) -> str:
    return f"{interval.ms:.0f} ms" if isinstance(interval, Interval) else f"none ({interval.reason})"


def kinds() -> Figure:
    """QRS of other shapes: paced, bigeminy, bundle branch block, tall T."""
    made, axes = figure(4)
    ecg(axes[0], hear(Case("mitdb/107", seconds=120)), 30, 10, "Record 107: paced, with wide QRS and large T waves")
    ecg(axes[1], hear(Case("mitdb/119", seconds=300)), 140, 10, "Record 119: extra beats from the ventricle")
    ecg(
        axes[2], hear(Case("mitdb/214", seconds=120)), 30, 10, "Record 214: left bundle branch block, and extra beats"
    )
    ecg(axes[3], hear(Case("mitdb/201", seconds=120)), 30, 10, "Record 201: irregular")
    legend(made, "ours", "missed", "invented", "usable", "bad")
    return made


def turned() -> Figure:
    """The same passage as it is, upside down, at another rate, with mains and steps, with holes."""
    titles = {
        "none": "Record 234 as it is",
        "inverted": "Electrodes exchanged: upside down",
        "125 Hz": "At 125 samples a second",
        "50 Hz hum": "With 0.4 mV of mains from top to bottom",
        "±5 mV steps": "With steps of 5 mV",
        "NaN gaps": "With holes: no samples",
    }
    made, axes = figure(len(titles), 1.8)
    for ax, (change, title) in zip(axes, titles.items(), strict=True):
        heard = hear(Case("mitdb/234", change=change, seconds=120))
        start = {"±5 mV steps": _first_step(heard) - 5, "NaN gaps": _first_hole(heard) - 5}.get(change, 30.0)
        ecg(ax, heard, start, 10, title)
    legend(made, "ours", "missed", "invented", "usable", "bad")
    return made


def _first_step(heard: Heard) -> float:
    return float(np.argmax(np.abs(np.diff(heard.given.samples)) > 3)) / heard.given.fs


def _first_hole(heard: Heard) -> float:
    return float(np.argmax(np.isnan(heard.given.samples))) / heard.given.fs


def noise() -> Figure:
    """Where electrode motion begins, and the passage in which it does most harm."""
    made, axes = figure(3)
    soft, hard = hear(Case("nstdb/118e24")), hear(Case("nstdb/118e12"))
    ecg(axes[0], soft, 290, 40, "Record 118e24: electrode motion of 24 dB begins at 300 s")
    ecg(axes[1], hard, 290, 40, "Record 118e12: electrode motion of 12 dB begins at 300 s")
    ecg(
        axes[2],
        hard,
        worst(hard.errors, hard.given.fs, 20, len(hard.given.samples)),
        20,
        f"{_told(hard)}; its worst 20 s",
    )
    legend(made, "ours", "missed", "invented", "usable", "bad")
    return made


def _told(heard: Heard) -> str:
    return (
        f"Record {heard.case.record.split('/')[1]}: {len(heard.missed)} missed and {len(heard.invented)} invented of "
        f"{len(heard.given.beats)} beats in 30 minutes"
    )


def lead_off() -> Figure:
    """A lead that falls off, rails, comes back, and hums."""
    made, axes = figure(1, 2.8)
    whole = hear(Case("mitdb/115", seconds=60))
    samples = whole.given.samples.copy()
    fs = whole.given.fs
    at = [round(second * fs) for second in (8, 14, 20, 26, 32)]
    samples[at[0] : at[1]] = np.nan
    samples[at[2] : at[3]] = 5.0
    samples[at[4] : round(38 * fs)] = samples[at[4]]
    given = Given(
        samples,
        fs,
        np.array([b for b in whole.given.beats if np.isfinite(samples[b])], dtype=np.int64),
        ((at[0], at[1]), (at[2], at[3]), (at[4], round(38 * fs))),
    )
    heard = judge(whole.case, given, cabin_ecg(BLOCK_S, samples, fs))
    ecg(
        axes[0],
        heard,
        4,
        40,
        "Record 115: no samples from 8 s, at the amplifier's rail from 20 s, a flat line from 32 s",
    )
    for start, end, word in ((8, 14, "no samples"), (20, 26, "at the rail"), (32, 38, "flat")):
        axes[0].text((start + end) / 2, 2.2, word, ha="center", color=INK)
    legend(made, "ours", "missed", "invented", "usable", "bad")
    return made


def failing() -> Figure:
    """The ten seconds with most errors of the recordings in which it errs most."""
    made, axes = figure(len(FAILING))
    for ax, record in zip(axes, FAILING, strict=True):
        heard = hear(Case(f"mitdb/{record}"))
        start = worst(heard.errors, heard.given.fs, 10, len(heard.given.samples))
        ecg(ax, heard, start, 10, f"{_told(heard)}; its worst 10 s")
    legend(made, "ours", "missed", "invented", "usable", "bad")
    return made
