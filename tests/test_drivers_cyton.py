"""The Cyton conversation against a scripted board: set up, stream, stop, and what goes wrong."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers import cyton_packets
from drivers.cyton import IDLE_QUIET_S, STREAM_QUIET_S, Ecg
from drivers.cyton_packets import encode_packet, encode_text
from drivers.errors import DriverError, Unplugged
from drivers.events import Event, Identity, Trouble, Wave
from drivers.pipe import CABLES, DRIP, LATE, WHOLE, Cable, End, pipe

BANNER = "OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\nFirmware: v3.1.2\n"
CHANNEL = re.compile(rb"x[1-8]0[0-6]0[01][01]0X")


class Board:
    """A scripted board: takes commands a character at a time, and streams packets of a counting row."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.commands: list[bytes] = []
        self.banner: str | None = BANNER
        self.channel_answer = "Success: Channel set for {channel}"
        self.rate_answer: str | None = "Sample rate is 250Hz"
        self.streams = True
        self.deaf_to: set[bytes] = set()
        self.drop: Callable[[int], bool] = lambda number: False
        self._streaming: asyncio.Task[None] | None = None

    async def live(self) -> None:
        heard = b""
        try:
            while True:
                heard += await self.end.read()
                while heard:
                    if heard.startswith(b"x") and b"X" not in heard:
                        break
                    if heard == b"~":
                        break
                    length = heard.index(b"X") + 1 if heard.startswith(b"x") else 2 if heard.startswith(b"~") else 1
                    command, heard = heard[:length], heard[length:]
                    if command in self.deaf_to:
                        self.deaf_to.discard(command)
                    else:
                        await self._obey(command)
        finally:
            self._halt()

    async def _obey(self, command: bytes) -> None:
        self.commands.append(command)
        if command == cyton_packets.RESET and self.banner is not None:
            self._halt()
            await self.end.write(encode_text(self.banner))
        elif CHANNEL.fullmatch(command):
            await self.end.write(encode_text(self.channel_answer.format(channel=chr(command[1]))))
        elif command in (cyton_packets.ASK_RATE, cyton_packets.SET_RATE) and self.rate_answer is not None:
            await self.end.write(encode_text(self.rate_answer))
        elif command == cyton_packets.VERSION and self._streaming is None:
            await self.end.write(encode_text("v3.1.2"))
        elif command == cyton_packets.BEGIN and self.streams and self._streaming is None:
            self._streaming = asyncio.create_task(self._stream())
        elif command == cyton_packets.STOP:
            self._halt()

    async def _stream(self) -> None:
        for number in itertools.count():
            if not self.drop(number):
                await self.end.write(encode_packet(number, (number % 1000, *[-1] * 7)))
            await asyncio.sleep(0.001)

    def _halt(self) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    def lose_power(self) -> None:
        """It stops, and waits for orders when it is back."""
        self._halt()

    @property
    def streaming(self) -> bool:
        return self._streaming is not None


class Bench:
    """A driver and a board on one pipe."""

    def __init__(self, cable: Cable, **settings: float) -> None:
        self.here, there = pipe(cable)
        self.board = Board(there)
        self.driver = Ecg(**({"reset_s": 0.2, "reply_s": 0.1, "alive_s": 0.03} | settings))  # type: ignore[arg-type]
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def plug_in(self) -> None:
        self.peer = asyncio.create_task(self.board.live())
        self.run = asyncio.create_task(self.driver.run(self.here, self._take))

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    async def ready(self) -> None:
        """Wait for the first sign of life: from then on the driver takes orders."""
        await self.until(lambda: any(isinstance(event, Identity) for event in self.events))

    async def samples(self, count: int) -> None:
        await self.until(lambda: sum(len(wave.samples) for wave in self.waves) >= count)

    @property
    def waves(self) -> list[Wave]:
        return [event for event in self.events if isinstance(event, Wave)]

    @property
    def troubles(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Trouble)]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")


@asynccontextmanager
async def bench(
    cable: Cable = WHOLE, prepare: Callable[[Board], None] = lambda board: None, **settings: float
) -> AsyncIterator[Bench]:
    found = Bench(cable, **settings)
    prepare(found.board)
    found.plug_in()
    try:
        yield found
    finally:
        found.run.cancel()
        await asyncio.gather(found.run, return_exceptions=True)
        found.peer.cancel()
        await asyncio.gather(found.peer, return_exceptions=True)


