"""What a Contec oximeter says sixty times a second, whichever generation it is of; pure.

Neither generation has a checksum, a counter or a clock. A line is believed after several messages in a row that
agree, and a number when the message before it said the same. Where messages are missing nobody knows how many: the
index of the waveform starts again at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value, Wave, Why

RATE = 60.0
"""Messages, and samples of the waveform (7 bits), per second."""
WAVE = 4
"""Samples of a `Wave`, at most."""
EVERY = 20
"""Messages between two readings that say the same: three readings a second."""
PULSE_RANGE, SPO2_RANGE = (25, 250), (1, 100)
"""Protocol sheet contec-cms50, section 6; what is outside is no value of a person."""
AGREE_PULSE, AGREE_SPO2 = 12, 3
"""How far two messages in a row may differ while the line is not believed yet."""


@dataclass(frozen=True, slots=True)
class Live:
    """One message."""

    wave: int
    pulse: int | None
    """Per minute; None where the device says that there is none."""
    spo2: int | None
    perfusion: float | None
    """Perfusion index in per cent; None where the device has none."""
    signal: int
    """0 to 8, as the device grades its signal."""
    why: Why | None
    """What the device says is wrong: then no number of it counts."""
    flags: frozenset[str]

    def says(self) -> tuple[int | None, int | None, float | None, Why | None]:
        """What two messages in a row must have in common for their numbers to count."""
        return self.pulse, self.spo2, self.perfusion, self.why

    def agrees(self, other: Live) -> bool:
        """Whether both can be of one finger."""
        return _close(self.pulse, other.pulse, AGREE_PULSE) and _close(self.spo2, other.spo2, AGREE_SPO2)


def _close(one: int | None, other: int | None, most: int) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) <= most)


class Course:
    """Messages in their order -> events.

    `Wave("pleth")` at 60 Hz in counts (0..127), with the flags of its messages. Three times a second, and at once
    when the reason of no value changes, a `Reading` of spo2 (%) and pulse_rate (/min), and of perfusion_index (%)
    where the device has one. `Identity` once, when the line is believed.
    """

    def __init__(self, model: str, proof: int) -> None:
        """`proof`: messages in a row that must agree before any is believed."""
        self._identity: Identity | None = Identity(model)
        self._proof = proof
        self._held: list[Live] = []
        """Messages that are not believed yet."""
        self._before: Live | None = None
        """The last message of a line that is believed."""
        self._index = 0
        self._wave: list[Live] = []
        self._due = 0
        self._why: Why | None = None

    @property
    def believed(self) -> bool:
        """Whether the line is believed just now."""
        return self._before is not None

    def take(self, live: Live) -> list[Event]:
        """The events that one more message completes."""
        if self._before is not None:
            return self._follow(live, self._before)
        if self._held and not live.agrees(self._held[-1]):
            self._held.clear()
        self._held.append(live)
        return self._believe() if len(self._held) >= self._proof else []

    def broken(self) -> list[Event]:
        """Something is missing between two messages, or was refused."""
        self._held.clear()
        if self._before is None:
            return []
        self._before = None
        events = self.flush()
        self._index = 0
        return [*events, Trouble("lost-samples", "nobody knows how many: the sample index starts again")]

    def flush(self) -> list[Event]:
        """The samples that still wait for their wave to be full."""
        run, self._wave = self._wave, []
        if not run:
            return []
        samples = tuple((float(live.wave),) for live in run)
        return [Wave("pleth", self._index - len(run), RATE, "1", ("pleth",), samples, run[0].flags)]

    def _believe(self) -> list[Event]:
        events: list[Event] = [self._identity] if self._identity else []
        self._identity = None
        held, self._held = self._held, []
        self._before = held[0]
        self._due = 0
        events += self._sample(held[0])
        for live in held[1:]:
            events += self._follow(live, self._before)
        return events

    def _follow(self, live: Live, before: Live) -> list[Event]:
        self._before = live
        events = self._sample(live)
        self._due -= 1
        if live.says() != before.says() or (self._due > 0 and live.why == self._why):
            return events
        self._due, self._why = EVERY, live.why
        return [*events, *readings(live)]

    def _sample(self, live: Live) -> list[Event]:
        events = self.flush() if self._wave and self._wave[0].flags != live.flags else []
        self._wave.append(live)
        self._index += 1
        return [*events, *self.flush()] if len(self._wave) >= WAVE else events


def readings(live: Live) -> list[Event]:
    """The numbers of a message."""
    flags, detail = live.flags - {"pulse"}, {"signal": float(live.signal)}
    found: list[Event] = [
        Reading("spo2", value(live.spo2, live.why, SPO2_RANGE), "%", flags, detail),
        Reading("pulse_rate", value(live.pulse, live.why, PULSE_RANGE), "/min", flags, detail),
    ]
    if live.perfusion is not None and live.why is None:
        found.append(Reading("perfusion_index", live.perfusion, "%", flags, detail))
    return found


def value(number: int | None, why: Why | None, limits: tuple[int, int]) -> Value:
    """A number within its limits, or why there is none."""
    if why is not None:
        return NoValue(why)
    if number is None:
        return NoValue("missing")
    return float(number) if limits[0] <= number <= limits[1] else NoValue("out-of-range")
