"""A stand-in for the module `sounddevice`: cards that tests plug in and pull out, and whose streams they drive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class PortAudioError(Exception):
    """As sounddevice raises it."""


class Stream:
    """One open card; `speak` and `pull` do what PortAudio's thread does, in a thread."""

    def __init__(self, module: SoundDevice, direction: str, **settings: Any) -> None:
        self.module, self.direction, self.settings = module, direction, settings
        self.callback: Callable[..., None] = settings["callback"]
        self.running = self.closed = False
        if settings["channels"] not in module.channels or module.refuses:
            raise PortAudioError("Invalid number of channels")

    def start(self) -> None:
        self.running = True
        self.module.streams.append(self)

    def close(self, ignore_errors: bool = True) -> None:
        assert self.running and not self.closed
        self.closed = True
        self.module.streams.remove(self)

    def speak(self, block: bytes) -> None:
        """A block from the card to the program."""
        frames = len(block) // 2 // self.settings["channels"]
        in_thread(lambda: self.callback(block, frames, None, None))

    def pull(self, frames: int = 960) -> bytes:
        """A block from the program to the card."""
        block = bytearray(frames * 2 * self.settings["channels"])
        in_thread(lambda: self.callback(block, frames, None, None))
        return bytes(block)


class SoundDevice:
    """Given in place of the module; `devices` may change, but is only seen after `_initialize`, as PortAudio does."""

    PortAudioError = PortAudioError

    def __init__(self, *devices: tuple[str, int, int]) -> None:
        self.devices = list(devices)
        """Name, input channels, output channels."""
        self.channels = {1, 2}
        """What the cards can be opened with."""
        self.refuses = False
        self.fails = False
        """Whether PortAudio itself cannot begin."""
        self.begun = True
        self.looks = 0
        self.streams: list[Stream] = []
        self._seen = list(self.devices)

    def query_devices(self, kind: str | None = None) -> Any:
        if not self.begun:
            raise PortAudioError("PortAudio not initialized")
        found = [
            {"name": name, "index": index, "max_input_channels": ins, "max_output_channels": outs}
            for index, (name, ins, outs) in enumerate(self._seen)
        ]
        if kind is None:
            return found
        for device in found:
            if int(str(device[f"max_{kind}_channels"])) > 0:
                return device
        raise PortAudioError("Error querying device -1")

    def RawInputStream(self, **settings: Any) -> Stream:  # noqa: N802 sounddevice's name
        return Stream(self, "input", **settings)

    def RawOutputStream(self, **settings: Any) -> Stream:  # noqa: N802 sounddevice's name
        return Stream(self, "output", **settings)

    def _terminate(self) -> None:
        assert not self.streams, "PortAudio would pull the streams from under their owners"
        if not self.begun:
            raise PortAudioError("PortAudio not initialized")
        self.begun = False

    def _initialize(self) -> None:
        self.looks += 1
        if self.fails:
            raise PortAudioError("Unanticipated host error")
        self.begun, self._seen = True, list(self.devices)


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
