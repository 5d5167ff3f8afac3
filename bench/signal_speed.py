"""How fast one channel is analysed on one core, and what memory a day of it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bench.figures import Chapter, Figure, median
from bench.signal_cases import Case
from bench.signal_detectors import OURS, SMALL_BLOCKS, Found
from bench.signal_run import Result, python, ready, run

RECORD = "mitdb/219"
ROUNDS = 3
PEERS = ("wfdb gqrs", "wfdb xqrs")
HOURS = 24
GROWTH_MB = 1.0
"""What a day may add to the first hour: arenas of the allocator, not the stream."""
LIMITS = {OURS: ("in 1 s blocks", 1000.0), SMALL_BLOCKS: ("in 40 ms blocks", 300.0)}
STREAMS = {"ecg": RECORD, "pleth": "bidmc/bidmc01"}


async def chapter(quick: bool) -> Chapter:
    """Ours and the two wfdb detectors in turns, each alone on the machine; then a day of signal."""
    ready()
    seconds = 120.0 if quick else 600.0
    twice = (Case(RECORD, seconds=seconds),) * 2
    jobs = dict.fromkeys([*LIMITS, *PEERS], twice)
    rounds = [run(jobs, alone=True) for _ in range(1 if quick else ROUNDS)]
    hours = 3 if quick else HOURS
    return Chapter(
        "Speed and memory",
        f"Processor time (process_time) for the first {seconds / 60:.0f} minutes of record 219, one channel at 360 "
        "Hz, in a process of its own with one thread, after one run of the same to warm up; "
        f"{len(rounds)} rounds in which they take turns, median. Ours does beats, rate, quality and rhythm; the "
        f"peers do beats. Memory: VmRSS of a process that feeds one stream {hours} hours of signal in blocks of 1 s, "
        "after the first hour and at the end; 1 MB is 10^6 bytes.",
        (
            *_speed_figures(rounds, seconds),
            _same_figure(rounds[0]),
            *(_memory_figure(kind, record, hours) for kind, record in STREAMS.items()),
        ),
    )


def times_real(rounds: Sequence[Mapping[str, Sequence[Result]]], name: str, seconds: float) -> float:
    """Seconds of signal for each second of processor time; the second of each two runs, median of the rounds."""
    return seconds / median([each[name][1].found.cpu_s for each in rounds])


def _speed_figures(rounds: Sequence[Mapping[str, Sequence[Result]]], seconds: float) -> list[Figure]:
    peers = {name: times_real(rounds, name, seconds) for name in PEERS}
    figures = []
    for name, (blocks, limit) in LIMITS.items():
        ours = times_real(rounds, name, seconds)
        beside = ", ".join(f"{peer} {speed:.0f}×; ratio {ours / speed:.1f}" for peer, speed in peers.items())
        spent = sorted(each[name][1].found.cpu_s for each in rounds)
        remark = f"{len(spent)} times, {seconds / spent[-1]:.0f} to {seconds / spent[0]:.0f}×"
        figures.append(Figure(f"ECG {blocks}", ours, "× real time", limit, beside, remark, at_least=True))
    return figures


def _same_figure(found: Mapping[str, Sequence[Result]]) -> Figure:
    whole, small = (set(words(found[name][0].found)) for name in LIMITS)
    remark = f"{len(whole)} beats, grades, rates and verdicts"
    return Figure(
        "findings that differ between the two", len(whole ^ small), "findings", 0.0, remark=remark, decimals=0
    )


def words(found: Found) -> list[str]:
    """Every finding as text, to the last bit of its numbers."""
    beats = zip(found.beats, found.known, strict=True)
    return [repr(each) for each in (*beats, *found.quality, *found.rates, *found.rhythm)]


def _memory_figure(kind: str, record: str, hours: int) -> Figure:
    sizes = json.loads(python("bench.signal_memory", kind, record, str(hours)))
    remark = f"{sizes[0]:.1f} MB after the first hour, {sizes[-1]:.1f} MB at the end, {max(sizes):.1f} MB at most"
    return Figure(f"{kind}, {hours} h of signal: memory grows", sizes[-1] - sizes[0], "MB", GROWTH_MB, remark=remark)
