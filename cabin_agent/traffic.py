"""How much an instrument sends, and what was wrong with it: counts alone, nothing of what was said."""

from __future__ import annotations

from collections import Counter

from cabin_agent.face import Json
from drivers.capture import Way
from drivers.events import Event, Trouble
from drivers.tape import Note


class Traffic:
    """The counts of one instrument since this began; `note` is told the same bytes, where somebody keeps them."""

    def __init__(self, note: Note | None = None) -> None:
        self._note = note
        self.bytes_in = 0
        self.troubles: Counter[str] = Counter()
        """Code of a `Trouble` -> how often."""

    def wire(self, way: Way, data: bytes) -> None:
        """One entry of the wire, as `drivers.tape.Note` takes it."""
        if way == "in":
            self.bytes_in += len(data)
        if self._note is not None:
            self._note(way, data)

    def heard(self, event: Event) -> None:
        """Count what a driver says is wrong; what nobody has confirmed of its wire is told elsewhere."""
        if isinstance(event, Trouble) and event.code != "unconfirmed":
            self.troubles[event.code] += event.count

    def view(self) -> Json:
        """As the API shows it."""
        return {"bytes_in": self.bytes_in, "troubles": dict(self.troubles)}
