"""Where a hearing test stands that the cabin itself makes, as its screens show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HearingStage = Literal["ready", "press-when-heard", "only-when-heard", "listen"]
"""The first three tell the person something, and wait for a press."""


@dataclass(frozen=True, slots=True)
class HearingView:
    """Where a hearing test stands, for the screen."""

    stage: HearingStage
    ear: Literal["left", "right"]
    done: float
    """Part of the test, 0 to 1."""
