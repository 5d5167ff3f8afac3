"""From a sample's bytes at the pseudo-terminal to the frame that holds it at a WebSocket client, on one clock."""

from __future__ import annotations

import asyncio
import json
import os
import time
import tty
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field

from bench.cabin import BenchError, all_heard, cabin
from bench.figures import Chapter, Figure, markdown, number, percentile
from bench.marked import Marked, MarkedEcg, MarkedOximeter, known_again
from cabin_agent.client import CoreClient
from cabin_agent.demo.cabin import DemoCabin
from cabin_agent.face import Json
from cabin_agent.frames import decode_frame
from simulators.wire import Host, Pty

LIMIT_MS = 60.0
ALL = "all samples"
SETTLE_S, WATCH_S = 3.0, 40.0


@dataclass(slots=True)
class Player:
    """A marked instrument on a pseudo-terminal, and when each of its samples was written."""

    instrument: Marked
    wire: Pty
    written: list[float] = field(default_factory=list)
    """Monotonic seconds, by the number of the sample."""
    steady: bool = False
    """Whether late samples are made up for at once, as behind a crystal that knows of no busy machine."""

    async def play(self) -> None:
        """Write each sample when it is due; a late one is not made up for unless the player is steady."""
        due = time.monotonic()
        while True:
            self.wire.poll()
            if self.instrument.streaming():
                data = self.instrument.sample(len(self.written))
                self.written.append(time.monotonic())
                self.wire.send(data)
            due += 1 / self.instrument.rate
            due = due if self.steady else max(due, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


@dataclass(frozen=True, slots=True)
class Arrival:
    """One frame: milliseconds since its oldest, ..., its newest sample was written."""

    ms: tuple[float, ...]


async def chapter() -> Chapter:
    """Put two marked instruments in the places of simulated ones, and watch the API."""
    async with cabin(1.0) as running, running.client() as core, AsyncExitStack() as plugged:
        await all_heard(core)
        players = []
        for instrument in (MarkedOximeter(), MarkedEcg()):
            players.append(await plugged.enter_async_context(in_place(running, instrument)))
        await all_heard(core)
        await core.command("ecg", "start")
        (arrivals, echoed) = await asyncio.gather(_watch(core, players), echoes(SETTLE_S + WATCH_S))
    return Chapter("Sample to screen", _HOW, _figures(arrivals, echoed), _table(arrivals))


_HOW = (
    "Two instruments of the bench take the places of the simulated oximeter and ECG on real pseudo-terminals; each "
    "of their samples carries its own number and is written at its true time (75 and 250 a second), and the moment "
    "of each write is kept. A client of the local API decodes the frames and knows every sample again. A frame holds "
    "a block: 5 pleth samples (its oldest waits 53 ms for its newest) or 10 ECG rows (36 ms, and 4 ms more because a "
    "packet without a checksum is believed only when the next one begins behind it). The limit is for all samples; "
    "the age of the newest sample of a frame is what the software takes, and that of the oldest is what a screen "
    f"sees at worst. {WATCH_S:.0f} s; the other four instruments run. The peer is `cat` between a pseudo-terminal "
    "and a pipe, at the same time: what the machine itself takes to wake a process and be woken."
)


@asynccontextmanager
async def in_place(running: DemoCabin, instrument: Marked, steady: bool = False) -> AsyncIterator[Player]:
    """Unplug the simulated instrument and plug the marked one in under the same path."""
    await _control(running, {"fault": "unplug", "instrument": instrument.name})
    host = Host(lambda: None, lambda data: wire.send(instrument.receive(data, time.monotonic())))
    wire = Pty(running.site.instruments / instrument.name, host)
    wire.plug()
    player = Player(instrument, wire, steady=steady)
    playing = asyncio.create_task(player.play())
    try:
        yield player
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        wire.unplug()


async def _control(running: DemoCabin, command: Json) -> None:
    """One command to the simulators."""
    if running.control is None:
        raise BenchError("The simulators have no control socket: start them again.")
    reader, writer = await asyncio.open_unix_connection(running.control)
    writer.write(json.dumps(command).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    if "error" in answer:
        raise BenchError(str(answer["error"]))


async def _watch(core: CoreClient, players: Sequence[Player]) -> dict[str, list[Arrival]]:
    """The frames of each stream, after the first seconds."""
    by_stream = {player.instrument.stream: player for player in players}
    arrivals: dict[str, list[Arrival]] = {stream: [] for stream in by_stream}
    begin = time.monotonic() + SETTLE_S
    async with aclosing(core.stream(waves=True)) as events:
        async for event in events:
            now = time.monotonic()
            if now > begin + WATCH_S:
                break
            if isinstance(event, bytes) and now > begin:
                frame = decode_frame(event)
                if frame.stream in by_stream:
                    arrivals[frame.stream].append(_arrival(by_stream[frame.stream], frame.values[0], now))
    return arrivals


def _arrival(player: Player, values: Sequence[float | None], now: float) -> Arrival:
    return Arrival(tuple(1000 * (now - player.written[n]) for n in known_again(player.instrument, values)))


async def echoes(seconds: float) -> list[float]:
    """Milliseconds until a byte written to a pseudo-terminal is back from `cat` by a pipe, 75 times a second."""
    master, slave = os.openpty()
    tty.setraw(slave)
    process = await asyncio.create_subprocess_exec("cat", stdin=slave, stdout=asyncio.subprocess.PIPE)
    os.close(slave)
    if process.stdout is None:
        raise AssertionError("the output of this process is not piped")
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        os.write(master, b".")
        await process.stdout.readexactly(1)
        found.append(1000 * (time.monotonic() - began))
        await asyncio.sleep(1 / 75)
    process.terminate()
    await process.wait()
    os.close(master)
    return found


def _figures(arrivals: dict[str, list[Arrival]], echoed: list[float]) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            f"{stream}, {what}, p95",
            percentile(values, 95),
            "ms",
            LIMIT_MS if what == ALL else None,
            f"{number(percentile(echoed, 95))} ms: cat, p95",
            f"{len(values)} samples",
        )
        for stream, frames in arrivals.items()
        for what, values in ages(frames).items()
    )


def ages(frames: Iterable[Arrival]) -> dict[str, list[float]]:
    """Milliseconds of all samples, and of the oldest and the newest one of each frame."""
    kept = list(frames)
    return {
        ALL: [ms for frame in kept for ms in frame.ms],
        "oldest sample of each frame": [frame.ms[0] for frame in kept],
        "newest sample of each frame": [frame.ms[-1] for frame in kept],
    }


def _table(arrivals: dict[str, list[Arrival]]) -> str:
    rows = []
    for stream, frames in arrivals.items():
        for what, values in ages(frames).items():
            rows.append((stream, what, *(number(percentile(values, share)) for share in (50, 95, 99, 100))))
    return "In milliseconds:\n\n" + markdown(("stream", "samples", "p50", "p95", "p99", "most"), rows)
