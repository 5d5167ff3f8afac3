"""`python -m bench.signal_work DETECTOR CASES RESULT`: one detector over a list of cases, in a process of its own."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.signal_cases import Case, load
from bench.signal_detectors import DETECTORS, timed


def main(argv: Sequence[str]) -> int:
    """Reads the cases, writes what was found, in the same order."""
    detector, cases, result = argv
    warnings.simplefilter("ignore")  # what peers warn of is theirs
    found = []
    for words in json.loads(Path(cases).read_text()):
        given = load(Case(**words))
        found.append(asdict(timed(DETECTORS[detector], given.samples, given.fs)))
    Path(result).write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
