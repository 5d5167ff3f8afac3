"""How many frames a damaged byte costs: a talk is decoded whole, and again with one byte of one frame changed; pure.

A frame is what the simulated instrument sends as one. Each length that occurs among the frames of a settled talk is
damaged once at every offset, in three ways. What is lost is counted by quantity: values that no longer come, in
frames that carry it; and of a wave, the samples of the whole talk that are missing where the damaged one goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

from drivers.events import Event, Reading, Trouble, Wave
from drivers.instrument import Codec

CHANGES = (0x01, 0x80, 0xFF)
MOST_OFFSETS = 48
"""Of a longer frame both ends and some of the middle are damaged."""
SEARCHED, ALIKE, DISTINCT = 64, 40, 6
"""Samples within which a wave must go on, how many of them must be the same, and how many of those differ."""
SHIFTS = range(4 * SEARCHED)
ROUND, MOST_BYTES = 400, 100_000
"""Frames at most before and behind the damaged one, and bytes."""
ONCE = 3
"""What is told more seldom than this, such as who the instrument is, is told when it is asked for."""

Row = tuple[float, ...]


@dataclass(slots=True)
class Said:
    """What came out of a decoder, by quantity."""

    values: Counter[str] = field(default_factory=Counter)
    waves: dict[str, list[Row]] = field(default_factory=dict)


def said(events: Sequence[Event]) -> Said:
    """The events by quantity, troubles left out."""
    found = Said()
    for event in events:
        if isinstance(event, Wave):
            found.waves.setdefault(event.stream, []).extend(event.samples)
        elif not isinstance(event, Trouble):
            found.values[event.quantity if isinstance(event, Reading) else type(event).__name__] += 1
    return found


def targets(frames: Sequence[bytes]) -> list[int]:
    """One frame of each length in the later half: those before may be what an instrument says only once."""
    half = len(frames) // 2
    known = Counter(map(len, frames[half:]))
    by_length = {len(frame): at for at, frame in enumerate(frames) if half <= at <= len(frames) - len(frames) // 4}
    return sorted(at for length, at in by_length.items() if known[length] > ONCE)


def damages(frame: bytes) -> Iterator[bytes]:
    """The frame with one byte changed, at every offset, in three ways."""
    ends = MOST_OFFSETS // 3
    middle = range(ends, len(frame) - ends, max(1, (len(frame) - 2 * ends) // ends))
    whole = len(frame) <= MOST_OFFSETS
    for at in range(len(frame)) if whole else (*range(ends), *middle, *range(len(frame) - ends, len(frame))):
        for change in CHANGES:
            yield frame[:at] + bytes((frame[at] ^ change,)) + frame[at + 1 :]


def most_lost(decoder: type[Codec], frames: Sequence[bytes]) -> int | None:
    """Frames lost at worst; None where the talk has no frame that is said again and again."""
    worst = None
    most = max(4, min(ROUND, MOST_BYTES * len(frames) // sum(map(len, frames)))) if frames else 0
    for at in targets(frames):
        before, behind = frames[max(0, at - most) : at], frames[at + 1 : at + 1 + most]
        # What is said once, at the beginning, is what everything later is understood by.
        first = frames[: min(most, at - len(before))]
        whole = said(_decoded(decoder, (*first, *before, frames[at], *behind)))
        share = per_frame(whole, len(first) + len(before) + 1 + len(behind))
        for spoilt in damages(frames[at]):
            less = said(_decoded(decoder, (*first, *before, spoilt, *behind)))
            worst = max(worst or 0, lost(whole, less, share))
    return worst


def per_frame(whole: Said, frames: int) -> dict[str, int]:
    """Samples in a frame, by wave: at least one."""
    return {stream: max(1, round(len(rows) / frames)) for stream, rows in whole.waves.items()}


def lost(whole: Said, less: Said, share: dict[str, int]) -> int:
    """Frames of the whole talk of which nothing came."""
    values = [count - less.values[name] for name, count in whole.values.items() if count >= ONCE]
    waves = [ceil(hole(rows, less.waves.get(stream, [])) / share[stream]) for stream, rows in whole.waves.items()]
    return max([0, *values, *waves])


def hole(rows: Sequence[Row], others: Sequence[Row]) -> int:
    """Samples of `rows` that are missing in `others`, which may end sooner; a wrong one in its place is no hole."""
    same = next((at for at, (a, b) in enumerate(zip(rows, others, strict=False)) if a != b), None)
    if same is None:
        # Blocks are told when they are full: what is missing at the end waits in the decoder.
        short = len(rows) - len(others)
        return short if short > SEARCHED else 0
    for there in SHIFTS:
        for here in SHIFTS:
            known = rows[same + here :][:ALIKE]
            if len(set(known)) >= DISTINCT and list(known) == list(others[same + there :][:ALIKE]):
                return max(0, here - there)
    return len(rows) - same


def _decoded(decoder: type[Codec], frames: Sequence[bytes]) -> list[Event]:
    given = decoder()
    return [event for frame in frames for event in given.feed(frame)]
