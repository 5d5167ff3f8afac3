"""One check-up over the local API, from the first touch to the record's receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from cabin_agent.client import CoreClient, CoreError
from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.face import Json
from cabin_agent.person import Person

UNSETTLED = ("pending", "in-flight")


@dataclass(slots=True)
class Checkup:
    """What one check-up gave."""

    outcomes: list[Json] = field(default_factory=list)
    mid: str | None = None
    seconds: float = 0.0
    """Length in seconds of the visit's time, from the first touch to good-bye."""
    states: list[str] = field(default_factory=list)
    """States gone through, in order."""


async def go_through(
    core: CoreClient,
    person: Person,
    show: Callable[[Json], None],
    tell: Callable[[list[Json]], None] = lambda _outcomes: None,
) -> Checkup:
    """Lead `person` through one visit; `show` sees every new view of it, `tell` the results. Raises `CoreError`."""
    checkup = Checkup()
    async with aclosing(core.stream()) as events:
        visit = await core.visit()
        while not (checkup.states and visit["state"] == "ready"):
            _note(checkup, visit)
            show(visit)
            said = await _results(core, visit, checkup, tell) or await _answer(person, visit)
            visit = await core.tell(**said) if said else await _next(events, core)
    return checkup


async def receipt_of(core: CoreClient, mid: str) -> Json | None:
    """Wait for the record's word on one envelope: the delivery as the API shows it, settled."""
    async with aclosing(core.stream()) as events:
        while True:
            found = next((each for each in await core.deliveries(500) if each["mid"] == mid), None)
            if found is None or found["state"] not in UNSETTLED:
                return found
            await _next(events, core)


async def _answer(person: Person, visit: Json) -> Json | None:
    """The person's answer: whoever thinks at a prompt holds up neither the core's stream nor a Ctrl-C."""
    return await in_daemon_thread(partial(person.answer, visit), "person")


async def _results(
    core: CoreClient, visit: Json, checkup: Checkup, tell: Callable[[list[Json]], None]
) -> Json | None:
    """In the results: have them shown, keep them, and say that they were read."""
    if visit["state"] != "results":
        return None
    if not checkup.outcomes:
        await core.tell("show_results")
        checkup.outcomes = (await core.results())["outcomes"]
        tell(checkup.outcomes)
    return {"event": "results_read"}


def _note(checkup: Checkup, visit: Json) -> None:
    state = visit["state"]
    if state not in checkup.states[-1:] and (checkup.states or state != "ready"):
        checkup.states.append(state)
    if visit.get("mid"):
        checkup.mid = visit["mid"]
    if state not in ("ready", "cleaning"):
        checkup.seconds = visit["elapsed_s"]


async def _next(events: AsyncIterator[Json | bytes], core: CoreClient) -> Json:
    """The visit after the next change that concerns it."""
    async for event in events:
        if isinstance(event, dict) and event.get("type") in ("changed", "delivery"):
            return await core.visit()
    raise CoreError("The core stopped in the middle of the check-up; what was measured is kept and resumes with it.")
