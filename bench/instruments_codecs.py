"""Every decoder under random and damaged bytes: exceptions, memory, false readings, lost frames, speed."""

from __future__ import annotations

import asyncio
import pickle
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.figures import Chapter, Figure, markdown, number
from bench.instruments_lost import most_lost
from bench.instruments_mutants import PIECE, mutants, noise
from bench.instruments_talk import talk
from drivers import DECODERS
from drivers.events import BeatIntervals, Event, HearingRecord, NoValue, PressureResult, Reading, Wave
from drivers.instrument import Codec

BYTES, FEW = 10_000_000, 200_000
STATE_LIMIT_KB, LOST_LIMIT = 256.0, 2
FEW_FRAMES = 12
LOOK_EVERY = 64
"""Pieces between two looks at how large a decoder has become."""
SECONDS = {"tm262": 600.0, "phd-tensiometer": 600.0, "nonin-df13": 600.0, "headphone": 20.0, "cyton": 10.0}
"""How long an instrument is listened to, where a minute is too little or too much."""
BY_AGREEMENT = (
    "nonin-df1", "nonin-df8", "contec", "contec-v7", "contec-old", "cyton", "healthometer", "a-and-d", "mt-sics",
    "detecto", "healthometer-2595kl", "healthypi-v5", "healthypi-v4", "medlab-1", "medlab-2",
)  # fmt: skip
"""Protocols without a checksum, where messages that follow each other must agree."""
TRANSPORT = ("ieee11073",)
"""What relies on the checks of USB; all the others have a checksum of their own."""


