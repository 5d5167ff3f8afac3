"""The visit as the screens show it: pure views, in the person's language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from functools import partial

from cabin_agent.face import Json
from cabin_agent.hearing_view import HearingView
from cabin_agent.kiosk import may
from cabin_agent.plan import TASKS, TaskName
from cabin_agent.reviewed import review_of
from cabin_agent.verdict_words import last_message, verdict_view
from cabin_agent.views import results_json
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Visit
from cabin_agent.visit_table import State
from cabin_agent.wording import Language, catalogue, phrase, result_line, text


def visit_view(
    visit: Visit,
    course: Json | None,
    *,
    messages: tuple[str, ...],
    sitting: bool,
    elapsed_s: float,
    simulated: bool,
    idle_warning: bool,
    idle_grace_s: float,
    sealed: bool,
    cleaned: tuple[str, ...],
    default_language: Language,
    consultation: Json | None = None,
    reader: Language | None = None,
    hearing: HearingView | None = None,
    by_hand: Collection[TaskName] = (),
) -> Json:
    """Everything that a screen needs to draw the present state; `course` is the view of the measures, if they run.

    `consultation` is the view of the consultation while there is one, with the key of what it says ("says"). The
    words are in the person's language, unless a `reader` of another one looks. `by_hand`: tasks whose instrument the
    person starts.
    """
    language = reader or visit.language or default_language
    running = course["running"] if course else []
    measuring = bool(consultation["task"]) if consultation else course is not None
    return {
        "state": visit.state.value,
        "language": visit.language,
        "kind": visit.kind if visit.subject else None,
        "may": _may(visit, measuring=measuring, sitting=sitting, sealed=sealed, hearing=hearing is not None),
        "hearing": asdict(hearing) if hearing else None,
        "prompt": _prompt(
            visit.state, language, running, sitting=sitting, consultation=consultation, by_hand=by_hand
        ),
        "doing": text(language, _words(running, "doing", by_hand)) if running and not sitting else None,
        "plan": [_named(row, language) for row in course["plan"]] if course else [],
        "running": running,
        "attempts": course["attempts"] if course else None,
        "rest": course["rest"] if course else None,
        "left_s": course["left_s"] if course else None,
        "elapsed_s": round(elapsed_s, 1),
        "simulated": simulated,
        "idle": {"warning": idle_warning, "grace_s": idle_grace_s},
        "messages": [
            *({"code": key, "text": text(language, key), "cure": None} for key in _said_of_the_code(visit)),
            *(reason(language, code) for code in messages),
            *(_of_the_last(visit, language) if course and course["plan"] and not running and not sitting else ()),
        ],
        "consultation": {key: consultation[key] for key in CONSULTATION} if consultation else None,
        "exclusions": list(EXCLUSIONS) if visit.state is State.EXCLUSIONS else [],
        "satisfaction": list(SATISFACTION) if visit.state is State.SATISFACTION else [],
        "to_clean": [each for each in cleaned if each not in visit.ticked] if visit.state is State.CLEANING else [],
        "nurse_called": visit.nurse_called,
        "mid": visit.mid if visit.state is State.GOODBYE and sealed and visit.subject else None,
    }


CONSULTATION = ("doctor", "connected", "sees", "hears", "speaks", "message", "number", "task", "waiting_to_sit")
"""What the kiosk shows of a consultation."""


def _named(row: Json, language: Language) -> Json:
    return {**row, "name": text(language, f"task.{row['task']}")}


def _of_the_last(visit: Visit, language: Language) -> list[Json]:
    """What was wrong with the last measure: said while nothing is measured, not to be taken for the next one's."""
    message = last_message(language, visit.outcomes)
    return [message] if message else []


def _measure(running: list[TaskName]) -> str:
    """The measure whose words say what to do for the task that runs."""
    return TASKS[running[0]].yields[0]


def _words(running: list[TaskName], part: str, by_hand: Collection[TaskName]) -> str:
    """Key of what to do for the task that runs: other words for an instrument that the person starts, where it has
    some."""
    own = f"measure.{_measure(running)}.by-hand.{part}"
    return own if running[0] in by_hand and own in catalogue("fr") else f"measure.{_measure(running)}.{part}"


def reason(language: Language, code: str) -> Json:
    """One message: what is wrong, and what the person can do about it where we know."""
    cure = catalogue(language).get(f"cure.{code}")
    return {"code": f"reason.{code}", "text": phrase(language, "reason", code), "cure": cure}


def _said_of_the_code(visit: Visit) -> list[str]:
    """Keys of what to say of a code that was not recognised."""
    if visit.state is State.CODE and visit.code_refused:
        return ["code.wrong"]
    exhausted = visit.state is State.GOODBYE and visit.subject is None and visit.nurse_called and visit.wrong_codes
    return ["code.exhausted"] if exhausted else []


def _may(visit: Visit, *, measuring: bool, sitting: bool, sealed: bool, hearing: bool) -> list[str]:
    words = [word for word in may(visit.state) if word != "finish" or sealed]
    button = ["press", "release"] if hearing else []
    return [*(["seated"] if sitting else []), *(["skip"] if measuring else []), *button, *words]


DETAIL: Mapping[State, tuple[str, ...]] = {
    State.INFORMATION: ("consent.information.text",),
    State.CONSENT_MEASURES: ("consent.measures.text",),
    State.CONSENT_REMOTE: ("consent.remote-act.text",),
    State.STOPPED: ("stop.message", "stop.emergency"),
}
"""What has to be read before the one thing is done."""


def _prompt(
    state: State,
    language: Language,
    running: list[TaskName],
    *,
    sitting: bool,
    consultation: Json | None,
    by_hand: Collection[TaskName],
) -> Json:
    """The one thing to do now, as a key of the wording catalogues and in words."""
    key = f"state.{state.value}"
    if sitting:
        cuff = consultation is None or consultation["task"] == "pressure"
        key = "measure.blood_pressure.instruction" if cuff else "consultation.sit"
    elif running:
        key = _words(running, "instruction", by_hand)
    elif consultation:
        key = consultation["says"]
    detail = [text(language, each) for each in DETAIL.get(state, ())]
    return {"key": key, "text": text(language, key), "detail": detail}


def results_view(visit: Visit, reader: Language | None = None) -> Json:
    """The outcomes with their evidence, the verdict and the doctor's word on them.

    In the person's language with what the agent reads of a verdict, or in the `reader`'s with what a doctor does.
    """
    language, doctor = reader or visit.language or "fr", reader is not None
    told = results_json(visit.outcomes, partial(result_line, language, why=False))["outcomes"]
    for index, (each, outcome) in enumerate(zip(told, visit.outcomes, strict=True)):
        each["verdict"] = verdict_view(language, outcome, visit.outcomes, doctor=doctor)
        each["review"] = review_view(visit, index)
    return {"outcomes": told}


def review_view(visit: Visit, index: int) -> Json | None:
    """The doctor's word on one outcome, as the record will have it; None where nothing was said of it."""
    review = review_of(visit, index)
    return None if review is None else {"verdict": review.verdict, "note": review.note}
