"""A stage for browser tests and screenshots: a face that plays every scene of the kiosk, and a door to let people in.

The scenes are made by the core's own views (`cabin_agent.screen`) from visits made here, so a page sees what it would
see of a real core. Nothing is measured and nothing is simulated by it: `play` shows a scene, `say` tells of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cabin_agent.face import Json, Refusal
from cabin_agent.hearing_view import HearingStage, HearingView
from cabin_agent.plan import NUMBERS, TASKS
from cabin_agent.results import NotMeasured, Outcome, Subject
from cabin_agent.screen import results_view, visit_view
from cabin_agent.visit import Visit
from cabin_agent.visit_table import State
from cabin_agent.wording import Language
from tests.fake_face import FakeAccount, FakeFace
from tests.visits import CUFF, evidence, outcomes, pressure

KINDS = tuple(task.instrument for task in TASKS.values())
NAME = "Cabine 07"
SIGN_IN_CODE = "1234567890"
"""Opens every role on this stage."""


POOR = pressure(
    131.0, 82.0, evidence(CUFF, 300, rest_s=301.0, site="left-arm", quality="usable", reasons=("movement",))
)


def told_outcomes() -> tuple[Outcome, ...]:
    """Every kind of result: good, fair, computed, refused and failed."""
    kept = [each for each in outcomes() if each.name not in ("temperature", "hearing")]
    kept[6] = POOR
    return (*kept, NotMeasured("temperature", "failed", "too-far"), NotMeasured("hearing", "refused"))


def course(running: str | None = None, *, upto: str = "pressure", attempt: int = 1, **more: Any) -> Json:
    """The measures as the core shows them: what comes before `running`, or else before `upto`, is over."""
    names: list[str] = list(TASKS)
    place = names.index(running or upto)
    states = ["failed" if name == "temperature" else "done" for name in names[:place]]
    states += ["running" if running else "waiting", *["waiting"] * len(names)]
    plan = [
        {
            "task": name,
            "number": NUMBERS[name],
            "instrument": TASKS[name].instrument,
            "state": state,
            "attempt": attempt if state == "running" else 0,
        }
        for name, state in zip(TASKS, states, strict=False)
    ]
    known = {
        "plan": plan,
        "running": [running] if running else [],
        "attempts": {"attempt": attempt, "of": 3} if running else None,
        "rest": None,
        "left_s": 380.0,
    }
    return known | more


@dataclass(frozen=True, slots=True)
class Scene:
    """One screen of the kiosk: where the visit stands, and what runs in it."""

    state: State
    visit: Mapping[str, Any] = field(default_factory=dict)
    course: Json | None = None
    consultation: Json | None = None
    messages: tuple[str, ...] = ()
    sitting: bool = False
    idle: bool = False
    hearing: HearingView | None = None

    def view(self, language: Language, *, simulated: bool) -> Json:
        """As `GET visit` answers it."""
        person = {} if self.state in (State.READY, State.OUT_OF_ORDER) else {"language": language, "mid": "ab" * 16}
        known = person | {"subject": Subject("urn:oid:1.2.250.1.213.1.4.11", "190011")} if person else {}
        return visit_view(
            Visit(state=self.state, **known | dict(self.visit)),
            self.course,
            messages=self.messages,
            sitting=self.sitting,
            elapsed_s=95.0,
            simulated=simulated,
            idle_warning=self.idle,
            idle_grace_s=30.0,
            sealed=True,
            cleaned=KINDS,
            default_language=language,
            consultation=self.consultation,
            hearing=self.hearing,
        )


def _call(says: str, task: str | None = None, **more: Any) -> Json:
    connected = says == "consultation.connected"
    known = {
        "doctor": None if says == "state.consultation" else "dr.martin",
        "connected": connected,
        "sees": True,
        "hears": True,
        "speaks": True,
        "message": None,
        "number": NUMBERS[task] if task else None,
        "task": task,
        "waiting_to_sit": False,
        "says": says,
    }
    return known | more


MESSAGES: Mapping[str, tuple[str, ...]] = {
    "oximetry": ("finger-out",),
    "ecg": ("electrode-off",),
    "pressure": ("movement",),
}
LISTENING: tuple[tuple[HearingStage, Literal["left", "right"], float], ...] = (
    ("ready", "right", 0.0),
    ("only-when-heard", "right", 0.2),
    ("listen", "left", 0.64),
)
"""The hearing test that the cabin makes itself."""
CONSULTING = {"kind": "consultation"}
SCENES: Mapping[str, Scene] = {
    "ready": Scene(State.READY),
    "welcome": Scene(State.WELCOME, {"language": None, "subject": None}),
    "code": Scene(State.CODE, {"subject": None}),
    "code-wrong": Scene(State.CODE, {"subject": None, "wrong_codes": 1, "code_refused": True}),
    "information": Scene(State.INFORMATION),
    "consent-measures": Scene(State.CONSENT_MEASURES),
    "consent-remote": Scene(State.CONSENT_REMOTE, CONSULTING),
    "exclusions": Scene(State.EXCLUSIONS),
    **{task: Scene(State.MEASURES, course=course(task)) for task in TASKS},
    **{
        f"{task}-again": Scene(State.MEASURES, course=course(task, attempt=2), messages=codes)
        for task, codes in MESSAGES.items()
    },
    **{
        f"hearing-{stage}": Scene(State.MEASURES, course=course("hearing"), hearing=HearingView(stage, ear, done))
        for stage, ear, done in LISTENING
    },
    "sit": Scene(State.MEASURES, course=course(upto="oximetry"), sitting=True),
    "rest": Scene(
        State.MEASURES,
        {"outcomes": (POOR,)},
        course(rest={"seconds": 140.0, "needed": 300.0, "next_s": 160.0}, left_s=200.0),
    ),
    "waiting-for-doctor": Scene(
        State.CONSULTATION, CONSULTING, course(plan=[], left_s=None), _call("state.consultation")
    ),
    "with-doctor": Scene(
        State.CONSULTATION,
        CONSULTING,
        course(plan=[], left_s=None),
        _call("consultation.connected", message="Respirez calmement."),
    ),
    "doctor-lost": Scene(State.CONSULTATION, CONSULTING, course(plan=[], left_s=None), _call("consultation.lost")),
    "doctor-measures": Scene(
        State.CONSULTATION,
        CONSULTING,
        course("oximetry", left_s=None),
        _call("consultation.connected", task="oximetry"),
    ),
    "doctor-asks-to-sit": Scene(
        State.CONSULTATION,
        CONSULTING,
        course(plan=[], left_s=None),
        _call("consultation.connected", task="pressure", waiting_to_sit=True),
        sitting=True,
    ),
    "doctor-does-not-see": Scene(
        State.CONSULTATION,
        CONSULTING,
        course(plan=[], left_s=None),
        _call("consultation.heard-silent", connected=True, sees=False, speaks=False),
    ),
    "results-hidden": Scene(State.RESULTS, {"outcomes": told_outcomes()}),
    "ticket": Scene(State.TICKET),
    "satisfaction": Scene(State.SATISFACTION),
    "goodbye": Scene(State.GOODBYE, {"ended_by": "completed"}),
    "stopped": Scene(State.STOPPED, {"nurse_called": True}),
    "nurse-called": Scene(State.INFORMATION, {"nurse_called": True}),
    "still-there": Scene(State.INFORMATION, idle=True),
    "cleaning": Scene(State.CLEANING, {"ticked": ("scale", "oximeter")}),
    "out-of-order": Scene(State.OUT_OF_ORDER),
}
"""Every screen of the kiosk that the core can bring about."""


def instrument(kind: str, **more: Any) -> Json:
    """One row of `GET instruments`."""
    known = {
        "name": kind,
        "kind": kind,
        "protocol": kind,
        "url": f"/dev/{kind}",
        "state": "ready",
        "reason": "",
        "age_s": 0.4,
        "model": f"simulated {kind}",
        "serial": f"SN-{kind}",
        "firmware": "1.2",
        "calibrated": "2026-10-02",
        "calibration_due": "2027-10-03",
        "past_due": False,
        "hours": 3.5,
        "openings": 2,
        "measured": 7,
        "failed": 1,
        "self_test": None,
        "clock_offset_s": None,
        "old_readings": 0,
        "unconfirmed": None,
        "bytes_in": 4200,
        "troubles": {},
        "simulated": True,
    }
    return known | more


CAMERAS = (
    {"name": "room", "label": "Salle / Room", "state": "live", "reason": "", "simulated": True},
    {"name": "hand", "label": "Caméra à main / Hand camera", "state": "closed", "reason": "", "simulated": True},
)
MEDIA: Json = {
    "up": True,
    "camera": "room",
    "cameras": list(CAMERAS),
    "sound": {"microphone": None, "speaker": None, "stethoscope": None},
}


class Stage(FakeFace):
    """Plays scenes; what is told to it is kept in `told` and changes nothing by itself, unless `then` says so."""

    def __init__(self, scene: str = "ready", language: Language = "fr", *, simulated: bool = True) -> None:
        super().__init__(simulated=simulated)
        self.language: Language = language
        self.scene = scene
        self.to_clean: list[str] = []
        self.cleaned: list[str] = []
        self.nurse_called = False
        self.cabin_state = None
        self.media: Json = MEDIA
        self.instrument_rows = [instrument(kind) for kind in KINDS]
        self.consultation_state = "free"
        self.then: Callable[[Json], None] = lambda _: None

    def play(self, scene: str, language: Language | None = None) -> None:
        """Show another scene."""
        self.scene, self.language = scene, language or self.language
        self.say()

    def say(self, kind: str = "changed", **fields: Any) -> None:
        """Tell every page that something changed."""
        state = SCENES[self.scene].state.value
        self.tell_all({"type": kind, **({"state": state} if kind == "changed" else {}), **fields})

    def status(self) -> Json:
        """See `Face.status`."""
        return super().status() | {"name": NAME}

    def visit(self) -> Json:
        """See `Face.visit`."""
        self._fail()
        return SCENES[self.scene].view(self.language, simulated=self.simulated)

    async def tell(self, message: Json) -> Json:
        """See `Face.tell`."""
        self._fail()
        self.told.append(message)
        self.then(message)
        return self.visit()

    def results(self) -> Json:
        """See `Face.results`."""
        self._fail()
        return results_view(Visit(language=self.language, outcomes=told_outcomes()))

    def cabin(self) -> Json:
        """See `Face.cabin`."""
        self._fail()
        state = self.cabin_state or SCENES[self.scene].state.value
        may = {
            "stopped": ["nurse_came"],
            "cleaning": ["tick", "out_of_order"],
            "ready": ["out_of_order"],
            "out_of_order": ["restored"],
        }
        rows = [{key: each[key] for key in ("name", "kind", "state", "reason")} for each in self.instrument_rows]
        return {
            "state": state,
            "to_clean": self.to_clean,
            "cleaned": self.cleaned,
            "nurse_called": self.nurse_called,
            "may": may.get(state, []),
            "media": self.media,
            "instruments": rows,
            "simulated": self.simulated,
            "name": NAME,
        }

    def instruments(self) -> list[Json]:
        """See `Face.instruments`."""
        self._fail()
        return self.instrument_rows

    async def command(self, instrument: str, verb: str) -> Json:
        """See `Face.command`."""
        self._fail()
        self.commands.append((instrument, verb))
        return self.instrument_rows[0]

    def consultation(self, doctor: str) -> Json:
        """See `Face.consultation`."""
        self._fail()
        state = self.consultation_state
        return {
            "waiting": state == "waiting",
            "connected": state == "yours",
            "state": state,
            "cabin": NAME,
            "simulated": self.simulated,
            "media": self.media,
        }

    async def join(self, doctor: str, language: str = "fr") -> Json:
        """See `Face.join`."""
        raise Refusal("media-down", "Video and sound of this cabin do not run.")

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        """See `Face.offer`."""
        raise Refusal("media-down", "Video and sound of this cabin do not run.")

    async def hang_up(self, doctor: str, session: str) -> None:
        """See `Face.hang_up`."""


class Doorkeeper:
    """An `Access` of the stage: the ticket "launch" is always good, and one code opens every role to every name."""

    def __init__(self) -> None:
        self.tokens: dict[str, FakeAccount] = {}
        self.locked = False

    def who(self, token: str) -> FakeAccount | None:
        """See `Access.who`."""
        return self.tokens.get(token)

    def exchange(self, ticket: str) -> str | None:
        """See `Access.exchange`."""
        return self._open("kiosk", "kiosk") if ticket == "launch" else None

    async def sign_in(self, name: str, code: str, role: str) -> str:
        """See `Access.sign_in`."""
        if self.locked:
            raise Refusal("locked", "Too many wrong codes: try again in 5 minutes.")
        if code != SIGN_IN_CODE:
            raise Refusal("wrong-code", "Name, code and role do not go together: try again, or ask for a new code.")
        return self._open(name, role)

    def sign_out(self, token: str) -> None:
        """See `Access.sign_out`."""
        self.tokens.pop(token, None)

    def _open(self, name: str, role: str) -> str:
        token = f"{role}-{len(self.tokens)}"
        self.tokens[token] = FakeAccount(name, role)
        return token
