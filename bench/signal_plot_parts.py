"""How a trace is drawn in all pictures: paper, beats, errors, grades; colours that everybody can tell apart."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.signal_cases import ROOT, Indices
from bench.signal_changes import Samples
from bench.signal_detectors import Found
from bench.signal_passages import Heard

FOLDER = ROOT / "docs" / "signal"
INK, OURS, WRONG, OTHER, SOFT = "#222222", "#0072B2", "#D55E00", "#009E73", "#BBBBBB"
"""Okabe and Ito's colours."""
SHADES = {"usable": "#FBE7C0", "bad": "#D9D9D9"}
NAMES = {
    "ours": "beat, ours",
    "pulse": "pulse, ours",
    "missed": "missed (reference alone)",
    "invented": "invented (ours alone)",
    "usable": "graded usable",
    "bad": "graded bad: withheld",
}

mpl.use("agg")
mpl.rcParams.update({"font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.grid": False})


def figure(rows: int, height: float = 2.2, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Axes below each other, 12 inches wide."""
    from matplotlib import pyplot

    made, axes = pyplot.subplots(rows, columns, figsize=(12, height * rows), layout="constrained", squeeze=False)
    return made, list(axes.ravel())


def save(made: Figure, name: str) -> Path:
    """As a picture: no samples are kept in it that could be read back."""
    from matplotlib import pyplot

    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{name}.webp"
    made.savefig(file, dpi=100, pil_kwargs={"quality": 80, "method": 6})
    pyplot.close(made)
    return file


def ecg(ax: Axes, heard: Heard, start: float, seconds: float, title: str) -> None:
    """A passage with its grades, beats and errors."""
    fs, end = heard.given.fs, start + seconds
    grades(ax, heard.found, fs, start, end)
    trace(ax, heard.given.samples, fs, start, end)
    ecg_paper(ax, start, end)
    low, high = ax.get_ylim()
    room = high - low
    ax.set_ylim(low - 0.1 * room, high + 0.15 * room)
    marks(ax, heard.right, fs, high + 0.06 * room, "v", OURS)
    marks(ax, heard.invented, fs, high + 0.06 * room, "v", WRONG, hollow=True)
    marks(ax, heard.missed, fs, low - 0.03 * room, "x", WRONG)
    ax.set_title(title)


def trace(ax: Axes, samples: Samples, fs: float, start: float, end: float, colour: str = INK) -> None:
    """The samples of a passage over seconds."""
    first, last = round(start * fs), round(end * fs)
    part = samples[first:last]
    ax.plot((first + np.arange(len(part))) / fs, part, color=colour, linewidth=0.8)
    ax.set_xlim(start, end)


def ecg_paper(ax: Axes, start: float, end: float) -> None:
    """A line each second, and axes with units."""
    for second in range(int(np.ceil(start)), int(end) + 1):
        ax.axvline(second, color="#EEEEEE", linewidth=0.6, zorder=0)
    ax.set_xlabel("time, s")
    ax.set_ylabel("mV")


def marks(ax: Axes, at: Indices, fs: float, height: float, marker: str, colour: str, hollow: bool = False) -> None:
    """One mark above or below the trace for each sample number; those outside the passage are cut off."""
    start, end = ax.get_xlim()
    seconds = at[(at >= start * fs) & (at <= end * fs)] / fs
    face = "none" if hollow else colour
    ax.scatter(
        seconds,
        np.full(len(seconds), height),
        marker=marker,
        s=34,
        c=None,
        edgecolors=colour if marker != "x" else None,
        facecolors=face if marker != "x" else colour,
        linewidths=1.4,
        zorder=5,
    )


def grades(ax: Axes, found: Found, fs: float, start: float, end: float) -> None:
    """Seconds that are not good, shaded."""
    for first, last, grade in found.quality:
        if grade in SHADES and last > start * fs and first < end * fs:
            ax.axvspan(max(start, first / fs), min(end, last / fs), color=SHADES[grade], linewidth=0, zorder=-1)


def legend(made: Figure, *words: str) -> None:
    """What marks and shades mean, below the picture."""
    kinds = {
        "ours": Line2D([], [], marker="v", color=OURS, linestyle="none"),
        "pulse": Line2D([], [], marker="v", color=OURS, linestyle="none"),
        "missed": Line2D([], [], marker="x", color=WRONG, linestyle="none"),
        "invented": Line2D([], [], marker="v", color=WRONG, linestyle="none", markerfacecolor="none"),
        "usable": Patch(color=SHADES["usable"]),
        "bad": Patch(color=SHADES["bad"]),
    }
    made.legend(
        [kinds[word] for word in words],
        [NAMES[word] for word in words],
        loc="outside lower center",
        ncols=6,
        frameon=False,
    )
