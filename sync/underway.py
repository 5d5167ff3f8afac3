"""The letters that are under way on one connection: which one leaves next, in which parts, and what its fate tells.

Time is the caller's monotonic clock, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.backoff import Backoff
from sync.bound import Bound
from sync.link import LinkSettings
from sync.outbox import Letter, Outbox
from sync.pace import Pace
from sync.parts import LEAST, split

_TICK = 1.0
_BEHIND = 5.0
"""Seconds within which the loss of a connection is laid to a large message that went before it."""
_NOBODY_MOST = 60.0
"""Most seconds until a broker that has nobody to give letters to is asked again."""
_MISSED = 3
"""Letters without a receipt in a row, after which the record is said not to answer."""


@dataclass(frozen=True, slots=True)
class UplinkSettings(LinkSettings):
    """The broker, and how much may be under way. Times in seconds."""

    window: int = 20
    """Letters that may wait for a receipt at one time; fewer where receipts are slow to come."""
    window_bytes: int = 8 << 20
    letters_per_s: float = float("inf")
    bytes_per_s: float = float("inf")
    """What may leave in one second, so that many cabins that come back at one time do not drown the broker."""
    resend_after: float = 30.0
    """A letter without a receipt is sent again after this time, which doubles at each further attempt."""
    resend_most: float = 900.0


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    largest: int
    """Bytes of the largest message that it was sent in."""


@dataclass(slots=True)
class _Leaving:
    """A letter that is handed to the connection, message by message."""

    letter: Letter
    messages: deque[bytes] = field(repr=False)
    largest: int


class Underway:
    """Sends what is due as fast as window, pace and connection allow; `publish` says whether it took a message."""

    def __init__(
        self,
        outbox: Outbox,
        publish: Callable[[bytes], bool],
        settings: UplinkSettings,
    ) -> None:
        self._outbox, self._publish, self._settings = outbox, publish, settings
        self._pace = Pace(settings.window, settings.letters_per_s, settings.bytes_per_s)
        self._bound = Bound()
        self._announced: int | None = None
        self._leaving: _Leaving | None = None
        self._sent: dict[bytes, _Sent] = {}
        self._last: _Sent | None = None
        """The largest message of the last seconds."""
        self._missed = 0
        self._backoff = Backoff(min(1.0, settings.resend_after), _NOBODY_MOST)
        self._again_at: float | None = None
        """When letters that the broker gave to nobody are tried again."""

    @property
    def most(self) -> int:
        """Bytes of the largest message: what the broker has announced, or was found to take."""
        most = self._bound.most if self._announced is None else min(self._bound.most, self._announced)
        return max(LEAST, most)

    @property
    def unheard(self) -> bool:
        """Whether letters go out and no receipt comes."""
        return self._missed >= _MISSED

    def begin(self, announced: int | None) -> None:
        """A connection begins; `announced` is the largest message that its broker says it takes."""
        self._announced = announced
        self._pace.begin()

    def wait(self, now: float) -> float:
        """Seconds for which there is nothing to send, if nothing comes and nothing is put."""
        due = self._outbox.next_due()
        until_due = _TICK if due is None else max(0.0, due - now)
        until_again = _TICK if self._again_at is None else max(0.0, self._again_at - now)
        return min(_TICK, until_due, until_again, self._pace.wait(now) or _TICK)

    def send(self, now: float) -> None:
        """Hand over as much as may leave now."""
        while self._may_leave(now) and self._hand_over(now):
            continue

    def _may_leave(self, now: float) -> bool:
        if self._again_at is not None:
            if now < self._again_at:
                return False
            self._start_again()
        if self._pace.wait(now) > 0:
            return False
        if self._leaving is None:
            self._leaving = self._next(now)
        return self._leaving is not None

    def _next(self, now: float) -> _Leaving | None:
        count, size = self._outbox.load(now)
        if count >= self._pace.window or (count and size >= self._settings.window_bytes):
            return None
        letters = self._outbox.due(now, 1)
        if not letters:
            return None
        (letter,) = letters
        before = self._sent.pop(letter.mid, None)
        if before is not None:
            self._miss(before)
        messages = deque(split(letter.mid, letter.envelope, self.most))
        return _Leaving(letter, messages, max(map(len, messages)))

    def _miss(self, sent: _Sent) -> None:
        """Its receipt has not come in time, although the connection stood."""
        self._missed += 1
        self._pace.unanswered()
        self._bound.doubt(sent.largest)

    def _hand_over(self, now: float) -> bool:
        """The next message of the letter that leaves; a letter counts as sent once all of it went out."""
        leaving = self._leaving
        if leaving is None or not self._publish(leaving.messages[0]):
            return False
        message = leaving.messages.popleft()
        if self._last is None or now - self._last.at >= _BEHIND or len(message) >= self._last.largest:
            self._last = _Sent(now, len(message))
        self._pace.left(len(message), whole=not leaving.messages)
        if not leaving.messages:
            self._leaving = None
            self._sent[leaving.letter.mid] = _Sent(now, leaving.largest)
            wait = self._settings.resend_after * 2.0 ** min(self._outbox.attempts(leaving.letter), 20)
            self._outbox.mark_sent(leaving.letter, now + min(wait, self._settings.resend_most))
        return True

    def answered(self, mid: bytes, now: float) -> None:
        """The record's receipt for a letter has come."""
        self._missed = 0
        self._backoff.reset()
        sent = self._sent.pop(mid, None)
        if sent is not None:
            self._pace.answered(now - sent.at)
            self._bound.passed(sent.largest)

    def returned(self, size: int, now: float, *, too_large: bool) -> None:
        """The broker has answered a message of `size` bytes that nobody will get it: all wait, then begin anew."""
        self._pace.unanswered()
        if self._again_at is None:
            self._again_at = now + self._backoff.next()
        if too_large:
            self._bound.refused(size)

    def lost(self, now: float, *, too_large: bool = False) -> None:
        """The connection is gone, and with it the receipts that were on their way: all letters are due again."""
        if self._last is not None and now - self._last.at < _BEHIND:
            (self._bound.refused if too_large else self._bound.doubt)(self._last.largest)
        if self._sent:
            self._missed += 1
        self._last = None
        self._start_again()

    def _start_again(self) -> None:
        """Whatever is under way is due now."""
        self._again_at = self._leaving = None
        self._sent.clear()
        self._outbox.release()
