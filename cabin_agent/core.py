"""The core: one visit led by its table, its measures conducted, its results sealed, nothing of it left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cabin_agent.appointments import Appointments
from cabin_agent.attempts import Told
from cabin_agent.black_box import BlackBox
from cabin_agent.broadcast import Broadcast
from cabin_agent.clock import VisitClock
from cabin_agent.conductor import Conductor
from cabin_agent.config import Config
from cabin_agent.consultation import Consultation
from cabin_agent.course import directed, resumed
from cabin_agent.delivery import Delivery, DeliveryError
from cabin_agent.directed import Directed
from cabin_agent.face import Json, Refusal
from cabin_agent.idle import Idle
from cabin_agent.instruments import Instruments
from cabin_agent.inventory import Inventory
from cabin_agent.journal import JournalError
from cabin_agent.kiosk import Desk, translate
from cabin_agent.live import Live
from cabin_agent.open_visit import OpenVisit
from cabin_agent.printing import print_in_thread
from cabin_agent.record import visit_record
from cabin_agent.results import CabinIdentity
from cabin_agent.rules import rules_of
from cabin_agent.trail import Note, note_instrument, note_resumed, note_visits, silent
from cabin_agent.version import VERSION
from cabin_agent.visit import IllegalEvent, Message, Visit, step
from cabin_agent.visit_table import ENTRY, TABLE, Effect, Event, State

log = logging.getLogger(__name__)

FAREWELL_S = 10.0
"""Real seconds that the good-bye stays on the screen before the cabin forgets the visit by itself."""
WAIT_FOR_DOCTOR_S = 300.0
"""Real seconds without a touch that an agent who waits for a doctor is left in peace."""
BOX_FLUSH_S = 1.0
"""Real seconds of the instruments' bytes that a crash may cost the black box."""
STORE_RETRY_S = 2.0
"""Real seconds before what could not be stored (a full disk, say) is tried again."""


