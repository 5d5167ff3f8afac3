"""The media process as the consultation uses it, and what its state says of the agent's camera and sound."""

from __future__ import annotations

from typing import Protocol

from cabin_agent.face import Json, Refusal


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
        """The answer to a browser's offer; raises `Refusal` "media-down", "bad-offer" or "busy"."""
        ...

    def tell(self, session: str, event: Json, /) -> None:
        """Tell one event to the page of one call alone; nothing happens where that call is over."""
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
        raise media_down()

    def tell(self, _: str, __: Json) -> None:
        """See `Link.tell`."""

    def close(self, _: str) -> None:
        """See `Link.close`."""


def media_down() -> Refusal:
    """There is nobody who could take a call."""
    return Refusal("media-down", "Video and sound of this cabin do not run: wait a moment, then join again.")


def sees(media: Json) -> bool:
    """Whether the camera that is shown gives new pictures."""
    shown = media.get("camera")
    cameras = media.get("cameras") or []
    return any(each.get("name") == shown and each.get("state") == "live" for each in cameras if shown)


def hears(media: Json) -> bool:
    """Whether the cabin has a microphone that works."""
    return bool((media.get("sound") or {}).get("microphone"))


def speaks(media: Json) -> bool:
    """Whether the cabin has a loudspeaker that works."""
    return bool((media.get("sound") or {}).get("speaker"))


def said_of(media: Json) -> str:
    """Key of what the agent is told of a doctor who is there: never of a picture or a sound that does not go."""
    key = {
        (True, True): "consultation.connected",
        (True, False): "consultation.seen",
        (False, True): "consultation.heard",
        (False, False): "consultation.unseen",
    }[sees(media), hears(media)]
    return key if speaks(media) else f"{key}-silent"
