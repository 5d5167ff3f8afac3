"""The core as its screens and its technicians see it; implements `cabin_agent.face.Face`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager

from cabin_agent.core import Core
from cabin_agent.core_view import cabin_view, consultation_view, kiosk_view
from cabin_agent.face import Json, Refusal, Wanted
from cabin_agent.journal import JournalError
from cabin_agent.screen import results_view
from cabin_agent.version import VERSION
from cabin_agent.visit import IllegalEvent
from cabin_agent.visit_table import State
from drivers.errors import DriverError


class CoreFace:
    """Views of the core, and the few things that may be asked of it."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def status(self) -> Json:
        """See `Face.status`."""
        cabin = self._core.config.cabin
        return {
            "version": VERSION,
            "name": cabin.name,
            "ready": self._core.ready,
            "simulated": cabin.accept_simulated,
            "speed": cabin.speed,
            "delivery": self._core.delivery.status(),
        }

    def visit(self) -> Json:
        """See `Face.visit`."""
        return kiosk_view(self._core)

    async def tell(self, message: Json) -> Json:
        """See `Face.tell`."""
        await self._core.said(message)
        return self.visit()

    def results(self) -> Json:
        """See `Face.results`."""
        if not self._core.visit.results_shown:
            raise Refusal(
                "not-now", "Results stay hidden until the agent asks for them, and are gone after the visit."
            )
        return results_view(self._core.visit)

    def instruments(self) -> list[Json]:
        """See `Face.instruments`."""
        return self._core.bench.overview()

    async def command(self, instrument: str, verb: str) -> Json:
        """See `Face.command`."""
        kind = self._core.bench.kind_of(instrument)
        if self._core.visit.state not in (State.READY, State.CLEANING, State.OUT_OF_ORDER):
            raise Refusal("busy", "A visit is under way; its instruments are not started or stopped by hand.")
        try:
            await self._core.bench.by_hand(kind, verb)
        except DriverError as error:
            raise Refusal("not-ready", str(error)) from error
        return next(view for view in self.instruments() if view["kind"] == kind)

    def deliveries(self, limit: int) -> list[Json]:
        """See `Face.deliveries`."""
        return self._core.delivery.history(limit)

    async def requeue(self, mid: str) -> Json:
        """See `Face.requeue`."""
        return await self._core.delivery.requeue(mid)

    def cabin(self) -> Json:
        """See `Face.cabin`."""
        return cabin_view(self._core)

    def consultation(self, doctor: str) -> Json:
        """See `Face.consultation`."""
        return consultation_view(self._core, doctor)

    async def join(self, doctor: str, language: str = "fr") -> Json:
        """See `Face.join`."""
        return self._core.consultation.join(doctor, language)

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        """See `Face.offer`."""
        with _refusing():
            return await self._core.consultation.offer(token, sdp)

    async def end(self, doctor: str) -> None:
        """See `Face.end`."""
        with _refusing():
            await self._core.consultation.end(doctor)

    async def hang_up(self, doctor: str, session: str) -> None:
        """See `Face.hang_up`."""
        self._core.consultation.hang_up(doctor, session)

    def watch(self, waves: bool, wanted: Wanted) -> AbstractContextManager[AsyncIterator[Json | bytes]]:
        """See `Face.watch`."""
        return self._core.broadcast.watch(waves=waves, wanted=wanted)


@contextmanager
def _refusing() -> Iterator[None]:
    """What a step of the consultation raises, as the API knows it."""
    try:
        yield
    except JournalError as error:
        raise Refusal("not-ready", str(error)) from error
    except IllegalEvent:
        raise Refusal("not-now", "The consultation ended meanwhile.") from None
