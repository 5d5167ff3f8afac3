"""A keeper on a real pseudo-terminal: plug, unplug, silence, refusal, broken drivers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import gymcu
from drivers.errors import DriverError, OtherLine, PortError, Unplugged
from drivers.events import Event, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.gymcu import Thermometer
from drivers.instrument import Emit, Instrument
from drivers.keeper import Keeper, Pace, back_off
from drivers.link import LinkState
from drivers.nonin import Oximeter
from drivers.stream import Line, Stream, open_stream
from simulators.body import Body
from simulators.nonin import Oximeter as OximeterModel
from tests.nonin_packets import CALM
from tests.plug import Plug

PACE = Pace(first_s=0.02, longest_s=0.2, glance_s=0.02, broken_s=0.3, probe_s=0.2, foreign_s=0.5)
NONE = NoValue("aborted")
SAID: dict[bytes, Event] = {
    b"r": Reading("weight", 1.0, "kg"),
    b"i": Identity("Talker", firmware="7"),
    b"t": Trouble("checksum"),
    b"n": Trouble("refused", "set it to kg"),
    b"p": PressureResult(NONE, NONE, NONE, NONE, 0, "aborted"),
    b"m": PressureResult(120, 80, 93, 60, 0, flags=frozenset({"from-memory"})),
    b"l": PressureResult(NONE, NONE, NONE, NONE, 0, "link-lost"),
}


class Talker:
    """An instrument of one-letter events; "x" breaks its driver, "q" ends it, "d" makes it refuse."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "talk"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, quiet_s: float | None = None) -> None:
        self.quiet_s = quiet_s
        self.quiet_measuring_s = quiet_s
        self.refuses = False
        self.safe: list[bytes] = []
        self.stream: Stream | None = None

    async def run(self, stream: Stream, emit: Emit) -> None:
        self.stream = stream
        try:
            while True:
                for letter in await stream.read():
                    match chr(letter):
                        case "x":
                            raise ZeroDivisionError(f"{70 + 2} kg")
                        case "d":
                            raise DriverError("This is another instrument: correct the configuration.")
                        case "q":
                            return
                        case other:
                            emit(SAID[other.encode()])
        finally:
            with contextlib.suppress(Unplugged):
                await stream.write(b"V")
                self.safe.append(b"V")

    async def start(self) -> None:
        if self.refuses:
            raise DriverError("Nobody is on it: step on it.")
        self.quiet_s = self.quiet_measuring_s

    async def stop(self) -> None:
        self.quiet_s = None


class TwoLines(Talker):
    """An instrument of two generations: what is not heard within a tenth of a second is tried with the other line."""

    def __init__(self, quiet_s: float | None = None) -> None:
        super().__init__(quiet_s)
        self.baud = 9600
        self.opened: list[int] = []
        self.tried = asyncio.Event()
        """Set when each line was tried twice."""

    @property
    def line(self) -> Line:  # type: ignore[override]
        self.opened.append(self.baud)
        if len(self.opened) >= 4:
            self.tried.set()
        return Line(self.baud)

    async def run(self, stream: Stream, emit: Emit) -> None:
        try:
            async with asyncio.timeout(0.1):
                first = await stream.read()
        except TimeoutError:
            self.baud = 28_800 - self.baud
            raise OtherLine(f"Nothing was heard at {self.baud} baud: try the other line.") from None
        emit(SAID[first])
        await super().run(stream, emit)


