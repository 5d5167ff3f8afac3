"""Who goes through a check-up over the local API: a person at the terminal, or one that answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from cabin_agent.face import Json
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
        if state == "measures":
            return self._measures(visit)
        if state == "goodbye":
            return {"event": "finish"} if "finish" in may else None
        if state == "cleaning":
            return next(({"event": "tick", "instrument": each} for each in visit["to_clean"]), None)
        return fixed.get(state)

    def _measures(self, visit: Json) -> Json | None:
        if "seated" in visit["may"]:
            return {"event": "seated"}
        for task in visit["running"]:
            if task in self.refuses and task not in self._refused:
                self._refused.add(task)
                return {"event": "skip", "task": task}
        return None


@dataclass(frozen=True)
class TerminalPerson:
    """Somebody who reads the prompts in a terminal and types."""

    ask: Callable[[str], str]
    """Shows a question and gives the typed line; an empty one at the end of the input."""
    language: Language = "fr"
    """What is spoken until the person has chosen."""

    def answer(self, visit: Json) -> Json | None:
        """See `Person.answer`."""
        state, prompt = visit["state"], "\n".join((*visit["prompt"]["detail"], visit["prompt"]["text"]))
        if state == "measures":
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

    def _yes(self, prompt: str) -> bool:
        return self.ask(f"{prompt} [o/n] ").strip().lower() in ("o", "oui", "y", "yes")

    def begin(self, prompt: str) -> Json:
        """Touch the screen."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "begin"}

    def welcome(self, prompt: str) -> Json:
        """Choose a language."""
        typed = self.ask(f"{prompt} [fr/en] ").strip().lower()
        return {"event": "language", "value": typed if typed in ("fr", "en") else "fr"}

    def code(self, prompt: str) -> Json:
        """Type the appointment's code."""
        return {"event": "code", "value": self.ask(f"{prompt} ").strip()}

    def informed(self, prompt: str) -> Json:
        """Read the notice."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "informed"}

    def consent(self, prompt: str) -> Json:
        """Agree or decline."""
        return {"event": "agree" if self._yes(prompt) else "decline"}

    def exclusions(self, prompt: str) -> Json:
        """Answer each exclusion question; only a clear no is a no."""
        self.ask(f"{prompt} [Enter]")
        return {"event": "answers", "answers": {question: self._not_denied(question) for question in EXCLUSIONS}}

    def _not_denied(self, question: str) -> bool:
        typed = self.ask(f"{text(self.language, f'exclusion.{question}')} [o/n] ")
        return typed.strip().lower() not in ("n", "non", "no")

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
        typed = self.ask(f"{prompt} [none/plain/values] ").strip().lower()
        return {"event": "ticket", "ticket": typed if typed in ("plain", "values") else "none"}

    def satisfaction(self, prompt: str) -> Json:
        """Three marks from 1 to 5; an empty line leaves one out."""
        self.ask(f"{prompt} [Enter]")
        marks: dict[str, Any] = {}
        for question in SATISFACTION:
            typed = self.ask(f"{text(self.language, f'satisfaction.{question}')} [1-5] ").strip()
            if typed in ("1", "2", "3", "4", "5"):
                marks[question] = int(typed)
        return {"event": "satisfaction", "answers": marks}


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
