"""Pictures of cuff measurements: the pressure, its oscillations, and what was made of them beside the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.signal_plot_parts import INK, OTHER, OURS, SOFT, WRONG, figure
from cabin_signal.cuff import CuffFindings, estimate
from cabin_signal.cuff_beats import CuffBeats, beats
from cabin_signal.cuff_deflation import deflation
from cabin_signal.cuff_estimates import Method
from simulators.arteries import Law
from simulators.cuff_faults import Fault
from simulators.oscillometry import Cycle, cycle

METHODS: Mapping[Method, str] = {"ratios": "v", "slopes": "^", "artery": "s", "pulses": "D"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One generated cycle."""

    title: str
    law: Law
    seed: int
    faults: tuple[Fault, ...] = ()


CYCLES = (
    Shown("A steady arm", "arctan", 100_002),
    Shown("Another artery", "buckling", 100_005),
    Shown("An irregular pulse", "logistic", 100_011, ("irregular",)),
    Shown("An arm that moves", "arctan", 100_004, ("bumps",)),
)


def cuff() -> Figure:
    """Each cycle's pressure, and its oscillogram with methods, interval and truth."""
    made, axes = figure(len(CYCLES), 2.6, 2)
    for row, shown in enumerate(CYCLES):
        run = cycle(shown.seed, shown.law, shown.faults)
        found = estimate(run.t, run.mmhg)
        _pressure(axes[2 * row], run, f"{shown.title} (artery: {shown.law})")
        _oscillogram(axes[2 * row + 1], run, found)
    handles, labels = axes[1].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    return made


def _pressure(ax: Axes, run: Cycle, title: str) -> None:
    ax.plot(run.t, run.mmhg, color=INK, linewidth=0.6)
    for value, name in ((run.truth.systolic, "systolic"), (run.truth.diastolic, "diastolic")):
        ax.axhline(value, color=OTHER, linewidth=1.0)
        ax.text(run.t[-1], value, f"{name}, true", color=OTHER, ha="right", va="bottom", fontsize=8)
    ax.set(xlabel="time, s", ylabel="cuff, mmHg", title=title, xlim=(0, run.t[-1]))


def _oscillogram(ax: Axes, run: Cycle, found: CuffFindings) -> None:
    """Heights of the beats against the cuff's pressure, from high to low as the cuff empties."""
    seen = _beats(run)
    top = 1.0
    if seen is not None:
        top = float(np.max(seen.amplitude[seen.accepted], initial=0.5))
        ax.plot(seen.cuff[seen.accepted], seen.amplitude[seen.accepted], ".", color=INK, label="beat")
        ax.plot(
            seen.cuff[~seen.accepted],
            np.minimum(seen.amplitude[~seen.accepted], 1.15 * top),
            "x",
            color=SOFT,
            label="beat that does not fit",
        )
    _sides(ax, run, found)
    for name, marker in METHODS.items():
        each = found.estimates.get(name)
        at = [] if each is None else [each.systolic, each.diastolic]
        ax.plot(at, [1.28 * top] * len(at), marker, color=WRONG, markerfacecolor="none", label=f"{name} alone")
    ax.set(xlabel="cuff, mmHg", ylabel="beat, mmHg", ylim=(0, 1.4 * top), title=_words(run, found))
    ax.set_xlim(float(run.mmhg.max()) + 3, 35)


def _sides(ax: Axes, run: Cycle, found: CuffFindings) -> None:
    for value, interval, true in (
        (found.systolic, found.systolic_interval, run.truth.systolic),
        (found.diastolic, found.diastolic_interval, run.truth.diastolic),
    ):
        first = true == run.truth.systolic
        ax.axvline(true, color=OTHER, linewidth=1.4, label="true" if first else None)
        if value is not None and interval is not None:
            ax.axvspan(interval.low, interval.high, color=OURS, alpha=0.12, linewidth=0)
            ax.axvline(value, color=OURS, linewidth=1.4, linestyle="--")
    ax.plot([], [], color=OURS, linestyle="--", label="ours")
    ax.fill_between([], [], color=OURS, alpha=0.12, label="its interval: holds the truth nine times in ten")


def _beats(run: Cycle) -> CuffBeats | None:
    """The oscillations as the analysis sees them."""
    span = deflation(run.t, run.mmhg)
    if span is None:
        return None
    t, p = run.t[span], run.mmhg[span]
    fs = 1 / float(np.median(np.diff(t)))
    return beats(np.interp(np.arange(t[0], t[-1], 1 / fs), t, p), fs)


def _words(run: Cycle, found: CuffFindings) -> str:
    true = f"true {run.truth.systolic:.0f}/{run.truth.diastolic:.0f}"
    reasons = f" ({', '.join(found.reasons)})" if found.reasons else ""
    if found.systolic is None or found.diastolic is None:
        return f"no value{reasons}; {true}"
    return f"{found.systolic:.0f}/{found.diastolic:.0f} mmHg{reasons}; {true}"
