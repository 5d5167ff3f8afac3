"""The open visit on disk: every step is stored before its effects, so that a restart resumes where it was."""

from __future__ import annotations

import logging
from dataclasses import replace

from cabin_agent.journal import Journal, JournalFull
from cabin_agent.results import Measure, NotMeasured, Outcome, Review
from cabin_agent.stored import Unreadable, from_json, to_json
from cabin_agent.visit import Visit
from cabin_agent.visit_table import State

log = logging.getLogger(__name__)


class OpenVisit:
    """Keeps one visit in the journal: its state as one part, each outcome, review and recorded track as its own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._used = journal.folder / "used"
        """There from the first touch until the cabin is clean: no crash between makes it ready. It names nobody."""
        self.lost = journal.damage is not None
        """Whether the visit that was open could not be read any more."""
        self._outcomes = 0
        self._tracks = 0
        self._reviews: dict[int, Review] = {}

    def load(self) -> Visit:
        """The visit as it was stored last; a ready cabin where there is none.

        A visit that another version stored in another form, or whose journal was damaged, is lost: the cabin is
        cleaned before the next one.
        """
        if not self._journal.is_open() or "visit" not in self._journal.names():
            return Visit(state=State.CLEANING) if self._used.exists() else Visit()
        try:
            return self._load()
        except Unreadable as error:
            log.error("%s It is forgotten, and the cabin is cleaned.", error)
            self.lost = True
            self.forget()
            return Visit(state=State.CLEANING)

    def _load(self) -> Visit:
        names = self._journal.names()
        outcomes = tuple(self._outcome(name) for name in sorted(names) if name.startswith("outcome/"))
        self._outcomes = len(outcomes)
        self._tracks = sum(name.startswith("track/") for name in names)
        self._reviews = {int(name[7:]): self._review(name) for name in names if name.startswith("review/")}
        stored = from_json(Visit, self._journal.get("visit"))
        return replace(stored, outcomes=outcomes, reviews=dict(self._reviews))

    def keep(self, visit: Visit, tracks: tuple[bytes, ...] = ()) -> None:
        """Store the visit and what is new of it, in one transaction; a ready cabin stores nothing of anybody."""
        if visit.state is State.READY:
            self.forget()
            return self._used.unlink(missing_ok=True)
        self._mark_used()
        if not self._journal.is_open():
            self._journal.begin()
        parts = {"visit": to_json(replace(visit, outcomes=(), reviews={}))}
        for number, review in visit.reviews.items():
            if self._reviews.get(number) != review:
                parts[f"review/{number:04d}"] = to_json(review)
        for number, outcome in enumerate(visit.outcomes[self._outcomes :], self._outcomes):
            parts[f"outcome/{number:04d}/{'measure' if isinstance(outcome, Measure) else 'none'}"] = to_json(outcome)
        for number, track in enumerate(tracks, self._tracks):
            parts[f"track/{number:04d}"] = track
        self._journal.put_many(parts)
        self._outcomes, self._tracks = len(visit.outcomes), self._tracks + len(tracks)
        self._reviews = dict(visit.reviews)
        return None

    def tracks(self) -> list[bytes]:
        """Every recorded track, in order."""
        names = sorted(name for name in self._journal.names() if name.startswith("track/"))
        return [self._journal.get(name) for name in names]

    def forget(self) -> None:
        """Destroy everything of the visit."""
        self._journal.forget()
        self._outcomes = self._tracks = 0
        self._reviews = {}

    def _mark_used(self) -> None:
        if self._used.exists():
            return
        try:
            self._used.touch(mode=0o600)
        except OSError as error:
            raise JournalFull(f"The folder {self._used.parent} cannot be written: {error.strerror}.") from None

    def _review(self, name: str) -> Review:
        return from_json(Review, self._journal.get(name))

    def _outcome(self, name: str) -> Outcome:
        kind: type[Measure] | type[NotMeasured] = Measure if name.endswith("/measure") else NotMeasured
        return from_json(kind, self._journal.get(name))
