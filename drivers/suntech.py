"""SunTech blood-pressure module: the conversation that inflates a cuff, follows it, and always lets it go.

Source: protocol sheet "SunTech Advantage / A+ OEM module", section 6 (states and pacing); the frames are in
`drivers.suntech_frames`, the matching of replies in `drivers.suntech_exchange`. What keeps a person safe is here: an
abort at every connection (a host that died may have left the cuff inflated), on stop, on cancellation, above 300 mmHg
and after 180 s. When the port itself is lost during an inflation, only the module's own timers are left: the screen
must say to open the cuff.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from drivers import suntech_frames
from drivers.errors import DriverError
from drivers.events import Identity, PressureResult, Reading, SelfTest, Trouble, Wave, Why
from drivers.instrument import Emit
from drivers.stream import Line, Stream
from drivers.suntech_exchange import Exchange, now
from drivers.suntech_frames import Decoder as Decoder
from drivers.together import together

COMMAND_GAP_S = 0.1
"""Least time between two commands (sheet section 6)."""
AFTER_ABORT_S = 0.5
"""Rest after an abort: 200 ms before any command, 500 ms before a pressure setting; the longer serves both."""
FASTEST_POLL_S = 0.01
INITIAL_MMHG = range(60, 281)
"""Initial inflation pressures that are accepted; the adult default is 160."""
SEEN_WELL_HZ = 1.0
"""Where a simulated body lives so fast that its cuff is seen less often, its tightest moment may be missed."""
TRIES = 3
"""How often a command that may safely be repeated is sent before the module counts as silent."""


class State(Enum):
    """Where the conversation stands."""

    IDLE = "idle"
    SETTING = "setting the pressure"
    STARTING = "starting"
    MEASURING = "measuring"
    READING = "reading the result"
    ABORTING = "aborting"


NEXT: Mapping[tuple[State, str], State] = {
    (State.IDLE, "tick"): State.IDLE,
    (State.IDLE, "ordered"): State.SETTING,
    (State.SETTING, "accepted"): State.STARTING,
    (State.SETTING, "refused"): State.IDLE,
    (State.SETTING, "silent"): State.IDLE,
    (State.SETTING, "stop"): State.IDLE,
    (State.STARTING, "accepted"): State.MEASURING,
    # A start that was refused, or whose answer was lost, may still have begun: an abort never harms.
    (State.STARTING, "refused"): State.ABORTING,
    (State.STARTING, "silent"): State.ABORTING,
    (State.STARTING, "stop"): State.ABORTING,
    (State.MEASURING, "tick"): State.MEASURING,
    (State.MEASURING, "done"): State.READING,
    (State.MEASURING, "stop"): State.ABORTING,
    (State.READING, "result"): State.IDLE,
    (State.READING, "silent"): State.IDLE,
    (State.ABORTING, "aborted"): State.IDLE,
    (State.ABORTING, "silent"): State.IDLE,
}
"""The conversation of sheet section 6."""

MAY_BE_INFLATED = (State.STARTING, State.MEASURING, State.ABORTING)

_NOT_BEGUN = {
    "refused": "The tensiometer refused to measure: look at its own state, then try again.",
    "no-reply": "The tensiometer did not answer: check its cable, then try again.",
    "link-lost": "The tensiometer went away before the measurement began: check its cable and open the cuff.",
    "ended-by-user": "The measurement was stopped before it began: start it again when ready.",
}
_WHY: Mapping[str, Why] = {"no-reply": "missing", "link-lost": "missing"}


@dataclass(slots=True)
class _Attempt:
    """One measurement, from its order to its end."""

    initial_mmhg: int
    begun: asyncio.Future[None]
    owes_result: bool = False
    done: bool = False
    """The module said K."""
    cause: str | None = None
    """Why the host ends it; None while it does not."""
    stopping: bool = False
    t0: float = 0.0
    deadline: float = math.inf
    index: int = -1
    highest: float = 0.0
    """mmHg that the cuff was seen at."""

    def settle(self, emit: Emit, cause: str) -> None:
        """Tell whoever still waits for a start or a result that there is none."""
        cause = self.cause or cause
        if self.owes_result:
            self.conclude(emit, suntech_frames.failed(cause, _WHY.get(cause, "aborted")))
        if not self.begun.done():
            self.begun.set_exception(DriverError(_NOT_BEGUN.get(cause, _NOT_BEGUN["ended-by-user"])))

    def conclude(self, emit: Emit, result: PressureResult) -> None:
        """Give the one result."""
        self.owes_result = False
        emit(result)


class Tensiometer:
    """One SunTech module on one stream.

    While it measures it emits, at each poll, a `Reading` "cuff_pressure" and a `Wave` "cuff" of one sample; sample
    index 0 is the first poll of that measurement, and a lost sample leaves a hole in the index. A measurement that
    began ends with exactly one `PressureResult`, whatever happens: "ended-by-user", "time-exceeded", "overpressure",
    "no-reply" and "link-lost" are also said by this driver, with no value.

    `time_scale` is for simulated instruments: their body lives that many times faster, and poll, pacing and time
    limit shrink with it, so that the sampling rate in body time stays the same (a poll never below 10 ms).
    The other arguments are seconds: `poll_s` between two pressures, `status_s` between two signs of life when idle,
    `reply_s` until a request counts as lost, `limit_s` until a measurement is aborted.
    """

    kind: ClassVar[str] = "tensiometer"
    protocol: ClassVar[str] = "suntech"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)

    def __init__(
        self,
        *,
        time_scale: float = 1.0,
        poll_s: float = 0.125,
        status_s: float = 2.0,
        reply_s: float = 0.5,
        limit_s: float = 180.0,
    ) -> None:
        if time_scale <= 0 or poll_s < COMMAND_GAP_S:
            raise DriverError(f"The tensiometer takes a time scale above 0 and a poll time from {COMMAND_GAP_S} s.")
        self._interval = max(FASTEST_POLL_S, poll_s / time_scale)
        self._rate = 1.0 / (self._interval * time_scale)
        self._gap_s = COMMAND_GAP_S / time_scale
        self._rest_s = AFTER_ABORT_S / time_scale
        self._limit_s = limit_s / time_scale
        self._status_s = status_s
        self._reply_s = reply_s
        self._identity = Identity("SunTech module")
        self._wire: Exchange | None = None
        self._state = State.IDLE
        self._attempt: _Attempt | None = None
        self._confirmed = True
        self.to_vent = False
        """An abort was not confirmed: the cuff may still hold an arm; it is told to let go until the module does."""
        self._attention = asyncio.Event()
        self._at_rest = asyncio.Event()

    @property
    def quiet_s(self) -> float | None:
        """2 s while measuring (common watchdog), 5 s idle (a status is asked every 2 s)."""
        return 5.0 if self._attempt is None else 2.0

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with the module until the stream ends; when cancelled during an inflation, abort it first."""
        wire = Exchange(stream, emit, gap_s=self._gap_s, reply_s=self._reply_s, heard_done=self._heard_done)
        self._wire, self._state = wire, State.ABORTING
        emit(Trouble("unconfirmed", suntech_frames.UNCONFIRMED))
        try:
            await together(wire.listen(), self._converse(wire))
        finally:
            try:
                if self._state in MAY_BE_INFLATED:
                    self._confirmed = False
                    self._confirmed = await wire.last_abort()
                    self.to_vent = self._still_to_vent()
            finally:
                self._wire = None
                self._rest(emit, "link-lost")

    async def start(self, initial_mmhg: int = 160) -> None:
        """Inflate the cuff; returns when the module has accepted, and the result comes as an event.

        Raises `DriverError` when there is no module, when it is busy, when it refuses or does not answer.
        The caller has made sure that a person is there and consents.
        """
        if initial_mmhg not in INITIAL_MMHG:
            low, high = INITIAL_MMHG[0], INITIAL_MMHG[-1]
            raise DriverError(f"The cuff cannot be inflated to that pressure: choose {low} to {high} mmHg.")
        if self._wire is None:
            raise DriverError("The tensiometer is not connected: plug it in and wait until it is ready.")
        if self._state is not State.IDLE or self._attempt is not None:
            raise DriverError("The tensiometer is busy: wait for the end of its measurement, or stop it.")
        self._attempt = _Attempt(initial_mmhg, asyncio.get_running_loop().create_future())
        self._confirmed = True
        self._at_rest.clear()
        self._attention.set()
        try:
            await self._attempt.begun
        except asyncio.CancelledError:
            self._end("ended-by-user")
            raise

    async def stop(self) -> None:
        """Abort and wait until the module says so; nothing to do when it does not measure.

        Raises `DriverError` when the module did not confirm: the cuff must be opened by hand.
        """
        if self._attempt is None:
            return
        self._end("ended-by-user")
        await self._at_rest.wait()
        if not self._confirmed:
            raise DriverError("The tensiometer did not confirm that it stopped: open the cuff by hand.")

    def _end(self, cause: str) -> None:
        if self._attempt is not None:
            self._attempt.stopping = True
            self._attempt.cause = self._attempt.cause or cause
            self._attention.set()

    def _heard_done(self) -> bool:
        """Note the module's spontaneous K; False when no measurement could have ended."""
        if self._attempt is None or self._state not in (State.STARTING, State.MEASURING):
            return False
        self._attempt.done = True
        self._attention.set()
        return True

    async def _converse(self, wire: Exchange) -> None:
        await self._greet(wire)
        while True:
            attempt = self._attempt
            event = "stop" if attempt is not None and attempt.stopping else ""
            if (self._state, event) not in NEXT:
                event = await self._act(wire, attempt)
            self._enter(NEXT[self._state, event], wire.emit)

    async def _act(self, wire: Exchange, attempt: _Attempt | None) -> str:
        """Do what the present state asks for; return the event that it led to."""
        if attempt is None:
            return await self._idle(wire)
        acts: Mapping[State, Callable[[Exchange, _Attempt], Awaitable[str]]] = {
            State.SETTING: self._set_pressure,
            State.STARTING: self._begin,
            State.MEASURING: self._follow,
            State.READING: self._read_result,
        }
        if self._state is State.IDLE:
            await self._vent(wire)
            return "ordered"
        return await (acts[self._state](wire, attempt) if self._state in acts else self._abort(wire))

    def _enter(self, state: State, emit: Emit) -> None:
        before, self._state = self._state, state
        if state is State.IDLE and before is not State.IDLE:
            self._rest(emit)

    def _rest(self, emit: Emit, cause: str = "no-reply") -> None:
        attempt, self._attempt, self._state = self._attempt, None, State.IDLE
        if attempt is not None:
            attempt.settle(emit, cause)
        self._at_rest.set()

    async def _greet(self, wire: Exchange) -> None:
        """Let go of a cuff that an earlier host may have left inflated, then ask who is there."""
        await self._abort(wire)
        frame = await wire.ask(suntech_frames.RETURN_STRING, suntech_frames.TEXT)
        answered = frame is not None and frame.kind == suntech_frames.TEXT
        self._identity = (
            suntech_frames.identity(frame) if frame is not None and answered else Identity("SunTech module")
        )
        # At rest before the first sign of life: whoever hears it may order a measurement at once.
        self._rest(wire.emit)
        if answered:
            wire.emit(self._identity)
        await self._check(wire)

    async def _check(self, wire: Exchange) -> None:
        """Ask for the self-test; any answer is a sign of life, and is told as the module's identity."""
        status = suntech_frames.STATUS_APLUS if self._identity.model.endswith("A+") else suntech_frames.STATUS
        frame = await wire.ask(status, suntech_frames.WORD)
        if frame is None:
            return
        wire.emit(self._identity)
        if frame.kind != suntech_frames.WORD:
            return
        wire.emit(SelfTest(passed=not frame.body[0]))
        if frame.body[0]:
            wire.emit(Trouble("refused", "the self-test of the module is abnormal: have the tensiometer checked"))

    async def _idle(self, wire: Exchange) -> str:
        await self._until(now() + self._status_s, lambda: self._attempt is not None)
        if self._attempt is None:
            await self._vent(wire)
            await self._check(wire)
        return "tick"

    async def _vent(self, wire: Exchange) -> None:
        """Abort again, as long as it takes, after an abort that the module did not confirm: an arm is in there."""
        if self.to_vent:
            await self._abort(wire)

    async def _set_pressure(self, wire: Exchange, attempt: _Attempt) -> str:
        event = await self._order(wire, attempt, suntech_frames.inflate_to(attempt.initial_mmhg), TRIES)
        # A module that refuses at rest may hold a measurement that this host knows nothing of.
        self.to_vent = self.to_vent or event == "refused"
        return event

    async def _begin(self, wire: Exchange, attempt: _Attempt) -> str:
        # Once only: repeated, a start whose answer was lost would inflate again.
        event = await self._order(wire, attempt, suntech_frames.START_ADULT, 1)
        if event == "accepted":
            attempt.owes_result = True
            attempt.t0 = now()
            attempt.deadline = attempt.t0 + self._limit_s
            if not attempt.begun.done():
                attempt.begun.set_result(None)
        return event

    async def _order(self, wire: Exchange, attempt: _Attempt, command: bytes, tries: int) -> str:
        for _ in range(tries):
            frame = await wire.ask(command, suntech_frames.ACK, "O")
            if frame is not None:
                attempt.cause = attempt.cause or (None if frame.letter == "O" else "refused")
                return "accepted" if frame.letter == "O" else "refused"
        attempt.cause = attempt.cause or "no-reply"
        return "silent"

    async def _follow(self, wire: Exchange, attempt: _Attempt) -> str:
        """Poll the cuff pressure on a fixed grid of times, so that a sample's index is its time."""
        # A quarter of an interval late is still that sample; later than that, it is a lost one.
        reached = math.ceil((now() - attempt.t0) / self._interval - 0.25)
        attempt.index = max(attempt.index + 1, reached)
        await self._until(attempt.t0 + attempt.index * self._interval, lambda: attempt.done or attempt.stopping)
        if attempt.done:
            return "done"
        if now() >= attempt.deadline:
            self._end("time-exceeded")
        if attempt.stopping:
            return "stop"
        frame = await wire.ask(suntech_frames.READ_CUFF, suntech_frames.WORD)
        if frame is not None and frame.kind == suntech_frames.WORD:
            self._sample(suntech_frames.cuff_reading(frame), attempt, attempt.index, wire.emit)
        return "tick"

    def _sample(self, reading: Reading, attempt: _Attempt, index: int, emit: Emit) -> None:
        emit(reading)
        mmhg = reading.value
        if isinstance(mmhg, float):
            attempt.highest = max(attempt.highest, mmhg)
            emit(Wave("cuff", index, self._rate, "mm[Hg]", ("cuff",), ((mmhg,),)))
            if mmhg > suntech_frames.HIGHEST_MMHG:
                self._end("overpressure")

    async def _read_result(self, wire: Exchange, attempt: _Attempt) -> str:
        for _ in range(TRIES):
            frame = await wire.ask(suntech_frames.READ_RESULT, suntech_frames.RESULT)
            if frame is not None and frame.kind == suntech_frames.RESULT:
                seen = attempt.highest if self._rate >= SEEN_WELL_HZ else None
                attempt.conclude(wire.emit, suntech_frames.pressure_result(frame, seen))
                return "result"
        return "silent"

    async def _abort(self, wire: Exchange) -> str:
        self._confirmed = False
        for _ in range(TRIES):
            frame = await wire.ask(suntech_frames.ABORT, suntech_frames.ACK, "AK")
            if frame is not None and frame.letter in ("A", "K"):
                self._confirmed = True
                break
        self.to_vent = self._still_to_vent()
        wire.leave_alone(self._rest_s)
        return "aborted" if self._confirmed else "silent"

    def _still_to_vent(self) -> bool:
        return not self._confirmed and (self.to_vent or self._attempt is not None)

    async def _until(self, moment: float, called: Callable[[], bool]) -> None:
        """Wait until `moment`, or until `called` says that something asks for attention."""
        while not called() and (left := moment - now()) > 0:
            self._attention.clear()
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it may swallow a cancellation, and the cuff would not be vented.
                async with asyncio.timeout(left):
                    await self._attention.wait()
