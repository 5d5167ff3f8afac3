"""Cameras and sound: what the media process says beside a running core, else whether the devices are there."""

from __future__ import annotations

import os

from cabin_agent.checks.line import Line, ok, unknown, wrong
from cabin_agent.config import CameraSettings, Config
from cabin_agent.face import Json
from cabin_agent.media.address import SoundSettings, local_path

CARDS = ("microphone", "speaker", "stethoscope")
SEEING = ("live", "opening", "closed")
"""States of a camera that is well; one that nobody looks through is closed."""
PLUG = "Plug it in again, or correct its url in the settings."


def beside(media: Json, config: Config | None) -> list[Line]:
    """By the word of the media process, as `Media` of docs/api.yaml."""
    if config is not None and not config.cameras and not any(_wanted(config.media.sound).values()):
        return []
    if not media.get("up"):
        return [wrong("media", "The process of cameras and sound does not run.", "Start cabin-media.")]
    cameras = [_camera(each) for each in media.get("cameras") or []]
    sound = media.get("sound") or {}
    wanted = _wanted(config.media.sound) if config is not None else dict.fromkeys(sound, "")
    return cameras + [_card(part, sound.get(part)) for part in CARDS if wanted.get(part)]


def alone(config: Config) -> list[Line]:
    """Without a media process that could be asked."""
    cameras = [_device(each) for each in config.cameras]
    wanted = any(_wanted(config.media.sound).values()) and bool(cameras)
    return cameras + ([unknown("sound", "Only a running cabin looks for sound cards.")] if wanted else [])


def _wanted(sound: SoundSettings) -> dict[str, str]:
    return {part: getattr(sound, part) for part in CARDS}


def _camera(each: Json) -> Line:
    part = f"camera {each['name']}"
    if each["state"] in SEEING:
        return ok(part, f"{each['label']}{', simulated' if each['simulated'] else ''}: {each['state']}.")
    return wrong(part, f"{each['label']}: {each['state']}.", PLUG)


def _card(part: str, name: str | None) -> Line:
    if name:
        return ok(part, f"{name}.")
    return wrong(part, "No such sound card was found.", f'Plug it in, or correct [media] {part} ("" for none).')


def _device(camera: CameraSettings) -> Line:
    part, path = f"camera {camera.name}", local_path(camera.url)
    if path is None:
        return unknown(part, f"{camera.label} is at {camera.url.partition(':')[0]}: only a running cabin opens it.")
    if not os.access(path, os.R_OK):
        return wrong(part, f"{path} is not there, or closed to this account.", PLUG)
    return ok(part, f"{path} is there.")
