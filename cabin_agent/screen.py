"""The visit as the screens show it: pure views, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cabin_agent.face import Json
from cabin_agent.kiosk import may
from cabin_agent.plan import TASKS, TaskName
from cabin_agent.views import results_json
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Visit
from cabin_agent.visit_table import State
from cabin_agent.wording import Language, phrase, result_line, text


def visit_view(
    visit: Visit,
    course: Json | None,
    *,
    messages: tuple[str, ...],
    sitting: bool,
    elapsed_s: float,
    simulated: bool,
    idle_warning: bool,
    sealed: bool,
    cleaned: tuple[str, ...],
    default_language: Language,
) -> Json:
    """Everything that a screen needs to draw the present state; `course` is the view of the measures, if they run."""
    language = visit.language or default_language
    running = course["running"] if course else []
    return {
        "state": visit.state.value,
        "language": visit.language,
        "kind": visit.kind if visit.subject else None,
        "may": _may(visit, measuring=course is not None, sitting=sitting, sealed=sealed),
        "prompt": _prompt(visit.state, language, running, sitting=sitting),
        "plan": course["plan"] if course else [],
        "running": running,
        "rest": course["rest"] if course else None,
        "left_s": course["left_s"] if course else None,
        "elapsed_s": round(elapsed_s, 1),
        "simulated": simulated,
        "idle": {"warning": idle_warning},
        "messages": [
            *({"code": key, "text": text(language, key)} for key in _said_of_the_code(visit)),
            *({"code": f"reason.{code}", "text": phrase(language, "reason", code)} for code in messages),
        ],
        "exclusions": list(EXCLUSIONS) if visit.state is State.EXCLUSIONS else [],
        "satisfaction": list(SATISFACTION) if visit.state is State.SATISFACTION else [],
        "to_clean": [each for each in cleaned if each not in visit.ticked] if visit.state is State.CLEANING else [],
        "nurse_called": visit.nurse_called,
        "mid": visit.mid if visit.state is State.GOODBYE and sealed and visit.subject else None,
    }


def _said_of_the_code(visit: Visit) -> list[str]:
    """Keys of what to say of a code that was not recognised."""
    if visit.state is State.CODE and visit.wrong_codes:
        return ["code.wrong"]
    exhausted = visit.state is State.GOODBYE and visit.subject is None and visit.nurse_called and visit.wrong_codes
    return ["code.exhausted"] if exhausted else []


def _may(visit: Visit, *, measuring: bool, sitting: bool, sealed: bool) -> list[str]:
    words = [word for word in may(visit.state) if word != "finish" or sealed]
    return [*(["seated"] if sitting else []), *(["skip"] if measuring else []), *words]


DETAIL: Mapping[State, tuple[str, ...]] = {
    State.INFORMATION: ("consent.information.text",),
    State.CONSENT_MEASURES: ("consent.measures.text",),
    State.CONSENT_REMOTE: ("consent.remote-act.text",),
    State.STOPPED: ("stop.message", "stop.emergency"),
}
"""What has to be read before the one thing is done."""


def _prompt(state: State, language: Language, running: list[TaskName], *, sitting: bool) -> Json:
    """The one thing to do now, as a key of the wording catalogues and in words."""
    key = f"state.{state.value}"
    if sitting:
        key = "measure.blood_pressure.instruction"
    elif running:
        key = f"measure.{TASKS[running[0]].yields[0]}.instruction"
    detail = [text(language, each) for each in DETAIL.get(state, ())]
    return {"key": key, "text": text(language, key), "detail": detail}


def results_view(visit: Visit) -> Json:
    """The outcomes of the visit with their evidence, in the person's language."""
    return results_json(visit.outcomes, partial(result_line, visit.language or "fr"))
