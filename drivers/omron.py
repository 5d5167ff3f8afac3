"""Omron HEM-790IT blood-pressure monitor: a memory that is read over USB, and a button that only the person presses.

Source: protocol sheet "Omron HEM-790IT / HJ-720IT family, USB HID"; bytes in `drivers.omron_reports`, requests in
`drivers.omron_exchange`. The device has no command to measure and shows no cuff pressure: `start` looks at what is in
memory, which is old, and then looks again and again until something newer is there. Between two looks its session is
ended, so that it is off and free to be used; the captured sessions show that it wakes again on the same connection.

Its clock was set by a person, has no zone and cannot be read. `taken` is its time: whoever has a clock learns the
offset from a reading that appeared just now, between two looks `LOOK_S` apart and within the time that a
measurement takes, and refuses one that lies outside the visit. What is in memory when the port is opened is told with
the flag "from-memory"; a reading that was there before, or is not later than all that was, is never a result.

Unconfirmed: the bits for irregular beats and movement, the coding of the serial number, the feature report's meaning,
and whether the device lets a person measure while it is plugged in.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from drivers import omron_reports as wire
from drivers.errors import DriverError, WrongInstrument
from drivers.events import Event, NoValue, PressureResult, Trouble, Why
from drivers.instrument import Emit
from drivers.omron_exchange import Exchange
from drivers.omron_reports import Record
from drivers.stream import Stream, UsbLine, usb_port
from drivers.together import together

LOOK_S = 3.0
"""Between two looks at the memory while a reading is waited for."""
GREETING_S = 3.0
"""Between two attempts to wake a device that does not answer."""
LIMIT_S = 180.0
"""Longest wait for a reading: the person has to press the button, and a measurement takes about a minute."""
LAST_WORD_S = 1.0
RECALLED = 3
"""Old readings that are told when the port is opened: as many as one TruRead triple."""
UNCONFIRMED = "the flags for irregular beats and movement, and whether it measures while it is plugged in"


class Decoder:
    """Reports of the device, as a capture holds them one after the other; every reading is one from its memory."""

    def __init__(self) -> None:
        self._framer = wire.Reports()
        self._reply = b""

    def feed(self, data: bytes) -> list[Event]:
        """A reading, an identity, or what was refused; every other reply is no event."""
        found: list[Event] = []
        for report in self._framer.feed(data):
            found += [report] if isinstance(report, Trouble) else self._take(report)
        return found

    def _take(self, report: bytes) -> list[Event]:
        found: list[Event] = []
        if wire.begins(report):
            found += self._told()
            self._reply = report
        elif self._reply:
            self._reply += report
        if self._reply and (wire.is_whole(self._reply, report) or len(self._reply) > wire.LONGEST):
            found += self._told()
        return found

    def _told(self) -> list[Event]:
        """The reply that is whole, or was followed by another."""
        reply, self._reply = self._reply, b""
        if reply in (b"", wire.OK, wire.OFF, wire.ASLEEP):
            return []
        if reply == wire.NO:
            return [Trouble("refused", "the device was not ready")]
        said = wire.body(reply)
        if said is None:
            return [Trouble("checksum", "the XOR of a reply is wrong")]
        if len(reply) == wire.RECORD_REPLY:
            record = wire.read_record(said)
            return [record.result("from-memory") if record else _malformed()]
        identity = wire.read_identity(said) if said.startswith(wire.MODEL.encode("ascii")) else None
        return [identity] if identity else []


@dataclass(slots=True)
class _Attempt:
    """One wait for a reading."""

    begun: asyncio.Future[None]
    deadline: float
    known: frozenset[Record] = frozenset()
    """What was in memory when it began."""
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Tensiometer:
    """One HEM-790IT on one USB interface.

    A wait that `start` began ends with exactly one `PressureResult`: the new reading, or none, with the error
    "ended-by-user", "time-exceeded", "link-lost", or "stale" for a new reading that is not later than the old ones,
    as after the device's clock was set back. `look_s`, `limit_s`: as the constants above; `time_scale` is for
    simulated instruments, whose body lives that many times faster.
    """

    kind: ClassVar[str] = "tensiometer"
    protocol: ClassVar[str] = "omron-hem790it"
    line: ClassVar[UsbLine] = UsbLine(
        interface_class=3,
        inward="interrupt",
        outward="interrupt",
        read_bytes=wire.REPORT,
        vendor=0x0590,
        product=0x28,
    )
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    started_by: ClassVar[str] = "person"

    def __init__(self, *, time_scale: float = 1.0, look_s: float = LOOK_S, limit_s: float = LIMIT_S) -> None:
        if time_scale <= 0:
            raise DriverError("The tensiometer takes a time scale above 0.")
        self._look_s, self._limit_s = look_s / time_scale, limit_s / time_scale
        self._greeted = False
        self._attempt: _Attempt | None = None
        self._ordered = asyncio.Event()
        self._at_rest = asyncio.Event()

    @property
    def quiet_s(self) -> float | None:
        """Until it has said who it is, 10 s; after that it is off, or measures, and says nothing."""
        return None if self._greeted else 10.0

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with the device until the stream ends; its session is ended then, so that it turns off."""
        talk = Exchange(usb_port(stream), emit)
        emit(Trouble("unconfirmed", UNCONFIRMED))
        try:
            await together(talk.listen(), self._converse(talk))
        finally:
            self._greeted = False
            self._conclude(emit, _none("link-lost", "missing"))
            with suppress(DriverError, TimeoutError):
                async with asyncio.timeout(LAST_WORD_S):
                    await talk.send_end()

    async def start(self) -> None:
        """Wait for the person to press the device's own button; returns once its memory has been looked at.

        Raises `DriverError` when it is not there, is busy or does not answer.
        """
        if not self._greeted:
            raise DriverError("The tensiometer is not connected: plug it in and wait until it is ready.")
        if self._attempt is not None:
            raise DriverError("The tensiometer waits for a reading already: press its button, or stop it.")
        loop = asyncio.get_running_loop()
        self._attempt = _Attempt(loop.create_future(), loop.time() + self._limit_s)
        self._at_rest.clear()
        self._ordered.set()
        try:
            await self._attempt.begun
        except asyncio.CancelledError:
            if self._attempt is not None:
                self._attempt.stopped.set()
            raise

    async def stop(self) -> None:
        """Wait no longer; a measurement that the device has begun is stopped by its own button alone."""
        if self._attempt is not None:
            self._attempt.stopped.set()
            await self._at_rest.wait()

    async def _converse(self, talk: Exchange) -> None:
        # A device that is off says nothing, and nothing tells when it is switched on.
        while not await self._greet(talk):  # noqa: ASYNC110
            await asyncio.sleep(GREETING_S)
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            if self._attempt is not None:
                await self._await_reading(talk, self._attempt)

    async def _greet(self, talk: Exchange) -> bool:
        """Ask who is there, and tell what its memory holds."""
        if not await talk.wake(wire.DEVICE_INFO):
            return False
        version = await talk.ask(wire.VERSION)
        if version is None:
            return False
        _refuse_another(version)
        await talk.ask(wire.PROFILE, wire.PROFILE_REPLY)
        serial = await talk.ask(wire.SERIAL, wire.SERIAL_REPLY)
        identity = wire.read_identity(version, serial or b"")
        old = await self._look(talk, RECALLED)
        if identity is None or old is None:
            return False
        self._greeted = True
        talk.emit(identity)
        for record in reversed(old):
            talk.emit(record.result("from-memory"))
        return True

    async def _await_reading(self, talk: Exchange, attempt: _Attempt) -> None:
        """One wait, from its first look to its result."""
        before = await self._look(talk, RECALLED)
        if before is None:
            self._refuse(attempt, "The tensiometer does not answer: wait until it shows nothing, then try again.")
            return
        attempt.known = frozenset(before)
        if not attempt.begun.done():
            attempt.begun.set_result(None)
        result = None
        while result is None:
            result = await self._next(talk, attempt)
        self._conclude(talk.emit, result)

    async def _next(self, talk: Exchange, attempt: _Attempt) -> PressureResult | None:
        """Wait a little and look again; None while there is nothing new."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_s):
                await attempt.stopped.wait()
                return _none("ended-by-user", "aborted")
        if asyncio.get_running_loop().time() > attempt.deadline:
            return _none("time-exceeded", "missing")
        # While it measures it does not answer, which is not worth a word each time.
        found = await self._look(talk, 1)
        if not found or found[0] in attempt.known:
            return None
        if any(found[0].taken <= old.taken for old in attempt.known):
            return _none("stale", "device-error")
        return found[0].result()

    async def _look(self, talk: Exchange, most: int) -> list[Record] | None:
        """The newest readings, the newest first, in a session of its own; None when the device does not tell."""
        if not await talk.wake(wire.READINGS):
            return None
        found = await self._read(talk, most)
        await talk.end()
        return found

    async def _read(self, talk: Exchange, most: int) -> list[Record] | None:
        version = await talk.ask(wire.VERSION)
        if version is None:
            return None
        _refuse_another(version)
        said = await talk.ask(wire.count(), wire.COUNT_REPLY)
        count = wire.read_count(said) if said else None
        return None if count is None else await self._records(talk, min(count, most))

    async def _records(self, talk: Exchange, most: int) -> list[Record] | None:
        found = []
        for index in range(most):
            said = await talk.ask(wire.record(index), wire.RECORD_REPLY)
            if said is None:
                return None
            record = wire.read_record(said)
            if record is None:
                talk.emit(_malformed())
            else:
                found.append(record)
        return found

    def _refuse(self, attempt: _Attempt, sentence: str) -> None:
        self._attempt = None
        self._at_rest.set()
        if not attempt.begun.done():
            attempt.begun.set_exception(DriverError(sentence))

    def _conclude(self, emit: Emit, result: PressureResult) -> None:
        """Give the one result of a wait that began, and refuse the one that did not."""
        attempt = self._attempt
        if attempt is None:
            return
        if not attempt.begun.done():
            self._refuse(attempt, "The tensiometer went away: plug it in again.")
            return
        self._attempt = None
        self._at_rest.set()
        # Whoever gave the start up was told of no beginning, and is told of no end.
        if not attempt.begun.cancelled():
            emit(result)


def _refuse_another(version: bytes) -> None:
    """The pedometer of the same maker has the same USB numbers, and only its version tells."""
    if not version.startswith(wire.MODEL.encode("ascii")):
        raise WrongInstrument(
            "The Omron device on USB is no HEM-790IT, perhaps its pedometer: plug in the blood-pressure monitor."
        )


def _none(error: str, why: Why) -> PressureResult:
    none = NoValue(why)
    return PressureResult(none, none, none, none, 0, error)


def _malformed() -> Trouble:
    return Trouble("malformed", "a record of the memory is no reading, or its clock was never set")
