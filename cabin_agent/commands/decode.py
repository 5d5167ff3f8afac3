"""`cabin decode PROTOCOL FILE`: a capture of an instrument as one JSON event a line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cabin_agent.captures import CaptureError, capture_bytes, decode, unfinished
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, complain, print_json
from cabin_agent.event_json import event_json
from drivers import DECODERS
from drivers.events import Event, Trouble

ON_THE_WIRE = ("checksum", "resync", "lost-samples", "malformed")
"""Troubles of the bytes themselves; the others are what an instrument said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("protocol", choices=sorted(DECODERS), metavar="PROTOCOL", help=", ".join(sorted(DECODERS)))
    parser.add_argument(
        "file", metavar="FILE", help="bytes of the instrument, binary or hex text; '-': standard input"
    )
    parser.add_argument(
        "--form",
        choices=("auto", "binary", "hex"),
        default="auto",
        help="what the file holds (default: seen from it)",
    )
    parser.add_argument("--json", action="store_true", help="as always: one JSON event a line")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        content = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        complain("decode", f"{args.file} cannot be read: {error.strerror}.")
        return COULD_NOT_RUN
    try:
        data = capture_bytes(content, args.form)
    except CaptureError as error:
        complain("decode", error)
        return FOUND_WRONG
    new = DECODERS[args.protocol]
    events = decode(new, data)
    for event in events:
        print_json(event_json(event))
    wrong = _wrong(events, len(unfinished(new, data)), args.protocol)
    if wrong:
        sys.stdout.flush()
        complain("decode", wrong)
    return FOUND_WRONG if wrong else DONE


def _wrong(events: list[Event], missing: int, protocol: str) -> str:
    """In one sentence what is wrong with the capture, or nothing."""
    if all(isinstance(event, Trouble) and event.code in ON_THE_WIRE for event in events):
        return f"The capture holds no whole event of {protocol}: check the protocol, or capture more."
    if missing:
        return f"The capture is cut short: the last {missing} bytes, after its last event, do not end a frame."
    refused = [event for event in events if isinstance(event, Trouble) and event.code in ("checksum", "malformed")]
    count = sum(event.count for event in refused)
    return f"Damaged frames were refused ({count} in all): see the events called trouble." if refused else ""
