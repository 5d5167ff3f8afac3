"""What a doctor's word makes of the outcomes of a visit; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from cabin_agent.results import Consent, Measure, Outcome, Review, VisitRecord


class Judged(Protocol):
    """Outcomes and the doctor's word on some of them: an open visit, or its record."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Everything that was measured or not, in order."""
        ...

    @property
    def reviews(self) -> dict[int, Review]:
        """The doctor's own word on an outcome, by its position in `outcomes`."""
        ...


def consulted(kind: str, consents: Iterable[Consent]) -> bool:
    """Whether the agent agreed to a doctor at a distance: then a doctor's word on each value is awaited."""
    agreed = [consent.given for consent in consents if consent.subject == "remote-act"]
    return kind == "consultation" and bool(agreed) and agreed[-1]


def awaits_review(visit: VisitRecord) -> bool:
    """Whether a value of this visit that no doctor judged is preliminary."""
    return consulted(visit.kind, visit.consents) or bool(visit.reviews)


def review_of(visit: Judged, position: int) -> Review | None:
    """The doctor's word on the outcome at `position`.

    A value computed from a rejected one is rejected with it, unless the doctor said otherwise of itself.
    """
    own = visit.reviews.get(position)
    if own is not None and own.verdict is not None:
        return own
    outcome = visit.outcomes[position]
    sources = outcome.derived_from if isinstance(outcome, Measure) else ()
    taken_along = [visit.reviews[source] for source in sources if is_rejected(visit, source)]
    if not taken_along:
        return own
    return Review("rejected", "" if own is None else own.note, taken_along[0].by)


def is_rejected(visit: Judged, position: int) -> bool:
    """Whether the doctor set this outcome aside by a word of its own."""
    review = visit.reviews.get(position)
    return review is not None and review.verdict == "rejected"


def doctors(visit: VisitRecord) -> tuple[str, ...]:
    """The accounts that reviewed outcomes, each once, in the order of the outcomes."""
    return tuple(dict.fromkeys(visit.reviews[position].by for position in sorted(visit.reviews)))
