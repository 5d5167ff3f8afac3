"""Who goes through a check-up over the local API: a person at the terminal, or one that answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from cabin_agent.face import Json
from cabin_agent.kiosk import LANGUAGES, TICKETS
from cabin_agent.visit import EXCLUSIONS, SATISFACTION
from cabin_agent.wording import Language, text


class Person(Protocol):
    """Somebody in the cabin."""

    def answer(self, visit: Json) -> Json | None:
        """What to say to the cabin in this state, as `{"event": ..., ...}`; None to wait for the cabin."""
        ...


@dataclass
class SimulatedPerson:
    """Agrees to everything, answers at once, sits when asked; cleans the instruments afterwards, as a nurse would."""

    code: str
    language: str = "fr"
    ticket: str = "none"
    refuses: frozenset[str] = frozenset()
    """Tasks that this person refuses when they begin."""
    _refused: set[str] = field(default_factory=set)

    def answer(self, visit: Json) -> Json | None:
        """See `Person.answer`."""
        may = visit["may"]
        fixed: dict[str, Json] = {
            "ready": {"event": "begin"},
            "welcome": {"event": "language", "value": self.language},
            "code": {"event": "code", "value": self.code},
            "information": {"event": "informed"},
            "consent_measures": {"event": "agree"},
            "consent_remote": {"event": "agree"},
            "exclusions": {"event": "answers", "answers": dict.fromkeys(EXCLUSIONS, False)},
            "ticket": {"event": "ticket", "ticket": self.ticket},
            "satisfaction": {"event": "satisfaction", "answers": dict.fromkeys(SATISFACTION, 5)},
        }
        state: str = visit["state"]
        if state in MEASURING:
            return self._measures(visit)
        if state == "goodbye":
            return {"event": "finish"} if "finish" in may else None
        if state == "cleaning":
            return next(({"event": "tick", "instrument": each} for each in visit["to_clean"]), None)
        return fixed.get(state)

    def _measures(self, visit: Json) -> Json | None:
        if "seated" in visit["may"]:
            return {"event": "seated"}
        hearing = visit.get("hearing")
        if hearing and hearing["stage"] != "listen":
            return {"event": "press"}
        for task in visit["running"]:
            if task in self.refuses and task not in self._refused:
                self._refused.add(task)
                return {"event": "skip", "task": task}
        return None


@dataclass(frozen=True)
class TerminalPerson:
    """Somebody who reads the prompts in a terminal and types."""

    ask: Callable[[str], str]
    """Shows a question and gives the typed line; raises at the end of the input."""
    language: Language = "fr"
    """What is spoken until the person has chosen."""

    def answer(self, visit: Json) -> Json | None:
        """See `Person.answer`."""
        state, prompt = visit["state"], _words(visit)
        if state in MEASURING:
            sit = "seated" in visit["may"]
            return {"event": "seated"} if sit and self._go(f"{prompt} [Enter]") else None
        if state == "goodbye":
            return {"event": "finish"} if "finish" in visit["may"] else None
        if state == "cleaning":
            return self.clean(visit["to_clean"])
        question = QUESTIONS.get(state)
        return question(replace(self, language=visit["language"] or self.language), prompt) if question else None

    def _go(self, prompt: str) -> bool:
        self.ask(prompt)
        return True

    def _yes(self, prompt: str, *, unclear: bool) -> bool:
        """A clear yes or a clear no; after three unclear answers the one that is safe."""
        choices = "[y/n]" if self.language == "en" else "[o/n]"
        typed = self._typed(f"{prompt} {choices} ", (*YES, *NO))
        return unclear if typed is None else typed in YES

    def _one_of(self, prompt: str, choices: tuple[str, ...]) -> str:
        return self._typed(f"{prompt} [{'/'.join(choices)}] ", choices) or choices[0]

    def _typed(self, question: str, accepted: tuple[str, ...]) -> str | None:
        """One of the accepted words; None after three others."""
        for _ in range(TRIES):
            typed = self.ask(question).strip().lower()
            if typed in accepted:
                return typed
        return None

    def begin(self, prompt: str) -> Json:
        """Touch the screen."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "begin"}

    def welcome(self, prompt: str) -> Json:
        """Choose a language."""
        return {"event": "language", "value": self._one_of(prompt, LANGUAGES)}

    def code(self, prompt: str) -> Json:
        """Type the appointment's code."""
        typed = next(filter(None, (self.ask(f"{prompt} ").strip() for _ in range(TRIES))), "")
        return {"event": "code", "value": typed}

    def informed(self, prompt: str) -> Json:
        """Read the notice."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "informed"}

    def consent(self, prompt: str) -> Json:
        """Agree or decline."""
        return {"event": "agree" if self._yes(prompt, unclear=False) else "decline"}

    def exclusions(self, prompt: str) -> Json:
        """Answer each exclusion question."""
        self.ask(f"{prompt} [Enter]")
        answers = {each: self._yes(text(self.language, f"exclusion.{each}"), unclear=True) for each in EXCLUSIONS}
        return {"event": "answers", "answers": answers}

    def stopped(self, prompt: str) -> Json:
        """Wait for the nurse, who says that she came."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "nurse_came"}

    def clean(self, instruments: list[str]) -> Json | None:
        """The nurse ticks what is clean, one instrument after the other."""
        for instrument in instruments[:1]:
            self.ask(f"{instrument}: clean? [Enter]")
            return {"event": "tick", "instrument": instrument}
        return None

    def ticket(self, prompt: str) -> Json:
        """Ask for a ticket, with or without the values."""
        return {"event": "ticket", "ticket": self._one_of(prompt, TICKETS)}

    def satisfaction(self, prompt: str) -> Json:
        """Three marks from 1 to 5; an empty line leaves one out."""
        self.ask(f"{prompt} [Enter]")
        marks: dict[str, Any] = {}
        for question in SATISFACTION:
            typed = self.ask(f"{text(self.language, f'satisfaction.{question}')} [1-5] ").strip()
            if typed in ("1", "2", "3", "4", "5"):
                marks[question] = int(typed)
        return {"event": "satisfaction", "answers": marks}


def _words(visit: Json) -> str:
    """What happened, what has to be read first, and the one thing to do."""
    prompt = visit["prompt"]
    return "\n".join([*(message["text"] for message in visit["messages"]), *prompt["detail"], prompt["text"]])


MEASURING = ("measures", "consultation")
"""States in which the agent does as told, and otherwise waits: for the next measure, or for the doctor."""
TRIES = 3
YES, NO = ("o", "oui", "y", "yes"), ("n", "non", "no")

QUESTIONS: dict[str, Callable[[TerminalPerson, str], Json]] = {
    "ready": TerminalPerson.begin,
    "welcome": TerminalPerson.welcome,
    "code": TerminalPerson.code,
    "information": TerminalPerson.informed,
    "consent_measures": TerminalPerson.consent,
    "consent_remote": TerminalPerson.consent,
    "exclusions": TerminalPerson.exclusions,
    "stopped": TerminalPerson.stopped,
    "ticket": TerminalPerson.ticket,
    "satisfaction": TerminalPerson.satisfaction,
}
"""How each state is put to somebody at the terminal."""
