"""QRS detection on whole recordings: ours in blocks of a second, beside peers that get each recording at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.figures import Chapter, Figure, markdown
from bench.signal_cases import Case, records
from bench.signal_coverage import ecg_seconds
from bench.signal_detectors import ECG, OURS
from bench.signal_run import Result, ready, run
from bench.signal_score import NARROW_S, Score, together

QUICK = ("mitdb/105", "mitdb/119", "mitdb/207", "mitdb/228")
STRIPS = {"CPSC2019": ("cpsc2019", 95.0), "CPSC2021": ("cpsc2021", 98.7)}
STRESS = {"24 dB": ("nstdb/118e24", None), "12 dB": ("nstdb/118e12", 99.3)}
BEST = 2
"""Peers that are named in a line; all are in the table."""
PEERS = tuple(name for name in ECG if name != OURS)


Results = Mapping[str, Sequence[Result]]


def by_case(found: Mapping[str, Sequence[Result]]) -> dict[str, dict[Case, Result]]:
    """The results of every detector, to be looked up."""
    return {name: {result.case: result for result in each} for name, each in found.items()}


async def chapter(quick: bool) -> Chapter:
    """Detect in every recording of the development set."""
    ready()
    mitdb = [Case(name) for name in (QUICK if quick else records("mitdb"))]
    strip_cases = {name: _few(database, quick) for name, (database, _) in STRIPS.items()}
    stress_cases = {name: [Case(record)] for name, (record, _) in STRESS.items()}
    every = [*mitdb, *(case for cases in (*strip_cases.values(), *stress_cases.values()) for case in cases)]
    found = by_case(run(dict.fromkeys(ECG, tuple(every))))
    whole = _those(found, mitdb)
    strips = {name: _those(found, cases) for name, cases in strip_cases.items()}
    stress = {name: _those(found, cases) for name, cases in stress_cases.items()}
    seconds = ecg_seconds(
        [(r.truth, r.found) for r in [*whole[OURS], *stress["24 dB"][OURS], *stress["12 dB"][OURS]]]
    )
    return Chapter(
        "QRS detection",
        f"MIT-BIH: {len(mitdb)} recordings of 30 minutes, first channel, nothing skipped at the beginning, "
        "ventricular flutter of 207 left out; CPSC2019: strips of 10 s; CPSC2021: lead I; noise stress: 118 with "
        "electrode motion. These are development recordings: they tuned it. Ours hears each recording in blocks of "
        "1 s and says a beat when it knows of it; peers get the whole recording. One-to-one matching, nearest pairs "
        "first, within 150 ms; within 50 ms after a detector's own median delay over all recordings is taken off. "
        "A score is of all beats together. Withheld: beats in seconds that were graded bad are not counted, neither "
        "found nor missed nor invented; peers withhold nothing. × real time: seconds of signal for each of processor "
        "time, while other detectors run beside it.",
        (*_mitdb_figures(whole), *_strip_figures(strips), *_stress_figures(stress)),
        "\n\n".join(
            [_detectors_table(whole), _bases_table({**strips, **stress}), _worst_table(whole[OURS]), seconds]
        ),
    )


def _those(found: Mapping[str, Mapping[Case, Result]], cases: Sequence[Case]) -> dict[str, list[Result]]:
    return {name: [each[case] for case in cases] for name, each in found.items()}


def _few(database: str, quick: bool) -> list[Case]:
    return [Case(name) for name in records(database)[:: 3 if quick else 1]]


def _mitdb_figures(whole: Results) -> list[Figure]:
    ours = whole[OURS]
    wide = together(r.score() for r in ours)
    narrow = {name: aligned(each) for name, each in whole.items()}
    worst = min(ours, key=lambda r: r.score().f1)
    late = [ms for r in ours for ms in r.late_ms]
    f1 = {name: together(r.score() for r in each).f1 for name, each in whole.items()}
    lowest = {name: min(r.score().f1 for r in each) for name, each in whole.items()}
    spread = {name: together(r.score() for r in each).spread_ms for name, each in whole.items()}
    narrow_f1 = {name: each.f1 for name, each in narrow.items()}
    return [
        _f1(
            "MIT-BIH, first channel, 150 ms: F1", wide.f1, 99.8, f1, f"{wide.missed} missed, {wide.invented} invented"
        ),
        _f1("MIT-BIH, lowest F1 of a recording", worst.score().f1, 98.0, lowest, worst.case.record.split("/")[1]),
        _f1("MIT-BIH, 50 ms: F1", narrow[OURS].f1, 99.0, narrow_f1, f"median delay {wide.delay_ms:.1f} ms"),
        Figure("MIT-BIH, SD of R position", wide.spread_ms, "ms", 12.0, named(spread, "ms", 1, highest=False)),
        Figure(
            "MIT-BIH, announced after R, p99",
            float(np.percentile(late, 99)),
            "ms",
            400.0,
            "the whole recording",
            f"p50 {np.percentile(late, 50):.0f} ms, p99.9 {np.percentile(late, 99.9):.0f} ms; later than 1 s: "
            f"{np.mean(np.array(late) > 1000):.2%}",
        ),
    ]


def aligned(each: Sequence[Result]) -> Score:
    """Within 50 ms, the detector's median delay over all recordings taken off."""
    delay = together(r.score() for r in each).delay_ms
    return together(r.score(NARROW_S, delay) for r in each)


