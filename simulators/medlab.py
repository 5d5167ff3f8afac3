"""A Medlab EG01010 module: one lead, in the token protocol (9600 baud) or in checked blocks (115200, even parity).

Protocol sheet ecg-medlab (maker's manual v1.06). A sample is a byte around 128; a pulse is told at each beat.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.one_lead import OneLead, Pace

PER_MV = 64
"""Counts of a millivolt in the middle stage of the amplifier."""
TOP = 246
RATES = {b"S0": 300, b"S1": 100, b"S2": 50}
AT_POWER_UP = 100
STATUS_EVERY_S = 1.0
OFF_EVERY_S = 1.0
"""How often "lead off" is said again: ours, the manual does not tell."""


class _Beats:
    """The beats that the module has not told of yet."""

    def __init__(self, body: Body) -> None:
        self._body, self._told = body, 0.0

    def begin(self, now: float) -> None:
        self._told = now

    def rates(self, now: float) -> list[int]:
        """The averaged rate at each beat up to `now`; none where there are too few beats."""
        beats = self._body.beats(self._told, now)
        self._told = now
        rates = [self._body.pulse_rate(beat.at + 1.0) for beat in beats]
        return [min(240, round(rate)) for rate in rates if rate is not None]


class Tokens:
    """Protocol 1. Its own faults: "deaf" (it obeys nothing, and stays at 100 samples a second) and "wrong-marker"."""

    kind: ClassVar[str] = "ecg"
    wear: ClassVar[Wear] = Wear(drop_every=2503)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("electrode-off",)
    own_faults: ClassVar[tuple[str, ...]] = ("deaf", "wrong-marker")

    def __init__(self, body: Body) -> None:
        self._lead, self._beats, self._pace = OneLead(body, "II", PER_MV, 128), _Beats(body), Pace()
        self._pace.begin(0.0, AT_POWER_UP)
        self._wrong: set[str] = set()
        self._pending = b""
        self._next_off = 0.0

    def opened(self, now: float) -> None:
        """It does not notice, and goes on at the rate that it was told last."""
        self._pace.begin(now, self._pace.rate)
        self._beats.begin(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """Letters and their digit; nothing is answered."""
        if "deaf" in self._wrong:
            return []
        self._pending += data
        while self._pending:
            length = 2 if self._pending[:1] in (b"S", b"A", b"G", b"D", b"T", b"P") else 1
            if len(self._pending) < length:
                break
            command, self._pending = self._pending[:length], self._pending[length:]
            if command in RATES:
                self._pace.begin(now, RATES[command])
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end one of its own faults; a deaf module has lost what it was told."""
        (self._wrong.add if wrong else self._wrong.discard)(fault)
        if fault == "deaf" and wrong:
            self._pace.begin(now, AT_POWER_UP)

    def produce(self, now: float) -> Frames:
        """Samples up to `now`, with what was found meanwhile before them."""
        due = self._pace.due(now)
        if not due:
            return []
        counts = self._lead.counts(self._pace.take(due), due, self._pace.rate).clip(0, TOP)
        marker = 0xFE if "wrong-marker" in self._wrong else 0xFA
        found = [bytes([marker, rate]) for rate in self._beats.rates(now) if self._lead.worn]
        return [*self._off(now), *found, b"\xf8" + bytes(counts.tolist())]

    def _off(self, now: float) -> Frames:
        if self._lead.worn or now < self._next_off:
            return []
        self._next_off = now + OFF_EVERY_S
        return [b"\xfb\x11"]


class Blocks:
    """Protocol 2, at the maker's settings. Its own faults: "pulse-is-f9" (as the bit table says, and not as the text)
    and "mains".
    """

    kind: ClassVar[str] = "ecg"
    wear: ClassVar[Wear] = Wear(drop_every=2503, spoil_every=70)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("electrode-off",)
    own_faults: ClassVar[tuple[str, ...]] = ("pulse-is-f9", "mains")

    def __init__(self, body: Body) -> None:
        self._lead, self._beats, self._pace = OneLead(body, "II", PER_MV, 128), _Beats(body), Pace()
        self._pace.begin(0.0, AT_POWER_UP)
        self._wrong: set[str] = set()
        self._next_status = 0.0

    def opened(self, now: float) -> None:
        """It does not notice."""
        self._pace.begin(now, AT_POWER_UP)
        self._beats.begin(now)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """`I` is answered; its other commands are not played."""
        return [b"\xfdEG01010H0S61\x00"] * data.count(b"I")

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of its own faults."""
        (self._wrong.add if wrong else self._wrong.discard)(fault)

    def produce(self, now: float) -> Frames:
        """Blocks up to `now`: status, values, samples."""
        due = self._pace.due(now)
        if not due:
            return []
        counts = self._lead.counts(self._pace.take(due), due, AT_POWER_UP).clip(0, TOP)
        marker = 0xF9 if "pulse-is-f9" in self._wrong else 0xFA
        values = [_checked(marker, [rate]) for rate in self._beats.rates(now) if self._lead.worn]
        return [*self._status(now), *values, *(_wave(int(count)) for count in counts)]

    def _status(self, now: float) -> Frames:
        if now < self._next_status:
            return []
        self._next_status = now + STATUS_EVERY_S
        return [_checked(0xFC, [0x3F if "mains" in self._wrong else 0x1F, 0x02, 0x25, 0x00])]


def _wave(sample: int) -> bytes:
    return bytes([0xF8, 1 << 4 | (0xF8 + sample) & 0x0F, sample])


def _checked(marker: int, content: list[int]) -> bytes:
    return bytes([marker, (marker + sum(content)) & 0x7F, *content])
