"""The fields of a characteristic's value: integers, numbers and times, little-endian, one after another."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from drivers.events import NoValue
from drivers.medical_float import float32, sfloat


class Malformed(ValueError):
    """A value that does not have the layout of its characteristic; the text is one phrase that says why."""


class Fields:
    """A reader that goes through one value."""

    def __init__(self, value: bytes) -> None:
        self._rest = value

    def unsigned(self, size: int) -> int:
        """An integer of so many bytes; raises `Malformed` where the value ends before."""
        if len(self._rest) < size:
            raise Malformed("a value is shorter than its flags say")
        raw, self._rest = self._rest[:size], self._rest[size:]
        return int.from_bytes(raw, "little")

    def flags(self, known: int) -> int:
        """The byte that says which fields follow; a bit that is not in `known` makes the rest unreadable."""
        flags = self.unsigned(1)
        if flags & ~known:
            raise Malformed("a value has flags that its profile does not define")
        return flags

    def sfloat(self) -> Decimal | NoValue:
        """A number of two bytes."""
        return sfloat(self.unsigned(2))

    def float32(self) -> Decimal | NoValue:
        """A number of four bytes."""
        return float32(self.unsigned(4))

    def time(self) -> datetime | None:
        """Seven bytes of date and time; None where the instrument's clock was never set, or shows no real time."""
        parts = [self.unsigned(2), *(self.unsigned(1) for _ in range(5))]
        try:
            return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the instrument knows no zone
        except ValueError:
            return None

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._rest)

    def end(self) -> None:
        """Raise `Malformed` where something follows that the flags do not announce."""
        if self._rest:
            raise Malformed("a value is longer than its flags say")