@dataclass(slots=True)
class Tally:
    """What one decoder made of many bytes."""

    count: int = 0
    seconds: float = 0.0
    failed: int = 0
    largest: int = 0
    """Bytes of the decoder when it is pickled."""
    readings: int = 0
    """Numbers that were accepted."""
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is told of one decoder."""

    names: tuple[str, ...]
    random: Tally
    mutated: Tally
    lost: int | None


async def chapter(quick: bool, count: int | None = None) -> Chapter:
    """Each decoder once, with the talk of every instrument that it is for."""
    return await asyncio.to_thread(_measured, count or (FEW if quick else BYTES))


def _measured(count: int) -> Chapter:
    verdicts = []
    for names in families():
        began = time.monotonic()
        verdicts.append(judge(names, count))
        print(f"  {', '.join(names)}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return Chapter("Codecs", _how(count), figures(verdicts, count), table(verdicts))


def families() -> list[tuple[str, ...]]:
    """The protocols by decoder: some are spoken by several instruments."""
    found: dict[type[Codec], list[str]] = {}
    for name, decoder in DECODERS.items():
        found.setdefault(decoder, []).append(name)
    return [tuple(names) for names in found.values()]


def judge(names: Sequence[str], count: int) -> Verdict:
    """Noise, damaged talk, and one damaged byte."""
    decoder = DECODERS[names[0]]
    talks = [b"".join(talk(name, SECONDS.get(name, 60.0), faults=True)) for name in names]
    losses = [most_lost(decoder, _often(talk(name, SECONDS.get(name, 60.0)))) for name in names]
    known = [loss for loss in losses if loss is not None]
    random, mutated = fed(decoder, noise(count, 1)), fed(decoder, mutants(talks, count, 2))
    return Verdict(tuple(names), random, mutated, max(known, default=None))


def _often(frames: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What is said seldom, again and again."""
    return frames * (1 + FEW_FRAMES // max(1, len(frames))) if len(frames) < FEW_FRAMES else frames


def fed(decoder: type[Codec], pieces: Iterable[bytes]) -> Tally:
    """Give the pieces to one decoder; one that raises is replaced, and counted."""
    told, given = Tally(), decoder()
    for place, piece in enumerate(pieces):
        began = time.process_time()
        try:
            events = given.feed(piece)
        except Exception:
            told.failed, given, events = told.failed + 1, decoder(), []
        told.seconds += time.process_time() - began
        told.count += len(piece)
        told.readings += sum(map(accepted, events))
        told.samples += sum(len(event.samples) for event in events if isinstance(event, Wave))
        if place % LOOK_EVERY == 0:
            told.largest = max(told.largest, len(pickle.dumps(given)))
    return told


def accepted(event: Event) -> bool:
    """Whether a number was told that somebody would believe: one that is not settling and has no other reason."""
    match event:
        case Reading(value=value, flags=flags):
            return not isinstance(value, NoValue) and "settling" not in flags
        case PressureResult(systolic=value, error=error):
            return error is None and not isinstance(value, NoValue)
    return isinstance(event, HearingRecord | BeatIntervals)


def figures(verdicts: Sequence[Verdict], count: int) -> tuple[Figure, ...]:
    """The limits over all decoders, each with the worst of them."""
    both = [tally for verdict in verdicts for tally in (verdict.random, verdict.mutated)]
    largest = max(verdicts, key=lambda each: max(each.random.largest, each.mutated.largest))
    lost = max(verdicts, key=lambda each: each.lost or 0)
    slowest = min(verdicts, key=lambda each: speed(each.mutated))
    checked = sum(each.random.readings for each in verdicts if not agrees(each))
    agreed = sum(each.random.readings for each in verdicts if agrees(each))
    unit = f"in {count:,} bytes of each"
    return (
        Figure(
            "exceptions, all decoders", sum(each.failed for each in both), "", 0, remark=f"{len(verdicts)} decoders"
        ),
        Figure(
            "largest decoder, pickled",
            max(largest.random.largest, largest.mutated.largest) / 1000,
            "kB",
            STATE_LIMIT_KB,
            remark=largest.names[0],
        ),
        Figure("false readings of random bytes, protocols with a checksum", checked, unit, 0, remark="all together"),
        Figure("false readings of random bytes, protocols by agreement", agreed, unit, 0, remark="all together"),
        Figure("frames lost after one damaged byte, at worst", lost.lost or 0, "", LOST_LIMIT, remark=lost.names[0]),
        Figure("slowest decoder, damaged bytes", speed(slowest.mutated), "MB/s", remark=slowest.names[0]),
    )


def agrees(verdict: Verdict) -> bool:
    """Whether the protocol has no checksum."""
    return verdict.names[0] in BY_AGREEMENT


def speed(tally: Tally) -> float:
    """Megabytes a second of processor time."""
    return tally.count / 1e6 / max(tally.seconds, 1e-9)


HEAD = ("protocol", "believed by", "false readings", "false samples", "of damaged bytes", "frames lost", "kB", "MB/s")


def table(verdicts: Sequence[Verdict]) -> str:
    """One line a decoder."""
    return markdown(HEAD, [_row(each) for each in verdicts])


def _row(each: Verdict) -> tuple[str, ...]:
    largest = max(each.random.largest, each.mutated.largest) / 1000
    return (
        ", ".join(each.names),
        "agreement" if agrees(each) else "USB" if each.names[0] in TRANSPORT else "checksum",
        str(each.random.readings),
        str(each.random.samples),
        str(each.mutated.readings),
        "" if each.lost is None else str(each.lost),
        number(largest),
        number(speed(each.mutated)),
    )


def _how(count: int) -> str:
    return (
        f"Each decoder is fed {count:,} random bytes in pieces of {PIECE}, then {count:,} bytes of what its "
        "instruments say in their simulation, own faults included, cut out anywhere, with one byte in 200 flipped, "
        "dropped, doubled, swapped with its neighbour or replaced. A false reading is a number that is not marked "
        "as settling, a pressure, a hearing record or intervals between beats; samples are those of waves. Readings "
        "of damaged bytes are true for the most part. Frames lost: in a settled talk one frame of each length is "
        "damaged at every offset (of long ones at both ends and some of the middle), by 0x01, 0x80 and 0xFF; a frame "
        "is what the instrument sends as one, and what is lost is counted in frames that carry it: a sample of a "
        "wave, or one value. Where two messages have to agree, the one behind the damaged message is the second that "
        f"does not count. Largest: the pickled decoder, looked at every {LOOK_EVERY} pieces. Speed is in processor "
        "time."
    )
