"""What the doctor's page may ask of the core in a consultation, and what is kept of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from cabin_agent.core_view import doctor_view
from cabin_agent.directed import Directed
from cabin_agent.face import Json, Refusal
from cabin_agent.journal import JournalError
from cabin_agent.results import Measure, Note, Review
from cabin_agent.strip_view import strip_view
from cabin_agent.visit import IllegalEvent
from cabin_agent.visit_table import Event
from cabin_agent.wording import Language

if TYPE_CHECKING:
    from cabin_agent.core import Core

MOST_WORDS, MOST_NOTE = 280, 4000
"""Characters of what is shown to the agent, and of what goes to the record."""
MOST_NOTES = 100
VERDICTS = ("accepted", "rejected", None)


async def answered(core: Core, language: Language, message: Json) -> Json:
    """The answer to one request, as `{"ok": True, ...}` or `{"ok": False, "code", "text"}`."""
    try:
        if core.directed is None:
            raise Refusal("not-now", "The consultation is over.")
        if message.get("do") == "view":
            return {"ok": True, "view": doctor_view(core, language)}
        if message.get("do") == "strip":
            return {"ok": True, "strip": _strip(core, message)}
        ask = ASKED.get(str(message.get("do")))
        if ask is None:
            raise Refusal("unknown-event", f"Nothing is called so; there are: view, strip, {', '.join(ASKED)}.")
        await ask(core, core.directed, message)
    except Refusal as refusal:
        return refused(refusal)
    except JournalError as error:
        return refused(Refusal("not-ready", str(error)))
    except IllegalEvent:
        return refused(Refusal("not-now", "The consultation is over."))
    return {"ok": True}


def _strip(core: Core, message: Json) -> Json:
    """One lead of a recorded ECG."""
    outcome = core.visit.outcomes[_index(core, message)]
    strip = outcome.strip if isinstance(outcome, Measure) else None
    lead = message.get("lead")
    if strip is None:
        raise Refusal("bad-value", "This outcome has no ECG strip: read the list again.")
    if lead not in strip.leads:
        raise Refusal("bad-value", f"'lead' is one of: {', '.join(strip.leads)}.")
    return strip_view(strip, str(lead))


def _index(core: Core, message: Json) -> int:
    index = message.get("index")
    if type(index) is not int or not 0 <= index < len(core.visit.outcomes):
        raise Refusal("bad-value", "'index' is the position of an outcome in the list: read it again.")
    return index


def refused(refusal: Refusal) -> Json:
    """A refusal as an answer."""
    return {"ok": False, "code": refusal.code, "text": str(refusal)}


async def _start(_: Core, directed: Directed, message: Json) -> None:
    directed.start(_text(message, "task", 40))


async def _stop(_: Core, directed: Directed, message: Json) -> None:
    directed.stop(_text(message, "task", 40))


async def _review(core: Core, _: Directed, message: Json) -> None:
    index, verdict = _index(core, message), message.get("verdict")
    if verdict not in VERDICTS:
        raise Refusal("bad-value", "'verdict' is one of: accepted, rejected, null.")
    review = Review(verdict, _text(message, "note", MOST_NOTE, least=0), core.consultation.doctor or "")
    await core.keep(Event.REVIEW, index=index, review=review)


async def _note(core: Core, _: Directed, message: Json) -> None:
    text = _text(message, "text", MOST_NOTE)
    if len(core.visit.notes) >= MOST_NOTES:
        raise Refusal("busy", f"A consultation keeps {MOST_NOTES} notes: this one was not kept.")
    await core.keep(Event.NOTE, note=Note(core.clock.wall_ms(), text, core.consultation.doctor or ""))


async def _say(core: Core, _: Directed, message: Json) -> None:
    core.consultation.message = _text(message, "text", MOST_WORDS, least=0) or None
    core.moved()


async def _end(core: Core, _: Directed, __: Json) -> None:
    await core.keep(Event.END)


def _text(message: Json, key: str, most: int, *, least: int = 1) -> str:
    value = message.get(key)
    value = value.strip() if isinstance(value, str) else value
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Refusal("bad-value", f"'{key}' is a text of {least} to {most} characters.")
    return value


ASKED: Mapping[str, Callable[[Core, Directed, Json], Awaitable[None]]] = {
    "start": _start,
    "stop": _stop,
    "review": _review,
    "note": _note,
    "say": _say,
    "end": _end,
}
"""Everything that changes something; "view" and "strip" only look."""
