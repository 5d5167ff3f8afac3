"""An IEEE 11073-20601 agent: it associates, says what it is, and sends each report until it is confirmed; pure.

Protocol sheet "IEEE 11073-20601 over USB PHDC", section 6. Time is body time in seconds; the agent's clock shows
`BEGAN` when it begins, and goes on from what a manager sets it to.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from simulators import phd_wire as wire
from simulators.device import Frames
from simulators.phd_usb import Port
from simulators.phd_wire import Heard, Item, Plate, Thing

BEGAN = datetime(2026, 1, 5, 8, 0)  # noqa: DTZ001 - a device's clock has no zone
RETRY_S, REPEAT_S = 10.0, 3.0
"""Between two requests for an association, and between two tries of a report."""
WAITING = 8
"""Reports that are kept for a manager that does not come."""
EXTENDED, NOBODYS = 0x4000, 0x3FF0
"""Number of a reported configuration, and of a standard one that nobody knows."""
TEST_ASSOCIATION, CAN_BE_TESTED = 0x20000000, 0x40000000
FAULTS = (
    "nan-values",
    "test-data",
    "test-association",
    "extended-config",
    "unknown-config-first",
    "no-answer",
    "abort",
    "clock-unset",
    "stored-batch",
    "repeats",
    "wrong-specialization",
)
"""What can be wrong, or otherwise than usual, in every agent."""
OTHER_UNIT = "other-unit"
"""Pounds, Fahrenheit or kilopascals, in a configuration of their own; where the kind has one."""
OTHERS: Mapping[int, tuple[int, Callable[[float], float]]] = {
    1731: (1760, lambda kg: kg / 0.45359237),
    6048: (4416, lambda celsius: celsius * 1.8 + 32),
    3872: (3843, lambda mmhg: mmhg * 0.133322),
}
"""Unit -> another one, and the way there."""
NEW_ASSOCIATION = (
    OTHER_UNIT,
    "test-association",
    "extended-config",
    "unknown-config-first",
    "wrong-specialization",
    "stored-batch",
)
"""Those that are met at the beginning of an association."""


STORED_AGO_S = (7200.0, 86400.0, 90000.0, 3600.0, 5400.0)
"""How old the measurements of a "stored-batch" are: not in the order of time."""

Values = dict[Thing, tuple[float | None, ...]]
"""What was measured at one time."""
State = Literal["closed", "asking", "offering", "configuring", "operating"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of agent is: its plate, its objects, the standard number of both, and an old measurement."""

    plate: Plate
    things: tuple[Thing, ...]
    standard: int
    stored: Values
    other: tuple[int, int]
    """Configuration and specialization of another kind."""


