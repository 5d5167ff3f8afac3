"""The SunTech conversation against a scripted module: measurements, refusals, silence, and always letting go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers import suntech_frames
from drivers.errors import DriverError, Unplugged
from drivers.events import Event, Identity, NoValue, PressureResult, Reading, Trouble, Wave
from drivers.pipe import DRIP, LATE, WHOLE, Cable, End, pipe
from drivers.suntech import NEXT, State, Tensiometer

LENGTHS = {0x17: 5, 0x20: 3, 0x79: 5}
RESULT = suntech_frames.encode_result(142, 91, 110, 68, beats=27)
FAST = 20.0
"""Time scale of most tests: a poll every 10 ms."""


class Module:
    """A scripted module: strict about checksums, inflates for `polls` polls, then says K."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.commands: list[bytes] = []
        self.times: list[float] = []
        self.cuff: list[int | None] = [40, 80, 120, 160, 140, None, 100, 60, 20, 5]
        self.replies: dict[bytes, bytes] = {
            suntech_frames.START_ADULT: suntech_frames.encode_ack("O"),
            suntech_frames.ABORT: suntech_frames.encode_ack("A"),
            suntech_frames.READ_RESULT: RESULT,
            suntech_frames.RETURN_STRING: suntech_frames.encode_text("LX 2.14"),
            suntech_frames.STATUS: suntech_frames.encode_status(),
            suntech_frames.STATUS_APLUS: suntech_frames.encode_status(),
        }
        self.ends = True
        self.polls = 0

    async def live(self) -> None:
        heard = bytearray()
        while True:
            heard += await self.end.read()
            while len(heard) > 1 and len(heard) >= (length := LENGTHS.get(heard[1], 1) if heard[0] == 0x3A else 1):
                frame = bytes(heard[:length])
                del heard[:length]
                if length > 1 and sum(frame) & 0xFF == 0:
                    await self._obey(frame[1:-1])

    async def _obey(self, command: bytes) -> None:
        self.commands.append(command)
        self.times.append(asyncio.get_running_loop().time())
        if command == suntech_frames.READ_CUFF:
            await self._cuff()
        elif command[0] == 0x17:
            await self.end.write(suntech_frames.encode_ack("O"))
        elif command in self.replies:
            self.polls = 0
            await self.end.write(self.replies[command])

    async def _cuff(self) -> None:
        last = self.polls >= len(self.cuff) - 1
        await self.end.write(suntech_frames.encode_cuff(self.cuff[min(self.polls, len(self.cuff) - 1)]))
        self.polls += 1
        if last and self.ends:
            await self.end.write(suntech_frames.encode_ack("K"))


