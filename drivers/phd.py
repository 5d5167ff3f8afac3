"""Personal health devices that speak IEEE 11073-20601: pulse oximeter, blood-pressure meter, thermometer, scale.

Over USB (class "personal healthcare"), or over any stream that carries the same messages. The person measures with
the instrument itself and it sends when it has a result, what it stored before included: nothing here makes it
measure. Source: protocol sheet "IEEE 11073-20601 over USB PHDC"; the parts are in `drivers.ieee11073`.

Every driver takes `time_scale`, how much faster than ours the clock of a simulated instrument goes, and `set_clock`:
to set a clock that the instrument lets us set and that is a minute off. It is off by itself, because the cabin
measures by how much a clock is wrong and corrects what it dates, and because a capture then replays as it was.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.events import Event, Trouble
from drivers.ieee11073 import apdu
from drivers.ieee11073.agent import Agent
from drivers.ieee11073.apdu import AssociationRequest, Presentation
from drivers.ieee11073.configurations import decode_report
from drivers.ieee11073.conversation import Conversation
from drivers.ieee11073.framing import Framer
from drivers.ieee11073.manager import refusal
from drivers.ieee11073.mder import Malformed
from drivers.ieee11073.phdc import LINE
from drivers.ieee11073.reports import is_report
from drivers.instrument import Emit
from drivers.stream import Stream, UsbLine


class Decoder:
    """What an agent sent, in any cut -> events; pure, and for any of the four kinds.

    It believes what the agent says of itself: a report before its configuration is refused, and so are an agent's
    measurements after an association that no manager here accepts. Pressures wait for their pulse until the
    association ends; `flush` tells those that still wait.
    """

    def __init__(self) -> None:
        self._framer = Framer()
        self._agent = Agent()
        self._refused = False

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for message in self._framer.feed(data):
            events += [message] if isinstance(message, Trouble) else self._message(message)
        return events

    def flush(self) -> list[Event]:
        """The capture has ended: what still waits, and what never became a message."""
        return [*self._agent.rest(), *self._framer.flush()]

    def _message(self, data: bytes) -> list[Event]:
        try:
            message = apdu.decode(data)
            if isinstance(message, Presentation):
                return [] if self._refused else self._presented(message)
            if isinstance(message, AssociationRequest):
                return self._associate(message)
        except Malformed as error:
            return [Trouble("malformed", str(error))]
        ended = self._agent.rest()
        if isinstance(message, apdu.Abort):
            why = apdu.ABORTS.get(message.reason, "for a reason of its own")
            return [*ended, Trouble("refused", f"the instrument ended the association: {why}")]
        return ended

    def _associate(self, request: AssociationRequest) -> list[Event]:
        before = self._agent.rest()
        against = refusal(request)
        self._refused = against is not None
        self._agent.associate(request.system_id, request.configuration)
        return before if against is None else [*before, Trouble("refused", against[1])]

    def _presented(self, message: Presentation) -> list[Event]:
        if message.choice == apdu.GET_RESPONSE:
            return self._agent.describe(apdu.decode_attributes(message.body), 0.0)
        if message.choice not in (apdu.EVENT, apdu.CONFIRMED_EVENT):
            return []
        happened = apdu.decode_event(message.body)
        if happened.kind == apdu.CONFIGURATION_EVENT:
            self._agent.configure(decode_report(happened.info))
            return []
        return self._agent.hear(happened, 0.0) if is_report(happened.kind) else []


class Oximeter:
    """One pulse oximeter: saturation and pulse rate as numbers, no wave."""

    kind: ClassVar[str] = "oximeter"
    protocol: ClassVar[str] = "phd-oximeter"
    line: ClassVar[UsbLine] = LINE
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    started_by: ClassVar[str] = "person"

    def __init__(self, *, time_scale: float = 1.0, set_clock: bool = False) -> None:
        self._conversation = Conversation(self.kind, time_scale, set_clock)

    @property
    def quiet_s(self) -> float | None:
        """None: it may be silent until somebody puts a finger in."""
        return None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with it until the stream ends; raises `DriverError` for an instrument of another kind."""
        await self._conversation.run(stream, emit)

    async def start(self) -> None:
        """From now on only what is measured later counts as new."""
        self._conversation.ask(measuring=True)

    async def stop(self) -> None:
        """Nothing to stop: the person takes the finger out."""
        self._conversation.ask(measuring=False)


class Tensiometer:
    """One blood-pressure meter. The person presses its button; a stored result has the flag "from-memory"."""

    kind: ClassVar[str] = "tensiometer"
    protocol: ClassVar[str] = "phd-tensiometer"
    line: ClassVar[UsbLine] = LINE
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    started_by: ClassVar[str] = "person"

    def __init__(self, *, time_scale: float = 1.0, set_clock: bool = False) -> None:
        self._conversation = Conversation(self.kind, time_scale, set_clock)

    @property
    def quiet_s(self) -> float | None:
        """None: it speaks when it has measured."""
        return None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with it until the stream ends; raises `DriverError` for an instrument of another kind."""
        await self._conversation.run(stream, emit)

    async def start(self) -> None:
        """Wait for a result that is measured from now on; the cuff is not inflated from here."""
        self._conversation.ask(measuring=True)

    async def stop(self) -> None:
        """Wait no longer. The cuff has its own button: it cannot be let go from here."""
        self._conversation.ask(measuring=False)


class Thermometer:
    """One clinical thermometer."""

    kind: ClassVar[str] = "thermometer"
    protocol: ClassVar[str] = "phd-thermometer"
    line: ClassVar[UsbLine] = LINE
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    started_by: ClassVar[str] = "person"

    def __init__(self, *, time_scale: float = 1.0, set_clock: bool = False) -> None:
        self._conversation = Conversation(self.kind, time_scale, set_clock)

    @property
    def quiet_s(self) -> float | None:
        """None: it speaks when it has measured."""
        return None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with it until the stream ends; raises `DriverError` for an instrument of another kind."""
        await self._conversation.run(stream, emit)

    async def start(self) -> None:
        """From now on only what is measured later counts as new."""
        self._conversation.ask(measuring=True)

    async def stop(self) -> None:
        """Nothing to stop."""
        self._conversation.ask(measuring=False)


class Scale:
    """One scale, with height and index where it has them."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "phd-scale"
    line: ClassVar[UsbLine] = LINE
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)
    started_by: ClassVar[str] = "person"

    def __init__(self, *, time_scale: float = 1.0, set_clock: bool = False) -> None:
        self._conversation = Conversation(self.kind, time_scale, set_clock)

    @property
    def quiet_s(self) -> float | None:
        """None: it speaks when somebody stood on it."""
        return None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with it until the stream ends; raises `DriverError` for an instrument of another kind."""
        await self._conversation.run(stream, emit)

    async def start(self) -> None:
        """From now on only what is measured later counts as new."""
        self._conversation.ask(measuring=True)

    async def stop(self) -> None:
        """Nothing to stop."""
        self._conversation.ask(measuring=False)
