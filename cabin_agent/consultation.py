"""One doctor and one agent: who may join, over which call, and what the doctor asks of the core.

The consultation is the visit's; a doctor only joins it, and may do so again after any interruption. It belongs to the
account that joined first until that one has been gone for `GONE_S`. What a doctor says of the visit is kept in the
journal by the same steps as everything else; what only concerns the call is forgotten with it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cabin_agent.call_link import Link, NoLink, hears, said_of, sees, speaks
from cabin_agent.doctor_words import answered, refused
from cabin_agent.face import Json, Refusal
from cabin_agent.journal import JournalError
from cabin_agent.media.wire import Picture
from cabin_agent.media_work import CallState
from cabin_agent.plan import NUMBERS
from cabin_agent.results import Still
from cabin_agent.still import BadPicture, check_room, taken
from cabin_agent.visit import IllegalEvent
from cabin_agent.visit_table import Event, State
from cabin_agent.wording import LANGUAGES, Language

if TYPE_CHECKING:
    from cabin_agent.core import Core

log = logging.getLogger(__name__)

TOKEN_S = 30.0
"""Real seconds in which a token opens a call."""
GONE_S = 60.0
"""Real seconds that a consultation stays with a doctor who is not connected."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token stands for."""

    token: str
    visit_id: str
    language: Language
    until: float


@dataclass(slots=True)
class Call:
    """The one call of the doctor who has the consultation."""

    session: str
    language: Language
    connected: bool = False


