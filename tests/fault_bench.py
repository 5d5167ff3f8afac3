"""One simulated instrument on its real wire, its keeper, and a body whose history is known: for the fault matrix.

Nothing here waits for a time where an event could be awaited; only a fault itself lasts some time, because most of
what it does wrong is that something does not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from drivers import DRIVERS
from drivers.errors import DriverError
from drivers.events import Event
from drivers.headphone import Audiometer as Headphones
from drivers.instrument import Instrument
from drivers.keeper import Keeper
from drivers.link import OPEN_STATES, LinkState
from drivers.stream import Line, open_stream
from simulators.body import Body
from simulators.physiology import Physiology
from simulators.rack import Ready, run_rack
from tests.fault_cases import (
    AFTER,
    BEFORE,
    BY_NEW_PERSON,
    HELD_S,
    HOLDING,
    LASTS_S,
    LATE_S,
    LIMIT_S,
    PRESENCE,
    READY_S,
    SHORT_S,
    SPLIT_S,
    START_S,
    TONE,
    WELL,
    Case,
)
from tests.fault_ears import Ears
from tests.steady import Steady
from tests.truth import Truth


class Bench:
    """The instrument of one case; `complaints` are what was false."""

    def __init__(self, folder: Path, case: Case, clock: Steady) -> None:
        self.case, self.complaints = case, list[str]()
        self._folder, self._setting, self._clock = folder, case.setting, clock
        self._body = Body(1, BEFORE)
        self._truth = Truth(case.setting.speed, LATE_S + SPLIT_S * (case.fault == "silence"), case.setting.per_mv)
        self._instrument: Instrument = DRIVERS[case.setting.protocol](**case.setting.arguments)
        self._kind = self._instrument.kind
        self._more, self._ordering = asyncio.Event(), asyncio.Lock()
        self._blind = False
        self._ears = Ears(self._kind, self._truth)
        self._tones: asyncio.Task[None] | None = None

    # --- what happens ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The whole case; raises `AssertionError` with one sentence."""
        try:
            await self._begin()
            await self._break()
            await self._heal()
            await self._measure_again()
        finally:
            await self._end()
        assert not self.complaints, self.complaints[0]

    async def _begin(self) -> None:
        early = [self.case.fault] if self.case.moment == "before" else []
        ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._person, self._there = BEFORE, False
        self._seen()
        if self._kind in PRESENCE:
            self._body.change(0.0, {PRESENCE[self._kind]: False})
        name, speed = self._setting.model, self._setting.speed
        self._rack = asyncio.create_task(
            run_rack(self._folder, [name], self._body, speed, faults={name: early}, ready=ready.set_result)
        )
        met = await ready
        self._url = met.urls[name]
        self._reader, self._writer = await asyncio.open_unix_connection(met.control)
        if early:
            await self._becomes(AFTER)
        self.keeper = Keeper(name, self._url, self._instrument, self._event, self._state, accept_simulated=True)
        self._run = asyncio.create_task(self.keeper.run())

    async def _break(self) -> None:
        """The fault comes at its moment, and lasts."""
        moment = self.case.moment
        if moment == "before":
            self._blind = self.case.unseen
            await self._lasts(lambda: self._ears.odd)
            await self._measured_in_vain()
            return
        await self.until(self._is_well, "is ready")
        if moment != "idle" and moment != "start":
            await self._start()
            await self.until(self._flows if moment == "middle" else self._nears_its_end, "measures")
        together = {"start": self._start, "end": self._stop if not self._setting.pumps else _nothing}
        await asyncio.gather(self._fails(), together.get(moment, _nothing)())
        odd = self._ears.odd
        await self._lasts(lambda: self._ears.odd > odd)
        if moment in ("idle", "end"):
            await self._measured_in_vain()

    async def _fails(self) -> None:
        self._blind = self.case.unseen
        await self._order(fault=self.case.fault)
        await self._becomes(AFTER)

    async def _measured_in_vain(self) -> None:
        """Somebody measures while it is wrong, which may even succeed."""
        odd, true = self._ears.odd, self._ears.true
        await self._start()
        await self._lasts(lambda: self._ears.odd > odd or self._ears.true > true)

    async def _lasts(self, seen: Callable[[], object]) -> None:
        """A fault lasts until something is seen of it, and silence until it is found out."""
        await self._passes(HELD_S if self.case.fault in HOLDING else SHORT_S)
        quiet = self._instrument.quiet_s
        if self.case.fault == "silence" and self.keeper.state in OPEN_STATES and quiet is not None:
            await self.until(lambda: self.keeper.state not in WELL, "is stale", quiet + 1.0)
        else:
            await self._passes(LASTS_S, seen)

    async def _heal(self) -> None:
        """The fault ends; from then on two seconds are enough."""
        assert not self._run.done(), f"{self.case}: the keeper died"
        await self._order(clear=self.case.fault)
        began = self._clock.now()
        await self.until(self._is_well, "is ready again", self.case.ready_s)
        if self._kind not in PRESENCE:
            await self._stop()
        await self.until(self._is_well, "is ready again", max(0.1, began + self.case.ready_s - self._clock.now()))

    async def _measure_again(self) -> None:
        """What it measures then is true."""
        self._ears.forget()
        if self.case.fault == "clock-unset":
            # A clock that was set meanwhile is read when the port is opened, and not before.
            self.keeper.reopen()
        if self.case.unseen:
            # What was sent before the fault ended is on its way.
            await self._passes(LATE_S)
        self._blind = False
        end = self._clock.now() + LIMIT_S
        while not self._ears.true and self._clock.now() < end:
            if self._setting.once or self.case.fault in BY_NEW_PERSON:
                await self._comes(False)
                await self._passes(LATE_S)
            if self._may_start():
                await self._start()
            await self._passes(1.0, lambda: self._ears.true)
        assert self._ears.true, f"{self.case}: no true value afterwards; {self.keeper.state}, {self.keeper.reason}"

    def _may_start(self) -> bool:
        """What was begun before the fault ended may end without a value: the person is asked to try again."""
        silent = self._tones is not None and self._tones.done()
        return self.keeper.state is LinkState.READY or self._kind in PRESENCE or silent

    async def _end(self) -> None:
        """Everything is given back; a module's cuff is empty then."""
        if self._tones is not None:
            self._tones.cancel()
            await asyncio.gather(self._tones, return_exceptions=True)
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        try:
            assert self.keeper.left_safe, f"{self.case}: the cuff was not vented"
            if self._setting.protocol == "suntech":
                await self._check_cuff()
        finally:
            self._writer.close()
            self._rack.cancel()
            await asyncio.gather(self._rack, return_exceptions=True)

    async def _check_cuff(self) -> None:
        """The pressure in the cuff, asked for on its wire."""
        stream = await open_stream(self._url, Line(9600))
        try:
            async with asyncio.timeout(READY_S):
                mmhg, said = 300, b""
                while mmhg > 5:
                    await stream.write(bytes.fromhex("3a 79 05 00 48"))
                    said = b""
                    while len(said) < 5:
                        said += await stream.read()
                    mmhg = int.from_bytes(said[2:4], "little")
        except TimeoutError:
            raise AssertionError(f"{self.case}: the cuff still holds the arm") from None
        finally:
            stream.close()

    # --- orders ---------------------------------------------------------------------------------------------------

    async def _order(self, **command: object) -> None:
        asked = command if "body" in command else {"instrument": self._setting.model, **command}
        async with self._ordering:
            self._writer.write(json.dumps(asked).encode() + b"\n")
            answer = json.loads(await self._reader.readline())
        assert answer == {"ok": True}, answer

    async def _becomes(self, person: Physiology) -> None:
        changed = {
            name: getattr(person, name)
            for name in Physiology.__dataclass_fields__
            if getattr(person, name) != getattr(BEFORE, name)
        }
        self._person = person
        self._seen()
        await self._order(body=changed)

    def _seen(self) -> None:
        """An infrared thermometer that nobody faces looks at the wall."""
        person = self._person
        if self._setting.infrared and not self._there:
            person = replace(person, temperature=person.ambient)
        self._truth.becomes(person, self._clock.now())

    async def _comes(self, there: bool) -> None:
        """The person begins or ends what begins a measurement without an order."""
        if self._kind in PRESENCE:
            self._there = there
            self._seen()
            await self._order(body={PRESENCE[self._kind]: there})

    async def _start(self) -> bool:
        """A measurement begins: by the person, or by an order; False where it was refused."""
        await self._comes(True)
        self._ears.begin()
        try:
            async with asyncio.timeout(START_S):
                await self.keeper.start()
        except TimeoutError:
            return False
        except DriverError as error:
            assert str(error).endswith("."), error
            return False
        if isinstance(self._instrument, Headphones) and (self._tones is None or self._tones.done()):
            self._tones = asyncio.create_task(self._play(self._instrument))
        return True

    async def _stop(self) -> None:
        await self._comes(False)
        with contextlib.suppress(DriverError):
            await self.keeper.stop()

    async def _play(self, phones: Headphones) -> None:
        """Tone after tone, until the card is gone or the test is stopped."""
        with contextlib.suppress(DriverError):
            while True:
                await phones.present(TONE)

    # --- what is heard --------------------------------------------------------------------------------------------

    async def until(self, enough: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for something that an event or a state brings; `AssertionError` names what did not come."""
        end = self._clock.now() + limit_s
        while not enough():
            if self._clock.now() > end:
                state = f"{self.keeper.state}, {self.keeper.reason}"
                raise AssertionError(f"{self.case}: not so within {limit_s:.1f} s: {what}; {state}")
            await self._any_news(0.05)

    async def _passes(self, seconds: float, seen: Callable[[], object] = bool) -> None:
        """Let some time pass, but no more than until something is seen."""
        with contextlib.suppress(AssertionError):
            await self.until(seen, "", seconds)

    async def _any_news(self, limit_s: float) -> None:
        self._more.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._more.wait()

    def _is_well(self) -> bool:
        return self.keeper.state in (OPEN_STATES if self._setting.once else WELL)

    def _flows(self) -> bool:
        if self._setting.pumps:
            return self._ears.mmhg > 60
        if isinstance(self._instrument, Headphones):
            return self._ears.sounding
        return self._ears.values > 0 or self._kind in ("tensiometer", "audiometer")

    def _nears_its_end(self) -> bool:
        return self._ears.top_mmhg > 100 and self._ears.mmhg < 100 if self._setting.pumps else self._flows()

    def _state(self, _name: str, state: LinkState, reason: str) -> None:
        if state not in WELL:
            self._ears.odd += 1
            if not reason.endswith(".") or "broke" in reason:
                self.complaints.append(f"{self.case}: {state} without a sentence that helps: {reason!r}")
        self._more.set()

    def _event(self, _name: str, event: Event, _at: float) -> None:
        complaint = None if self._blind else self._truth.complaint(event, self._clock.now())
        if complaint:
            self.complaints.append(f"{self.case}: {complaint}: {event}")
        self._ears.hear(event)
        self._more.set()


async def _nothing() -> None:
    pass
