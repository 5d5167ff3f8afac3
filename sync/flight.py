"""Which letters were sent and wait for their receipt: kept in memory, because it is true of one connection only.

After a restart every letter is simply pending again; the record recognises what it already has. Time is the caller's
monotonic clock, in seconds. No call looks at every letter but `release`: there may be a hundred thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

PATIENT = 3
"""Letters sent this often without a receipt go behind the others, so that none can hold up the rest."""
_NEVER = float("-inf")


@dataclass(slots=True)
class _Flight:
    due: float
    attempts: int
    size: int
    flying: bool
    """Whether its receipt is still awaited."""

    @property
    def rank(self) -> int:
        return self.attempts if self.attempts >= PATIENT else 0


class Flights:
    """Letters by their row number, in the order in which they are to be sent again."""

    def __init__(self) -> None:
        self._flights: dict[int, _Flight] = {}
        self._clock: list[tuple[float, int]] = []
        """When each is given up: a heap that may also name letters that fly no more."""
        self._waiting: list[tuple[int, int]] = []
        """Rank and row of what is due again: a heap that may also name letters that wait no more."""
        self._count = self._size = 0
        self.highest = 0
        """The highest row number ever sent: what lies above it is fresh."""

    def sent(self, letter: int, size: int, due: float) -> None:
        """A letter went out; without a receipt it is due again at `due`."""
        attempts = self.attempts(letter) + 1
        self.forget(letter)
        self._flights[letter] = _Flight(due, attempts, size, flying=True)
        heappush(self._clock, (due, letter))
        self._count, self._size = self._count + 1, self._size + size
        self.highest = max(self.highest, letter)

    def forget(self, letter: int) -> None:
        """Its receipt has come, or it is out of the race."""
        flight = self._flights.pop(letter, None)
        if flight is not None:
            self._land(flight)

    def _land(self, flight: _Flight) -> None:
        if flight.flying:
            flight.flying = False
            self._count, self._size = self._count - 1, self._size - flight.size

    def again(self, letter: int, size: int) -> None:
        """An older letter is to be sent anew, with a clean sheet."""
        if letter <= self.highest:
            self.forget(letter)
            self._flights[letter] = _Flight(_NEVER, 0, size, flying=False)
            heappush(self._waiting, (0, letter))

    def release(self) -> None:
        """The connection is gone, and with it the receipts that were on their way: all are due at once."""
        for flight in self._flights.values():
            flight.due, flight.flying = _NEVER, False
        self._count = self._size = 0
        self._clock.clear()
        self._waiting = [(flight.rank, letter) for letter, flight in self._flights.items()]
        heapify(self._waiting)

    def attempts(self, letter: int) -> int:
        """How often a letter was sent since this process began."""
        flight = self._flights.get(letter)
        return flight.attempts if flight else 0

    def expired(self, now: float, limit: int) -> tuple[list[int], list[int]]:
        """At most `limit` letters due again: those to send before fresh ones, by row, and those to send after
        them, most often sent last. Time does not go back from call to call.
        """
        self._lapse(now)
        found: list[tuple[int, int]] = []
        while self._waiting and len(found) < limit:
            entry = heappop(self._waiting)
            flight = self._flights.get(entry[1])
            waits = flight is not None and not flight.flying and flight.rank == entry[0]
            if waits and entry not in found[-1:]:
                found.append(entry)
        for entry in found:
            heappush(self._waiting, entry)
        return [row for rank, row in found if not rank], [row for rank, row in found if rank]

    def _lapse(self, now: float) -> None:
        """Those whose receipt has not come in time wait to be sent again."""
        while self._clock and self._clock[0][0] <= now:
            due, letter = heappop(self._clock)
            flight = self._flights.get(letter)
            if flight is not None and flight.flying and flight.due == due:
                self._land(flight)
                heappush(self._waiting, (flight.rank, letter))

    def load(self, now: float) -> tuple[int, int]:
        """Number and bytes of the letters whose receipt is still awaited."""
        self._lapse(now)
        return self._count, self._size

    def is_flying(self, letter: int) -> bool:
        """Whether a letter was sent and not released since."""
        flight = self._flights.get(letter)
        return flight is not None and flight.due > _NEVER

    def next_due(self) -> float | None:
        """When the first awaited receipt is given up, or None where none is awaited."""
        while self._clock:
            due, letter = self._clock[0]
            flight = self._flights.get(letter)
            if flight is not None and flight.flying and flight.due == due:
                return due
            heappop(self._clock)
        return None
