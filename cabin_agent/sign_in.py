"""A person signs in with name and code: one check at a time, off the event loop, and slower after each wrong one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from cabin_agent.codes import DIGITS, fits
from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.face import Refusal
from cabin_agent.guessing import ALLOWED, Guesses

WRONG_S = 0.5
"""Real seconds that a wrong code holds up every sign-in, times its number in a row for that name."""
MOST_WAITING = 8
LONGEST = 64
"""Characters of a name or a code beyond which nothing is computed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says of themselves."""

    name: str
    code: str

    @property
    def plausible(self) -> bool:
        """Whether this can be a name and a code at all; spaces in a code that was read aloud do not count."""
        return len(self.name) <= LONGEST and len(self.digits) == DIGITS and self.digits.isascii()

    @property
    def digits(self) -> str:
        """The code without the spaces that people write in it."""
        return "".join(self.code.split()) if len(self.code) <= LONGEST else ""


class SignIn:
    """The one gate of a core through which people sign in."""

    def __init__(self, wrong_s: float = WRONG_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._guesses = Guesses()
        self._wrong_s, self._clock = wrong_s, clock
        self._gate = asyncio.Lock()
        self._waiting = 0

    async def check(self, claim: Claim, stored: str) -> None:
        """Return if the code of `claim` is that of `stored`; raises `Refusal` "wrong-code" or "locked".

        `stored` is the hash of a name's code, or `codes.NOBODYS` for a name that has none.
        """
        if self._waiting >= MOST_WAITING:
            raise Refusal("locked", "Too many people sign in at this moment: try again in a minute.")
        self._waiting += 1
        try:
            async with self._gate:
                await self._check(claim, stored)
        finally:
            self._waiting -= 1

    async def _check(self, claim: Claim, stored: str) -> None:
        """The gate stays shut while a wrong code is paid for: whoever guesses slows down their own next guess."""
        self._check_lock(claim.name)
        fitting = await in_daemon_thread(lambda: fits(claim.digits, stored), "sign-in")
        if fitting and claim.plausible:
            self._guesses.right(claim.name)
            return
        count = self._guesses.wrong(claim.name, self._clock())
        await asyncio.sleep(self._wrong_s * min(count, ALLOWED))
        self._check_lock(claim.name)
        raise Refusal("wrong-code", "Name, code and role do not go together: try again, or ask for a new code.")

    def _check_lock(self, name: str) -> None:
        seconds = self._guesses.locked_s(name, self._clock())
        if seconds > 0:
            minutes = max(1, round(seconds / 60))
            raise Refusal("locked", f"Too many wrong codes: try again in {minutes} minute{'s' * (minutes > 1)}.")
