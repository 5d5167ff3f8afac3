"""Which MQTT a broker speaks: 5 is tried first, 3.1.1 is enough. Pure; time is the caller's monotonic clock."""

from __future__ import annotations

from enum import Enum

_REMEMBERED = 6 * 3600.0
"""Seconds for which a broker that refused MQTT 5 is spoken to in 3.1.1 at once."""
_PATIENCE = 3
"""Connections lost without an answer before a broker that spoke MQTT 5 is tried in 3.1.1."""


class Mqtt(Enum):
    """A version of the protocol; the value is what stands in a status."""

    V5 = "5"
    V311 = "3.1.1"


class Versions:
    """What is known of one broker, which may refuse a version plainly, end the connection, or be silent.

    Without `five` nothing but 3.1.1 is tried.
    """

    def __init__(self, *, five: bool = True) -> None:
        self._five = five
        self._worked: Mqtt | None = None
        self._until = 0.0
        self._other = False
        self._failures = 0

    def to_try(self, now: float) -> Mqtt:
        """The version for a connection that begins now."""
        known = self._worked is Mqtt.V311 and now < self._until
        return Mqtt.V5 if self._five and not known and not self._other else Mqtt.V311

    def worked(self, version: Mqtt, now: float) -> None:
        """The broker has accepted a connection."""
        self._worked, self._until = version, now + _REMEMBERED
        self._other, self._failures = False, 0

    def failed(self, version: Mqtt, *, plainly: bool) -> bool:
        """A connection ended before it was accepted, `plainly` for its version; whether to try another at once.

        An end without a word may mean anything: it is taken for a refusal where the broker never spoke MQTT 5, or has
        failed so several times in a row.
        """
        if version is Mqtt.V311:
            self._other = False
            return False
        self._failures += 1
        self._other = plainly or self._worked is not Mqtt.V5 or self._failures >= _PATIENCE
        return self._other
