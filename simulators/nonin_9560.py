"""A Nonin 9560, which takes commands: format 8, 13, or 2 and 7 when it is asked for them.

Protocol sheet nonin, sections 4 to 6 (maker's 6470-000-01). Commands are heard within 5 s after the connection. Its
clock and its serial number are its own; the layout of the answer with the serial number is unconfirmed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from simulators.body import Body
from simulators.device import Frames, Wear
from simulators.nonin import SENSOR_FAULTS, SHORT_WEAR, Oximeter
from simulators.nonin_finger import RATE, Finger, Spot
from simulators.nonin_formats import PACKET, Moment, float_table, second_8, spot_13

ACK, NAK = b"\x06", b"\x15"
HEARS_S = 5.0
"""Commands are heard so long after the connection."""
SPOT_S = 12.0
"""A finger that is in so long makes a spot of format 13."""
SERIAL = b"501234567"
POWERED_ON = datetime(2026, 11, 21, 22, 30)  # noqa: DTZ001 - its clock has no zone
"""What its clock shows at body time 0."""
FORMATS = (2, 7, 8, 13)
STORED = (Spot(88, 121, 121), Spot(91, 58, 58))
"""What "from-memory" finds in its memory: other people, days ago."""


class Oximeter13(Oximeter):
    """A 9560 as it is delivered: one packet of format 13 for each finger that stays in for 12 s."""

    form: ClassVar[int] = 13
    wear: ClassVar[Wear] = Wear(drop_every=37, spoil_every=3, spoil_at=-2)
    own_faults: ClassVar[tuple[str, ...]] = (
        *SENSOR_FAULTS,
        "wrong-format",
        "low-battery",
        "lost-clock",
        "from-memory",
    )

    def __init__(self, body: Body, finger: Finger | None = None) -> None:
        self._asked: int | None = None
        self._pending = b""
        self._set = POWERED_ON
        """What the clock showed, or would have shown, at body time 0."""
        self._waiting: list[bytes] = []
        self._spotted = False
        super().__init__(body, finger)

    def receive(self, data: bytes, now: float) -> Frames:
        """The answers to whole commands in the first five seconds; later none is heard."""
        self._pending = (self._pending + data)[-16:]
        answers: Frames = []
        while (begin := self._pending.find(b"\x02")) >= 0 and len(self._pending) >= begin + 4:
            size = 4 + self._pending[begin + 2]
            if size > 10:
                self._pending = self._pending[begin + 1 :]
                continue
            command = self._pending[begin : begin + size]
            if len(command) < size:
                break
            self._pending = self._pending[begin + (size if command[-1] == 0x03 else 1) :]
            if command[-1] == 0x03 and now - self._began <= HEARS_S:
                answers += self._answer(command, now)
        return answers

    def _answer(self, command: bytes, now: float) -> Frames:
        match list(command[1:-1]):
            case [0x70, 0x02, 0x02, form]:
                return [self._select(form)]
            case [0x70, 0x04, 0x02, form, options, check]:
                return [self._select(form) if check == (0x76 + form + options) & 0xFF else NAK]
            case [0x72, 0x06, year, *rest]:
                return [self._set_clock(2000 + year, rest, now)]
            case [0x72, 0x00]:
                shows = self._clock(now)
                fields = (
                    (shows.year - 2000, shows.month, shows.day, shows.hour, shows.minute, shows.second)
                    if shows
                    else (0,) * 6
                )
                return [bytes((0x02, 0xF2, 0x06, *fields, 0x03))]
            case [0x74, 0x02, 0x02, 0x02]:
                body = bytes((0xF4, 2 + len(SERIAL), 0x02, *SERIAL))
                return [bytes((0x02, *body, sum(body) & 0xFF, 0x03))]
        return [NAK]

    def _select(self, form: int) -> bytes:
        if form not in FORMATS:
            return NAK
        self._asked = form
        return ACK

    def _set_clock(self, year: int, rest: list[int], now: float) -> bytes:
        try:
            self._set = datetime(year, *rest) - timedelta(seconds=now)  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            return NAK
        self._faults.discard("lost-clock")
        return ACK

    def _clock(self, now: float) -> datetime | None:
        return None if "lost-clock" in self._faults else self._set + timedelta(seconds=now)

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end one of `own_faults`; "from-memory" sends what is stored."""
        super().fail(fault, wrong, now)
        if fault == "from-memory" and wrong:
            clock = self._clock(now)
            for days, spot in enumerate(STORED, 1):
                taken = None if clock is None else clock - timedelta(days=days)
                self._waiting.append(spot_13(Moment(spot, spot, 0, ready=True), taken, from_memory=True))

    def produce(self, now: float) -> Frames:
        """Whole frames up to `now`, and in format 13 what waits in the memory."""
        sent = super().produce(now)
        if self._sent() != 13:
            return sent
        waiting, self._waiting = self._waiting, []
        return [*waiting, *sent]

    def _sent(self) -> int:
        return self._asked or super()._sent()

    def _frames(self, form: int, first: int, count: int) -> Frames:
        if form == 8:
            return [second_8(self._sensor.moment(at)) for at in range(-(-first // RATE) * RATE, first + count, RATE)]
        return self._spot(first, count) if form == 13 else super()._frames(form, first, count)

    def _spot(self, first: int, count: int) -> Frames:
        """The one spot of this finger, when it falls due."""
        if self._sensor.out_since is not None:
            self._spotted = False
            return []
        due = int(max(self._first, self._sensor.in_since * RATE) + SPOT_S * RATE)
        if self._spotted or due >= first + count:
            return []
        self._spotted = True
        at = max(due, first)
        return [spot_13(self._sensor.moment(at), self._clock(self._began + (at - self._first) / RATE))]

    def _start(self, now: float) -> None:
        super()._start(now)
        self._spotted = False

    def _table(self, packet: int) -> bytes:
        return float_table(self._sensor.moment(packet * PACKET), packet % 2**14 or 1)


class Oximeter8(Oximeter13):
    """A 9560 that was asked for format 8."""

    form: ClassVar[int] = 8
    wear: ClassVar[Wear] = SHORT_WEAR
    own_faults: ClassVar[tuple[str, ...]] = (*SENSOR_FAULTS, "wrong-format", "low-battery")