@pytest.mark.parametrize("cable", [WHOLE, DRIP, LATE], ids=["whole", "drip", "late"])
async def test_set_up_stream_and_stop(cable: Cable) -> None:
    async with bench(cable) as b:
        await b.ready()
        assert b.events[0] == Identity("OpenBCI Cyton", firmware="v3.1.2")
        await b.driver.start()
        await b.samples(50)
        await b.driver.stop()
        settings = [f"x{channel}030100X".encode() for channel in range(1, 9)]
        said = [command for command in b.board.commands if command != cyton_packets.VERSION]
        # An order whose answer came late is given again.
        orders = [command for command, _ in itertools.groupby(said)]
        assert orders[:11] == [cyton_packets.RESET, cyton_packets.STOP, cyton_packets.ASK_RATE, *settings]
        assert orders[11:20] == [*settings, cyton_packets.BEGIN]
        rows = [row[0] for wave in b.waves for row in wave.samples]
        assert rows == [pytest.approx(number * cyton_packets.mv_per_count(6)) for number in range(len(rows))]
        assert [wave.index for wave in b.waves] == list(range(0, len(rows), 10))
        assert b.troubles == []
        await eventually(lambda: not b.board.streaming)


async def test_the_gain_reaches_the_board_and_the_millivolts() -> None:
    async with bench(gain=24) as b:
        await b.ready()
        await b.driver.start()
        await b.samples(10)
        assert b"x1060100X" in b.board.commands
        assert b.waves[0].samples[1][0] == pytest.approx(cyton_packets.mv_per_count(24))


def test_a_gain_that_the_board_has_not() -> None:
    with pytest.raises(DriverError, match="choose one of 1, 2, 4, 6, 8, 12, 24"):
        Ecg(gain=5)


async def test_a_lost_packet_is_a_hole_in_the_index() -> None:
    def lossy(board: Board) -> None:
        board.drop = lambda number: number in (13, 14)

    async with bench(prepare=lossy) as b:
        await b.ready()
        await b.driver.start()
        await b.samples(30)
        assert Trouble("lost-samples", "packets did not arrive", 2) in b.events
        assert [wave.index for wave in b.waves[:4]] == [0, 10, 15, 25]


@pytest.mark.parametrize("seed", range(4))
async def test_on_a_cable_that_loses_bytes_the_index_stays_true(seed: int) -> None:
    async with bench(Cable(loss=0.01, seed=seed), reset_s=0.05, reply_s=0.05, alive_s=0.02) as b:
        await b.until(lambda: isinstance(b.events[-1], Identity) if b.events else False)
        async with asyncio.timeout(20):
            while True:
                try:
                    await b.driver.start()
                    break
                except DriverError:
                    await asyncio.sleep(0.02)
        await b.samples(300)
        first = round(b.waves[0].samples[0][0] / cyton_packets.mv_per_count(6))
        whole = sum(
            round(row[0] / cyton_packets.mv_per_count(6)) == (first + wave.index + at) % 1000
            for wave in b.waves
            for at, row in enumerate(wave.samples)
        )
        total = sum(len(wave.samples) for wave in b.waves)
        assert whole == total
        assert "lost-samples" in b.troubles


async def test_a_second_stream_begins_at_index_0() -> None:
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        await b.samples(20)
        await b.driver.stop()
        before = len(b.waves)
        await b.driver.start()
        await b.until(lambda: len(b.waves) > before)
        assert b.waves[before].index == 0


async def test_samples_are_told_only_when_asked_for() -> None:
    async with bench() as b:
        await b.ready()
        await b.board._obey(cyton_packets.BEGIN)
        await eventually(lambda: not b.board.streaming)
        assert b.waves == []


async def test_a_stop_that_was_lost_is_repeated() -> None:
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        await b.samples(10)
        b.board.deaf_to = {cyton_packets.STOP}
        await b.driver.stop()
        await eventually(lambda: not b.board.streaming)


async def test_a_start_that_was_lost_is_repeated() -> None:
    async with bench() as b:
        await b.ready()
        b.board.deaf_to = {cyton_packets.BEGIN}
        await b.driver.start()
        await b.samples(10)


async def test_start_and_stop_are_idempotent() -> None:
    async with bench() as b:
        await b.driver.stop()
        await b.ready()
        await b.driver.stop()
        await b.driver.start()
        await b.driver.start()
        await b.samples(10)
        assert b.board.commands.count(cyton_packets.BEGIN) == 1
        await b.driver.stop()
        await b.driver.stop()


async def test_a_board_without_samples_refuses_to_start() -> None:
    async with bench(reply_s=0.02) as b:
        await b.ready()
        b.board.streams = False
        with pytest.raises(DriverError, match="no samples"):
            await b.driver.start()
        assert b.board.commands.count(cyton_packets.BEGIN) == 3
        assert b.driver.quiet_s == IDLE_QUIET_S


async def test_not_ready_before_the_set_up() -> None:
    with pytest.raises(DriverError, match="not ready"):
        await Ecg().start()
    await Ecg().stop()


async def test_a_silent_board_is_reset_again() -> None:
    def mute(board: Board) -> None:
        board.banner = None

    async with bench(prepare=mute, reset_s=0.02) as b:
        await b.until(lambda: "no-reply" in b.troubles)
        with pytest.raises(DriverError, match="not ready"):
            await b.driver.start()
        b.board.banner = BANNER
        await b.ready()
        assert b.board.commands.count(cyton_packets.RESET) >= 2


