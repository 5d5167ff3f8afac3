"""What a receipt does to a letter: purges it, puts it aside, speaks of none, or is not to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sync.errors import Refused
from sync.keys import Signers
from sync.letter import Step
from sync.receipt import Receipt, verify_receipt


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a receipt did, and to which letter as far as it named one."""

    outcome: Literal["purged", "quarantined", "unknown", "refused"]
    mid: bytes | None
    seq: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The same with the letter's row where there is one: its state before and after (None: gone), bytes set free."""

    settlement: Settlement
    row: int | None = None
    before: str | None = None
    after: str | None = None
    size: int = 0


def word_of(data: bytes, signers: Signers) -> Receipt | Refused:
    """The receipt in `data` if it may be believed, else why not."""
    try:
        return verify_receipt(data, signers)
    except Refused as refusal:
        return refusal


def step_of(settlement: Settlement) -> Step | None:
    """The step that a receipt made a letter take, if it did."""
    if settlement.mid is None or settlement.seq is None:
        return None
    match settlement.outcome:
        case "purged" | "quarantined" as what:
            return Step(what, settlement.mid, settlement.seq, settlement.reason)
    return None
