"""Four personal health devices on the body: pulse oximeter, blood-pressure meter, thermometer and scale.

Protocol sheet "IEEE 11073-20601 over USB PHDC", section 4. The person measures with the instrument itself, so the
simulated one does it by itself: the finger once a second, the forehead and the feet every few seconds, the arm every
minute. What else can be wrong is the agent's (`simulators.phd_agent`).
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.phd_agent import FAULTS, OTHER_UNIT, Agent, Kind, Values
from simulators.phd_usb import description
from simulators.phd_wire import Plate, Thing
from simulators.usb_description import UsbDescription
from simulators.usb_setup import Setup

WEAR = Wear(drop_every=499)
MAKER = b"Simulated"

SPO2, PULSE = Thing(1, 19384, 544), Thing(10, 18458, 2720)
PRESSURES = Thing(1, 18948, 3872, parts=(18949, 18950, 18951))
CUFF_PULSE = Thing(2, 18474, 2720, decimals=1)
BODY_HEAT = Thing(1, 19292, 6048, decimals=1, wide=True)
WEIGHT = Thing(1, 57664, 1731, decimals=2, wide=True)

OXIMETER = Kind(
    Plate(0x1004, MAKER, b"PHD oximeter", b"SIM-1004", bytes.fromhex("0200000000001004")),
    (SPO2, PULSE),
    0x0190,
    {SPO2: (91.0,), PULSE: (99.0,)},
    (0x05DC, 0x100F),
)
TENSIOMETER = Kind(
    Plate(0x1007, MAKER, b"PHD blood pressure", b"SIM-1007", bytes.fromhex("0200000000001007")),
    (PRESSURES, CUFF_PULSE),
    0x02BC,
    {PRESSURES: (181.0, 111.0, 134.0), CUFF_PULSE: (99.0,)},
    (0x0190, 0x1004),
)
THERMOMETER = Kind(
    Plate(0x1008, MAKER, b"PHD thermometer", b"SIM-1008", bytes.fromhex("0200000000001008")),
    (BODY_HEAT,),
    0x0320,
    {BODY_HEAT: (39.9,)},
    (0x05DC, 0x100F),
)
SCALE = Kind(
    Plate(0x100F, MAKER, b"PHD scale", b"SIM-100F", bytes.fromhex("020000000000100F")),
    (WEIGHT,),
    0x05DC,
    {WEIGHT: (120.5,)},
    (0x0320, 0x1008),
)


class _Every:
    """Falls due again and again, and once only for all the times that nobody looked."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._next = period_s

    def due(self, now: float) -> bool:
        """Whether it has come round since it was last asked."""
        if now < self._next:
            return False
        self._next += self._period_s * (1 + int((now - self._next) / self._period_s))
        return True


class Oximeter:
    """Saturation and pulse rate once a second; without a finger "not a number"."""

    kind: ClassVar[str] = "oximeter"
    wear: ClassVar[Wear] = WEAR
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out",)
    usb: ClassVar[UsbDescription] = description(OXIMETER.plate)
    own_faults: ClassVar[tuple[str, ...]] = FAULTS

    def __init__(self, body: Body) -> None:
        self._body, self._each, self._agent = body, _Every(1.0), Agent(OXIMETER, self._measure)

    def opened(self, now: float) -> None:
        """It asks for an association."""
        self._agent.open(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """What it answers."""
        return self._agent.receive(data, now)

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:  # noqa: ARG002
        """A class request of USB."""
        return self._agent.port.control(setup)

    def produce(self, now: float) -> Frames:
        """What it says by itself."""
        return self._agent.produce(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end a fault of its agent."""
        self._agent.fail(fault, wrong, now)

    def _measure(self, now: float) -> list[Values]:
        if not self._each.due(now):
            return []
        if not self._body.presence.finger_in:
            return [{SPO2: (None,), PULSE: (None,)}]
        return [{SPO2: (self._body.physiology.spo2,), PULSE: (self._body.pulse_rate(now),)}]


class Tensiometer:
    """Pressures and pulse, when the person has pressed its button: once a minute. A loose cuff gives no number."""

    kind: ClassVar[str] = "tensiometer"
    wear: ClassVar[Wear] = WEAR
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("loose-cuff",)
    usb: ClassVar[UsbDescription] = description(TENSIOMETER.plate)
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, OTHER_UNIT, "pulse-apart")

    def __init__(self, body: Body) -> None:
        self._body, self._each, self._agent = body, _Every(60.0), Agent(TENSIOMETER, self._measure)
        self._apart = False

    def opened(self, now: float) -> None:
        """It asks for an association."""
        self._agent.open(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """What it answers."""
        return self._agent.receive(data, now)

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:  # noqa: ARG002
        """A class request of USB."""
        return self._agent.port.control(setup)

    def produce(self, now: float) -> Frames:
        """What it says by itself."""
        return self._agent.produce(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end a fault: "pulse-apart" sends the pulse in a report of its own."""
        if fault == "pulse-apart":
            self._apart = wrong
        else:
            self._agent.fail(fault, wrong, now)

    def _measure(self, now: float) -> list[Values]:
        if not self._each.due(now):
            return []
        person, rate = self._body.physiology, self._body.pulse_rate(now)
        mean = person.diastolic + (person.systolic - person.diastolic) / 3
        pressures: tuple[float | None, ...] = (person.systolic, person.diastolic, mean)
        if not self._body.presence.cuff_on:
            pressures, rate = (None, None, None), None
        if self._apart:
            return [{PRESSURES: pressures}, {CUFF_PULSE: (rate,)}]
        return [{PRESSURES: pressures, CUFF_PULSE: (rate,)}]


class Thermometer:
    """A temperature every five seconds while somebody holds still for it."""

    kind: ClassVar[str] = "thermometer"
    wear: ClassVar[Wear] = WEAR
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    usb: ClassVar[UsbDescription] = description(THERMOMETER.plate)
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, OTHER_UNIT)

    def __init__(self, body: Body) -> None:
        self._body, self._each, self._agent = body, _Every(5.0), Agent(THERMOMETER, self._measure)

    def opened(self, now: float) -> None:
        """It asks for an association."""
        self._agent.open(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """What it answers."""
        return self._agent.receive(data, now)

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:  # noqa: ARG002
        """A class request of USB."""
        return self._agent.port.control(setup)

    def produce(self, now: float) -> Frames:
        """What it says by itself."""
        return self._agent.produce(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end a fault of its agent."""
        self._agent.fail(fault, wrong, now)

    def _measure(self, now: float) -> list[Values]:
        due = self._each.due(now) and self._body.presence.facing
        return [{BODY_HEAT: (self._body.physiology.temperature,)}] if due else []


class Scale:
    """A weight every five seconds while somebody stands on it, each of them settled."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = WEAR
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    usb: ClassVar[UsbDescription] = description(SCALE.plate)
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, OTHER_UNIT)

    def __init__(self, body: Body) -> None:
        self._body, self._each, self._agent = body, _Every(5.0), Agent(SCALE, self._measure)

    def opened(self, now: float) -> None:
        """It asks for an association."""
        self._agent.open(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """What it answers."""
        return self._agent.receive(data, now)

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:  # noqa: ARG002
        """A class request of USB."""
        return self._agent.port.control(setup)

    def produce(self, now: float) -> Frames:
        """What it says by itself."""
        return self._agent.produce(now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end a fault of its agent."""
        self._agent.fail(fault, wrong, now)

    def _measure(self, now: float) -> list[Values]:
        due = self._each.due(now) and self._body.presence.on_scale
        return [{WEIGHT: (self._body.physiology.weight,)}] if due else []
