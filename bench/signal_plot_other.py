"""Pictures of the pleth, of rhythm verdicts, and of what abstention costs."""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.signal_cases import Case, Given, Truth, data_folder, load, records
from bench.signal_changes import Samples
from bench.signal_coverage import Point, curve, graded_beats, windows
from bench.signal_cuff import Job, stretch
from bench.signal_cuff import judged as judged_cycle
from bench.signal_detectors import BLOCK_S, DETECTORS, Found, cabin_ecg, cabin_ppg
from bench.signal_hearts import Pulses, agreement, pulse_stretches, rate_stretches, rate_windows
from bench.signal_intervals import annotated, rhythm_stretches
from bench.signal_passages import Heard, hear, judge, worst
from bench.signal_plot_parts import INK, OTHER, OURS, WRONG, ecg, figure, grades, legend, marks, trace
from simulators.arteries import LAWS
from simulators.cuff_faults import FAULTS

TREADMILL_HZ = 125.0
LEAST_COVERAGE = 0.1
STEADY = {"bidmc/bidmc05": "BIDMC 05: a steady finger", "bidmc/bidmc19": "BIDMC 19: a sensor that holds its values"}
RHYTHMS = (
    ("mitdb/122", 100.0, "Record 122: sinus rhythm"),
    ("mitdb/119", 300.0, "Record 119: extra beats"),
    ("mitdb/228", 300.0, "Record 228: extra beats"),
    ("mitdb/219", 200.0, "Record 219: marked as atrial fibrillation"),
    ("mitdb/201", 100.0, "Record 201: marked as atrial fibrillation"),
    ("mitdb/222", 1200.0, "Record 222: marked as atrial flutter"),
)


def pleth() -> Figure:
    """Steady, coarse, wrong, moved."""
    made, axes = figure(4, 2.0)
    ours = dict(zip(records("bidmc"), _bidmc_pulses(), strict=True))
    for ax, (record, title) in zip(axes, STEADY.items(), strict=False):
        _against_heart(ax, record, ours[record], 60, 15, title)
    record = max(ours, key=lambda name: _heard(name, ours[name]).errors.size)
    heard = _heard(record, ours[record])
    start = worst(heard.errors, heard.given.fs, 20, len(heard.given.samples))
    of = f"{len(heard.missed)} missed and {len(heard.invented)} invented of {len(heard.given.beats)}"
    _against_heart(axes[2], record, ours[record], start, 20, f"{_name(record)}: {of} pulses; its worst 20 s")
    _alone(axes[3], _treadmill("DATA_03_TYPE02"), TREADMILL_HZ, 40, 20, "Treadmill, subject 3: a hand that moves")
    legend(made, "pulse", "missed", "invented", "usable", "bad")
    return made


def _name(record: str) -> str:
    return f"BIDMC {record[-2:]}"


def _heard(record: str, ours: Pulses) -> Heard:
    """A pleth judged by the heart's beats, where this detector would mark their pulses."""
    samples = load(Case(record)).samples
    moved = tuple((start + ours.lag, end + ours.lag) for start, end in ours.heart.left_out)
    given = Given(samples, ours.truth.fs, ours.heart.beats + ours.lag, moved)
    return judge(Case(record), given, ours.found)


def _against_heart(ax: Axes, record: str, ours: Pulses, start: float, seconds: float, title: str) -> None:
    ecg(ax, _heard(record, ours), start, seconds, title)
    ax.set_ylabel("pleth, no unit")


def _treadmill(name: str) -> Samples:
    from scipy.io import loadmat

    found = loadmat(data_folder() / "ieee_spc2015" / f"{name}.mat")["sig"]
    return np.asarray(found[-5], dtype=np.float64)


def _alone(ax: Axes, samples: Samples, fs: float, start: float, seconds: float, title: str) -> None:
    """A pleth without anything to judge it by."""
    found = cabin_ppg(BLOCK_S, samples, fs)
    grades(ax, found, fs, start, start + seconds)
    trace(ax, samples, fs, start, start + seconds)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.15 * (high - low))
    marks(ax, np.array(found.beats, dtype=np.int64), fs, high + 0.05 * (high - low), "v", OURS)
    ax.set(xlabel="time, s", ylabel="pleth, no unit", title=title)


