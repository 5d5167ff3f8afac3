"""The core as its screens and its technicians see it; implements `cabin_agent.face.Face`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

from cabin_agent.core import Core
from cabin_agent.face import Json, Refusal
from cabin_agent.screen import results_view, visit_view
from cabin_agent.version import VERSION
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
        core, visit, conductor = self._core, self._core.visit, self._core.conductor
        now = core.clock.now()
        return visit_view(
            visit,
            conductor.course.view(now, core.rules) if conductor else None,
            messages=conductor.messages if conductor else (),
            sitting=conductor is not None and conductor.waiting_to_sit,
            elapsed_s=self._elapsed(),
            simulated=core.config.cabin.accept_simulated,
            idle_warning=core.idle.warning,
            sealed=core.sealed,
            cleaned=core.desk.instruments,
            default_language=core.config.cabin.language,
        )

    def _elapsed(self) -> float:
        """Seconds of the visit; after another boot the wall clock is all there is."""
        visit, clock = self._core.visit, self._core.clock
        if not visit.visit_id:
            return 0.0
        same_boot = visit.boot_id == clock.boot_id
        seconds = clock.now() - visit.started_s if same_boot else (clock.wall_ms() - visit.started_ms) / 1000
        return max(0.0, seconds)

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
            await (self._core.bench.start(kind) if verb == "start" else self._core.bench.stop(kind))
        except DriverError as error:
            raise Refusal("not-ready", str(error)) from error
        return next(view for view in self.instruments() if view["kind"] == kind)

    def deliveries(self, limit: int) -> list[Json]:
        """See `Face.deliveries`."""
        return self._core.delivery.history(limit)

    def watch(self, waves: bool) -> AbstractContextManager[AsyncIterator[Json | bytes]]:
        """See `Face.watch`."""
        return self._core.broadcast.watch(waves=waves)
