"""One line of the self-test: a part of the cabin, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Line:
    """One part."""

    part: str
    """Short and the same each time: "broker", "oximeter", "keys", ..."""
    state: Literal["ok", "wrong", "unknown"]
    """ "unknown" where it could not be looked at, which is not a fault."""
    says: str
    """One sentence or a few words on how it is."""
    cure: str = ""
    """What to do, one sentence; of a line that is wrong and of no other."""

    def __post_init__(self) -> None:
        if bool(self.cure) is not (self.state == "wrong"):
            raise ValueError(f"the line of the {self.part} needs a cure if it is wrong, and only then")


def ok(part: str, says: str) -> Line:
    """It is as it should be."""
    return Line(part, "ok", says)


def wrong(part: str, says: str, cure: str) -> Line:
    """It is not, and `cure` says what to do."""
    return Line(part, "wrong", says, cure)


def unknown(part: str, says: str) -> Line:
    """It could not be looked at."""
    return Line(part, "unknown", says)


def told(part: str, sentence: str) -> Line:
    """A line out of a sentence of this house, "what happened: what to do."; a phrase between belongs to the first."""
    what, _, cure = sentence.partition(": ")
    if cure.startswith("it ") and "; " in cure:
        more, _, cure = cure.partition("; ")
        what = f"{what}: {more}"
    return wrong(part, f"{what.rstrip('.')}.", _capital(cure) if cure else "Look at the log, then restart the cabin.")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