async def test_a_dongle_without_its_board_is_told() -> None:
    def off(board: Board) -> None:
        board.banner = "Failure: Communications timeout - Device failed to poll Host"

    async with bench(prepare=off) as b:
        await b.until(lambda: "no-reply" in b.troubles)
        assert "refused" in b.troubles


async def test_a_channel_setting_that_is_not_accepted() -> None:
    def stubborn(board: Board) -> None:
        board.channel_answer = "Failure: too few chars"

    async with bench(prepare=stubborn, reply_s=0.02) as b:
        await b.until(lambda: "no-reply" in b.troubles)
        assert b.board.commands.count(b"x1030100X") >= 3
        assert b"x2030100X" not in b.board.commands


async def test_a_setting_that_is_accepted_for_another_channel_is_not_accepted() -> None:
    def confused(board: Board) -> None:
        board.channel_answer = "Success: Channel set for 7"

    async with bench(prepare=confused, reply_s=0.02) as b:
        await b.until(lambda: "no-reply" in b.troubles)
        assert b"x2030100X" not in b.board.commands


async def test_a_board_at_another_rate_is_not_used() -> None:
    def fast(board: Board) -> None:
        board.rate_answer = "Sample rate is 1000Hz"

    async with bench(prepare=fast) as b:
        await b.until(lambda: "refused" in b.troubles)
        assert b.board.commands[:4] == [
            cyton_packets.RESET,
            cyton_packets.STOP,
            cyton_packets.ASK_RATE,
            cyton_packets.SET_RATE,
        ]
        with pytest.raises(DriverError, match="not ready"):
            await b.driver.start()


async def test_firmware_that_does_not_know_the_question_has_the_one_rate() -> None:
    def old(board: Board) -> None:
        board.rate_answer = None

    async with bench(prepare=old, reply_s=0.05) as b:
        await b.ready()


async def test_cancelled_while_streaming_it_stops_the_board() -> None:
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        await b.samples(10)
        b.run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await b.run
        await eventually(lambda: not b.board.streaming)


async def test_unplugged_leaves_the_driver_bare_and_not_ready() -> None:
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        b.here.drop()
        with pytest.raises(Unplugged):
            await b.run
        with pytest.raises(DriverError, match="not ready"):
            await b.driver.start()
        await b.driver.stop()


@pytest.mark.parametrize("waits_for", ["an answer", "a sample"])
async def test_a_start_that_an_unplug_cut_short_ends_with_it_and_takes_no_answer_of_the_next_session(
    waits_for: str,
) -> None:
    """Its banner lost, the board would be set up anew only after all that a reset may take."""
    async with bench(reset_s=60, reply_s=30) as b:
        await b.ready()
        b.board.streams = False
        if waits_for == "an answer":
            b.board.deaf_to.add(b"x3030100X")
        starting = asyncio.create_task(b.driver.start())
        last = b"x2030100X" if waits_for == "an answer" else cyton_packets.BEGIN
        await eventually(lambda: b.board.commands[-1] == last)
        b.here.drop()
        with pytest.raises(Unplugged):
            await b.run
        b.events.clear()
        again, there = pipe()
        b.board.end, b.here = there, again
        b.peer.cancel()
        await asyncio.gather(b.peer, return_exceptions=True)
        b.plug_in()
        with pytest.raises(Unplugged, match="before it measured"):
            await starting
        await b.ready()
        b.board.streams = True
        await b.driver.start()
        await b.samples(10)


async def test_silence_that_is_healthy() -> None:
    assert Ecg().quiet_s == IDLE_QUIET_S == 5.0
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        assert b.driver.quiet_s == STREAM_QUIET_S >= 0.2
        await b.driver.stop()
        assert b.driver.quiet_s == IDLE_QUIET_S


async def test_an_idle_board_shows_that_it_lives_on_every_cable() -> None:
    for cable in CABLES.values():
        async with bench(cable, reset_s=0.1, reply_s=0.05) as b:
            await b.until(lambda b=b: sum(isinstance(event, Identity) for event in b.events) >= 4)  # type: ignore[misc]


async def test_a_board_that_lost_its_power_while_it_streamed_is_given_up_and_set_up_again() -> None:
    async with bench() as b:
        await b.ready()
        await b.driver.start()
        await b.samples(50)
        b.board.lose_power()
        with pytest.raises(Unplugged, match="stopped by itself"):
            await b.run


async def test_a_stream_that_only_pauses_goes_on() -> None:
    async with bench(prepare=lambda board: board.deaf_to.add(cyton_packets.VERSION)) as b:
        await b.ready()
        await b.driver.start()
        await b.samples(50)
        b.board.drop = lambda _: True
        await asyncio.sleep(0.3)
        b.board.drop = lambda _: False
        before = len(b.waves)
        await b.until(lambda: len(b.waves) > before)
        assert not b.run.done()