def rhythm() -> Figure:
    """Poincaré plots of single windows with their verdicts."""
    made, axes = figure(2, 4.0, 3)
    for ax, (record, after, title) in zip(axes, RHYTHMS, strict=True):
        heard = hear(Case(record))
        fs = heard.given.fs
        start, end, verdict = next(s for s in heard.found.rhythm if s[0] >= after * fs)
        beats = [at for at in heard.found.beats if start <= at <= end]
        rr = np.diff(beats) * 1000 / fs
        ax.plot([200, 1600], [200, 1600], color="#DDDDDD", linewidth=0.8, zorder=0)
        ax.scatter(rr[:-1], rr[1:], s=22, color=WRONG if verdict == "irregular" else OURS)
        ax.set(xlim=(200, 1600), ylim=(200, 1600), aspect="equal", xlabel="interval, ms", ylabel="next interval, ms")
        ax.set_title(f"{title}\nfrom {start / fs:.0f} s: {verdict}")
    return made


def coverage() -> Figure:
    """Curves of every gate."""
    made, axes = figure(2, 3.4, 3)
    _curve(
        axes[0],
        "ECG, windows of 10 s",
        "errors per 1000 beats",
        1000,
        {
            "MIT-BIH as it is": _ecg_curve("none"),
            "with electrode motion, 18 dB": _ecg_curve("motion 18 dB"),
            "with electrode motion, 12 dB": _ecg_curve("motion 12 dB"),
        },
    )
    ours = _bidmc_pulses()
    _curve(
        axes[1],
        "pleth, windows of 10 s (BIDMC)",
        "errors per 1000 pulses",
        1000,
        {
            "missed or invented": curve(w for one in ours for w in windows(pulse_stretches(one))),
        },
    )
    rates = [
        w for one, record in zip(ours, records("bidmc"), strict=True) for w in rate_windows(one, record, live=True)
    ]
    _curve(
        axes[2],
        "pulse rate stated live (BIDMC)",
        "mean absolute error, bpm",
        1,
        {"rate": curve(rate_stretches(rates))},
    )
    _curve(
        axes[3], "rhythm, windows of 30 intervals (MIT-BIH)", "wrong verdicts, %", 100, {"verdict": _rhythm_curve()}
    )
    _curve(
        axes[4],
        "cuff, by the width of the interval",
        "pressures off by more than 10 mmHg, %",
        100,
        {"cuff": _cuff_curve()},
    )
    axes[5].set_axis_off()
    return made


def _cuff_curve() -> list[Point]:
    jobs: list[Job] = [(law, (), seed) for law in LAWS for seed in range(40)]
    jobs += [(law, (fault,), seed) for law in LAWS for fault in FAULTS for seed in range(3)]
    return curve(stretch(judged_cycle(job)) for job in jobs)


def _curve(ax: Axes, title: str, risk: str, scale: float, curves: dict[str, list[Point]]) -> None:
    """Curves of one gate; their strictest end, which rests on few stretches, is left out."""
    kept = {name: [p for p in points if p.coverage >= LEAST_COVERAGE] for name, points in curves.items()}
    for (name, points), colour in zip(kept.items(), (OURS, OTHER, WRONG), strict=False):
        marker = "." if len(points) < 30 else ""
        at, height = [100 * p.coverage for p in points], [scale * p.risk for p in points]
        ax.plot(at, height, marker=marker, color=colour, label=name)
    every = [p for points in kept.values() for p in points]
    left, most = min(p.coverage for p in every), max(p.risk for p in every)
    limits = {"xlim": (100 * left - 3, 101), "ylim": (0, 1.15 * scale * most)}
    ax.set(xlabel="coverage: kept, %", ylabel=risk, title=title, **limits)
    ax.grid(color="#EEEEEE")
    if len(curves) > 1:
        ax.legend(frameon=False, labelcolor=INK, loc="upper left")


def _ecg_curve(change: str) -> list[Point]:
    stretches = []
    for record in records("mitdb"):
        given = load(Case(record, change=change, seconds=600))
        stretches += windows(graded_beats(given.truth, cabin_ecg(BLOCK_S, given.samples, given.fs)))
    return curve(stretches)


@cache
def _bidmc_pulses() -> list[Pulses]:
    out = []
    for record in records("bidmc"):
        finger, lead = load(Case(record)), load(Case(record, channel=1))
        readers: list[Found] = [DETECTORS[name](lead.samples, lead.fs) for name in ("wfdb gqrs", "wfdb xqrs")]
        truth: Truth = finger.truth
        found = cabin_ppg(BLOCK_S, finger.samples, finger.fs)
        out.append(Pulses("cabin pleth", truth, found, agreement(readers[0], readers[1], lead.fs)))
    return out


def _rhythm_curve() -> list[Point]:
    stretches = []
    for record in records("mitdb"):
        given = load(Case(record))
        found = cabin_ecg(BLOCK_S, given.samples, given.fs)
        stretches += rhythm_stretches(annotated(record, given.beats, given.fs), found)
    return curve(stretches)
