"""Pulses of the pleth against the heart's beats in the same recordings, and the rate that comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.figures import Chapter, Figure, markdown
from bench.signal_beats import named
from bench.signal_cases import Case, Truth, records
from bench.signal_coverage import coverage_table, curve, grades_table
from bench.signal_detectors import PLETH
from bench.signal_hearts import (
    BAD_PART,
    FRESH_S,
    Heart,
    Pulses,
    RateWindow,
    agreement,
    pulse_stretches,
    rate_errors,
    rate_stretches,
    rate_windows,
)
from bench.signal_run import ready, run
from bench.signal_score import together

OURS = "cabin pleth"
LIVE = "cabin pleth, stated live"
READERS = ("wfdb gqrs", "wfdb xqrs")
"""Their agreement on lead II is the reference: two detectors, neither ours."""


async def chapter(quick: bool) -> Chapter:
    """Pulses and rates on the BIDMC recordings."""
    ready()
    names = records("bidmc")[:: 5 if quick else 1]
    pleths, leads = (tuple(Case(name, channel) for name in names) for channel in (0, 1))
    found = run({**dict.fromkeys(PLETH, pleths), **dict.fromkeys(READERS, leads)})
    given = [result.truth for result in found[OURS]]
    hearts = [
        agreement(a.found, b.found, a.truth.fs) for a, b in zip(*(found[name] for name in READERS), strict=True)
    ]
    every = {
        name: [Pulses(name, r.truth, r.found, heart) for r, heart in zip(found[name], hearts, strict=True)]
        for name in PLETH
    }
    rates = {
        name: [w for one, r in zip(each, names, strict=True) for w in rate_windows(one, r)]
        for name, each in every.items()
    }
    rates[LIVE] = [w for one, r in zip(every[OURS], names, strict=True) for w in rate_windows(one, r, live=True)]
    return Chapter(
        "Pulses",
        f"BIDMC: {len(names)} recordings of 8 minutes at 125 Hz, a part of the development set: they tuned it. The "
        "reference is what gqrs and xqrs agree on in lead II; 2.5 s around a beat that only one of them has are "
        f"left out ({_kept(hearts, given):.0%} of the time is kept). Each detector's pulses are moved by one "
        "constant lag for each recording; one-to-one within 150 ms. Rates: windows of 10 s every 5 s, (pulses - 1) / "
        "time between first and last, against the same of the heart's beats; “stated live” is the rate that the "
        f"stream had last stated at the end of the window, withheld where more than {BAD_PART:.0%} of the window is "
        f"graded bad or nothing was stated for {FRESH_S:.0f} s. Coverage is of all windows that have a reference.",
        _figures(every, rates),
        "\n\n".join([_table(every, rates), _gate_tables(every[OURS], rates[LIVE])]),
    )


def _kept(hearts: Sequence[Heart], given: Sequence[Truth]) -> float:
    return 1 - sum(e - s for h in hearts for s, e in h.left_out) / sum(g.length for g in given)


def _figures(every: Mapping[str, Sequence[Pulses]], rates: Mapping[str, Sequence[RateWindow]]) -> tuple[Figure, ...]:
    f1 = {name: together(one.score() for one in each).f1 for name, each in every.items()}
    errors = {name: rate_errors(each) for name, each in rates.items()}
    live = errors[LIVE]
    kept = together(one.score(one.found.bad) for one in every[OURS])
    spoiled = sum(e - s for one in every[OURS] for s, e in one.found.bad)
    part = spoiled / sum(one.truth.length for one in every[OURS])
    late = [
        (k - b) * 1000 / one.truth.fs
        for one in every[OURS]
        for k, b in zip(one.found.known, one.found.beats, strict=True)
    ]
    withheld = f"nothing withheld; with the {part:.1%} of the time that is bad withheld {kept.f1:.2f} %"
    within = named({name: e.within for name, e in errors.items()}, "%", 1)
    mae = named({name: e.mae for name, e in errors.items()}, "bpm", 2, highest=False)
    return (
        Figure("BIDMC pulses: F1", f1[OURS], "%", 98.5, named(f1, "%", 2), withheld, at_least=True, decimals=2),
        Figure("pulse rate stated live, within 5 bpm", live.within, "%", 95.0, within, at_least=True, decimals=1),
        Figure("the same: coverage", live.coverage, "%", 95.0, "peers withhold nothing", at_least=True, decimals=1),
        Figure("the same: mean absolute error", live.mae, "bpm", 1.5, mae, f"p95 {live.p95:.1f} bpm", decimals=2),
        Figure("announced after the pulse, p99", float(np.percentile(late, 99)), "ms", peer="the whole recording"),
    )


def _table(every: Mapping[str, Sequence[Pulses]], rates: Mapping[str, Sequence[RateWindow]]) -> str:
    header = (
        "BIDMC",
        "Se %",
        "+P %",
        "F1 %",
        "within 5 bpm %",
        "MAE bpm",
        "p95 bpm",
        "coverage %",
        "MAE to monitor bpm",
    )
    rows = []
    for name, found in rates.items():
        total, e = together(one.score() for one in every.get(name, every[OURS])), rate_errors(found)
        beats = (
            ("", "", "")
            if name == LIVE
            else (f"{total.sensitivity:.2f}", f"{total.predictivity:.2f}", f"{total.f1:.2f}")
        )
        numbers = (f"{e.within:.1f}", f"{e.mae:.2f}", f"{e.p95:.1f}", f"{e.coverage:.1f}", f"{e.against_monitor:.2f}")
        rows.append((name, *beats, *numbers))
    return markdown(header, rows)


def _gate_tables(ours: Sequence[Pulses], live: Sequence[RateWindow]) -> str:
    """What the two gates of the pleth cost."""
    beats = [s for one in ours for s in pulse_stretches(one, by_grade=True)]
    return "\n\n".join(
        [
            grades_table("pleth kept", "missed or invented per 1000 pulses kept", curve(beats), 1000),
            coverage_table(
                "rates by the mean quality of the window", "MAE of the rate, bpm", curve(rate_stretches(live))
            ),
        ]
    )
