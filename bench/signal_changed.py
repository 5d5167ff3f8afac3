"""What a change of the recording costs: sign, rate, gain, mains, steps, holes, movement; and beats out of nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.figures import Chapter, Figure, markdown
from bench.signal_beats import QUICK, by_case, named
from bench.signal_cases import Case, records
from bench.signal_coverage import coverage_table, curve, graded_beats, windows
from bench.signal_detectors import OURS
from bench.signal_nothing import LEADS, beats_on_nothing
from bench.signal_run import Result, ready, run
from bench.signal_score import Score, score, together

LIMITED = ("inverted", "250 Hz", "500 Hz", "gain 0.2", "gain 5", "50 Hz hum", "±5 mV steps", "NaN gaps")
"""Changes that may cost 0.2 points at most."""
FREE = ("125 Hz", "1000 Hz", "motion 24 dB", "motion 18 dB", "motion 12 dB")
PEERS = ("wfdb gqrs", "wfdb xqrs", "biosppy hamilton", "neurokit pantompkins1985", "neurokit neurokit")
STRETCH_S = 300.0
"""Peers get the first minutes of each recording: the slow ones would take an hour for all of it."""
LIMIT = 0.2

Found = Mapping[str, Mapping[Case, Result]]
"""Detector -> case -> result."""
Results = Mapping[str, Mapping[str, Sequence[Result]]]
"""Change -> detector -> results."""


async def chapter(quick: bool) -> Chapter:
    """Detect in every changed recording."""
    ready()
    names = QUICK if quick else records("mitdb")
    changes = ("none", *LIMITED, *FREE)
    cases = {seconds: _cases(names, changes, seconds) for seconds in (None, STRETCH_S)}
    others = [Case(name, channel=1) for name in names]
    ours = [*([] if quick else _flat(cases[None])), *_flat(cases[STRETCH_S]), *others]
    found = by_case(run({OURS: ours, **dict.fromkeys(PEERS, _flat(cases[STRETCH_S]))}))
    short = _by_change(found, cases[STRETCH_S], [OURS, *PEERS])
    whole = short if quick else _by_change(found, cases[None], [OURS])
    second = [found[OURS][case] for case in others]
    losses = {change: {name: loss(short, change, name) for name in short[change]} for change in changes}
    return Chapter(
        "Changed recordings",
        "MIT-BIH as above, changed; the figure is what F1 loses, in points, against the same recording as it is (and "
        "the same beats: those within 150 ms of a hole are left out on both sides). Ours on whole recordings; peers, "
        f"and ours beside them in the table, on the first {STRETCH_S / 60:.0f} minutes of each. Hum: 0.4 mV from top "
        "to bottom at 50 Hz. Steps: 5 mV up or down every 20 s. Gaps: 0.2 to 2 s without samples every 30 s. Motion: "
        "the noise stress test's electrode motion (118e12 minus 118) in every second of each recording, as strong "
        "beside its QRS as it is there. Peers get the same samples, holes included. Nothing is withheld; "
        "with motion the remark says what withholding does.",
        (*_figures(whole, losses), _second_channel(second), _on_nothing()),
        "\n\n".join([_table(short, losses), _gate(whole)]),
    )


def _gate(whole: Results) -> str:
    """What withholding costs where there is something to withhold."""
    moved = [r for change in FREE if change.startswith("motion") for r in whole[change][OURS]]
    stretches = [s for r in moved for s in windows(graded_beats(r.truth, r.found))]
    what, risk = "windows of 10 s with motion, by their quality", "missed or invented per 1000 beats kept"
    return coverage_table(what, risk, curve(stretches), 1000)


def _cases(names: Sequence[str], changes: Sequence[str], seconds: float | None) -> dict[str, list[Case]]:
    return {change: [Case(name, 0, change, seconds) for name in names] for change in changes}


def _flat(cases: Mapping[str, Sequence[Case]]) -> tuple[Case, ...]:
    return tuple(case for each in cases.values() for case in each)


def _by_change(found: Found, cases: Mapping[str, Sequence[Case]], who: Sequence[str]) -> Results:
    return {change: {name: [found[name][case] for case in each] for name in who} for change, each in cases.items()}


def loss(found: Results, change: str, name: str) -> float:
    """Points of F1 that a change costs a detector; NaN where it gave no answer at all."""
    changed, upright = found[change][name], found["none"][name]
    if all(r.found.error for r in changed):
        return float("nan")
    before = together(_in_the_same_beats(u, c) for u, c in zip(upright, changed, strict=True))
    return before.f1 - together(r.score() for r in changed).f1


def _in_the_same_beats(upright: Result, changed: Result) -> Score:
    """The score of the recording as it is, where the changed one is counted."""
    scale = upright.truth.fs / changed.truth.fs
    left_out = [(round(start * scale), round(end * scale)) for start, end in changed.truth.left_out]
    return score(upright.truth.beats, upright.found.beats, upright.truth.fs, left_out)


def _figures(whole: Results, losses: Mapping[str, Mapping[str, float]]) -> list[Figure]:
    figures = []
    for change in (*LIMITED, *FREE):
        ours = together(r.score() for r in whole[change][OURS])
        remark = f"F1 {ours.f1:.2f} %"
        if change.startswith("motion"):
            remark += f"; {_withholding(whole[change][OURS])}"
        peers = named({name: value for name, value in losses[change].items() if value == value}, "", 2, highest=False)
        limit = LIMIT if change in LIMITED else None
        figures.append(
            Figure(f"{change}: F1 lost", loss(whole, change, OURS), "points", limit, peers, remark, decimals=2)
        )
    return figures


def _withholding(each: Sequence[Result]) -> str:
    kept, every = together(r.score(withhold=True) for r in each), together(r.score() for r in each)
    part = 1 - (kept.found + kept.missed) / max(1, every.found + every.missed)
    return f"with the {part:.0%} of beats in bad seconds withheld {kept.f1:.2f} %"


def _second_channel(each: Sequence[Result]) -> Figure:
    every = together(r.score() for r in each)
    worst = min(each, key=lambda r: r.score().f1)
    lowest = f"lowest {worst.score().f1:.1f} % ({worst.case.record.split('/')[1]}); {_withholding(each)}"
    return Figure("second channel: F1", every.f1, "%", remark=lowest, at_least=True, decimals=2)


def _on_nothing() -> Figure:
    counts = {name: beats_on_nothing(make) for name, make in LEADS.items()}
    every, withheld = (sum(each) for each in zip(*counts.values(), strict=True))
    each = ", ".join(f"{name} {count}" for name, (count, _) in counts.items())
    remark = f"60 s each: {each}; {withheld} of them in seconds graded bad"
    return Figure("beats on a flat or open lead", float(every), "beats", 0.0, remark=remark, decimals=0)


def _table(short: Results, losses: Mapping[str, Mapping[str, float]]) -> str:
    names = [OURS, *PEERS]
    base = [("as it is: F1 %", *(f"{together(r.score() for r in short['none'][name]).f1:.2f}" for name in names))]
    rows = [(change, *(_points(losses[change][name]) for name in names)) for change in (*LIMITED, *FREE)]
    return markdown(("F1 lost, points", *names), [*base, *rows])


def _points(value: float) -> str:
    return f"{value:z.2f}" if np.isfinite(value) else "no answer"
