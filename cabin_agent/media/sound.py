"""The sound of the cabin: microphone, stethoscope and speaker, each on the card that the settings name.

Without a card, or without PortAudio, the call goes on with silence, and `view` says so and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.media.address import SoundSettings
from cabin_agent.media.cards import Card, Cards, Direction
from cabin_agent.media.listening import ListeningTrack
from cabin_agent.media.speaker import Speaker
from cabin_agent.media.why import Why, sentence

ROLES: dict[str, Direction] = {"microphone": "input", "speaker": "output", "stethoscope": "input"}
"""What each card is for, and which way its sound goes."""
LOOK_S = 10.0
"""Real seconds between two looks for cards while there is no call."""
TRIES, TRY_S = 10, 0.2
"""Looks after a call, and real seconds between them: its cards need a moment to be closed."""


class Sound:
    """Cards for the three roles; made and used on the event loop. `on_change` is called when one came or failed."""

    def __init__(self, settings: SoundSettings, on_change: Callable[[], None], cards: Cards | None = None) -> None:
        names = (settings.microphone, settings.speaker, settings.stethoscope)
        self._wanted = dict(zip(ROLES, names, strict=True))
        self._cards = cards or Cards()
        self._found = {
            role: Card(None, Why.NO_CARD if wanted else Why.NOT_NAMED) for role, wanted in self._wanted.items()
        }
        self._on_change = on_change
        self._looking = asyncio.Lock()
        self._users: set[ListeningTrack | Speaker] = set()
        """What calls made of the cards and did not end yet."""
        self._left = asyncio.Event()

    async def watch(self) -> None:
        """Look for the cards now, after each call, and now and then while there is none; until cancelled."""
        while any(self._wanted.values()):
            self._left.clear()
            for _ in range(TRIES):
                if await self.look():
                    break
                await asyncio.sleep(TRY_S)
            await self._rest()

    async def look(self) -> bool:
        """Look for the cards, also for those that came or went since; False while one is in use: nothing is done."""
        async with self._looking:
            found = await in_daemon_thread(self._look, "find cards")
        if found is not None and found != self._found:
            self._found = found
            self._on_change()
            for user in tuple(self._users):
                user.again()
        return found is not None

    async def _rest(self) -> None:
        """Until a call has ended, or for `LOOK_S` while there is none."""
        while not self._left.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._left.wait()
            if not self._users:
                return

    def view(self, language: str) -> dict[str, Any]:
        """The name of each role's card, None where there is none; and `why`, for each role, from `reasons`."""
        names = {role: card.name if card.why is Why.NONE else None for role, card in self._found.items()}
        return {**names, "why": self.reasons(language)}

    def reasons(self, language: str) -> dict[str, str]:
        """Why a role has no card and what to do, in "fr" or "en"; "" where there is one."""
        return {role: sentence(card.why, language) for role, card in self._found.items()}

    def microphone(self) -> ListeningTrack:
        """A track of the cabin's microphone, listened to from its first `recv` on."""
        return self._listening("microphone", listening=True)

    def stethoscope(self) -> ListeningTrack:
        """A track of the stethoscope, silent until its `listening` is set."""
        return self._listening("stethoscope", listening=False)

    async def play(self, track: MediaStreamTrack) -> None:
        """Play the doctor's track in the cabin until it ends or the task is cancelled; it is consumed in any case."""
        speaker = Speaker(self._cards, partial(self._card, "speaker"), partial(self._told, "speaker"))
        self._users.add(speaker)
        try:
            await speaker.play(track)
        finally:
            self._leave(speaker)

    def _listening(self, role: str, listening: bool) -> ListeningTrack:
        track = ListeningTrack(self._cards, partial(self._card, role), listening, partial(self._told, role))
        self._users.add(track)
        track.on("ended", partial(self._leave, track))
        return track

    def _leave(self, user: ListeningTrack | Speaker) -> None:
        self._users.discard(user)
        self._left.set()

    def _card(self, role: str) -> Card:
        return self._found[role]

    def _told(self, role: str, why: Why) -> None:
        card = self._found[role]
        if card.name is not None and card.why is not why:
            self._found[role] = Card(card.name, why)
            self._on_change()

    def _look(self) -> dict[str, Card] | None:
        """In a thread."""
        content = all(card.why in (Why.NONE, Why.NOT_NAMED) for card in self._found.values())
        if not self._cards.look(content=content):
            return None
        return {role: self._cards.find(self._wanted[role], way) for role, way in ROLES.items()}
