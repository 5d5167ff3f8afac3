"""The agent at the other end: its configuration, its clock, and what its reports say; pure.

What a captured conversation is decoded with and what the manager hears with are the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from drivers.events import DeviceClock, Event, Identity, PressureResult, Reading
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.apdu import Happened
from drivers.ieee11073.configurations import STANDARDS, Configuration
from drivers.ieee11073.freshness import Freshness
from drivers.ieee11073.mder import Malformed, Reader, absolute_time
from drivers.ieee11073.pressures import Pressures
from drivers.ieee11073.readings import reading
from drivers.ieee11073.reports import Observation, observations

REMEMBERED = 8
"""Reported configurations that are known again when their agent comes back."""
SERIAL, FIRMWARE, SOFTWARE = 1, 5, 4
"""Kinds of entry of a production specification."""


class Agent:
    """All that is known of an agent, from its association on. `now` is in seconds, monotonic."""

    def __init__(self, time_scale: float = 1.0) -> None:
        """`time_scale`: how much faster than ours the agent's clock goes; above 1 only for a simulated one."""
        self.system_id = b""
        self.configuration: Configuration | None = None
        self.clock: datetime | None = None
        self.clock_can_be_set = False
        self.kinds: frozenset[str] = frozenset()
        """What it calls itself; empty until it has described itself."""
        self.freshness = Freshness(time_scale)
        self._pressures = Pressures()
        self._left_out: frozenset[int] = frozenset()
        self._remembered: OrderedDict[tuple[bytes, int], Configuration] = OrderedDict()

    def associate(self, system_id: bytes, number: int) -> Configuration | None:
        """A new association; its configuration, where that is known by its number."""
        self.system_id, self.clock, self.clock_can_be_set, self.kinds = system_id, None, False, frozenset()
        self.freshness.clock(None, 0.0)
        self.configuration = None
        known = STANDARDS.get(number) or self._remembered.get((system_id, number))
        if known is not None:
            self.configure(known)
        return known

    def configure(self, configuration: Configuration) -> None:
        """Read its reports in this way from now on."""
        self.configuration = configuration
        if configuration.number not in STANDARDS:
            self._remembered[self.system_id, configuration.number] = configuration
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        codes = [metric.code for metric in configuration.metrics.values()]
        self._pressures.pulse = mdc.CUFF_PULSE in codes
        self._left_out = _second_ones(configuration)

    def describe(self, attributes: Mapping[int, bytes], now: float) -> list[Event]:
        """It has described itself; raises `Malformed`."""
        self.kinds = _kinds(attributes.get(mdc.SPECIALIZATIONS, bytes(4)))
        self.clock_can_be_set = _can_be_set(attributes.get(mdc.TIME_INFO, b""))
        events: list[Event] = [self._identity(attributes)]
        if mdc.CLOCK in attributes:
            self.clock = absolute_time(attributes[mdc.CLOCK])
            self.freshness.clock(self.clock, now)
            events.append(DeviceClock(self.clock))
        return events

    def hear(self, happened: Happened, now: float) -> list[Event]:
        """The events of one scan report, in the order of time; raises `Malformed`, and then none of it is told."""
        if self.configuration is None:
            raise Malformed("a report came before the configuration that it needs")
        return self.tell(observations(happened, self.configuration), now)

    def tell(self, report: list[Observation], now: float, *, aged: bool = False) -> list[Event]:
        """The events of the observations of one report; with `aged` all of them count as stored."""
        heard: list[Reading | PressureResult] = []
        for seen, stored in self.freshness.stored(report, now):
            self._pressures.add(seen, stored or aged, now)
            told = None if seen.handle in self._left_out else reading(seen, stored or aged)
            if told is not None:
                heard.append(told)
        heard += self._pressures.ready(now)
        # The newest comes last; what has no date is of now, and sorting keeps the order of what is equal.
        return [*sorted(heard, key=lambda each: (each.taken is None, each.taken or datetime.min))]  # noqa: DTZ901

    @property
    def due(self) -> float | None:
        """When something that waits is told without what it waits for."""
        return self._pressures.due

    def late(self, now: float) -> list[Event]:
        """What has waited long enough."""
        return [*self._pressures.ready(now)]

    def rest(self) -> list[Event]:
        """What still waits: nothing more is to come."""
        return [*self._pressures.all()]

    def _identity(self, attributes: Mapping[int, bytes]) -> Identity:
        names = _strings(attributes.get(mdc.MODEL, b""))
        found = _production(attributes.get(mdc.PRODUCTION, bytes(4)))
        model = " ".join(name for name in names if name) or "IEEE 11073 instrument"
        return Identity(model, found.get(FIRMWARE) or found.get(SOFTWARE), found.get(SERIAL) or self.system_id.hex())


def _second_ones(configuration: Configuration) -> frozenset[int]:
    """Handles whose quantity another object states too: of a fast and a usual saturation, only the usual is told."""
    first: dict[int, int] = {}
    for handle, metric in configuration.metrics.items():
        other = first.setdefault(metric.code, handle)
        if configuration.metrics[other].modality is not None and metric.modality is None:
            first[metric.code] = handle
    return frozenset(configuration.metrics) - frozenset(first.values())


def _kinds(value: bytes) -> frozenset[str]:
    count, reader = Reader(value).counted()
    codes = [(reader.u16(), reader.u16())[0] for _ in range(count)]
    reader.end()
    return frozenset(mdc.NAMES.get(code, "another") for code in codes)


def _can_be_set(value: bytes) -> bool:
    return bool(int.from_bytes(value[:2]) & mdc.CLOCK_CAN_BE_SET)


def _strings(value: bytes) -> list[str]:
    """Manufacturer and model."""
    reader = Reader(value)
    return [_text(reader.octets()), _text(reader.octets())] if value else []


def _production(value: bytes) -> dict[int, str]:
    """Kind of entry -> text; the first of a kind counts."""
    count, reader = Reader(value).counted()
    found: dict[int, str] = {}
    for _ in range(count):
        kind, _component, text = reader.u16(), reader.u16(), _text(reader.octets())
        found.setdefault(kind, text)
    reader.end()
    return found


def _text(data: bytes) -> str:
    """Printable characters of an octet string, which may be padded with anything."""
    return "".join(char for char in data.decode("ascii", "ignore") if char.isprintable()).strip()
