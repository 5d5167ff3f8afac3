"""Waves for a page that watches a stage: from formulas, marked as simulated, as fast as a body would send them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from cabin_agent.frames import Stream, describe_wave, encode_wave
from drivers.events import Wave
from tests.fake_face import FakeFace

BLOCK_S = 0.04
HISTORY_S = 4.0
BEAT_S = 0.85


def _pleth(t: float) -> tuple[float, ...]:
    phase = t % BEAT_S / BEAT_S
    return (2000 * math.exp(-(((phase - 0.2) / 0.09) ** 2)) + 700 * math.exp(-(((phase - 0.5) / 0.12) ** 2)),)


def _lead(phase: float, size: float) -> float:
    parts = ((0.12, 0.2, 0.025), (-0.15, 0.365, 0.008), (1.1, 0.38, 0.009), (-0.25, 0.4, 0.01), (0.3, 0.62, 0.04))
    return size * sum(height * math.exp(-(((phase - at) / width) ** 2)) for height, at, width in parts)


def _ecg(t: float) -> tuple[float, ...]:
    phase = t % BEAT_S / BEAT_S
    return tuple(_lead(phase, size) for size in (0.7, 1.0, 0.5))


def _cuff(t: float) -> tuple[float, ...]:
    return (max(0.0, min(150.0, 40 * t) - max(0.0, 4 * (t - 5))),)


FORMULAS: Mapping[Stream, tuple[float, str, tuple[str, ...], Callable[[float], tuple[float, ...]]]] = {
    "pleth": (75.0, "1", ("pleth",), _pleth),
    "ecg": (250.0, "mV", ("I", "II", "III"), _ecg),
    "cuff": (25.0, "mm[Hg]", ("cuff",), _cuff),
}
"""Stream -> samples a second, unit, channels, formula."""


@asynccontextmanager
async def flowing(face: FakeFace, stream: Stream) -> AsyncIterator[None]:
    """While this is open, the stream flows to everybody who watches; some seconds of it are there at once.

    It begins when a page has opened a second stream, which is how it asks for waves.
    """
    begun = asyncio.Event()
    task = asyncio.create_task(_flow(face, stream, begun))
    try:
        async with asyncio.timeout(10):
            await begun.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _flow(face: FakeFace, stream: Stream, begun: asyncio.Event) -> None:
    rate, sent, seq = FORMULAS[stream][0], 0, 0
    wanted = HISTORY_S
    while True:
        count = int(wanted * rate) - sent
        if count and len(face.watches) > 1:
            wave = _wave(stream, sent, count)
            face.tell_all(describe_wave(wave))
            for frame in encode_wave(wave, seq, int(sent / rate * 1e6), simulated=True):
                face.tell_all(frame)
                seq += 1
            sent += count
            begun.set()
        await asyncio.sleep(BLOCK_S)  # a wave has no event to wait for: it is time itself
        wanted += BLOCK_S


def _wave(stream: Stream, index: int, count: int) -> Wave:
    rate, unit, channels, formula = FORMULAS[stream]
    samples = tuple(formula((index + n) / rate) for n in range(count))
    return Wave(stream, index, rate, unit, channels, samples)