class Heard(list[Event]):
    """What the driver said, and waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.warned: list[Trouble] = []
        self._more = asyncio.Event()

    def take(self, event: Event) -> None:
        if isinstance(event, Trouble) and event.code == "unconfirmed":
            self.warned.append(event)
            return
        self.append(event)
        self._more.set()

    async def until(self, enough: Callable[[Event], bool]) -> Event:
        """The first event that is `enough`."""
        async with asyncio.timeout(20):
            while True:
                for event in self:
                    if enough(event):
                        return event
                self._more.clear()
                await self._more.wait()

    async def result(self) -> PressureResult:
        event = await self.until(lambda event: isinstance(event, PressureResult))
        assert isinstance(event, PressureResult)
        return event

    async def ready(self) -> None:
        await self.until(lambda event: isinstance(event, Identity))

    @property
    def waves(self) -> list[Wave]:
        return [event for event in self if isinstance(event, Wave)]

    @property
    def results(self) -> list[PressureResult]:
        return [event for event in self if isinstance(event, PressureResult)]

    def troubles(self) -> list[str]:
        return [event.code for event in self if isinstance(event, Trouble)]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")


class Bench:
    """A driver and a module on one pipe."""

    def __init__(self, cable: Cable, driver: Tensiometer) -> None:
        here, there = pipe(cable)
        self.here = here
        self.driver = driver
        self.module = Module(there)
        self.heard = Heard()

    def plug_in(self) -> None:
        self.peer = asyncio.create_task(self.module.live())
        self.run = asyncio.create_task(self.driver.run(self.here, self.heard.take))

    async def idle(self) -> None:
        """Wait until the driver takes orders."""
        await self.heard.ready()


def driver(**settings: float) -> Tensiometer:
    return Tensiometer(**({"time_scale": FAST, "status_s": 0.05, "reply_s": 0.1} | settings))


@asynccontextmanager
async def bench(
    cable: Cable = WHOLE, prepare: Callable[[Module], None] = lambda module: None, **settings: float
) -> AsyncIterator[Bench]:
    found = Bench(cable, driver(**settings))
    prepare(found.module)
    found.plug_in()
    try:
        yield found
    finally:
        found.run.cancel()
        await asyncio.gather(found.run, return_exceptions=True)
        found.peer.cancel()
        await asyncio.gather(found.peer, return_exceptions=True)


@pytest.mark.parametrize("cable", [WHOLE, DRIP, LATE], ids=["whole", "drip", "late"])
async def test_a_whole_measurement(cable: Cable) -> None:
    async with bench(cable) as b:
        await b.idle()
        await b.driver.start(160)
        assert await b.heard.result() == PressureResult(142.0, 91.0, 110.0, 68.0, 27)
        assert b.heard[0] == Identity("SunTech Advantage", firmware="LX 2.14")
        assert b.heard.troubles() == []
        orders = [c for c in b.module.commands if c not in (suntech_frames.READ_CUFF, suntech_frames.STATUS)]
        assert orders == [
            suntech_frames.ABORT,
            suntech_frames.RETURN_STRING,
            suntech_frames.inflate_to(160),
            suntech_frames.START_ADULT,
            suntech_frames.READ_RESULT,
        ]


async def test_the_cuff_is_a_wave_and_a_lost_sample_leaves_a_hole() -> None:
    async with bench(time_scale=4.0) as b:
        await b.idle()
        await b.driver.start()
        await b.heard.result()
        waves = b.heard.waves
        assert [wave.samples[0][0] for wave in waves] == [40, 80, 120, 160, 140, 100, 60, 20, 5]
        assert {(wave.stream, wave.rate, wave.unit, wave.channels) for wave in waves} == {
            ("cuff", 8.0, "mm[Hg]", ("cuff",))
        }
        indexes = [wave.index for wave in waves]
        assert indexes[0] == 0 and indexes == sorted(set(indexes))
        assert indexes[5] - indexes[4] >= 2  # between 140 and 100 stood FFFF
        values = [event.value for event in b.heard if isinstance(event, Reading)]
        assert values.count(NoValue("missing")) == 1 and len(values) == 10


async def test_the_sample_index_is_time() -> None:
    async with bench(time_scale=5.0) as b:
        await b.idle()
        await b.driver.start()
        await b.heard.result()
        at = [t for t, c in zip(b.module.times, b.module.commands, strict=True) if c == suntech_frames.READ_CUFF]
        span = b.heard.waves[-1].index - b.heard.waves[0].index
        assert at[-1] - at[0] == pytest.approx(span * 0.125 / 5, abs=0.06)


async def test_commands_keep_their_distance() -> None:
    async with bench(time_scale=1.0, poll_s=0.1) as b:
        b.module.cuff = [40, 80]
        await b.idle()
        await b.driver.start()
        await b.heard.result()
        gaps = [after - before for before, after in zip(b.module.times, b.module.times[1:], strict=False)]
        assert min(gaps) >= 0.099
        assert gaps[0] >= 0.499  # after an abort


@pytest.mark.parametrize(("scale", "rate"), [(1.0, 8.0), (4.0, 8.0), (12.5, 8.0), (25.0, 4.0), (100.0, 1.0)])
def test_the_rate_is_in_body_time_and_a_poll_never_below_10_ms(scale: float, rate: float) -> None:
    assert Tensiometer(time_scale=scale)._rate == pytest.approx(rate)


async def test_several_measurements_on_one_link() -> None:
    async with bench() as b:
        await b.idle()
        for count in (1, 2, 3):
            await b.driver.start()
            await eventually(lambda n=count: len(b.heard.results) == n and b.driver._state is State.IDLE)  # type: ignore[misc]
        assert [result.systolic for result in b.heard.results] == [142.0] * 3
        assert [wave.index for wave in b.heard.waves].count(0) == 3


async def test_an_error_of_the_module_has_no_values() -> None:
    async with bench() as b:
        b.module.replies[suntech_frames.READ_RESULT] = suntech_frames.encode_result(0, 0, 0, 0, beats=3, error=87)
        await b.idle()
        await b.driver.start()
        result = await b.heard.result()
        assert (result.error, result.systolic, result.beats) == ("loose-cuff", NoValue("device-error"), 3)


async def test_stop_aborts_and_waits_for_the_module() -> None:
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        await b.heard.until(lambda event: isinstance(event, Wave))
        await b.driver.stop()
        assert b.module.commands[-1] == suntech_frames.ABORT
        assert (await b.heard.result()).error == "ended-by-user"
        assert len(b.heard.results) == 1
        await b.driver.stop()
        assert b.module.commands.count(suntech_frames.ABORT) == 2  # the first is that of the connection


async def test_a_stop_that_the_module_answers_with_k_is_confirmed() -> None:
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        b.module.replies[suntech_frames.ABORT] = suntech_frames.encode_ack("K")
        await b.driver.start()
        await b.driver.stop()
        assert (await b.heard.result()).error == "ended-by-user"


async def test_a_stop_that_is_not_confirmed_says_so() -> None:
    async with bench(reply_s=0.02) as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        del b.module.replies[suntech_frames.ABORT]
        with pytest.raises(DriverError, match="open the cuff by hand"):
            await b.driver.stop()
        assert b.module.commands.count(suntech_frames.ABORT) == 1 + 3


async def test_cancelled_while_inflated_it_aborts_and_waits() -> None:
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        await b.heard.until(lambda event: isinstance(event, Wave))
        b.run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await b.run
        assert b.module.commands[-1] == suntech_frames.ABORT
        assert b.heard.results == [suntech_frames.failed("link-lost", "missing")]


async def test_cancelled_while_idle_it_sends_nothing_more() -> None:
    async with bench() as b:
        await b.idle()
        b.run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await b.run
        assert b.module.commands.count(suntech_frames.ABORT) == 1


async def test_cancelled_when_the_module_is_silent_it_ends_all_the_same() -> None:
    async with bench(reply_s=0.02) as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        b.peer.cancel()
        b.run.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(b.run, return_exceptions=True)
        assert b.run.cancelled()


async def test_unplugged_while_inflated_the_measurement_ends_without_a_value() -> None:
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        await b.heard.until(lambda event: isinstance(event, Wave))
        b.here.drop()
        with pytest.raises(Unplugged):
            await b.run
        assert b.heard.results == [suntech_frames.failed("link-lost", "missing")]
        with pytest.raises(DriverError, match="not connected"):
            await b.driver.start()


async def test_the_same_driver_lives_on_a_new_stream() -> None:
    async with bench() as b:
        await b.idle()
        b.here.drop()
        await asyncio.gather(b.run, return_exceptions=True)
        here, there = pipe()
        b.peer.cancel()
        await asyncio.gather(b.peer, return_exceptions=True)
        b.heard.clear()
        b.here, b.module = here, Module(there)
        b.plug_in()
        await b.idle()
        await b.driver.start()
        assert (await b.heard.result()).systolic == 142.0


@pytest.mark.parametrize("pressure", [301, 0xFFFE])
async def test_overpressure_aborts(pressure: int) -> None:
    async with bench() as b:
        b.module.cuff, b.module.ends = [120, pressure, 20], False
        await b.idle()
        await b.driver.start()
        result = await b.heard.result()
        assert result == suntech_frames.failed("overpressure", "aborted")
        assert suntech_frames.ABORT in b.module.commands[-2:]


async def test_300_mmhg_is_no_overpressure() -> None:
    async with bench() as b:
        b.module.cuff = [120, 300, 20]
        await b.idle()
        await b.driver.start()
        assert (await b.heard.result()).systolic == 142.0


async def test_a_measurement_that_does_not_end_is_aborted() -> None:
    async with bench(limit_s=3.0) as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        assert await b.heard.result() == suntech_frames.failed("time-exceeded", "aborted")
        assert suntech_frames.ABORT in b.module.commands[-2:]


@pytest.mark.parametrize("letter", sorted(suntech_frames.REFUSALS))
async def test_a_refused_start_is_an_error_and_an_abort(letter: str) -> None:
    async with bench() as b:
        b.module.replies[suntech_frames.START_ADULT] = suntech_frames.encode_ack(letter)
        await b.idle()
        with pytest.raises(DriverError, match="refused"):
            await b.driver.start()
        assert b.module.commands[-1] == suntech_frames.ABORT
        assert b.heard.results == []
        assert Trouble("refused", suntech_frames.ACKS[letter]) in b.heard


async def test_a_start_whose_answer_is_lost_is_aborted_and_never_repeated() -> None:
    async with bench() as b:
        del b.module.replies[suntech_frames.START_ADULT]
        await b.idle()
        with pytest.raises(DriverError, match="did not answer"):
            await b.driver.start()
        assert b.module.commands.count(suntech_frames.START_ADULT) == 1
        assert b.module.commands[-1] == suntech_frames.ABORT


async def test_a_result_that_does_not_come_is_asked_three_times() -> None:
    async with bench(reply_s=0.02) as b:
        del b.module.replies[suntech_frames.READ_RESULT]
        await b.idle()
        await b.driver.start()
        assert await b.heard.result() == suntech_frames.failed("no-reply", "missing")
        assert b.module.commands.count(suntech_frames.READ_RESULT) == 3


async def test_a_damaged_result_is_asked_again() -> None:
    async with bench() as b:
        b.module.replies[suntech_frames.READ_RESULT] = RESULT[:5] + RESULT[6:]
        await b.idle()
        await b.driver.start()
        await b.heard.until(lambda event: isinstance(event, Trouble))
        b.module.replies[suntech_frames.READ_RESULT] = RESULT
        assert (await b.heard.result()).systolic == 142.0


async def test_orders_that_cannot_be_taken() -> None:
    lonely = Tensiometer()
    with pytest.raises(DriverError, match="not connected"):
        await lonely.start()
    await lonely.stop()
    for mmhg in (59, 281, 0, 1000):
        with pytest.raises(DriverError, match="60 to 280"):
            await lonely.start(mmhg)
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        with pytest.raises(DriverError, match="busy"):
            await b.driver.start()


async def test_a_start_that_is_given_up_is_stopped() -> None:
    async with bench(reply_s=1.0) as b:
        del b.module.replies[suntech_frames.START_ADULT]
        await b.idle()
        start = asyncio.create_task(b.driver.start())
        await eventually(lambda: suntech_frames.START_ADULT in b.module.commands)
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        await b.module.end.write(suntech_frames.encode_ack("O"))
        await b.driver.stop()
        assert b.module.commands[-1] == suntech_frames.ABORT
        assert (await b.heard.result()).error == "ended-by-user"


async def test_late_replies_are_dropped() -> None:
    async with bench(reply_s=0.03, status_s=0.01) as b:
        await b.idle()
        del b.module.replies[suntech_frames.STATUS]
        await b.heard.until(lambda event: isinstance(event, Trouble) and event.code == "no-reply")
        # An abnormal status that is too late: neither believed nor taken for the answer to the next request.
        await b.module.end.write(suntech_frames.encode_status(1))
        await b.heard.until(lambda event: isinstance(event, Trouble) and event.code == "unexpected-reply")
        assert "refused" not in b.heard.troubles()


async def test_a_late_pressure_is_not_the_answer_to_the_next_poll() -> None:
    class Slow(Module):
        async def _cuff(self) -> None:
            if self.polls == 1:
                self.polls += 1
                await asyncio.sleep(0.05)
                await self.end.write(suntech_frames.encode_cuff(80))
            else:
                await super()._cuff()

    found = Bench(WHOLE, driver(reply_s=0.04))
    found.module = Slow(found.module.end)
    found.plug_in()
    await found.idle()
    await found.driver.start()
    await found.heard.result()
    assert [wave.samples[0][0] for wave in found.heard.waves] == [40, 120, 160, 140, 100, 60, 20, 5]
    assert found.heard.troubles() == ["no-reply", "unexpected-reply"]
    for job in (found.run, found.peer):
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_a_reply_left_in_the_pipe_by_an_earlier_host_is_dropped() -> None:
    here, there = pipe()
    module, heard = Module(there), Heard()
    await there.write(RESULT + suntech_frames.encode_cuff(180) + suntech_frames.encode_ack("K"))
    jobs = [asyncio.create_task(module.live()), asyncio.create_task(driver().run(here, heard.take))]
    await heard.ready()
    assert heard.results == [] and heard.waves == []
    assert "unexpected-reply" in heard.troubles()
    for job in reversed(jobs):
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_a_start_is_taken_from_the_first_sign_of_life_on() -> None:
    found = Bench(WHOLE, driver())
    orders: list[asyncio.Task[None]] = []

    def emit(event: Event) -> None:
        found.heard.take(event)
        if isinstance(event, Identity) and not orders:
            orders.append(asyncio.create_task(found.driver.start()))

    jobs = [asyncio.create_task(found.module.live()), asyncio.create_task(found.driver.run(found.here, emit))]
    assert (await found.heard.result()).systolic == 142.0
    await orders[0]
    for job in reversed(jobs):
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_each_connection_begins_with_an_abort() -> None:
    async with bench() as b:
        await b.idle()
        assert b.module.commands[0] == suntech_frames.ABORT


async def test_an_idle_module_shows_that_it_lives() -> None:
    async with bench(status_s=0.02) as b:
        await b.idle()
        b.heard.clear()
        await b.heard.ready()
        b.heard.clear()
        await b.heard.ready()
        assert b.driver.quiet_s == 5.0


async def test_an_abnormal_self_test_is_told() -> None:
    async with bench() as b:
        b.module.replies[suntech_frames.STATUS] = suntech_frames.encode_status(1)
        await b.heard.until(lambda event: isinstance(event, Trouble) and event.code == "refused")


async def test_an_a_plus_is_asked_in_its_own_way() -> None:
    def as_a_plus(module: Module) -> None:
        module.replies[suntech_frames.RETURN_STRING] = suntech_frames.encode_text("SB 1.07")

    async with bench(prepare=as_a_plus) as b:
        await b.idle()
        await eventually(lambda: suntech_frames.STATUS_APLUS in b.module.commands)
        assert suntech_frames.STATUS not in b.module.commands
        assert b.heard[0] == Identity("SunTech Advantage A+", firmware="SB 1.07")


async def test_a_module_that_does_not_say_who_it_is_works() -> None:
    def mute(module: Module) -> None:
        del module.replies[suntech_frames.RETURN_STRING], module.replies[suntech_frames.ABORT]

    async with bench(prepare=mute, reply_s=0.02) as b:
        await b.idle()
        assert next(event for event in b.heard if isinstance(event, Identity)) == Identity("SunTech module")
        await b.driver.start()
        assert (await b.heard.result()).systolic == 142.0


async def test_silence_that_is_healthy() -> None:
    async with bench() as b:
        b.module.ends = False
        await b.idle()
        assert b.driver.quiet_s == 5.0
        await b.driver.start()
        assert b.driver.quiet_s == 2.0
        await b.driver.stop()
        assert b.driver.quiet_s == 5.0


@pytest.mark.parametrize("seed", range(6))
async def test_on_a_cable_that_loses_bytes_a_result_is_right_or_none(seed: int) -> None:
    async with bench(Cable(loss=0.01, seed=seed), reply_s=0.05, limit_s=40.0) as b:
        await b.idle()
        begun = False
        for _ in range(5):
            try:
                await b.driver.start()
            except DriverError:
                await eventually(lambda: b.driver._state is State.IDLE)
            else:
                begun = True
                break
        assert begun
        result = await b.heard.result()
        assert result.error in (None, "time-exceeded", "no-reply")
        if result.error is None:
            assert result == PressureResult(142.0, 91.0, 110.0, 68.0, 27)
        known = {float(mmhg) for mmhg in b.module.cuff if mmhg is not None}
        assert {wave.samples[0][0] for wave in b.heard.waves} <= known


def test_the_table_always_leads_back_to_rest() -> None:
    for state in State:
        reached, edge = {state}, {state}
        while edge:
            edge = {after for (before, _), after in NEXT.items() if before in edge} - reached
            reached |= edge
        assert State.IDLE in reached
    assert {after for (state, event), after in NEXT.items() if state is State.MEASURING and event == "stop"} == {
        State.ABORTING
    }


def test_only_an_accepted_start_measures() -> None:
    assert [key for key, after in NEXT.items() if after is State.MEASURING and key[0] is not State.MEASURING] == [
        (State.STARTING, "accepted")
    ]


@pytest.mark.parametrize("settings", [{"time_scale": 0.0}, {"time_scale": -1.0}, {"poll_s": 0.05}])
def test_settings_that_cannot_be(settings: dict[str, float]) -> None:
    with pytest.raises(DriverError, match="time scale above 0"):
        Tensiometer(**settings)


async def test_an_unconfirmed_abort_is_repeated_until_the_module_hears_it() -> None:
    async with bench(reply_s=0.02, status_s=0.05) as b:
        b.module.ends = False
        await b.idle()
        await b.driver.start()
        answer = b.module.replies.pop(suntech_frames.ABORT)
        with pytest.raises(DriverError, match="open the cuff by hand"):
            await b.driver.stop()
        assert b.driver.to_vent
        mute = b.module.commands.count(suntech_frames.ABORT)
        b.module.replies[suntech_frames.ABORT] = answer
        # Two signs of life later it was said again, heard, and not said any more.
        for _ in range(3):
            b.heard.clear()
            await b.heard.until(lambda event: isinstance(event, Identity))
        assert not b.driver.to_vent
        told = b.module.commands.count(suntech_frames.ABORT)
        assert told == mute + 1
        b.heard.clear()
        await b.heard.until(lambda event: isinstance(event, Identity))
        assert b.module.commands.count(suntech_frames.ABORT) == told


@pytest.mark.parametrize("inflated", [True, False])
async def test_a_port_that_is_lost_leaves_a_cuff_to_vent_where_one_was_inflated(inflated: bool) -> None:
    found = Bench(WHOLE, driver(reply_s=0.02))
    found.module.ends = False
    found.plug_in()
    await found.idle()
    if inflated:
        await found.driver.start()
    found.peer.cancel()
    found.run.cancel()
    await asyncio.gather(found.peer, found.run, return_exceptions=True)
    assert found.driver.to_vent is inflated


async def test_what_is_unconfirmed_is_said_at_each_opening() -> None:
    async with bench() as b:
        await b.idle()
        assert b.heard.warned == [Trouble("unconfirmed", suntech_frames.UNCONFIRMED)]


async def test_neither_wrong_checksum_of_public_code_is_ever_sent() -> None:
    async with bench() as b:
        await b.idle()
        await b.driver.start()
        await b.heard.result()
        sent = {suntech_frames.encode_command(command) for command in b.module.commands}
        assert bytes.fromhex("3a 79 10 03 3a") in sent
        assert not sent & {bytes.fromhex("3a 79 10 03 4c"), bytes.fromhex("3a 79 10 03 3d")}


async def test_a_k_of_an_earlier_measurement_brings_no_result_of_it() -> None:
    """An abort answered by A, its K only when the next one has begun; and the module keeps its last result."""
    async with bench() as b:
        b.module.ends = False
        b.module.replies[suntech_frames.START_ADULT] += suntech_frames.encode_ack("K")
        b.module.cuff = [5]
        await b.idle()
        await b.driver.start()
        result = await b.heard.result()
        assert (result.error, result.systolic) == ("stale", NoValue("device-error"))


async def test_a_result_above_what_the_cuff_ever_was_is_of_another_arm() -> None:
    async with bench() as b:
        b.module.cuff = [40, 80, 110, 60, 5]
        await b.idle()
        await b.driver.start()
        assert (await b.heard.result()).error == "stale"