def _strip_figures(strips: Mapping[str, Results]) -> list[Figure]:
    figures = []
    for name, found in strips.items():
        f1 = {peer: together(r.score() for r in each).f1 for peer, each in found.items()}
        ours = together(r.score() for r in found[OURS])
        remark = f"{ours.missed} missed, {ours.invented} invented of {ours.found + ours.missed}; {_kept(found[OURS])}"
        figures.append(_f1(f"{name}: F1", f1[OURS], STRIPS[name][1], f1, remark))
    return figures


def _stress_figures(stress: Mapping[str, Results]) -> list[Figure]:
    figures = []
    for name, found in stress.items():
        f1 = {peer: together(r.score() for r in each).f1 for peer, each in found.items()}
        remark = f"nothing withheld: {f1[OURS]:.2f} %; {_kept(found[OURS])}"
        withheld = together(r.score(withhold=True) for r in found[OURS])
        figures.append(
            _f1(f"noise stress {name}, bad seconds withheld: F1", withheld.f1, STRESS[name][1], f1, remark)
        )
    return figures


def _kept(each: Sequence[Result]) -> str:
    """How much was withheld, and what that leaves."""
    kept, every = together(r.score(withhold=True) for r in each), together(r.score() for r in each)
    seconds = sum(end - start for r in each for start, end in r.found.bad)
    part = seconds / sum(r.truth.length for r in each)
    beats = 1 - (kept.found + kept.missed) / max(1, every.found + every.missed)
    return f"withheld: {part:.1%} of the time, {beats:.1%} of the beats, then F1 {kept.f1:.2f} %"


def _f1(what: str, value: float, limit: float | None, all_f1: Mapping[str, float], remark: str) -> Figure:
    return Figure(what, value, "%", limit, named(all_f1, "%", 2), remark, at_least=True, decimals=2)


def named(values: Mapping[str, float], unit: str, decimals: int, highest: bool = True) -> str:
    """The best peers by a value, as "wfdb gqrs 99.69 %, wfdb xqrs 99.42 %"."""
    peers = sorted((name for name in values if not name.startswith(OURS)), key=values.__getitem__, reverse=highest)
    return ", ".join(f"{name} {values[name]:z.{decimals}f} {unit}".rstrip() for name in peers[:BEST])


def _detectors_table(whole: Results) -> str:
    header = (
        "MIT-BIH",
        "Se %",
        "+P %",
        "F1 %",
        "missed",
        "invented",
        "50 ms F1 %",
        "R ms",
        "lowest F1 %",
        "× real time",
    )
    rows = [_detector_row(name, each) for name, each in whole.items()]
    return markdown(header, sorted(rows, key=lambda row: row[3], reverse=True))


def _detector_row(name: str, each: Sequence[Result]) -> tuple[str, ...]:
    every = together(r.score() for r in each)
    worst = min(each, key=lambda r: r.score().f1)
    return (
        name,
        f"{every.sensitivity:.2f}",
        f"{every.predictivity:.2f}",
        f"{every.f1:.2f}",
        str(every.missed),
        str(every.invented),
        f"{aligned(each).f1:.2f}",
        f"{every.delay_ms:.0f} ± {every.spread_ms:.0f}",
        f"{worst.score().f1:.1f} ({worst.case.record.split('/')[1]})",
        f"{sum(r.truth.length / r.truth.fs for r in each) / sum(r.found.cpu_s for r in each):.0f}",
    )


def _bases_table(found: Mapping[str, Results]) -> str:
    rows = []
    for name in ECG:
        scores = [together(r.score() for r in base[name]) for base in found.values()]
        failed = sum(bool(r.found.error) for base in found.values() for r in base[name])
        rows.append((name, *(f"{s.f1:.2f}" for s in scores), str(failed)))
    return markdown(("F1 %, nothing withheld", *found, "no answer"), rows)


def _worst_table(ours: Sequence[Result]) -> str:
    """The recordings in which we err most, and how withholding changes them."""
    worst = sorted(ours, key=lambda r: r.score().errors, reverse=True)[:8]
    rows = []
    for r in worst:
        every, kept = r.score(), r.score(withhold=True)
        share = sum(end - start for start, end in r.found.bad) / r.truth.length
        rows.append(
            (
                r.case.record.split("/")[1],
                str(every.missed),
                str(every.invented),
                f"{every.f1:.2f}",
                f"{share:.1%}",
                f"{kept.f1:.2f}",
            )
        )
    return markdown(("ours, most errors", "missed", "invented", "F1 %", "withheld", "then F1 %"), rows)