class Bench:
    """A keeper, its instrument's plug, and all that was said."""

    def __init__(self, path: Path, instrument: Instrument, accept_simulated: bool = True, pace: Pace = PACE) -> None:
        self.plug = Plug(path)
        self.heard: list[tuple[str, Event, float]] = []
        self.states: list[tuple[LinkState, str]] = []
        self.changed = asyncio.Event()
        self.keeper = Keeper("one", self.plug.url, instrument, self._event, self._state, accept_simulated, pace)
        self.task = asyncio.create_task(self.keeper.run())

    def _event(self, name: str, event: Event, at: float) -> None:
        self.heard.append((name, event, at))
        self.changed.set()

    def _state(self, name: str, state: LinkState, reason: str) -> None:
        assert name == "one"
        self.states.append((state, reason))
        self.changed.set()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(5):
            while not happened():
                self.changed.clear()
                await self.changed.wait()

    async def state(self, state: LinkState) -> str:
        """Wait for a state; its reason."""
        await self.until(lambda: self.keeper.state is state)
        return self.keeper.reason

    async def close(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.plug.unplug()


@contextlib.asynccontextmanager
async def bench(
    path: Path, instrument: Instrument, accept_simulated: bool = True, pace: Pace = PACE
) -> AsyncIterator[Bench]:
    made = Bench(path / "instrument", instrument, accept_simulated, pace)
    try:
        yield made
    finally:
        await made.close()


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_back_off_grows_to_its_limit_and_never_beyond(failures: int, chance: float) -> None:
    pace = Pace()
    wait = back_off(failures, pace, chance)
    assert 0.1 <= wait <= 5.0
    assert back_off(failures + 1, pace, chance) >= wait


def test_back_off_doubles_from_a_fifth_of_a_second() -> None:
    assert [back_off(n, Pace(), 1.0) for n in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_absent_until_plugged_in_then_ready_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        assert "plug it in" in (await asyncio.wait_for(_first(b), 5))[1]
        b.plug.plug()
        assert await b.state(LinkState.READY) == ""
        assert b.keeper.simulated is True
        assert [state for state, _ in b.states] == [LinkState.ABSENT, LinkState.OPENING, LinkState.READY]


async def _first(b: Bench) -> tuple[LinkState, str]:
    await b.until(lambda: bool(b.states))
    return b.states[0]


async def test_an_instrument_that_never_stops_talking_is_ready_when_it_was_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(quiet_s=5.0)) as b:
        b.plug.plug()
        assert "nothing was heard yet" in await b.state(LinkState.OPENING)
        assert b.keeper.last_seen is None
        b.plug.send(b"r")
        await b.state(LinkState.READY)


async def test_events_are_stamped_and_the_identity_is_kept(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        before = time.monotonic()
        b.plug.send(b"ri")
        await b.until(lambda: len(b.heard) == 2)
        assert [event for _, event, _ in b.heard] == [SAID[b"r"], SAID[b"i"]]
        assert all(name == "one" and before <= at <= time.monotonic() for name, _, at in b.heard)
        assert b.keeper.last_seen == b.heard[-1][2]
        assert b.keeper.identity == Identity("Talker", firmware="7")


async def test_trouble_is_handed_on_but_is_no_sign_of_life(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(quiet_s=0.15)) as b:
        b.plug.plug()
        await b.state(LinkState.OPENING)
        for count in (1, 2, 3):
            b.plug.send(b"t")
            await b.until(lambda count=count: len(b.heard) == count)  # type: ignore[misc]
        assert b.keeper.last_seen is None
        assert "silent for 0.15 s" in await b.state(LinkState.STALE)


async def test_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        for _ in range(3):
            b.plug.plug()
            await b.state(LinkState.READY)
            b.plug.send(b"i")
            await b.until(lambda: b.keeper.identity is not None)
            b.plug.unplug()
            assert "plug it in" in await b.state(LinkState.ABSENT)
            assert b.keeper.simulated is True, "what it said before is still from a simulator"
            b.states.clear()


async def test_a_replug_is_found_within_half_a_second_even_after_a_long_absence(tmp_path: Path) -> None:
    b = Bench(tmp_path / "instrument", Talker())
    b.task.cancel()
    slow = Keeper("one", b.plug.url, Talker(), b._event, b._state, True, Pace(first_s=60.0, longest_s=60.0))
    b.keeper, b.task = slow, asyncio.create_task(slow.run())
    try:
        await _first(b)
        began = time.monotonic()
        b.plug.plug()
        await b.state(LinkState.READY)
        assert time.monotonic() - began < 0.5
    finally:
        await b.close()


async def test_another_instrument_on_the_port_has_no_old_identity(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        b.plug.send(b"i")
        await b.until(lambda: b.keeper.identity is not None)
        b.plug.unplug()
        await b.state(LinkState.ABSENT)
        b.plug.plug()
        await b.state(LinkState.READY)
        assert b.keeper.identity is None


async def test_silence_is_stale_and_the_next_word_ends_it(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(quiet_s=0.1)) as b:
        b.plug.plug()
        await b.state(LinkState.OPENING)
        b.plug.send(b"r")
        await b.state(LinkState.READY)
        began = time.monotonic()
        await b.state(LinkState.STALE)
        assert b.keeper.last_seen is not None
        assert time.monotonic() - began >= 0.09
        b.plug.send(b"r")
        assert await b.state(LinkState.READY) == ""


async def test_words_that_keep_coming_keep_it_ready(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(quiet_s=0.2)) as b:
        b.plug.plug()
        await b.state(LinkState.OPENING)
        for _ in range(20):
            b.plug.send(b"r")
            await asyncio.sleep(0.02)
        assert b.keeper.state is LinkState.READY
        assert LinkState.STALE not in [state for state, _ in b.states]


async def test_measuring_goes_stale_and_comes_back_as_measuring(tmp_path: Path) -> None:
    talker = Talker()
    talker.quiet_measuring_s = 0.1
    async with bench(tmp_path, talker) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        assert await b.state(LinkState.MEASURING) == ""
        await b.state(LinkState.STALE)
        b.plug.send(b"r")
        await b.until(lambda: b.states[-1][0] is LinkState.MEASURING)
        await b.keeper.stop()
        assert b.states[-1][0] is LinkState.READY


async def test_a_pressure_result_ends_the_measurement(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        await b.state(LinkState.MEASURING)
        b.plug.send(b"m")
        await b.until(lambda: bool(b.heard))
        assert b.states[-1][0] is LinkState.MEASURING, "an old one is not what was asked for"
        b.plug.send(b"p")
        await b.until(lambda: b.states[-1][0] is LinkState.READY)


async def test_a_result_that_the_driver_states_for_a_lost_module_is_no_sign_of_life(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        b.plug.send(b"l")
        await b.until(lambda: bool(b.heard))
        assert b.keeper.last_seen is None
        assert b.states[-1][0] is LinkState.MEASURING
        b.plug.unplug()
        await b.state(LinkState.ABSENT)
        assert [state for state, _ in b.states][-2:] == [LinkState.MEASURING, LinkState.ABSENT]


class Slow(Talker):
    """Takes its time to stop."""

    async def stop(self) -> None:
        await asyncio.sleep(0.1)


async def test_it_measures_until_it_has_stopped(tmp_path: Path) -> None:
    async with bench(tmp_path, Slow()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        stopping = asyncio.create_task(b.keeper.stop())
        await asyncio.sleep(0.02)
        b.plug.send(b"r")
        await b.until(lambda: bool(b.heard))
        assert b.states[-1][0] is LinkState.MEASURING
        await stopping
        await b.until(lambda: b.states[-1][0] is LinkState.READY)


async def test_a_refused_start_leaves_it_ready(tmp_path: Path) -> None:
    talker = Talker()
    async with bench(tmp_path, talker) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        talker.refuses = True
        with pytest.raises(DriverError, match="step on it"):
            await b.keeper.start()
        assert b.states[-1][0] is LinkState.READY


async def test_a_refused_second_start_leaves_it_measuring(tmp_path: Path) -> None:
    talker = Talker()
    async with bench(tmp_path, talker) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        talker.refuses = True
        with pytest.raises(DriverError):
            await b.keeper.start()
        assert b.states[-1][0] is LinkState.MEASURING


async def test_nothing_starts_without_an_instrument_and_stopping_it_is_no_error(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        await _first(b)
        with pytest.raises(DriverError, match="not connected"):
            await b.keeper.start()
        await b.keeper.stop()
        assert b.keeper.state is LinkState.ABSENT


async def test_a_measurement_does_not_start_again_by_itself_after_a_replug(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        await b.keeper.start()
        b.plug.unplug()
        await b.state(LinkState.ABSENT)
        b.plug.plug()
        await b.state(LinkState.READY)
        b.plug.send(b"r")
        await b.until(lambda: len(b.heard) == 1)
        assert b.keeper.state is LinkState.READY


async def test_a_simulated_instrument_is_refused_and_never_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(), accept_simulated=False) as b:
        b.plug.plug()
        assert "not known to be a real instrument" in await b.state(LinkState.FAILED)
        b.plug.send(b"rrr")
        await asyncio.sleep(0.1)
        assert not b.heard
        assert LinkState.OPENING not in [state for state, _ in b.states]


async def test_a_busy_port_fails_and_is_opened_when_it_is_free(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        await _first(b)
        b.plug.plug()
        other = await open_stream(b.plug.url, Line(9600))
        assert "in use by another program" in await b.state(LinkState.FAILED)
        await asyncio.sleep(0.3)
        assert len([state for state, _ in b.states if state is LinkState.FAILED]) == 1, "said once"
        other.close()
        await b.state(LinkState.READY)


async def test_a_failed_port_that_is_pulled_out_is_absent(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(), accept_simulated=False) as b:
        b.plug.plug()
        await b.state(LinkState.FAILED)
        b.plug.unplug()
        await b.state(LinkState.ABSENT)


async def test_an_instrument_that_refuses_fails_with_its_own_sentence(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        b.plug.send(b"d")
        assert await b.state(LinkState.FAILED) == "This is another instrument: correct the configuration."
        await b.state(LinkState.READY)


@pytest.mark.parametrize(("letter", "how"), [(b"x", "ZeroDivisionError"), (b"q", "ended by itself")])
async def test_a_broken_driver_stays_failed_for_longer(
    tmp_path: Path, letter: bytes, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        b.plug.send(letter)
        assert how in await b.state(LinkState.FAILED)
        began = time.monotonic()
        await b.state(LinkState.READY)
        assert time.monotonic() - began >= PACE.broken_s * 0.9
        b.plug.send(b"r")
        await b.until(lambda: bool(b.heard))
        assert "72 kg" not in caplog.text + "".join(reason for _, reason in b.states)


async def test_a_broken_driver_is_logged_with_the_place_where_it_broke(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with bench(tmp_path, Talker()) as b:
            b.plug.plug()
            await b.state(LinkState.READY)
            b.plug.send(b"x")
            await b.state(LinkState.FAILED)
    assert "ZeroDivisionError" in caplog.text and "in run" in caplog.text


async def test_one_broken_driver_leaves_the_other_instrument_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with bench(tmp_path, Talker()) as broken, bench(tmp_path / "other", Talker()) as sound:
        broken.plug.plug()
        sound.plug.plug()
        await broken.state(LinkState.READY)
        await sound.state(LinkState.READY)
        broken.plug.send(b"x")
        await broken.state(LinkState.FAILED)
        sound.plug.send(b"r")
        await sound.until(lambda: len(sound.heard) == 1)
        assert sound.keeper.state is LinkState.READY


async def test_when_cancelled_the_instrument_is_left_safe_before_the_port_is_closed(tmp_path: Path) -> None:
    talker = Talker()
    async with bench(tmp_path, talker) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        b.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await b.task
        assert talker.safe == [b"V"]
        assert await b.plug.receive(1) == b"V"
        assert b.keeper.state is LinkState.ABSENT
        (await open_stream(b.plug.url, Line(9600))).close()


class Slippery(Talker):
    """Loses its stream while it is being left safe."""

    async def run(self, stream: Stream, emit: Emit) -> None:
        try:
            await stream.read()
        finally:
            raise Unplugged("It was unplugged: plug it in again.")


async def test_a_failure_while_being_left_safe_does_not_undo_the_cancellation(tmp_path: Path) -> None:
    async with bench(tmp_path, Slippery()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        b.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(b.task), 5)
        assert b.task.cancelled()


async def test_a_server_that_comes_back_is_found_again(tmp_path: Path) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"r")

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    b = Bench(tmp_path / "unused", Talker())
    b.task.cancel()
    b.keeper = Keeper("one", f"socket://127.0.0.1:{port}", Talker(), b._event, b._state, True, PACE)
    b.task = asyncio.create_task(b.keeper.run())
    for count in (1, 2, 3):
        await b.until(lambda count=count: len(b.heard) == count)  # type: ignore[misc]
        assert b.keeper.simulated
        writers[-1].close()
    await b.close()
    server.close()
    await server.wait_closed()


async def test_a_real_oximeter_driver_goes_stale_and_recovers(tmp_path: Path) -> None:
    async with bench(tmp_path, Oximeter()) as b:
        b.plug.plug()
        await b.state(LinkState.OPENING)
        b.plug.send(CALM[:20])
        await b.state(LinkState.PROBING)
        b.plug.send(CALM[20:])
        await b.state(LinkState.READY)
        assert "silent for 1 s" in await b.state(LinkState.STALE)
        b.plug.unplug()
        await b.state(LinkState.ABSENT)


async def test_a_driver_that_hears_nothing_gets_its_port_with_another_line_and_no_state_is_lost(
    tmp_path: Path,
) -> None:
    instrument = TwoLines()
    async with bench(tmp_path, instrument) as b:
        b.plug.plug()
        await asyncio.wait_for(instrument.tried.wait(), 5)
        assert instrument.opened[:4] == [9600, 19_200, 9600, 19_200]
        b.plug.send(b"r")
        await b.until(lambda: bool(b.heard))
        assert {state for state, _ in b.states} <= {LinkState.OPENING, LinkState.READY}


async def test_an_instrument_that_no_line_hears_is_stale_although_its_port_is_opened_again(tmp_path: Path) -> None:
    instrument = TwoLines(quiet_s=0.15)
    async with bench(tmp_path, instrument) as b:
        b.plug.plug()
        assert "silent for 0.15 s" in await b.state(LinkState.STALE)
        await asyncio.wait_for(instrument.tried.wait(), 5)
        assert [state for state, _ in b.states] == [LinkState.OPENING, LinkState.STALE]
        b.plug.send(b"r")
        await b.state(LinkState.READY)


FINGERS = b"".join(OximeterModel(Body()).produce(1.0))
THERMOMETER = gymcu.encode_frame(3650, 2200)


async def talk(b: Bench, data: bytes, until: LinkState) -> None:
    """Say something again and again, as an instrument does, until the keeper has made up its mind."""
    async with asyncio.timeout(5):
        while b.keeper.state is not until:
            b.plug.send(data)
            await asyncio.sleep(0.02)


async def test_another_instrument_on_the_port_is_refused_and_named(tmp_path: Path) -> None:
    """An oximeter where the thermometer should be: nothing it says is a temperature."""
    async with bench(tmp_path, Thermometer()) as b:
        b.plug.plug()
        await talk(b, FINGERS, LinkState.FAILED)
        assert LinkState.PROBING in [state for state, _ in b.states]
        assert "does not speak gymcu90614: it looks like nonin; plug the thermometer in there" in b.keeper.reason
        assert all(isinstance(event, Trouble) for _, event, _ in b.heard) and b.keeper.last_seen is None
        refused = b.keeper.reason
        await talk(b, FINGERS, LinkState.PROBING)
        assert b.keeper.reason == refused, "it is tried again, and until it is known the sentence stays"
        b.plug.unplug()
        assert "plug it in" in await b.state(LinkState.ABSENT)
        b.plug.plug()
        await talk(b, THERMOMETER, LinkState.READY)
        assert b.keeper.reason == ""


async def test_what_speaks_nothing_that_is_known_is_refused_too(tmp_path: Path) -> None:
    async with bench(tmp_path, Thermometer()) as b:
        b.plug.plug()
        await talk(b, b"+CREG: 0,1\r\nRING\r\n", LinkState.FAILED)
        assert "looks like no instrument that this cabin knows" in b.keeper.reason


async def test_an_instrument_that_refuses_in_its_own_protocol_is_the_right_one_and_says_why(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker(quiet_s=0.15)) as b:
        b.plug.plug()
        await talk(b, b"n" * 20, LinkState.STALE)
        assert b.keeper.reason == "The scale answers and gives no value: set it to kg."
        for _ in range(15):
            b.plug.send(b"n" * 20)
            await asyncio.sleep(0.03)
        assert LinkState.FAILED not in [state for state, _ in b.states] and b.keeper.last_seen is None
        b.plug.send(b"r")
        assert await b.state(LinkState.READY) == ""


async def test_a_disturbance_of_a_few_bytes_is_no_other_instrument(tmp_path: Path) -> None:
    async with bench(tmp_path, Thermometer()) as b:
        b.plug.plug()
        await b.state(LinkState.OPENING)
        b.plug.send(b"\xff\x00")
        await b.state(LinkState.PROBING)
        await asyncio.sleep(2 * PACE.probe_s)
        await talk(b, THERMOMETER, LinkState.READY)
        assert LinkState.FAILED not in [state for state, _ in b.states]


async def test_two_names_of_one_port_are_one_port(tmp_path: Path) -> None:
    async with bench(tmp_path, Talker()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        alias = tmp_path / "alias"
        alias.symlink_to(b.plug.url)
        with pytest.raises(PortError, match="in use"):
            await open_stream(str(alias), Line(9600))


async def test_replugged_it_is_ready_within_two_seconds(tmp_path: Path) -> None:
    """With the pace of the product, after an absence that has made the waits long."""
    async with bench(tmp_path, Talker(), pace=Pace()) as b:
        b.plug.plug()
        await b.state(LinkState.READY)
        for away_s in (0.0, 1.5):
            b.plug.unplug()
            await b.state(LinkState.ABSENT)
            await asyncio.sleep(away_s)
            began = time.monotonic()
            b.plug.plug()
            await b.state(LinkState.READY)
            assert time.monotonic() - began < 2.0


async def test_a_driver_whose_wait_is_given_up_under_it_does_not_end_its_keeper(tmp_path: Path) -> None:
    class GivenUp(Talker):
        async def run(self, stream: Stream, emit: Emit) -> None:
            if self.stream is None:
                self.stream = stream
                raise asyncio.CancelledError
            await super().run(stream, emit)

    async with bench(tmp_path, GivenUp()) as b:
        b.plug.plug()
        assert "CancelledError" in await b.state(LinkState.FAILED)
        await b.state(LinkState.READY)
        assert not b.task.done()
