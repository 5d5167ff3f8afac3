"""What a call uses of the cabin: its cameras and its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cabin_agent.media.cameras import Cameras
from cabin_agent.media.sound import Sound


@dataclass(frozen=True, slots=True)
class Rig:
    """Cameras and sound of the cabin, and how the process is doing."""

    cameras: Cameras
    first: str | None
    """The camera that a call begins with; None: there is no camera."""
    sound: Sound
    lag: Callable[[], float]
    """Seconds by which the event loop was late lately."""

    def view(self, language: str) -> dict[str, Any]:
        """Cameras and cards, as the core and the page are told of them."""
        cameras = self.cameras
        return {"camera": cameras.chosen, "cameras": cameras.view(language), "sound": self.sound.view(language)}
