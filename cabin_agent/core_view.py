"""The core's present state as its screens show it: the kiosk, the staff, the doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cabin_agent.face import Json
from cabin_agent.kiosk import STAFF, may
from cabin_agent.plan import NUMBERS, TASKS, TaskName
from cabin_agent.results import Still
from cabin_agent.screen import reason, results_view, visit_view
from cabin_agent.visit_table import State
from cabin_agent.wording import Language, text

if TYPE_CHECKING:
    from cabin_agent.core import Core

NOT_DEFLATED = "not-deflated"
"""Code of what is said of an instrument that did not confirm that it left the person safe."""


def kiosk_view(core: Core, reader: Language | None = None) -> Json:
    """Where the visit stands, in the agent's language or in that of another reader."""
    measuring = core.measuring
    consulting = core.visit.state is State.CONSULTATION
    return visit_view(
        core.visit,
        measuring.view() if measuring else None,
        messages=_messages(core),
        hearing=measuring.attempts.hearing if measuring else None,
        sitting=measuring is not None and measuring.waiting_to_sit,
        elapsed_s=_elapsed(core),
        simulated=core.config.cabin.accept_simulated,
        idle_warning=core.idle.warning,
        idle_grace_s=core.config.visit.idle_grace_s,
        sealed=core.sealed,
        cleaned=core.desk.instruments,
        default_language=core.config.cabin.language,
        consultation=core.consultation.view() if consulting else None,
        reader=reader,
        by_hand=core.rules.by_hand,
    )


def _messages(core: Core) -> tuple[str, ...]:
    """Codes of what the agent should read now: of the measure, and in every state of a cuff that may be tight."""
    measuring = core.measuring
    return (*(measuring.attempts.messages if measuring else ()), *_unsafe(core))


def _unsafe(core: Core) -> tuple[str, ...]:
    return (NOT_DEFLATED,) if core.bench.unsafe else ()


def _elapsed(core: Core) -> float:
    """Seconds of the visit; after another boot the wall clock is all there is."""
    visit, clock = core.visit, core.clock
    if not visit.visit_id:
        return 0.0
    same_boot = visit.boot_id == clock.boot_id
    seconds = clock.now() - visit.started_s if same_boot else (clock.wall_ms() - visit.started_ms) / 1000
    return max(0.0, seconds)


def cabin_view(core: Core) -> Json:
    """The cabin as its staff sees it; nothing of a person."""
    visit, cabin = core.visit, core.config.cabin
    cleaning = visit.state is State.CLEANING
    return {
        "state": visit.state.value,
        "to_clean": [each for each in core.desk.instruments if each not in visit.ticked] if cleaning else [],
        "cleaned": list(visit.ticked) if cleaning else [],
        "nurse_called": visit.nurse_called,
        "warnings": [reason(cabin.language, code) for code in _unsafe(core)],
        "may": [word for word in may(visit.state) if word in STAFF],
        "media": media_view(core),
        "instruments": [
            {key: each[key] for key in ("name", "kind", "state", "reason")} for each in core.bench.overview()
        ],
        "simulated": cabin.accept_simulated,
        "name": cabin.name,
    }


def media_view(core: Core) -> Json:
    """Whether video and sound run, and what they said of themselves last."""
    link = core.consultation.link
    return {**link.state, "up": link.up}


def consultation_view(core: Core, doctor: str) -> Json:
    """Whether an agent waits for a doctor, and whose the consultation is."""
    state, cabin = core.consultation.state(doctor), core.config.cabin
    return {
        "waiting": state == "waiting",
        "state": state,
        "connected": state == "yours" and core.consultation.connected,
        "cabin": cabin.name,
        "simulated": cabin.accept_simulated,
        "media": media_view(core),
    }


def doctor_view(core: Core, language: Language) -> Json:
    """Everything that the doctor's page shows of the visit, in the doctor's language."""
    visit, cabin = core.visit, core.config.cabin
    outcomes = results_view(visit, language)["outcomes"]
    return {
        "visit": kiosk_view(core, language),
        "tasks": [_task(core, task, language) for task in TASKS],
        "outcomes": [{**each, "index": index} for index, each in enumerate(outcomes)],
        "notes": [{"at_ms": note.at_ms, "text": note.text} for note in visit.notes],
        "stills": [_still(number, each) for number, each in enumerate(visit.stills, 1)],
        "cabin": cabin.name,
        "simulated": cabin.accept_simulated,
        "doctor": core.consultation.doctor,
    }


def _still(number: int, still: Still) -> Json:
    """One picture that was kept; `number` counts those of the visit, over all its calls."""
    return {
        "number": number,
        "site": still.site,
        "side": still.side,
        "at_ms": still.at_ms,
        "camera": still.camera,
        "simulated": still.simulated,
    }


def _task(core: Core, task: TaskName, language: Language) -> Json:
    kind = TASKS[task].instrument
    link = next((each for each in core.bench.overview() if each["kind"] == kind), None)
    return {
        "number": NUMBERS[task],
        "task": task,
        "instrument": kind,
        "name": text(language, f"task.{task}"),
        "state": link["state"] if link else "absent",
        "reason": core.bench.reason(kind),
        "usable": core.bench.usable(kind),
        "running": core.directed is not None and core.directed.order == task,
        "age_s": link["age_s"] if link else None,
    }
