"""Regular or irregular over thirty beats: ours on beats that it found itself, the textbook's entropy beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.figures import Chapter, Figure, markdown
from bench.signal_cases import Case, records
from bench.signal_coverage import Stretch, coverage_table, curve
from bench.signal_detectors import OURS
from bench.signal_intervals import (
    COSEN_LIMIT,
    Marked,
    Rates,
    Window,
    af_database,
    annotated,
    cosen_windows,
    normal_sinus,
    rates,
    rhythm_stretches,
    windows_of,
)
from bench.signal_run import ready, run
from cabin_signal.findings import Beat
from cabin_signal.rhythm import RhythmWatch

QUICK = ("mitdb/119", "mitdb/201", "mitdb/219", "mitdb/228")


@dataclass(frozen=True, slots=True)
class Base:
    """All windows of one database."""

    ours: Sequence[Window]
    entropy: Sequence[Window]
    """On reference beats."""
    entropy_found: Sequence[Window] = ()
    """On the beats that ours found; empty where there is no signal to find them in."""
    stretches: Sequence[Stretch] = ()
    """Our windows as the gate by quality sees them."""


async def chapter(quick: bool) -> Chapter:
    """Verdicts over recordings with signal and over those that are intervals alone."""
    ready()
    bases = {
        "MIT-BIH": _heard(QUICK if quick else records("mitdb")),
        "CPSC2021": _heard(records("cpsc2021")[:: 3 if quick else 1]),
        "AF database": _told(af_database(), quick),
        "normal sinus": _told(normal_sinus(), quick),
    }
    return Chapter(
        "Irregular rhythm",
        "Windows of 30 intervals, one after the other; a window is irregular where more than half of its beats are "
        "marked as atrial fibrillation, and not where the readers marked anything else, extra beats and flutter "
        "included. MIT-BIH and CPSC2021: the first channel's signal, beats that ours found itself; AF database and "
        "normal sinus: intervals of reference beats, since these recordings are no more than that, so without P "
        "waves and without quality. Development recordings: they tuned it. The peer is the coefficient of sample "
        f"entropy (Lake and Moorman 2011) above {COSEN_LIMIT}, on reference beats; it gives a verdict on every "
        "window. Coverage: windows that got a verdict.",
        _figures({name: (rates(base.ours), rates(base.entropy)) for name, base in bases.items()}),
        "\n\n".join([_table(bases), _gate(bases.values())]),
    )


def _gate(bases: Iterable[Base]) -> str:
    points = curve(s for base in bases for s in base.stretches)
    return coverage_table(
        "rhythm windows by distance from the other verdict", "wrong verdicts per 100 kept", points, 100
    )


def _heard(names: Sequence[str]) -> Base:
    """Recordings with signal: the stream's own verdicts."""
    cases = [Case(name) for name in names]
    ours: list[Window] = []
    entropy: list[Window] = []
    entropy_found: list[Window] = []
    stretches: list[Stretch] = []
    for result in run({OURS: cases})[OURS]:
        marked, found = annotated(result.case.record, result.truth.beats, result.truth.fs), result.found
        ours += windows_of(marked, found.rhythm)
        stretches += rhythm_stretches(marked, found)
        entropy += cosen_windows(marked)
        entropy_found += cosen_windows(marked, np.array(found.beats, dtype=np.int64))
    return Base(ours, entropy, entropy_found, stretches)


def _told(recordings: Iterable[Marked], quick: bool) -> Base:
    """Recordings that are intervals alone: the same rule, given their beats."""
    ours: list[Window] = []
    entropy: list[Window] = []
    for marked in recordings:
        short = Marked(marked.beats[:4000], marked.irregular[:4000], marked.fs) if quick else marked
        ours += windows_of(short, _verdicts(short))
        entropy += cosen_windows(short)
    return Base(ours, entropy)


def _verdicts(marked: Marked) -> list[tuple[int, int, str]]:
    watch = RhythmWatch(marked.fs)
    spans = (watch.add(Beat(at, at)) for at in marked.beats.tolist())
    return [(span.start, span.end, span.verdict) for span in spans if span is not None]


def _figures(found: Mapping[str, tuple[Rates, Rates]]) -> tuple[Figure, ...]:
    limits = {
        "MIT-BIH": (97.0, 90.0),
        "CPSC2021": (None, None),
        "AF database": (97.5, 98.0),
        "normal sinus": (None, 99.5),
    }
    figures = []
    for name, (least_se, least_sp) in limits.items():
        ours, peer = found[name]
        remark = f"{ours.windows} windows, coverage {ours.coverage:.1f} %"
        for word, least, value, beside in (
            ("Se", least_se, ours.sensitivity, peer.sensitivity),
            ("Sp", least_sp, ours.specificity, peer.specificity),
        ):
            if not np.isnan(value):
                what = f"{name}, 30 beats: {word}"
                figures.append(Figure(what, value, "%", least, f"CosEn {beside:.1f} %", remark, True, 1))
    return tuple(figures)


def _table(bases: Mapping[str, Base]) -> str:
    rows = []
    for name, base in bases.items():
        for who, windows in (
            ("ours", base.ours),
            ("CosEn, reference beats", base.entropy),
            ("CosEn, beats that ours found", base.entropy_found),
        ):
            if windows:
                r = rates(windows)
                rows.append(
                    (name, who, _written(r.sensitivity), _written(r.specificity), f"{r.coverage:.1f}", str(r.windows))
                )
    return markdown(("base", "who", "Se %", "Sp %", "coverage %", "windows"), rows)


def _written(percent: float) -> str:
    return "" if np.isnan(percent) else f"{percent:.1f}"
