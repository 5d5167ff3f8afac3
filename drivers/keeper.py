"""One instrument kept alive: its port is opened, listened to, given up and opened again for as long as `run` runs.

Time here is wall time on the monotonic clock. Liveness is the age of the last event and nothing else; a `Trouble` is
no sign of life, because a wrong device on the port makes plenty of them, nor is what a driver says of a silent one.
What talks and never says a word of the protocol is another instrument, and is refused (`drivers.probe`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import traceback
from collections.abc import Callable
from typing import Literal

from drivers import DECODERS
from drivers.errors import Absent, DriverError, OtherLine, PortError, Unplugged, WrongInstrument
from drivers.events import Event, Identity, PressureResult, Trouble
from drivers.glance import fingerprint
from drivers.instrument import Instrument
from drivers.link import OPEN_STATES, LinkEvent, LinkState, step
from drivers.overheard import Overheard
from drivers.pace import USUAL, Pace, back_off
from drivers.probe import Probe, patience, refusal
from drivers.recognize import recognize
from drivers.stream import Stream, open_stream
from drivers.tape import Note, taped

__all__ = ["Keeper", "OnEvent", "OnState", "Pace", "back_off"]

log = logging.getLogger(__name__)

OnEvent = Callable[[str, Event, float], None]
"""Name of the instrument, what it said, when (monotonic seconds)."""
OnState = Callable[[str, LinkState, str], None]
"""Name of the instrument, its new state, the reason in one sentence or ""."""


PROBED = ("/", "socket://")
"""How the address of a port begins behind which there may be any instrument."""

SAID_FOR_IT = ("link-lost", "no-reply")
"""Errors of a cuff measurement that a driver states because the module did not."""


class Keeper:
    """Keeps one instrument's link alive and says what it hears.

    `on_event` gets every event, `on_state` every change of state or of its reason; both are called on the event loop
    and must not block. `note` is told all that goes over the wire, and the orders that are given. `admit`
    gets the port's address before each opening, and raises `DriverError` for a device that was not meant. With
    `accept_simulated` False an instrument that is not known to be real is refused.
    """

    def __init__(
        self,
        name: str,
        url: str,
        instrument: Instrument,
        on_event: OnEvent,
        on_state: OnState,
        accept_simulated: bool,
        pace: Pace = USUAL,
        note: Note | None = None,
        admit: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.state = LinkState.ABSENT
        self.reason = "Its port has not been tried yet: wait a moment."
        self.last_seen: float | None = None
        """Monotonic time of the last sign of life, None before the first."""
        self.simulated: bool | None = None
        """Whether the port that is, or was last, open is a simulated one."""
        self.identity: Identity | None = None
        """What the instrument on that port said of itself."""
        self._url = url
        self._instrument = instrument
        self._on_event = on_event
        self._on_state = on_state
        self._accept_simulated = accept_simulated
        self._pace = pace
        self._note = note
        self._admit = admit
        self._stream: Stream | None = None
        self._asked = False
        self._heard = False
        self._probe = Probe()
        self._refusal = ""
        """Why the last thing on this port was refused, until something of the protocol is heard there."""
        self._excuse = ""
        """What the instrument said last in its own protocol instead of a value, until it gives one."""
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def instrument(self) -> Instrument:
        """The driver that is kept."""
        return self._instrument

    async def run(self) -> None:
        """Keep the link until cancelled; then the instrument is left safe before its port is closed."""
        failures = 0
        try:
            while True:
                began = time.monotonic()
                ended = await self._session()
                # Where silence is normal, a long life says what an event says elsewhere: the port works.
                worked = self._heard or time.monotonic() - began > 2 * self._pace.longest_s
                failures = 0 if worked else failures + 1
                if ended is LinkEvent.BROKEN:
                    await asyncio.sleep(self._pace.broken_s)
                elif self._refusal and ended is LinkEvent.REFUSED:
                    await self._pause(self._pace.foreign_s)
                else:
                    # Chance only keeps several instruments from knocking in step.
                    await self._pause(back_off(failures, self._pace, random.random()))  # noqa: S311
        finally:
            self._move(LinkEvent.LOST, "Its port was given back.")

    async def start(self) -> None:
        """Begin to measure. Raises `DriverError` when the instrument is not there or refuses."""
        if self.state not in OPEN_STATES:
            raise DriverError(f"The {self._instrument.kind} is not connected: plug it in and wait until it is ready.")
        asked, self._asked = self._asked, True
        self._since = time.monotonic()
        self._noted("start")
        try:
            await self._instrument.start()
        except BaseException:
            self._asked = asked
            raise
        finally:
            self._settle()

    async def stop(self) -> None:
        """Stop measuring and leave the person safe; idempotent, and nothing to do without an instrument."""
        if self.state not in OPEN_STATES:
            return
        self._noted("stop")
        try:
            await self._instrument.stop()
        finally:
            self._asked = False
            self._settle()

    def reopen(self) -> None:
        """Have the port closed and opened anew, as after an unplug; nothing happens where it is not open."""
        if self._stream is not None:
            self._stream.close()

    @property
    def left_safe(self) -> bool:
        """Whether the instrument owes no confirmation of a stop: while it does, its driver's `to_vent` is true."""
        return not getattr(self._instrument, "to_vent", False)

    async def _session(self) -> LinkEvent:
        """One life of the port; tells how it ended."""
        self._heard = False
        try:
            while True:
                with contextlib.suppress(OtherLine):
                    await self._serve()
                    break
            ended, reason = LinkEvent.BROKEN, self._broken("it ended by itself")
        except (Absent, Unplugged) as error:
            ended, reason, self._refusal = LinkEvent.LOST, str(error), ""
        except DriverError as error:
            ended, reason = LinkEvent.REFUSED, str(error)
        except asyncio.CancelledError:
            # Whatever its driver waited for was given up; the keeper itself was not cancelled, if the end says so.
            ended, reason = LinkEvent.BROKEN, self._broken("CancelledError")
        except Exception as error:
            ended, reason = LinkEvent.BROKEN, self._broken(type(error).__name__)
            # Only where it broke: the text of a foreign exception may hold a measured value.
            log.error("%s", reason + "\n" + "".join(traceback.format_tb(error.__traceback__)))
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # The instrument failed while it was being left safe: that must not undo the cancellation.
            raise asyncio.CancelledError
        self._move(ended, reason)
        return ended

    async def _serve(self) -> None:
        self._admit(self._url)
        stream = await open_stream(self._url, self._instrument.line)
        try:
            self._accept(stream)
            if self._note is not None:
                stream = taped(stream, self._note)
            self._stream = stream
            await self._instrument.run(self._probed(stream), self._hear)
        finally:
            self._stream = None
            self._forget_timer()
            stream.close()

    def _accept(self, stream: Stream) -> None:
        if stream.simulated and not self._accept_simulated:
            raise PortError(
                f"The {self._instrument.kind} at {self._url} is not known to be a real instrument: "
                "connect a real one, or allow simulated instruments in the configuration."
            )
        self.simulated = stream.simulated
        self.identity = None
        # An instrument that went away is not measuring when it is back: nothing starts again by itself.
        self._asked = False
        # A port that is opened again with another line has been as silent as it was, or talks as it did.
        if self.state not in OPEN_STATES:
            self._since = time.monotonic()
            self._probe, self._excuse = Probe(), ""
            self._move(
                LinkEvent.OPENED, self._refusal or "Its port is open and nothing was heard yet: wait a moment."
            )
        self._settle()

    def _probed(self, stream: Stream) -> Stream:
        """The stream as the driver gets it: bytes alone do not say whose they are, everything else names itself."""
        if not self._url.startswith(PROBED):
            return stream
        return Overheard(stream, self._refuse_foreign, self._overhear)

    def _overhear(self, data: bytes) -> None:
        if self._probe.pending:
            self._since = time.monotonic()
            self._probe.take(data, self._since, self._patience())
            self._move(LinkEvent.BYTES, self._refusal or "Something speaks there, and is listened to: wait a moment.")
            self._watch()

    def _refuse_foreign(self) -> None:
        """Raise `WrongInstrument` once the port has talked for too long without a word of the protocol."""
        if not self._probe.is_foreign(self._patience()):
            return
        other = recognize(self._probe.said, DECODERS)
        if other == self._instrument.protocol:
            # Its driver wants more than its decoder does: that is no reason to call it another instrument.
            self._probe.known()
            return
        self._refusal = refusal(self._url, self._instrument.kind, self._instrument.protocol, other)
        raise WrongInstrument(self._refusal)

    def _patience(self) -> float:
        return patience(self._instrument.quiet_s, self._pace.probe_s)

    def _hear(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Identity):
            self.identity = event
        # One out of its memory is not the one that was asked for.
        if isinstance(event, PressureResult) and "from-memory" not in event.flags:
            self._asked = False
        if not _is_silence(event):
            self._heard, self._refusal = True, ""
            self._excuse = ""
            self._probe.known()
            self.last_seen = self._since = now
            self._move(self._sign_of_life())
        elif isinstance(event, Trouble) and event.code == "refused":
            # No sign of life, but its own protocol: it is the right instrument, and says why it gives nothing.
            self._excuse = event.detail
            self._probe.known()
        self._on_event(self.name, event, now)
        self._watch()

    def _noted(self, order: Literal["start", "stop"]) -> None:
        if self._note is not None:
            self._note(order, b"")

    def _settle(self) -> None:
        """Follow the instrument's will without having heard it: only where its silence is normal, or was not long."""
        if self._instrument.quiet_s is None or self.state in (LinkState.READY, LinkState.MEASURING):
            self._move(self._sign_of_life())
        self._watch()

    def _sign_of_life(self) -> LinkEvent:
        return LinkEvent.ACTIVE if self._asked else LinkEvent.IDLE

    def _watch(self) -> None:
        """Be woken when the silence that is healthy right now is over."""
        quiet = self._instrument.quiet_s
        if quiet is None or self.state not in OPEN_STATES:
            self._forget_timer()
            return
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._since + quiet - time.monotonic())
        # A timer that comes earlier looks again by itself: it is not renewed at every event.
        if self._timer is None or self._timer.when() > loop.time() + wait:
            self._forget_timer()
            self._timer = loop.call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        quiet = self._instrument.quiet_s
        if quiet is not None and time.monotonic() - self._since >= quiet:
            self._move(LinkEvent.QUIET, self._silence(quiet))
        else:
            self._watch()

    def _silence(self, quiet: float) -> str:
        kind = self._instrument.kind
        if self._excuse:
            return f"The {kind} answers and gives no value: {self._excuse}."
        return f"The {kind} has been silent for {quiet:g} s: check its cable and its power."

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self, event: LinkEvent, reason: str = "") -> None:
        state = step(self.state, event)
        if state is not self.state or (reason and reason != self.reason):
            self.state, self.reason = state, reason
            self._on_state(self.name, state, reason)

    def _broken(self, how: str) -> str:
        return (
            f"The driver of the {self._instrument.kind} broke ({how}): it starts again in {self._pace.broken_s:g} s; "
            "report it if it comes back."
        )

    async def _pause(self, wait: float) -> None:
        """Wait, but no longer than until a local path appears or changes."""
        end = time.monotonic() + wait
        before = fingerprint(self._url)
        # The kernel has no event for a path that Python can await without a thread, and a glance is cheap.
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(self._pace.glance_s, left))
            now = fingerprint(self._url)
            if now is not None and now != before:
                return
            before = now


def _is_silence(event: Event) -> bool:
    """Whether the driver says this by itself, of an instrument that it did not hear."""
    return isinstance(event, Trouble) or (isinstance(event, PressureResult) and event.error in SAID_FOR_IT)
