"""The command line, `cabin VERB`: each verb is one file in `cabin_agent.commands`, loaded when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Protocol

from cabin_agent.version import VERSION


class Command(Protocol):
    """What a file of `cabin_agent.commands` has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the verb takes."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; gives the exit code."""
        ...


VERBS = {
    "demo": "a whole cabin on this machine with simulated instruments; --once runs one check-up by itself",
    "checkup": "go through one check-up on the running cabin, from this terminal",
    "run": "the core: instruments, visit, local API, delivery (as systemd starts it)",
    "media": "cameras, sound and the call to the doctor, beside the core (as systemd starts it)",
    "gateway": "the far end: opens envelopes, writes the record, signs receipts (as systemd starts it)",
    "access": "who may use the local API: named accounts, and the kiosk's launch ticket",
    "outbox": "what waits for the record or was refused by it; 'requeue MID' sends it again",
    "audit": "the cabin's audit log: 'verify' checks the whole chain, 'show' prints it",
    "keys": "make, show, rotate, revoke, export and enrol keys; the cryptographic inventory",
    "post": "the record writes to a cabin: appointments, settings, a key statement",
    "devices": "the instruments of the running cabin: state, age of the last sample, serial, firmware",
    "monitor": "one instrument live in this terminal: state, values, wave; of the running cabin, or by its address",
    "check": "self-test of this cabin, running or not; each failing line with its cure",
    "simulate": "one simulated instrument, or all of them; prints the URL to connect to",
    "decode": "a capture of an instrument, binary or hex, as one JSON event a line",
    "replay": "a capture, or a visit's black box, played to its driver again: the same events",
    "analyze": "the analysis over a recording, exactly as it runs live",
}
"""Every verb and what it does; its file has the same name."""

EXIT_CODES = "exit codes: 0 done, 1 found something wrong, 2 used wrongly, 3 could not run"


def main(argv: list[str] | None = None) -> int:
    """Run one verb; gives the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"cabin {VERSION}")
        return 0
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        print(f"cabin: there is no verb '{verb}'; there are: {', '.join(VERBS)}.", file=sys.stderr)
        return 2
    if verb == "simulate":
        # The simulators are the other end of the wire: this room may not import them.
        os.execv(sys.executable, [sys.executable, "-P", "-m", "simulators", *rest])  # noqa: S606
    return _run(verb, rest)


def usage() -> str:
    """What `cabin --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb.ljust(width)}  {what}" for verb, what in VERBS.items())
    return f"usage: cabin VERB [options]\n\n{verbs}\n\n'cabin VERB --help' says more.\n{EXIT_CODES}"


def _called(verb: str, words: list[str]) -> int:
    command: Command = importlib.import_module(f"cabin_agent.commands.{verb}")
    parser = argparse.ArgumentParser(
        prog=f"cabin {verb}", description=VERBS[verb][0].upper() + VERBS[verb][1:] + ".", epilog=EXIT_CODES
    )
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def _run(verb: str, words: list[str]) -> int:
    try:
        return _called(verb, words)
    except KeyboardInterrupt:
        print(f"cabin {verb}: interrupted.", file=sys.stderr)
        return 3
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing more to say, and nothing to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(
            f"cabin {verb}: {error.strerror or error}; look at the file or the disk, then try again.", file=sys.stderr
        )
        return 3


if __name__ == "__main__":
    sys.exit(main())
