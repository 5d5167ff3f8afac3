"""The instruments of this cabin: one keeper each, and who listens to what they say."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from cabin_agent.black_box import BlackBox
from cabin_agent.care import Care
from cabin_agent.config import InstrumentSettings
from cabin_agent.face import Json, Refusal
from cabin_agent.inventory import Inventory
from cabin_agent.results import Device
from cabin_agent.traffic import Traffic
from cabin_signal.temperature import RoomReason, RoomWatch
from drivers import DRIVERS, by_hand, comes_and_goes, shows_empty
from drivers.binding import Binding, same_port
from drivers.capture import Head
from drivers.errors import DriverError, PortError
from drivers.events import Event, NoValue, PressureResult, Reading, Trouble
from drivers.instrument import TonePlayer
from drivers.keeper import Keeper
from drivers.link import LinkState

Heard = tuple[Event, float]
"""An event and the monotonic second at which it arrived."""

USABLE = (LinkState.READY, LinkState.MEASURING)
QUEUE = 4096
"""Events that wait for one listener; a measure that hangs must not fill the memory."""

INVENTORY_S = 60.0
"""Real seconds between two looks at whether the inventory is to be written."""


def wall_ms() -> int:
    """UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _taken(settings: InstrumentSettings, speed: float) -> dict[str, Any]:
    """What the instrument's driver takes of its settings."""
    calibration = None if settings.calibration is None else str(settings.calibration)
    offered: dict[str, Any] = {
        "site": settings.site,
        "gain": settings.gain,
        "time_scale": speed,
        "calibration": calibration,
    }
    return {name: offered[name] for name in DRIVERS[settings.protocol].takes}