class Agent:
    """One agent; `measure` gives what falls due at a time, each as one report."""

    def __init__(self, kind: Kind, measure: Callable[[float], list[Values]]) -> None:
        self._kind, self._measure = kind, measure
        self.faults: set[str] = set()
        self.port = Port()
        self._shows, self._set_at = BEGAN, 0.0
        self._state: State = "closed"
        self._pending = b""
        self._leaving: Frames = []
        self._offers: list[int] = []
        self._next = 0.0
        self._invoke = self._report = self._tries = 0
        self._reports: deque[tuple[int, bytes]] = deque(maxlen=WAITING)
        self._sent: tuple[int, bytes] | None = None

    def open(self, now: float) -> None:
        """A manager is there."""
        self._pending, self._leaving = b"", []
        self._ask_again(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end a fault; one that is met at an association ends the present one."""
        if (fault in self.faults) == wrong:
            return
        self.faults ^= {fault}
        if self._state != "closed" and fault in (*NEW_ASSOCIATION, "abort"):
            self._leaving.append(wire.message(0xE600 if fault == "abort" else 0xE400, b"\0\0"))
            self._ask_again(now + 1.0)

    def produce(self, now: float) -> Frames:
        """What it says by itself: a request for an association, or the next report."""
        for values in self._measure(now):
            self._keep([Item(thing, each, self._stamp(now)) for thing, each in values.items()])
        leaving, self._leaving = self._leaving, []
        if self._state == "operating":
            leaving += self._report_now(now)
        elif self._state != "closed" and now >= self._next:
            leaving += self._ask(now)
        return self.port.carry(leaving)

    def receive(self, data: bytes, now: float) -> Frames:
        """Take what a manager wrote."""
        heard, self._pending = wire.hear(self._pending + data)
        return self.port.carry([frame for each in heard for frame in self._answer(each, now)])

    # --- its clock ------------------------------------------------------------------------------------------------

    def _stamp(self, now: float, ago: float = 0.0) -> bytes:
        """AbsoluteTime of `ago` seconds before `now`."""
        return wire.clock(
            None if "clock-unset" in self.faults else self._shows + timedelta(seconds=now - self._set_at - ago)
        )

    def _set_clock(self, heard: Heard, now: float) -> Frames:
        try:
            self._shows = datetime.strptime(heard.body[6:13].hex(), "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            return [wire.presentation(heard.invoke, 0x0300, b"\x00\x17\x00\x00")]
        self._set_at = now
        self.faults.discard("clock-unset")
        return [wire.presentation(heard.invoke, 0x0207, struct.pack(">HHH", 0, 0x0C17, 0))]

    # --- association ----------------------------------------------------------------------------------------------

    def _ask_again(self, at: float) -> None:
        """No longer associated: what was not confirmed is told again."""
        if self._sent is not None:
            self._reports.appendleft(self._sent)
            self._sent = None
        self._state, self._next = "asking", at

    def _ask(self, now: float) -> Frames:
        self._state, self._next, self._offers = "offering", now + RETRY_S, self._numbers()
        units = TEST_ASSOCIATION if "test-association" in self.faults else CAN_BE_TESTED
        return [wire.association_request(self._kind.plate.system, self._offers[0], units)]

    def _numbers(self) -> list[int]:
        """The configurations that are offered, in this order."""
        if "wrong-specialization" in self.faults:
            return [self._kind.other[0]]
        if "unknown-config-first" in self.faults:
            return [NOBODYS, EXTENDED]
        return [EXTENDED if self.faults & {"extended-config", OTHER_UNIT} else self._kind.standard]

    def _associated(self, result: int, now: float) -> Frames:
        if self._state != "offering":
            return []
        if result == 3:
            return self._configure(now)
        if result == 0:
            self._operate(now)
        else:
            self._ask_again(now + RETRY_S)
        return []

    def _configure(self, now: float) -> Frames:
        ident = self._offers[0]
        things = [] if ident == NOBODYS else [self._shown(thing) for thing in self._kind.things]
        self._state, self._next = "configuring", now + RETRY_S
        return [wire.event(self._count(), wire.CONFIGURATION, wire.configuration(ident, things))]

    def _judged(self, result: int, now: float) -> Frames:
        """The manager's word on a configuration."""
        if result == 0:
            self._operate(now)
            return []
        self._offers = self._offers[1:]
        if self._offers:
            return self._configure(now)
        self._ask_again(now + RETRY_S)
        return []

    def _operate(self, now: float) -> None:
        self._state, self._next = "operating", now
        if "stored-batch" in self.faults:
            # Each object's in a report of its own, as the instruments of one maker send them.
            for thing, values in self._kind.stored.items():
                self._keep([Item(thing, values, self._stamp(now, ago)) for ago in STORED_AGO_S])

    # --- what a manager says --------------------------------------------------------------------------------------

    def _answer(self, heard: Heard, now: float) -> Frames:
        if self._state == "closed" or ("no-answer" in self.faults and heard.kind != 0xE300):
            return []
        match heard.kind:
            case 0xE300:
                return self._associated(heard.result, now)
            case 0xE400:
                self._ask_again(now + 1.0)
                return [wire.message(0xE500, b"\0\0")]
            case 0xE600:
                self._ask_again(now + 1.0)
            case 0xE700:
                return self._presented(heard, now)
        return []

    def _presented(self, heard: Heard, now: float) -> Frames:
        match heard.choice:
            case 0x0201 if heard.invoke == self._invoke:
                return self._confirmed(heard, now)
            case 0x0103 if self._state == "operating":
                return [wire.presentation(heard.invoke, 0x0203, self._description(now))]
            case 0x0107 if heard.body[2:4] == b"\x0c\x17":
                return self._set_clock(heard, now)
        return []

    def _description(self, now: float) -> bytes:
        plate = self._kind.plate
        if "wrong-specialization" in self.faults:
            plate = replace(plate, specialization=self._kind.other[1])
        return wire.description(plate, self._offers[0], self._stamp(now), settable=True)

    def _confirmed(self, heard: Heard, now: float) -> Frames:
        if self._state == "configuring":
            return self._judged(int.from_bytes(heard.body[12:14]), now)
        # One that did not hear the first answer says it all again.
        if "repeats" not in self.faults or self._tries > 1:
            self._sent = None
        return []

    # --- reports --------------------------------------------------------------------------------------------------

    def _keep(self, items: Sequence[Item]) -> None:
        """Something was measured: to be sent as soon as somebody hears."""
        if "nan-values" in self.faults:
            items = [replace(item, values=(None,) * len(item.values)) for item in items]
        if OTHER_UNIT in self.faults:
            items = [self._converted(item) for item in items]
        self._report = (self._report + 1) % 0x10000
        if "test-data" in self.faults:
            self._reports.append((wire.VARIABLE, wire.variable(self._report, items, wire.TEST_DATA)))
        else:
            self._reports.append((wire.FIXED, wire.fixed(self._report, items)))

    def _shown(self, thing: Thing) -> Thing:
        if OTHER_UNIT not in self.faults or thing.unit not in OTHERS:
            return thing
        return replace(thing, unit=OTHERS[thing.unit][0], decimals=1)

    def _converted(self, item: Item) -> Item:
        if item.thing.unit not in OTHERS:
            return item
        convert = OTHERS[item.thing.unit][1]
        values = tuple(None if value is None else convert(value) for value in item.values)
        return replace(item, thing=self._shown(item.thing), values=values)

    def _report_now(self, now: float) -> Frames:
        """The next report, or the last one again while it is not confirmed."""
        if self._sent is not None and now >= self._next:
            self._tries, self._next = self._tries + 1, now + REPEAT_S
            return [wire.event(self._invoke, *self._sent)]
        if self._sent is not None or not self._reports:
            return []
        self._sent, self._tries, self._next = self._reports.popleft(), 1, now + REPEAT_S
        return [wire.event(self._count(), *self._sent)]

    def _count(self) -> int:
        self._invoke = (self._invoke + 1) % 0x10000
        return self._invoke
