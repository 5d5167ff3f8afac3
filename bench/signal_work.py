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
    """Reads the cases, writes what is true and what was found, in the same order."""
    detector, cases, result = argv
    warnings.simplefilter("ignore")  # what peers warn of is theirs
    answers = [_answer(detector, Case(**words)) for words in json.loads(Path(cases).read_text())]
    Path(result).write_text(json.dumps(answers))
    return 0


def _answer(detector: str, case: Case) -> dict[str, object]:
    given = load(case)
    truth = {**asdict(given.truth), "beats": given.beats.tolist()}
    return {"truth": truth, "found": asdict(timed(DETECTORS[detector], given.samples, given.fs))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
