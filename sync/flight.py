"""Which letters were sent and wait for their receipt: kept in memory, because it is true of one connection only.

After a restart every letter is simply pending again; the record recognises what it already has. Time is the caller's
monotonic clock, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENT = 3
"""Letters sent this often without a receipt go behind the others, so that none can hold up the rest."""


@dataclass(slots=True)
class _Flight:
    due: float
    attempts: int
    size: int


class Flights:
    """Letters by their row number, in the order in which they are to be sent again."""

    def __init__(self) -> None:
        self._flights: dict[int, _Flight] = {}
        self.highest = 0
        """The highest row number ever sent: what lies above it is fresh."""

    def sent(self, letter: int, size: int, due: float) -> None:
        """A letter went out; without a receipt it is due again at `due`."""
        attempts = self.attempts(letter) + 1
        self._flights[letter] = _Flight(due, attempts, size)
        self.highest = max(self.highest, letter)

    def forget(self, letter: int) -> None:
        """Its receipt has come, or it is out of the race."""
        self._flights.pop(letter, None)

    def again(self, letter: int, size: int) -> None:
        """An older letter is to be sent anew, with a clean sheet."""
        if letter <= self.highest:
            self._flights[letter] = _Flight(float("-inf"), 0, size)

    def release(self) -> None:
        """The connection is gone, and with it the receipts that were on their way: all are due at once."""
        for flight in self._flights.values():
            flight.due = float("-inf")

    def attempts(self, letter: int) -> int:
        """How often a letter was sent since this process began."""
        flight = self._flights.get(letter)
        return flight.attempts if flight else 0

    def expired(self, now: float) -> tuple[list[int], list[int]]:
        """Letters due again: those to send before fresh ones in order of rows, and those to send after them."""
        waiting = sorted(row for row, flight in self._flights.items() if flight.due <= now)
        early = [row for row in waiting if self._flights[row].attempts < PATIENT]
        late = [row for row in waiting if self._flights[row].attempts >= PATIENT]
        return early, sorted(late, key=lambda row: self._flights[row].attempts)

    def load(self, now: float) -> tuple[int, int]:
        """Number and bytes of the letters whose receipt is still awaited."""
        flying = [flight.size for flight in self._flights.values() if flight.due > now]
        return len(flying), sum(flying)

    def is_flying(self, letter: int) -> bool:
        """Whether a letter was sent and not released since."""
        flight = self._flights.get(letter)
        return flight is not None and flight.due > float("-inf")

    def next_due(self) -> float | None:
        """When the first awaited receipt is given up, or None where none is awaited."""
        return min((flight.due for flight in self._flights.values()), default=None)
