"""Whether the doctor of a consultation may still lead it: the account has to stay as it was, and somebody signed in.

The web server asks for each request who asks; a call goes on without requests, so its right is looked at here.
"""

from __future__ import annotations

import asyncio
import logging

from cabin_agent.access import Access
from cabin_agent.consultation import Consultation
from cabin_agent.private_file import AccessError
from cabin_agent.sessions import Role

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Real seconds between two looks."""


class CallWatch:
    """Ends the call of a doctor whose account was taken away or made anew, or who signed out everywhere."""

    def __init__(self, consultation: Consultation, access: Access) -> None:
        self._consultation, self._access = consultation, access
        self._seen: tuple[str | None, str | None] = (None, None)
        """The doctor of the last look, and the mark of the account then."""
        access.on_leave = self.left

    async def run(self) -> None:
        """Look again and again until cancelled: accounts are changed by another process, which tells nobody."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """End the call if its doctor's account is not the one of the last look any more."""
        doctor = self._consultation.doctor
        mark = None if doctor is None else self._mark(doctor)
        if doctor is not None and (mark is None or (doctor == self._seen[0] and mark != self._seen[1])):
            log.warning("the account of the doctor was taken away or made anew: the call is ended")
            self._consultation.dismiss(doctor)
            doctor = mark = None
        self._seen = (doctor, mark)

    def left(self, name: str, role: Role) -> None:
        """Somebody signed out and has no other session open."""
        if role == "doctor":
            self._consultation.dismiss(name)

    def _mark(self, doctor: str) -> str | None:
        try:
            return self._access.mark(doctor, "doctor")
        except AccessError as error:  # accounts that may be anybody's are nobody's
            log.error("%s", error)
            return None
