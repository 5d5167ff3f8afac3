"""What every scale has in common: units, the weight of a person, two words that agree, and a weight that is stuck.

None of these wires has a checksum, and some firmware repeats its last weight for ever (protocols, section 3.5 and
3.9): a number counts once it was said twice, and no longer than somebody can stand without moving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import repeat

from drivers.events import Event, NoValue, Reading, Trouble, Value
from drivers.instrument import Codec, Emit
from drivers.stream import Stream
from drivers.together import together

KG_PER_LB = 0.45359237
CM_PER_INCH = 2.54
PERSON_KG = (10.0, 350.0)
"""What a person on the scale of a cabin weighs; the rest is refused."""
UNITS: Mapping[str, tuple[str, float]] = {
    "kg": ("kg", 1.0),
    "g": ("g", 0.001),
    "lb": ("[lb_av]", KG_PER_LB),
    "oz": ("[oz_av]", KG_PER_LB / 16),
}
"""Unit as a scale writes it -> UCUM, kilograms."""

STUCK_S = 60.0
"""Nobody stands so still for a minute that a scale which shows 100 g says the same thing all along."""
STUCK_AT_LEAST_S = 30.0
"""Of the wall: a simulated body that lives faster is not watched more closely than the ticks of its simulator."""
SILENCE_S = 1.5
"""Longer than between two messages of a weight that stays locked: somebody moved, and it locked anew."""
STUCK = "the weight has not moved for a minute: empty the scale, then switch it off and on"


def person(number: float, unit: str, low: float = PERSON_KG[0]) -> Value:
    """Kilograms of `number` in a unit of `UNITS`; 0 is an empty scale."""
    kg = number * UNITS[unit][1]
    if kg == 0.0:
        return NoValue("missing")
    return kg if low <= kg <= PERSON_KG[1] else NoValue("out-of-range")


def weight(value: Value, shown: str, unit: str, steadiness: str, **more: str | float) -> Reading:
    """The reading of a number that the display showed as `shown` in a unit of `UNITS`."""
    flags = frozenset[str]() if isinstance(value, NoValue) else frozenset({steadiness})
    decimals = len(shown.partition(".")[2])
    detail: dict[str, str | float] = {"shown": shown, "shown_unit": UNITS[unit][0], "decimals": decimals, **more}
    return Reading("weight", value, "kg", flags, detail)


class Agreement:
    """Whether a message says what the one before it said."""

    def __init__(self) -> None:
        self._last: object = None

    def hear(self, message: object) -> str:
        """ "locked" when it does, else "settling"."""
        agrees = message == self._last
        self._last = message
        return "locked" if agrees else "settling"

    def forget(self) -> None:
        """A message that was refused agrees with nothing."""
        self._last = None


class ZeroPoint:
    """Whether an empty scale shows nothing.

    A steady weight no person has, other than 0 and be it under 0, is that of a scale that was tipped, or zeroed with
    somebody on it: until it shows 0 again its weights are `NoValue("device-error")` with the flag "not-zeroed".
    """

    def __init__(self) -> None:
        self._lost = False

    def judge(self, weight: Reading, steady: bool) -> Reading:
        """What may be believed of a weight; `steady`: the message before it said the same."""
        self._lost = weight.value != NoValue("missing") and (self._lost or (steady and _too_light(weight)))
        return self.beside(weight)

    def beside(self, reading: Reading) -> Reading:
        """What may be believed of a number that stands beside that weight and was made of it: an index."""
        if not self._lost or isinstance(reading.value, NoValue):
            return reading
        return replace(reading, value=NoValue("device-error"), flags=frozenset({"not-zeroed"}))


def _too_light(weight: Reading) -> bool:
    factors = dict(UNITS.values())
    refused = weight.value == NoValue("out-of-range")
    return refused and float(weight.detail["shown"]) * factors[str(weight.detail["shown_unit"])] < PERSON_KG[0]


class Stillness:
    """Takes its values from a scale whose weight never moves; time comes in, and nothing is kept but one weight.

    A locked weight that is repeated for `STUCK_S` without a silence, a movement or another weight in between is the
    scale's and nobody's: from then on it says `NoValue("device-error")` with the flag "stuck", until it moves.
    """

    def __init__(self, time_scale: float = 1.0, asked_s: float = 0.0) -> None:
        """`asked_s`: after so long a silence the scale is asked, so that its answers may be so far apart."""
        self._stuck_s = max(STUCK_AT_LEAST_S, STUCK_S / time_scale) if time_scale != 1.0 else STUCK_S
        self._silence_s = max(SILENCE_S / time_scale, 1.5 * asked_s)
        self._same: tuple[Value, frozenset[str]] | None = None
        self._since = self._heard = 0.0
        self._stuck = False

    def hear(self, events: list[Event], now: float) -> list[Event]:
        """What may be believed of `events` that came at `now` seconds."""
        return [told for event in events for told in self._judge(event, now)]

    def _judge(self, event: Event, now: float) -> list[Event]:
        if not isinstance(event, Reading) or event.quantity not in ("weight", "height", "bmi"):
            return [event]
        news: list[Event] = []
        if event.quantity == "weight":
            before, self._stuck = self._stuck, self._is_stuck(event, now)
            news = [Trouble("refused", STUCK)] if self._stuck and not before else []
        if not self._stuck or isinstance(event.value, NoValue):
            return [*news, event]
        return [*news, replace(event, value=NoValue("device-error"), flags=frozenset({"stuck"}))]

    def _is_stuck(self, weight: Reading, now: float) -> bool:
        same = (weight.value, weight.flags)
        if same != self._same or "locked" not in weight.flags or now - self._heard > self._silence_s:
            self._same, self._since = same, now
        self._heard = now
        return now - self._since >= self._stuck_s


async def attend(
    stream: Stream, decoder: Codec, emit: Emit, asks: Iterator[bytes], poll_s: float, still: Stillness
) -> None:
    """Listen until the stream ends, and send the next of `asks` after each silence of `poll_s` seconds."""
    heard = asyncio.Event()

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        while True:
            data = await stream.read()
            heard.set()
            for event in still.hear(decoder.feed(data), loop.time()):
                emit(event)

    async def ask() -> None:
        for request in asks:
            heard.clear()
            try:
                # Not wait_for: in Python 3.11 it may swallow a cancellation.
                while True:
                    async with asyncio.timeout(poll_s):
                        await heard.wait()
                    heard.clear()
            except TimeoutError:
                await stream.write(request)

    await together(listen(), ask())


def always(request: bytes, *first: bytes) -> Iterator[bytes]:
    """Each of `first` once, then `request` for ever."""
    yield from first
    yield from repeat(request)
