"""`python -m bench.signal_memory KIND RECORD HOURS`: one stream fed for hours, and the memory after each."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import cycle

from bench.machine import resident_mb
from bench.signal_cases import Case, load
from cabin_signal.ecg import EcgStream
from cabin_signal.ppg import PlethStream


def main(argv: Sequence[str]) -> int:
    """The recording again and again, in blocks of a second; prints megabytes after each hour."""
    kind, record, hours = argv
    given = load(Case(record))
    stream = _stream(kind, given.fs)
    second = round(given.fs)
    blocks = [given.samples[at : at + second] for at in range(0, len(given.samples) - second, second)]
    sizes = []
    for number, block in enumerate(cycle(blocks), 1):
        stream.update(block)
        if number % 3600 == 0:
            sizes.append(resident_mb("self"))
        if number == 3600 * int(hours):
            break
    print(json.dumps(sizes))
    return 0


def _stream(kind: str, fs: float) -> EcgStream | PlethStream:
    return EcgStream(fs) if kind == "ecg" else PlethStream(fs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
