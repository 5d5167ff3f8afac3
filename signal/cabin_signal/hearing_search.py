"""One threshold at one frequency: the ascending method, and the familiarisation before the first one.

ISO 8253-1, clause 6, as clinical reference 5.1 quotes it: down 10 dB after an answer, up 5 dB until the next one; the
threshold is the level at which so many ascents of so many end (2 of 3, or 3 of 5); where none does, 10 dB louder and
once more. Familiarisation: 40 dB, down 20 until silence, up 10 until an answer, the same level again.
Safety (reference 5.4): the first tone has 40 dB at most, a step up 10 dB at most, and 5 dB above 60 dB.

Pure tables: `heard` is the whole of what comes in, the level of the next tone the whole of what goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from cabin_signal.audiogram_grades import Level, NoResponse

LOWEST_DB = -10.0
FIRST_DB = 40.0
"""Of a first tone, at most."""
GENTLE_DB = 60.0
"""Above it a step up is small."""
UP, SEEK_UP, DOWN, FAR_DOWN = 5.0, 10.0, 10.0, 20.0
MOST_TONES = 25
"""At one frequency; a listener who is undecided for longer has no threshold there."""
AT_LOUDEST = 2
"""So often the loudest tone is not answered before it is believed that it is not heard."""

MOST_FAILURES = 2
"""Of a familiarisation: the person has to be told again."""

Stage = Literal["seek", "down", "up"]
Move = Literal["ascent", "louder", "softer", "up"]

TABLE: dict[tuple[Stage, bool], tuple[Stage, Move]] = {
    ("seek", False): ("seek", "louder"),
    ("seek", True): ("down", "softer"),
    ("down", True): ("down", "softer"),
    ("down", False): ("up", "up"),
    ("up", False): ("up", "up"),
    ("up", True): ("down", "ascent"),
}
"""(stage, heard) -> the next stage, and what happens to the level; "ascent": one ascent ended at this level."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The method came to no threshold within `MOST_TONES`."""


Found = Level | Undecided


@dataclass(frozen=True, slots=True)
class Search:
    """Where the search for one threshold stands."""

    db: float
    """Level of the next tone."""
    loudest_db: float
    """The phones give no more at this frequency, or nobody may be given more."""
    wanted: int = 2
    of: int = 3
    """So many ascents of so many have to end at one level."""
    stage: Stage = "seek"
    ends: tuple[float, ...] = ()
    """Levels at which the ascents of this round ended."""
    tones: int = 0
    unheard_at_loudest: int = 0
    found: Found = None
    """None: not yet."""


def search(start_db: float, loudest_db: float, wanted: int = 2, of: int = 3, stage: Stage = "seek") -> Search:
    """A search that begins at `start_db`, or at the loudest level where that is softer."""
    return Search(_within(start_db, loudest_db), loudest_db, wanted, of, stage)


def searched(state: Search, heard: bool) -> Search:
    """The search after one tone."""
    state = replace(state, tones=state.tones + 1)
    if not heard and state.db >= state.loudest_db:
        return _unheard_at_loudest(state)
    stage, move = TABLE[state.stage, heard]
    if heard and state.db <= LOWEST_DB:
        move = "ascent"  # there is nothing softer to come up from
    state = _MOVES[move](replace(state, stage=stage))
    return replace(state, found=Undecided()) if state.found is None and state.tones >= MOST_TONES else state


def _unheard_at_loudest(state: Search) -> Search:
    often = state.unheard_at_loudest + 1
    if often >= AT_LOUDEST:
        return replace(state, found=NoResponse(state.loudest_db))
    return replace(state, unheard_at_loudest=often, stage="up" if state.stage == "down" else state.stage)


def _louder(state: Search) -> Search:
    return replace(state, db=louder(state.db, state.loudest_db))


def _softer(state: Search) -> Search:
    return replace(state, db=_within(state.db - DOWN, state.loudest_db))


def _up(state: Search) -> Search:
    return replace(state, db=_within(state.db + UP, state.loudest_db))


def _ascent(state: Search) -> Search:
    ends = (*state.ends, state.db)
    if ends.count(state.db) >= state.wanted:
        return replace(state, ends=ends, found=state.db)
    if len(ends) >= state.of:  # no two ascents agree: once more, from a tone that is surely heard
        louder_by = _within(state.db + (UP if state.db >= GENTLE_DB else DOWN), state.loudest_db)
        return replace(state, ends=(), db=louder_by, stage="seek")
    return _softer(replace(state, ends=ends))


_MOVES = {"louder": _louder, "softer": _softer, "up": _up, "ascent": _ascent}


def louder(db: float, loudest_db: float) -> float:
    """The next louder level while nothing was heard yet: 10 dB more, 5 dB above 60."""
    return _within(db + (UP if db >= GENTLE_DB else SEEK_UP), loudest_db)


def _within(db: float, loudest_db: float) -> float:
    return max(LOWEST_DB, min(db, loudest_db))


@dataclass(frozen=True, slots=True)
class Familiar:
    """Where the familiarisation stands."""

    db: float
    loudest_db: float
    stage: Literal["drop", "rise", "confirm"] = "drop"
    failures: int = 0
    """Levels that were answered once and not again."""
    ended: Literal["done", "failed", "unheard"] | None = None
    """None: not yet. "done": the level `db` was answered twice; "unheard": not even the loudest was answered."""


def familiar(loudest_db: float) -> Familiar:
    """The beginning: a tone that is clearly audible."""
    return Familiar(_within(FIRST_DB, loudest_db), loudest_db)


def familiarised(state: Familiar, heard: bool) -> Familiar:
    """The familiarisation after one tone."""
    match state.stage, heard:
        case "drop", True if state.db > LOWEST_DB:
            return replace(state, db=_within(state.db - FAR_DOWN, state.loudest_db))
        case ("drop", True) | ("rise", True):
            return replace(state, stage="confirm")
        case "confirm", True:
            return replace(state, ended="done")
        case "confirm", False:
            return _not_again(replace(state, failures=state.failures + 1))
        case _ if state.db >= state.loudest_db:
            return replace(state, ended="unheard")
        case _:
            return replace(state, stage="rise", db=louder(state.db, state.loudest_db))


def _not_again(state: Familiar) -> Familiar:
    if state.failures >= MOST_FAILURES or state.db >= state.loudest_db:
        return replace(state, ended="failed")
    return replace(state, stage="rise", db=louder(state.db, state.loudest_db))
