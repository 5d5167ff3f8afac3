"""The sound of the cabin: microphone, stethoscope and speaker, each on the card that the settings name.

Without a card, or without PortAudio, the call goes on with silence, and `view` and `reasons` say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiortc.mediastreams import MediaStreamTrack

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.media import speaker
from cabin_agent.media.address import SoundSettings
from cabin_agent.media.cards import Card, Cards, Direction
from cabin_agent.media.listening import ListeningTrack
from cabin_agent.media.why import Why, sentence

ROLES: dict[str, Direction] = {"microphone": "input", "speaker": "output", "stethoscope": "input"}
"""What each card is for, and which way its sound goes."""


class Sound:
    """Cards for the three roles; made and used on the event loop. `on_change` is called when one came or failed."""

    def __init__(self, settings: SoundSettings, on_change: Callable[[], None], cards: Cards | None = None) -> None:
        names = (settings.microphone, settings.speaker, settings.stethoscope)
        self._wanted = dict(zip(ROLES, names, strict=True))
        self._cards = cards or Cards()
        self._found = {role: self._cards.find("", way) for role, way in ROLES.items()}
        self._on_change = on_change
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Look for the cards, also for those that came or went since; open ones are left in peace."""
        async with self._looking:
            found = await in_daemon_thread(self._look, "find cards")
        if found != self._found:
            self._found = found
            self._on_change()

    def view(self) -> dict[str, str | None]:
        """The name of each role's card, None where there is none."""
        return {role: card.name if card.why is Why.NONE else None for role, card in self._found.items()}

    def reasons(self, language: str) -> dict[str, str]:
        """Why a role has no card, in "fr" or "en"; "" where there is one."""
        return {role: sentence(card.why, language) for role, card in self._found.items()}

    def microphone(self) -> ListeningTrack:
        """A track of the cabin's microphone, listened to from its first `recv` on."""
        return self._listening("microphone", listening=True)

    def stethoscope(self) -> ListeningTrack:
        """A track of the stethoscope, silent until its `listening` is set."""
        return self._listening("stethoscope", listening=False)

    async def play(self, track: MediaStreamTrack) -> None:
        """Play the doctor's track in the cabin until it ends or the task is cancelled; it is consumed in any case."""
        await speaker.play(track, self._cards, self._found["speaker"], partial(self._told, "speaker"))

    def _listening(self, role: str, listening: bool) -> ListeningTrack:
        return ListeningTrack(self._cards, self._found[role], listening, partial(self._told, role))

    def _told(self, role: str, why: Why) -> None:
        card = self._found[role]
        if card.why is not why:
            self._found[role] = Card(card.index, card.name, why)
            self._on_change()

    def _look(self) -> dict[str, Card]:
        """In a thread."""
        self._cards.look()
        return {role: self._cards.find(self._wanted[role], way) for role, way in ROLES.items()}