class Core:
    """Holds the open visit and performs its effects: one message at a time, each stored before it has effects."""

    def __init__(
        self,
        config: Config,
        open_visit: OpenVisit,
        delivery: Delivery,
        black_box: BlackBox | None = None,
        note: Note = silent,
        clock: VisitClock | None = None,
    ) -> None:
        """`note` writes into the audit log."""
        self._note = note
        self.config, self._open, self.delivery, self._black_box = config, open_visit, delivery, black_box
        self.broadcast = Broadcast()
        self.clock = clock or VisitClock(config.cabin.speed)
        inventory = Inventory(config.cabin.state_dir / "inventory.json")
        inventory.on_other = partial(note_instrument, note)
        self._live = Live(self.broadcast, lambda kind: self.bench.device(kind).simulated)
        self.bench = Instruments(
            config.instruments,
            accept_simulated=config.cabin.accept_simulated,
            speed=config.cabin.speed,
            on_event=self._live.show,
            on_state=lambda _kind, view: self.broadcast.tell({"type": "instrument", **view}),
            on_unsafe=self.changed,
            black_box=black_box,
            inventory=inventory,
        )
        self.rules = rules_of(config)
        self.desk = Desk(
            Appointments(config.visit.appointments),
            self.clock,
            config.visit.notice_version,
            config.visit.code_attempts,
            tuple(dict.fromkeys(each.driver for each in config.instruments)),
        )
        self.idle = Idle(
            self._silence_allowed, config.visit.idle_grace_s, lambda _: self.changed(), self._fell_silent
        )
        self.visit = Visit()
        self.on_between: Callable[[], None] = lambda: None
        """Called at each step between two visits: then settings may change."""
        self._began_ms: int | None = None
        self.conductor: Conductor | None = None
        self.directed: Directed | None = None
        self.consultation = Consultation(self)
        self.sealed = False
        self.ready = False
        self._conducting: asyncio.Task[None] | None = None
        self._sealing: asyncio.Task[None] | None = None
        self._printing: asyncio.Task[bool] | None = None
        self._turn = asyncio.Lock()

    async def run(self, ready: Callable[[], None]) -> None:
        """Resume the stored visit and lead visits until cancelled; every instrument is left safe."""
        self.visit = self._open.load()
        note_resumed(self._note, self.visit.mid, lost=self._open.lost)
        self._visit_follows()
        self.delivery.start(self._delivered)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.bench.run(), name="instruments")
                group.create_task(self.idle.run(), name="idle")
                group.create_task(self._flush_box(), name="black box")
                for effect in ENTRY.get(self.visit.state, ()):
                    await EFFECTS[effect](self)
                await self._end_cleaning()
                self.ready = True
                ready()
                log.info("ready in state %s", self.visit.state)
        finally:
            self.ready = False
            await self._end(self._conducting)
            await self._end(self._sealing)
            await self._end(self._printing)
            self.delivery.stop()
            self._close_box()

    async def said(self, message: Json) -> None:
        """One word of the kiosk; raises `Refusal`."""
        self.idle.touch()
        match message.get("event"):
            case "here":
                pass  # a touch on something that is no button: the person is there
            case "seated":
                self._measuring().seated()
            case "skip":
                self._measuring().skip(str(message.get("task")))
            case "press" | "release" as button:
                self._press(down=button == "press")
            case _:
                await self._said_of_the_visit(message)

    async def apply(self, message: Message, tracks: tuple[bytes, ...] = ()) -> None:
        """Take one step: store it, then perform what it asks for.

        Raises `IllegalEvent`, or `JournalError` when it cannot be stored; then the visit stands where it stood.
        """
        async with self._turn:
            message, tracks = self._with_what_is_left(message, tracks)
            following, effects = step(self.visit, message)
            if Effect.FORGET in effects:
                self._open.forget()
            self._open.keep(following, tracks)
            note_visits(self._note, self.visit.mid, following.mid)
            self.visit = following
            self._visit_follows()
            if following.state is State.READY:
                self.bench.cleaned()
            for effect in effects:
                await EFFECTS[effect](self)
        self.idle.touch()
        self.changed()

    def _visit_follows(self) -> None:
        """The instruments know since when there is a visit; the black box holds what is said during it alone."""
        between = self.between
        began = None if between else self.visit.started_ms
        if began != self._began_ms:
            self._began_ms = began
            self.bench.visit(began)
        if between:
            self.on_between()
        if self._black_box is None:
            return
        if between:
            self.bench.reopen(self._close_box())
        else:
            self._black_box.begin()

    @property
    def between(self) -> bool:
        """Whether no visit is open."""
        return self.visit.state in (State.READY, State.CLEANING)

    def _close_box(self) -> frozenset[str]:
        return frozenset() if self._black_box is None else self._black_box.end()

    async def _flush_box(self) -> None:
        while self._black_box is not None:
            await asyncio.sleep(BOX_FLUSH_S)
            self._black_box.flush()

    def changed(self) -> None:
        """Tell every screen to look again."""
        self.broadcast.tell({"type": "changed", "state": self.visit.state.value})

    def _delivered(self) -> None:
        """Something was sent or answered; what the uplink still says while the core ends is told to nobody."""
        if self.ready:
            self.broadcast.tell({"type": "delivery", **self.delivery.status()})

    async def _said_of_the_visit(self, message: Json) -> None:
        if message.get("event") == "begin" and self.visit.state is State.READY and not self.delivery.accepts_visit():
            raise Refusal(
                "not-ready", "The cabin holds too many results that are not delivered; call the technician."
            )
        if message.get("event") == "finish" and not self.sealed:
            raise Refusal("busy", "The results are being sealed for the record; this takes a moment.")
        try:
            await self.apply(translate(self.visit, message, self.desk))
            await self._end_cleaning()
        except JournalError as error:
            raise Refusal("not-ready", str(error)) from error
        except IllegalEvent as error:
            raise Refusal("not-now", str(error)) from error

    async def _end_cleaning(self) -> None:
        """The cabin is ready again once everything is ticked, also where a killed core had seen the last tick."""
        if self.visit.state is State.CLEANING and {*self.desk.instruments} <= {*self.visit.ticked}:
            await self.apply(self._message(Event.CLEANED))

    @property
    def measuring(self) -> Conductor | Directed | None:
        """Whoever makes measures now, by the plan or for a doctor."""
        return self.conductor or self.directed

    def _measuring(self) -> Conductor | Directed:
        if self.measuring is None:
            raise Refusal("not-now", "No measures are being made.")
        return self.measuring

    def _press(self, *, down: bool) -> None:
        """The response button of a hearing test, on the screen."""
        if self._measuring().attempts.hearing is None:
            raise Refusal("not-now", "No hearing test is being made that listens to this button.")
        self.bench.press("audiometer", down)

    async def keep(self, event: Event, tracks: tuple[bytes, ...] = (), **body: object) -> None:
        """Take a step of the consultation; raises `IllegalEvent` or `JournalError`, see `apply`."""
        await self.apply(self._message(event, **body), tracks)

    def moved(self) -> None:
        """The measures or the consultation moved on: the person is given time again."""
        self.idle.touch()
        self.changed()

    def _message(self, event: Event, **body: object) -> Message:
        return Message(event, self.clock.wall_ms(), body)

    def _with_what_is_left(self, message: Message, tracks: tuple[bytes, ...]) -> tuple[Message, tuple[bytes, ...]]:
        """Whoever ends a consultation keeps what its measures still owe, as it stands when nothing else is stored."""
        if self.directed is None or message.event not in (Event.END, Event.HANG_UP, Event.LEAVE, Event.IDLE):
            return message, tracks
        left = self.directed.broken_off()
        return replace(message, body={**message.body, "outcomes": left.outcomes}), (*tracks, *left.tracks)

    # --- effects ------------------------------------------------------------------------------------------------

    async def _start_measures(self) -> None:
        course = resumed(self.visit, self.clock.boot_id, self.clock.now())
        self.conductor = Conductor(self.bench, self.clock, self.rules, course, self._told, self.moved)
        self._conducting = asyncio.create_task(self._conduct(self.conductor), name="measures")

    async def _conduct(self, conductor: Conductor) -> None:
        try:
            await conductor.run()
        except Exception as defect:  # what is left unmeasured is told to the record; the person is not kept waiting
            log.error("the measures ended by a defect: %s", type(defect).__name__)
        self.conductor = None
        await self._apply_when_stored(self._message(Event.MEASURES_DONE))

    async def _start_consultation(self) -> None:
        course = directed(self.visit, self.clock.boot_id, self.clock.now())
        self.directed = Directed(self.bench, self.clock, self.rules, course, self._told, self.moved)
        self._conducting = asyncio.create_task(self._direct(self.directed), name="consultation")
        self.consultation.opened()

    async def _direct(self, obeying: Directed) -> None:
        while True:
            try:
                await obeying.run()
            except Exception as defect:  # that order is lost; the next one is obeyed
                log.error("a measure that was ordered ended by a defect: %s", type(defect).__name__)
                obeying.course.outcomes[:] = self.visit.outcomes

    async def _told(self, told: Told) -> None:
        body: dict[str, object] = {"outcomes": told.outcomes, "reading_ends_s": told.reading_ends_s}
        if told.seated_s is not None or told.stood:
            body["seated_s"] = told.seated_s
        await self._apply_when_stored(self._message(Event.MEASURED, **body), told.tracks)

    async def _apply_when_stored(self, message: Message, tracks: tuple[bytes, ...] = ()) -> None:
        """Take a step of the measures: what was measured waits in memory until the disk takes it."""
        visit_id = self.visit.visit_id
        while self.visit.visit_id == visit_id:  # never into the next person's visit
            try:
                await self.apply(message, tracks)
                break
            except IllegalEvent:  # the visit ended while this waited for its turn
                break
            except JournalError as error:
                log.error("%s", error)
                await asyncio.sleep(STORE_RETRY_S)

    async def _stop_measures(self) -> None:
        self.consultation.over()
        await self._end(self._conducting)
        self.conductor = self.directed = self._conducting = None

    async def _call_nurse(self) -> None:
        log.warning("the nurse is called")
        self.broadcast.tell({"type": "nurse"})

    async def _print_ticket(self) -> None:
        now = replace(self.visit, ended_by="completed", ended_ms=self.clock.wall_ms())
        record = visit_record(now, self.identity(), None)
        if record is not None:
            show = self.visit.ticket == "values"
            self._printing = asyncio.create_task(
                print_in_thread(self.config.ticket.printer, record, show_values=show), name="printing"
            )

    async def _seal(self) -> None:
        self.sealed = False
        self._sealing = asyncio.create_task(self._seal_until_done(), name="sealing")

    async def _seal_until_done(self) -> None:
        """Hand the visit to the outbox, however long it takes: nothing is forgotten before."""
        while True:
            try:
                await self.delivery.seal(self.visit, self.identity(), self._open.tracks())
                break
            except (DeliveryError, JournalError) as error:
                log.error("%s", error)
            except Exception as defect:  # the visit is kept and tried again, whatever went wrong
                log.error("the visit could not be sealed yet: %s", type(defect).__name__)
            await asyncio.sleep(STORE_RETRY_S)
        self.sealed = True
        self.idle.touch()
        self.changed()

    async def _forget(self) -> None:
        """Nothing of one visit is reachable in the next."""
        await self._end(self._sealing)
        self._sealing, self.sealed = None, False

    def identity(self) -> CabinIdentity:
        """This cabin, as the record knows it."""
        cabin = self.config.cabin
        return CabinIdentity(cabin.name, cabin.serial, VERSION, simulated=cabin.accept_simulated)

    # --- silence ------------------------------------------------------------------------------------------------

    def _silence_allowed(self) -> float | None:
        state = self.visit.state
        if state is State.GOODBYE:
            return FAREWELL_S if self.sealed else None
        if (state, Event.IDLE) not in TABLE:
            return None
        if state is State.CONSULTATION:
            busy = self.consultation.connected or (self.directed is not None and self.directed.course.running)
            return None if busy else WAIT_FOR_DOCTOR_S
        waiting = state is not State.MEASURES or (self.conductor is not None and self.conductor.waiting_to_sit)
        return self.config.visit.idle_s if waiting else None

    async def _fell_silent(self) -> None:
        event = Event.FINISH if self.visit.state is State.GOODBYE else Event.IDLE
        if (self.visit.state, event) in TABLE:
            try:
                await self.apply(self._message(event))
            except (JournalError, IllegalEvent) as error:  # tried again after the next silence, if it still holds
                log.error("%s", error)

    @staticmethod
    async def _end(task: asyncio.Task[Any] | None) -> None:
        """Stop a task of the core's own and wait until it has left everything safe."""
        if task is None or task is asyncio.current_task():
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


EFFECTS: Mapping[Effect, Callable[[Core], Awaitable[None]]] = {
    Effect.START_MEASURES: Core._start_measures,
    Effect.START_CONSULTATION: Core._start_consultation,
    Effect.STOP_MEASURES: Core._stop_measures,
    Effect.CALL_NURSE: Core._call_nurse,
    Effect.PRINT_TICKET: Core._print_ticket,
    Effect.SEAL: Core._seal,
    Effect.FORGET: Core._forget,
}
"""What each effect of the table makes the core do."""
