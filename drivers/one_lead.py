"""One lead of an ECG in counts: samples one by one -> blocks with a running index; pure.

For recorders of one lead whose stream does not say how many counts a millivolt has. Their samples stay counts (unit
"1") and nothing here, or behind it, may call them millivolts.
"""

from __future__ import annotations

from drivers.events import Event, NoValue, Trouble, Value, Wave


class OneLead:
    """The lead `lead` at `rate` samples a second, in a `Wave` "ecg" for every `rows` samples.

    A change of flags or a hole ends a block early, so that the flags of a block hold for each row. A hole of unknown
    length starts the index again at 0: whoever reads intervals across it would read something false.
    """

    def __init__(self, lead: str, rate: float, rows: int) -> None:
        self.lead, self.rate = lead, rate
        self._most = rows
        self._rows: list[float] = []
        self._flags: frozenset[str] = frozenset()
        self._next = 0

    def sample(self, count: float, flags: frozenset[str] = frozenset()) -> list[Event]:
        """Take one sample; the block that it completes."""
        events = self.close() if flags != self._flags else []
        self._flags = flags
        self._rows.append(count)
        return events + (self.close() if len(self._rows) == self._most else [])

    def hole(self, samples: int | None) -> list[Event]:
        """So many samples are missing here; None when nobody knows how many. Nothing before the first sample."""
        events = self.close()
        if not self._next:
            return events
        if samples is None:
            self._next = 0
            return [*events, Trouble("lost-samples", "nobody knows how many: the sample index starts again")]
        self._next += samples
        return [*events, Trouble("lost-samples", "damaged frames", samples)]

    def close(self) -> list[Event]:
        """End the block that is being filled."""
        rows, self._rows = self._rows, []
        if not rows:
            return []
        first, self._next = self._next, self._next + len(rows)
        samples = tuple((count,) for count in rows)
        return [Wave("ecg", first, self.rate, "1", (self.lead,), samples, self._flags)]


class Trust:
    """Holds back what a stream of weak framing says until so much of it was whole that it can be no other's; pure.

    That are `needed` whole parts in a row. Once trusted, it takes several bad ones in a row to lose that.
    """

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._credit = 0
        self.sure = False
        self._held: list[Event] = []

    def good(self, events: list[Event]) -> list[Event]:
        """What may be told after one more whole part that gave these events."""
        self._credit = min(self._needed, self._credit + 1)
        self.sure = self.sure or self._credit == self._needed
        self._held += events
        return self.flush() if self.sure else []

    def bad(self) -> None:
        """A part was bad: what was held may be anybody's."""
        self._credit = self._credit // 2 if self.sure else 0
        self.sure = self._credit > 0
        self._held = []

    def flush(self) -> list[Event]:
        """What is held, at the end of a capture that was whole from its last bad part on."""
        held, self._held = self._held, []
        return held


class Agreed:
    """Numbers that every frame repeats: told when two frames in a row agree, then once in `every` frames; pure."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._last: tuple[int, ...] | None = None
        self._told: tuple[int, ...] | None = None
        self._since = 0

    def take(self, numbers: tuple[int, ...]) -> bool:
        """Whether these numbers are to be told now."""
        agreed, self._last = numbers == self._last, numbers
        self._since += 1
        if not agreed or (numbers == self._told and self._since < self._every):
            return False
        self._told, self._since = numbers, 0
        return True

    def forget(self) -> None:
        """A frame was damaged: what comes next agrees with nothing yet."""
        self._last = None


def value(number: float, limits: tuple[float, float]) -> Value:
    """A number whose 0 means that there is none, within what a person can have."""
    if number == 0:
        return NoValue("missing")
    return float(number) if limits[0] <= number <= limits[1] else NoValue("out-of-range")