class Ear:
    """One listener's queue: events of one kind of instrument, and a mark whenever its link changes."""

    def __init__(self, *, patient: bool = False) -> None:
        """`patient`: the instrument comes and goes, and is waited for when it is away."""
        self.queue: asyncio.Queue[Heard | LinkState] = asyncio.Queue(QUEUE)
        self.patient = patient

    def put(self, item: Heard | LinkState) -> None:
        """Take one item; the oldest goes when the listener does not keep up."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(item)

    async def next(self) -> Heard | LinkState:
        """The next event, or the next state of the link."""
        return await self.queue.get()


class Instruments:
    """All keepers, by the kind of their instrument; at most one of each kind."""

    def __init__(
        self,
        settings: Iterable[InstrumentSettings],
        *,
        accept_simulated: bool,
        speed: float,
        on_event: Callable[[str, Event, float], None],
        on_state: Callable[[str, Json], None],
        on_unsafe: Callable[[], None] = lambda: None,
        black_box: BlackBox | None = None,
        inventory: Inventory | None = None,
    ) -> None:
        """`on_unsafe` is called when `unsafe` changed; `black_box` is told every byte."""
        self._settings: dict[str, InstrumentSettings] = {each.driver: each for each in settings}
        self._names: dict[str, str] = {each.name: kind for kind, each in self._settings.items()}
        self._ears: dict[str, set[Ear]] = {kind: set() for kind in self._settings}
        self._on_event, self._on_state, self._on_unsafe = on_event, on_state, on_unsafe
        self._unsafe: set[str] = set()
        self._by_hand: set[str] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._room = RoomWatch()
        self._inventory = inventory or Inventory(None)
        self._care = {
            kind: Care(each, self._inventory, wall_ms, comparable=speed == 1, speed=speed)
            for kind, each in self._settings.items()
        }
        self._traffic: dict[str, Traffic] = {}
        self._keepers = {
            kind: self._keeper(kind, each, _taken(each, speed), accept_simulated, black_box)
            for kind, each in self._settings.items()
        }

    def _keeper(
        self,
        kind: str,
        settings: InstrumentSettings,
        taken: dict[str, Any],
        accept_simulated: bool,
        black_box: BlackBox | None,
    ) -> Keeper:
        head = Head(settings.protocol, taken, accept_simulated)
        self._traffic[kind] = Traffic(None if black_box is None else black_box.wire(kind, head))
        binding = Binding(kind, settings.usb_serial, settings.usb_port)
        return Keeper(
            kind,
            binding.address(settings.url),
            DRIVERS[settings.protocol](**taken),
            self._heard,
            self._changed,
            accept_simulated,
            note=self._traffic[kind].wire,
            admit=partial(self._admit, binding),
        )

    def _admit(self, binding: Binding, url: str) -> None:
        """Refuse a device that was not meant, and a port that another instrument has by another name."""
        binding.check(url)
        for kind, settings in self._settings.items():
            if kind != binding.kind and same_port(settings.url, url):
                raise PortError(
                    f"{url} and {settings.url}, of the {kind}, are one port: write the port of the {binding.kind}; "
                    "'cabin devices --ports' lists what is plugged in."
                )

    async def run(self) -> None:
        """Keep every instrument until cancelled; each one is left safe."""
        try:
            async with asyncio.TaskGroup() as group:
                for keeper in self._keepers.values():
                    group.create_task(keeper.run(), name=f"keeper {keeper.name}")
                group.create_task(self._keep_inventory(), name="inventory")
        finally:
            self._inventory.save()

    async def _keep_inventory(self) -> None:
        while True:
            await asyncio.sleep(INVENTORY_S)
            for care in self._care.values():
                care.tally()
            await asyncio.to_thread(self._inventory.save)

    def visit(self, began_ms: int | None) -> None:
        """A visit began, or none is open: older readings of an instrument's memory are refused."""
        for care in self._care.values():
            care.visit(began_ms)
        if began_ms is not None:
            self._stop_what_was_started_by_hand()

    async def by_hand(self, kind: str, verb: str) -> None:
        """A technician's "start" or "stop"; what was started so is stopped when a visit begins.

        Raises `DriverError`.
        """
        if verb == "start":
            await self.start(kind)
            self._by_hand.add(kind)
        else:
            self._by_hand.discard(kind)
            await self.stop(kind)

    def _stop_what_was_started_by_hand(self) -> None:
        for kind in self._by_hand:
            task = asyncio.create_task(self._stop_quietly(kind), name=f"stop {kind}")
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        self._by_hand.clear()

    async def _stop_quietly(self, kind: str) -> None:
        """Where it does not confirm, it counts as unsafe, and every page says so."""
        with suppress(DriverError):
            await self.stop(kind)

    def care(self, kind: str) -> Care | None:
        """What is kept of this instrument beside its values; None where there is no such instrument."""
        return self._care.get(kind)

    @contextmanager
    def listen(self, kind: str) -> Iterator[Ear]:
        """Hear what instruments of this kind say from now on."""
        ear = Ear(patient=self.comes_and_goes(kind))
        self._ears.setdefault(kind, set()).add(ear)
        try:
            yield ear
        finally:
            self._ears[kind].discard(ear)

    def usable(self, kind: str) -> bool:
        """Whether the instrument is there and answers."""
        keeper = self._keepers.get(kind)
        return keeper is not None and keeper.state in USABLE

    def present(self, kind: str) -> bool:
        """Whether the configuration has an instrument of this kind."""
        return kind in self._keepers

    def started_by_person(self, kind: str) -> bool:
        """Whether the person has to press a button of the instrument itself."""
        return kind in self._settings and by_hand(self._settings[kind].protocol)

    def shows_empty(self, kind: str) -> bool:
        """Whether it is a scale that says so when nobody stands on it."""
        return kind in self._settings and shows_empty(self._settings[kind].protocol)

    def comes_and_goes(self, kind: str) -> bool:
        """Whether the instrument is there only while it is used."""
        return kind in self._settings and comes_and_goes(self._settings[kind].protocol)

    def reason(self, kind: str) -> str:
        """Why the instrument is not usable, as a sentence; empty where it is."""
        keeper = self._keepers.get(kind)
        return "No such instrument is configured in this cabin." if keeper is None else keeper.reason

    async def start(self, kind: str) -> None:
        """Begin to measure; raises `DriverError`. One that comes and goes is told nothing while it is away."""
        if self.usable(kind) or not self.comes_and_goes(kind):
            await self._keepers[kind].start()

    async def stop(self, kind: str) -> None:
        """Stop measuring and leave the person safe; nothing happens where there is no such instrument.

        Raises `DriverError` where it did not confirm: it counts as unsafe until it does, or until `cleaned`.
        """
        if kind not in self._keepers:
            return
        try:
            await self._keepers[kind].stop()
        except DriverError:
            self._is_unsafe(kind, True)
            raise
        except Exception as defect:
            self._is_unsafe(kind, True)
            raise DriverError(
                f"The driver of the {kind} broke as it was stopped ({type(defect).__name__}): look at the {kind}."
            ) from None

    def reopen(self, kinds: Iterable[str]) -> None:
        """Have the ports of these kinds closed and opened anew."""
        for kind in kinds:
            self._keepers[kind].reopen()

    def tones(self, kind: str) -> TonePlayer | None:
        """The instrument as one that plays tones; None where it makes its own test."""
        driver = self._keepers[kind].instrument
        return driver if isinstance(driver, TonePlayer) else None

    def press(self, kind: str, down: bool) -> None:
        """The response button on the screen was pressed or let go; nothing happens where none is wanted."""
        if kind in self._keepers and (player := self.tones(kind)) is not None:
            player.press(down)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Kinds of instrument that did not confirm that they left the person safe: a cuff may be tight."""
        return tuple(kind for kind in self._keepers if kind in self._unsafe)

    def cleaned(self) -> None:
        """Somebody had every instrument in hand and nobody is in the cabin: none is unsafe."""
        self._unsafe.clear()

    def device(self, kind: str) -> Device:
        """The instrument as evidence: the model of its plate if the settings name it, else what it says of itself."""
        keeper, settings = self._keepers[kind], self._settings[kind]
        identity = keeper.identity
        return Device(
            kind=kind,
            protocol=settings.protocol,
            model=identity.model if identity and settings.model == settings.name else settings.model,
            serial=(identity.serial if identity else None) or settings.serial or None,
            firmware=identity.firmware if identity else None,
            simulated=keeper.simulated is not False,
            clock_offset_s=self._care[kind].clock_offset_s,
        )

    def simulated(self) -> bool:
        """True if any instrument that is or was open is simulated."""
        return any(keeper.simulated for keeper in self._keepers.values())

    def site(self, kind: str) -> str | None:
        """Where on the body this instrument measures, as configured."""
        return self._settings[kind].site

    def kind_of(self, name: str) -> str:
        """The kind of an instrument by its configured name or its kind; raises `Refusal`."""
        kind = self._names.get(name, name)
        if kind not in self._keepers:
            raise Refusal("unknown-instrument", f"No instrument is called so; there are: {', '.join(self._names)}.")
        return kind

    def calibrated(self, kind: str, day: date | None) -> None:
        """The instrument of this kind was last calibrated on this day; None: nobody knows."""
        self._settings[kind] = replace(self._settings[kind], calibrated=day)
        self._care[kind].calibrated(day)

    def overview(self) -> list[Json]:
        """Every instrument as the API shows it."""
        return [self._view(name, kind) for name, kind in self._names.items()]

    def _view(self, name: str, kind: str) -> Json:
        keeper, device = self._keepers[kind], self.device(kind)
        calibrated = self._settings[kind].calibrated
        age = None if keeper.last_seen is None else round(time.monotonic() - keeper.last_seen, 3)
        return {
            "name": name,
            "kind": kind,
            "protocol": device.protocol,
            "url": self._settings[kind].url,
            "state": keeper.state.value,
            "reason": keeper.reason,
            "age_s": age,
            "model": device.model,
            "serial": device.serial,
            "firmware": device.firmware,
            "calibrated": calibrated.isoformat() if calibrated else None,
            **self._kept(kind),
            "simulated": keeper.simulated,
        }

    def _kept(self, kind: str) -> Json:
        """What the inventory adds to the view."""
        care = self._care[kind]
        known = care.known
        return {
            "calibration_due": care.due.isoformat() if care.due else None,
            "past_due": care.past_due(),
            "hours": round(known.open_s / 3600, 1),
            "openings": known.openings,
            "measured": known.measured,
            "failed": known.failed,
            "self_test": known.self_test or None,
            "clock_offset_s": care.clock_offset_s,
            "old_readings": care.refused,
            "unconfirmed": care.unconfirmed or None,
            **self._traffic[kind].view(),
        }

    def room(self) -> tuple[RoomReason, ...]:
        """What is wrong with the room of the last quarter of an hour, as the thermometer sees it."""
        return self._room.reasons()

    def _heard(self, kind: str, event: Event, at: float) -> None:
        old = self._care[kind].heard(event)
        if old is not None:
            event = Trouble("old-reading", old)
        self._traffic[kind].heard(event)
        if isinstance(event, Reading) and event.quantity == "ambient_temperature":
            self._room.update([at], [math.nan if isinstance(event.value, NoValue) else event.value])
        for ear in self._ears[kind]:
            ear.put((event, at))
        self._on_event(kind, event, at)
        left_safe = self._keepers[kind].left_safe
        if left_safe or isinstance(event, PressureResult):
            self._is_unsafe(kind, not left_safe)

    def _is_unsafe(self, kind: str, unsafe: bool) -> None:
        if unsafe is not (kind in self._unsafe):
            (self._unsafe.add if unsafe else self._unsafe.discard)(kind)
            self._on_unsafe()

    def _changed(self, kind: str, state: LinkState, reason: str) -> None:
        self._care[kind].changed(state)
        for ear in self._ears[kind]:
            ear.put(state)
        self._on_state(kind, {"instrument": kind, "state": state.value, "reason": reason})
