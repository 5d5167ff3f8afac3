"""`cabin analyze ecg|ppg|cuff FILE`: the live analysis over a recording, as JSON or as a short table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from cabin_agent.commands.output import COULD_NOT_RUN, DONE, USED_WRONGLY, complain, print_json, print_lines
from cabin_agent.recording_error import RecordingError
from cabin_agent.recordings import Recording, read_cuff, read_wave
from cabin_signal.analyze import BLOCK, Json, analyze_cuff, analyze_ecg, analyze_ppg


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("kind", choices=("ecg", "ppg", "cuff"), help="what the recording is of")
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a WFDB record or a CSV file with a header line, t_s first; for cuff, a CSV file of t_s,mmHg",
    )
    parser.add_argument("--channel", metavar="NAME", help="of the record (default: the first of the kind)")
    parser.add_argument(
        "--block", type=_block, default=BLOCK, metavar="N", help=f"samples at a time (default {BLOCK})"
    )
    parser.add_argument("--intervals", action="store_true", help="with ecg: PR, QRS and QT of every thirty seconds")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if args.kind != "ecg" and args.intervals:
        complain("analyze", "Intervals are of an ECG: leave --intervals out.")
        return USED_WRONGLY
    if args.kind == "cuff" and args.channel is not None:
        complain("analyze", "A cuff file has one channel: leave --channel out.")
        return USED_WRONGLY
    try:
        found, lines = _cuff(args) if args.kind == "cuff" else _wave(args)
    except RecordingError as error:
        complain("analyze", error)
        return error.code
    if args.json:
        print_json(found)
    else:
        print_lines(lines)
    return DONE


Lines = list[tuple[str, str]]


def _wave(args: argparse.Namespace) -> tuple[Json, Lines]:
    recording = read_wave(args.file, args.kind, args.channel)
    where = (recording.samples, recording.fs, recording.channel, args.block)
    try:
        found = analyze_ecg(*where, intervals=args.intervals) if args.kind == "ecg" else analyze_ppg(*where)
    except ValueError as error:  # the rate is out of range, and the sentence says so
        raise RecordingError(f"The channel {recording.channel} cannot be analysed: {error}.", COULD_NOT_RUN) from None
    return found, _wave_lines(found, recording)


def _cuff(args: argparse.Namespace) -> tuple[Json, Lines]:
    found = analyze_cuff(*read_cuff(args.file), args.block)
    return found, _cuff_lines(found)


def _block(text: str) -> int:
    """A number of samples; argparse says in one sentence that another is not accepted."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of samples; give 1 or more")
    return int(text)


def _wave_lines(found: Json, recording: Recording) -> Lines:
    seconds = len(recording.samples) / recording.fs
    rates = [point["bpm"] for key in ("heart_rate", "pulse_rate") for point in found.get(key, ())]
    lines = [
        ("channel", f"{recording.channel}, {recording.fs:g} Hz, {seconds:.0f} s"),
        ("beats", str(len(found["beats"]))),
        ("rate", f"{_span(rates)} /min" if rates else "no value"),
        ("quality", _shares(found["quality"], "grade", ("good", "usable", "bad"))),
    ]
    if "rhythm" in found:
        lines.append(("rhythm", _shares(found["rhythm"], "verdict", ("regular", "irregular", "unanalysable"))))
    lines += [
        (name.upper(), _interval([each[name] for each in found["intervals"]]))
        for name in ("pr", "qrs", "qt")
        if "intervals" in found
    ]
    if "perfusion_index" in found:
        points = [point["percent"] for point in found["perfusion_index"]]
        lines.append(("perfusion", f"{median(points):.1f} %" if points else "no value"))
    reasons = sorted({reason for span in found["quality"] for reason in span["reasons"]})
    return [*lines, ("reasons", ", ".join(reasons))] if reasons else lines


def _span(rates: Sequence[float]) -> str:
    return f"{median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"


def _interval(each: Sequence[float | None]) -> str:
    """Median and range over the stretches in which it was measured, and how many those are."""
    stated = [ms for ms in each if ms is not None]
    return f"{_span(stated)} ms, in {len(stated)} of {len(each)} stretches" if stated else "not measured"


def _shares(spans: Iterable[Json], key: str, words: Sequence[str]) -> str:
    """How much of the recording each word holds for, in percent of what was judged."""
    held = dict.fromkeys(words, 0)
    for span in spans:
        held[span[key]] += span["end"] - span["start"]
    total = sum(held.values())
    return ", ".join(f"{word} {_percent(held[word] / total)}" for word in words if held[word]) or "not judged"


def _percent(share: float) -> str:
    return "<1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _cuff_lines(found: Json) -> Lines:
    units = {"systolic": "mmHg", "diastolic": "mmHg", "mean": "mmHg", "pulse_rate": "/min"}
    lines = [
        (name.replace("_", " "), "no value" if found[name] is None else f"{found[name]:.0f} {unit}")
        for name, unit in units.items()
    ]
    if found["interval"] is not None:
        lines += [
            (f"{side}, 9 in 10", f"{low:.0f} to {high:.0f} mmHg") for side, (low, high) in found["interval"].items()
        ]
    if found["deflation"] is not None:
        lines.append(("deflation", f"{found['deflation']['mmhg_s']:.1f} mmHg/s"))
    lines += [("beats", str(found["beats"])), ("verdict", found["verdict"])]
    return [*lines, ("reasons", ", ".join(found["reasons"]))] if found["reasons"] else lines
