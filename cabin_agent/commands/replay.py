"""`cabin replay CAPTURE`: what an instrument said, played to its driver again: the same events, one JSON a line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from cabin_agent.audit_notes import leave_note
from cabin_agent.black_box_file import read_box
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, USED_WRONGLY, complain, print_json
from cabin_agent.event_json import event_json
from cabin_agent.private_file import AccessError, write_private
from drivers import DRIVERS, virtual_time
from drivers.capture import Capture, CaptureError, decode, encode
from drivers.errors import DriverError
from drivers.replay import Played, replay
from sync.errors import SyncError
from sync.keyfile import load_key
from sync.keys import RecipientKey

BLACK_BOX = "black-box"
"""The folder of the boxes in a cabin's state folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("capture", type=Path, help="a capture file, or the folder of a visit's black box")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the workshop's private key, for a black box")
    parser.add_argument("--instrument", metavar="KIND", help="of a black box: which instrument, such as oximeter")
    parser.add_argument("--extract", type=Path, metavar="DIR", help="write a black box as capture files and stop")
    parser.add_argument("--json", action="store_true", help="as always: one JSON event a line")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        captures = _captures(args)
        if args.extract is not None:
            return _extract(captures, args.extract)
        return _play(_chosen(captures, args.instrument))
    except (AccessError, CaptureError, SyncError, DriverError) as error:
        complain("replay", error)
    except WrongUse as error:
        complain("replay", error)
        return USED_WRONGLY
    except OSError as error:
        complain("replay", f"{error.filename or args.capture} cannot be read or written: {error.strerror}.")
    return COULD_NOT_RUN


class WrongUse(Exception):
    """The arguments do not go together; the text is one sentence."""


def _captures(args: argparse.Namespace) -> Mapping[str, Capture]:
    """By kind for a black box; under "" for a file."""
    if not args.capture.is_dir():
        return {"": decode(args.capture.read_text(encoding="utf-8", errors="replace"))}
    if args.key is None:
        raise WrongUse("A black box is sealed: give the workshop's private key with --key.")
    captures = read_box(args.capture, load_key(args.key, RecipientKey))
    if args.capture.absolute().parent.name == BLACK_BOX:
        # In the cabin itself: a copy elsewhere has no audit log to be written into.
        leave_note(args.capture.absolute().parent.parent, "black-box-read", box=args.capture.name)
    return captures


def _extract(captures: Mapping[str, Capture], folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind, capture in captures.items():
        path = folder / f"{kind or 'instrument'}.capture"
        write_private(path, encode(capture))
        print(path)
    return DONE


def _chosen(captures: Mapping[str, Capture], kind: str | None) -> Capture:
    if kind is None and len(captures) == 1:
        return next(iter(captures.values()))
    if kind is None or kind not in captures:
        raise WrongUse(f"Say which instrument with --instrument: {', '.join(captures)}.")
    return captures[kind]


def _play(capture: Capture) -> int:
    played = virtual_time.run(_replay(capture))
    for event in played.events:
        print_json(event_json(event))
    if played.same:
        return DONE
    complain(
        "replay",
        f"The driver did not say what it said then ({played.written_anew} messages anew, {played.not_written} no "
        "longer written): it was changed since, or the capture begins in the middle.",
    )
    return FOUND_WRONG


async def _replay(capture: Capture) -> Played:
    head = capture.head
    if head.protocol not in DRIVERS:
        raise CaptureError(f"This version has no driver for {head.protocol}: use the version that wrote the capture.")
    try:
        driver = DRIVERS[head.protocol](**head.settings)
    except (TypeError, ValueError, ArithmeticError):
        raise CaptureError("The capture's settings are not those of its driver: correct its first line.") from None
    try:
        return await replay(capture, driver)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise CaptureError(
            f"The driver broke over this capture ({type(error).__name__}): report it, its first line may be wrong."
        ) from None
