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
from typing import TYPE_CHECKING, Literal, Protocol

from cabin_agent.doctor_words import answered, refused
from cabin_agent.face import Json, Refusal
from cabin_agent.journal import JournalError
from cabin_agent.media.wire import Picture
from cabin_agent.plan import NUMBERS
from cabin_agent.still import BadPicture, taken
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
MOST_STILLS = 40
"""Pictures that one consultation keeps."""

CallState = Literal["connected", "lost", "closed"]
"""Where one call stands; "lost" may come back."""


class Link(Protocol):
    """The media process, as the consultation uses it; it may be down at any time, and nothing waits for it.

    Whoever implements it hands on each session's state with `Consultation.moved`, also "closed" for a session that
    the death of the media process ended, and calls `Consultation.link_moved` whenever `up` changed.
    """

    @property
    def up(self) -> bool:
        """Whether the media process is there."""
        ...

    @property
    def state(self) -> Json:
        """What it said last of its cameras and sound."""
        ...

    async def offer(self, session: str, sdp: str, language: str, /) -> str:
        """The answer to a browser's offer; raises `Refusal` "media-down" or "bad-offer"."""
        ...

    def close(self, session: str, /) -> None:
        """End one call; nothing happens where it is over already."""
        ...


class NoLink:
    """A cabin without a media process: a consultation waits for it, and nothing else changes."""

    up = False

    def __init__(self) -> None:
        self.state: Json = {}

    async def offer(self, *_: str) -> str:
        """See `Link.offer`."""
        raise Refusal("media-down", "Video and sound of this cabin do not run: wait a moment, then join again.")

    def close(self, _: str) -> None:
        """See `Link.close`."""


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

    def view(self) -> Json:
        """As the kiosk shows it, with the key of what it says to the agent."""
        directed = self._core.directed
        order = directed.order if directed else None
        return {
            "doctor": self.doctor,
            "connected": self.connected,
            "hears": self._hears(),
            "message": self.message,
            "number": NUMBERS[order] if order else None,
            "task": order,
            "waiting_to_sit": directed is not None and directed.waiting_to_sit,
            "says": self._says(),
        }

    def _says(self) -> str:
        if self.connected:
            return "consultation.connected" if self._hears() else "consultation.seen"
        if not self.link.up:
            return "consultation.connecting"
        return "consultation.lost" if self._met else "state.consultation"

    def _hears(self) -> bool:
        """Whether the cabin has a microphone that works."""
        return bool((self.link.state.get("sound") or {}).get("microphone"))

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
        self._hang_up()
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
        return call.session, answer

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
        if self._call is not None:
            self._seen = self._now() if self._call.connected else self._seen
            self.link.close(self._call.session)
            self._call = None

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
            self._call = None
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

    async def kept(self, picture: Picture) -> None:
        """Keep a still picture with the visit; one that cannot be kept is told to every screen."""
        try:
            if len(self._core.visit.stills) >= MOST_STILLS:
                raise BadPicture(f"A consultation keeps {MOST_STILLS} pictures: this one was not kept.")
            still, track = taken(picture)
            await self._core.keep(Event.STILL, (track,), still=still)
        except (BadPicture, JournalError, IllegalEvent) as error:
            sentence = "The consultation is over." if isinstance(error, IllegalEvent) else str(error)
            log.error("a still picture was not kept: %s", sentence)
            self._core.broadcast.tell({"type": "problem", "code": "still-lost", "text": sentence})