class Consultation:
    """The call beside the visit; `now` gives monotonic seconds."""

    def __init__(self, core: Core, link: Link | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._core, self._now = core, now
        self.link: Link = link or NoLink()
        self.doctor: str | None = None
        """Account that has the consultation, or had it last."""
        self.message: str | None = None
        """What the doctor writes to the agent."""
        self._ticket: Ticket | None = None
        self._call: Call | None = None
        self._former = ""
        """The session of this visit before the one that is or was there last."""
        self._ending: Call | None = None
        """The call over which the doctor is ending the consultation right now."""
        self._met = False
        """Whether this doctor was connected before."""
        self._seen = now()
        """When the doctor was last known to be there."""

    # --- the visit's side ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a doctor is there now."""
        return self._call is not None and self._call.connected and self.link.up

    def opened(self) -> None:
        """The visit waits for a doctor, or a restart found it doing so: the same doctor may rejoin at once."""
        self._forget()
        self.doctor, self._seen = self._core.visit.doctor or None, self._now()
        self._met = self.doctor is not None

    def over(self) -> None:
        """The visit goes on without the doctor: nobody sees or hears the agent any more.

        The call of a doctor who ended it himself is closed once he has been answered.
        """
        if self._call is not None and self._call is not self._ending:
            self.link.close(self._call.session)
        self._forget()

    def _forget(self) -> None:
        self.doctor, self.message, self._ticket, self._call, self._met = None, None, None, None, False
        self._former = ""

    def view(self) -> Json:
        """As the kiosk shows it, with the key of what it says to the agent."""
        directed = self._core.directed
        order = directed.order if directed else None
        return {
            "doctor": self.doctor,
            "connected": self.connected,
            "hears": hears(self.link.state),
            "sees": sees(self.link.state),
            "speaks": speaks(self.link.state),
            "message": self.message,
            "number": NUMBERS[order] if order else None,
            "task": order,
            "waiting_to_sit": directed is not None and directed.waiting_to_sit,
            "says": self._says(),
        }

    def _says(self) -> str:
        if self.connected:
            return said_of(self.link.state)
        if not self.link.up:
            return "consultation.connecting"
        return "consultation.lost" if self._met else "state.consultation"

    # --- joining ------------------------------------------------------------------------------------------------

    def state(self, doctor: str) -> Literal["free", "waiting", "yours", "taken"]:
        """Whose the consultation is, as `doctor` sees it; "free" where there is none."""
        if self._core.visit.state is not State.CONSULTATION:
            return "free"
        if self.doctor == doctor:
            return "yours"
        return "taken" if self.doctor is not None and not self._gone() else "waiting"

    def _gone(self) -> bool:
        return not self.connected and self._now() - self._seen >= GONE_S

    def join(self, doctor: str, language: str) -> Json:
        """A token for one offer of this doctor; an earlier one is worth nothing any more. Raises `Refusal`."""
        spoken = next((each for each in LANGUAGES if each == language), None)
        if spoken is None:
            raise Refusal("bad-value", f"The language is one of: {', '.join(LANGUAGES)}.")
        match self.state(doctor):
            case "free":
                raise Refusal("not-now", "Nobody waits for a doctor in this cabin.")
            case "taken":
                raise Refusal("taken", "Another doctor has this consultation: wait until it is over.")
            case "waiting":
                self._take(doctor)
        self._ticket = Ticket(secrets.token_urlsafe(32), self._core.visit.visit_id, spoken, self._now() + TOKEN_S)
        return {"token": self._ticket.token, "expires_s": TOKEN_S}

    def _take(self, doctor: str) -> None:
        self._hang_up()
        self.doctor, self._seen, self.message = doctor, self._now(), None

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        """Redeem a token: the session and the answer; an older call of this doctor is closed. Raises `Refusal`."""
        ticket, doctor = self._redeemed(token), self.doctor
        replaced = self._replaced()
        call = self._call = Call(secrets.token_urlsafe(12), ticket.language)
        try:
            answer = await self.link.offer(call.session, sdp, ticket.language)
            if self._call is not call or doctor is None:
                raise Refusal("not-now", "The consultation ended meanwhile, or was joined once more.")
            await self._core.keep(Event.JOINED, doctor=doctor)
        except BaseException:
            self.link.close(call.session)
            if self._call is call:
                self._call = None
            raise
        finally:
            if replaced:
                self.link.close(replaced)
        return call.session, answer

    def _replaced(self) -> str:
        """Tell the older call that a newer one takes its place; its session, to be closed once the offer is answered.

        Closed before that, it would not hear it: the page behind it would join again, and so would the newer one.
        """
        call = self._let_go()
        if call is None:
            return ""
        self.link.tell(call.session, {"type": "replaced"})
        return call.session

    def _redeemed(self, token: str) -> Ticket:
        ticket = self._ticket
        known = ticket is not None and hmac.compare_digest(ticket.token.encode(), token.encode("utf-8", "replace"))
        if ticket is None or not known or self._core.visit.visit_id != ticket.visit_id:
            raise Refusal("bad-token", "This token is unknown or already used: ask for another one.")
        self._ticket = None
        if self._now() > ticket.until:
            raise Refusal("bad-token", "This token is too old: ask for another one.")
        return ticket

    def hang_up(self, doctor: str, session: str) -> None:
        """End one call of this doctor; the consultation goes on. Raises `Refusal`."""
        if self._call is None or self._call.session != session or self.doctor != doctor:
            raise Refusal("not-now", "This call is over already.")
        self._hang_up()
        self._core.moved()

    def _hang_up(self) -> None:
        call = self._let_go()
        if call is not None:
            self.link.close(call.session)

    def _let_go(self) -> Call | None:
        """The call that there was; it is not the consultation's any more."""
        call, self._call = self._call, None
        if call is not None:
            self._seen = self._now() if call.connected else self._seen
            self._former = call.session
        return call

    def dismiss(self, doctor: str) -> None:
        """This doctor may not lead the consultation any more: the call is closed, and another may join at once."""
        if self.doctor != doctor:
            return
        self._hang_up()
        self.doctor, self.message, self._ticket, self._met = None, None, None, False
        self._core.moved()

    def moved(self, session: str, state: CallState) -> None:
        """The media process says where a call stands; measures go on whatever it says."""
        call = self._call
        if call is None or call.session != session:
            return
        if call.connected or state == "connected":
            self._seen = self._now()
        call.connected = state == "connected"
        self._met = self._met or call.connected
        if state == "closed":
            self._let_go()
        self._core.moved()

    def link_moved(self) -> None:
        """The media process came or went: without it there is no call."""
        if not self.link.up and self._call is not None:
            self.moved(self._call.session, "closed")
        self._core.changed()

    # --- what the doctor asks -----------------------------------------------------------------------------------

    async def asked(self, session: str, message: Json) -> Json:
        """The answer to one request of the doctor's page: `{"ok": True, ...}`, or `{"ok": False, "code", "text"}`."""
        call = self._call
        if call is None or call.session != session:
            old = Refusal("not-now", "This call is not the one of the consultation any more: join again.")
            return refused(old)
        if message.get("do") != "end":
            return await answered(self._core, call.language, message)
        self._ending = call
        try:
            return await answered(self._core, call.language, message)
        finally:
            self._ending = None
            if self._call is not call:
                asyncio.get_running_loop().call_soon(self.link.close, call.session)

    async def end(self, doctor: str) -> None:
        """End the consultation for both sides, also where the doctor has no call now.

        Raises `Refusal` "taken" for another doctor's, "not-now" where there is none or where nobody has it yet;
        `IllegalEvent` or `JournalError`, see `Core.apply`.
        """
        match self.state(doctor):
            case "free":
                raise Refusal("not-now", "The consultation is over.")
            case "taken":
                raise Refusal("taken", "Another doctor has this consultation: only that one may end it.")
            case "waiting":
                raise Refusal("not-now", "This consultation is not yours any more: join it first.")
        await self._core.keep(Event.END)

    async def kept(self, picture: Picture) -> None:
        """Keep a still picture with the visit; one that cannot be kept is told to every screen."""
        try:
            if not self._of_this_visit(picture.about.get("session")):
                raise BadPicture("The picture is not of this consultation: take it again.")
            still, track = taken(picture)
            self._check(still)
            await self._core.keep(Event.STILL, (track,), still=still)
        except (BadPicture, JournalError, IllegalEvent) as error:
            sentence = "The consultation is over." if isinstance(error, IllegalEvent) else str(error)
            log.error("a still picture was not kept: %s", sentence)
            self._core.broadcast.tell({"type": "problem", "code": "still-lost", "text": sentence})

    def _of_this_visit(self, session: object) -> bool:
        """Whether a picture comes over the call of now, or over the one before it: it may have waited its turn."""
        known = (self._call.session if self._call is not None else "", self._former)
        return isinstance(session, str) and session != "" and session in known

    def _check(self, still: Still) -> None:
        """Raises `BadPicture` for a picture that this cabin may not keep, or has no room for."""
        if still.simulated and not self._core.config.cabin.accept_simulated:
            raise BadPicture(
                "The picture is not known to be of this cabin: choose another camera, then take it again."
            )
        check_room(still, self._core.visit.stills)
