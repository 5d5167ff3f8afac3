"""Whether what is connected to a port speaks the protocol that was configured for it: pure, time comes in.

USB-serial bridges of one maker all look alike, and every one of them opens. What is on a port is known by what it
says and by nothing else: until the first well-formed event of the protocol its bytes are kept, a few hundred of them,
so that what turns out to be another instrument can be named.
"""

from __future__ import annotations

KEPT = 1024
"""Bytes at most that are kept of what was said last."""
FEW = 16
"""Bytes that may be a disturbance: whoever sent no more than these has not spoken."""
SHORTEST_S = 3.0
"""A frame may be spoilt, and the next: nothing is refused sooner."""


def patience(quiet_s: float | None, shortest_s: float = SHORTEST_S) -> float:
    """Seconds of talk without a word of the protocol after which it is another one: two silences of the sheet."""
    return max(shortest_s, 2 * (quiet_s or 0.0))


def refusal(url: str, kind: str, protocol: str, other: str | None) -> str:
    """The sentence for something at `url` that is no `kind` speaking `protocol`; `other` is what it looks like."""
    looks = f"it looks like {other}" if other else "it looks like no instrument that this cabin knows"
    return (
        f"What is connected at {url} does not speak {protocol}: {looks}; "
        f"plug the {kind} in there, or correct url and protocol in the configuration."
    )


class Probe:
    """One opened port, from its first byte to its first well-formed event."""

    def __init__(self) -> None:
        self._known = False
        self._said = bytearray()
        self._count = 0
        self._first = self._last = 0.0

    @property
    def pending(self) -> bool:
        """Whether nothing of the protocol was heard yet."""
        return not self._known

    @property
    def said(self) -> bytes:
        """The newest bytes, at most `KEPT`; none once the protocol was heard."""
        return bytes(self._said)

    def known(self) -> None:
        """Something of the protocol was heard: the port is the right one, and its bytes are kept no longer."""
        self._known = True
        self._said.clear()

    def take(self, data: bytes, now: float, patience_s: float) -> None:
        """Bytes that came at `now` (seconds); those before a long silence were a disturbance."""
        if self._known:
            return
        if not self._count or now - self._last > patience_s:
            self._first, self._count = now, 0
        self._last = now
        self._count += len(data)
        self._said += data
        del self._said[:-KEPT]

    def is_foreign(self, patience_s: float) -> bool:
        """Whether it has talked for so long without a word of the protocol."""
        return not self._known and self._count > FEW and self._last - self._first >= patience_s
