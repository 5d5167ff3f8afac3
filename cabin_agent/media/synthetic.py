"""Drawn pictures in place of a camera: a room, or a hand. Something moves in each, and each carries two clocks.

One clock is for people, the other for programs (`cabin_agent.media.barcode`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from cabin_agent.media import barcode
from cabin_agent.media.picture import Pixels

WIDTH, HEIGHT, FPS = 1280, 720, 30.0
GROUND, INK, PAPER = (70, 60, 50), (40, 40, 40), (230, 235, 240)
SKIN, SKIN_EDGE = (150, 180, 225), (90, 120, 170)


def room(t: float) -> Pixels:
    """A consulting room at the time `t` in seconds: the pendulum of its clock swings once in two seconds."""
    picture = _empty_room().copy()
    angle = 0.5 * math.sin(math.pi * t)
    bob = (320 + int(190 * math.sin(angle)), 210 + int(190 * math.cos(angle)))
    cv2.line(picture, (320, 210), bob, INK, 6)
    cv2.circle(picture, bob, 34, (40, 90, 200), -1)
    return picture


def hand(t: float) -> Pixels:
    """A hand at the time `t` in seconds, that moves to and fro once in four seconds."""
    picture, sprite = _no_hand().copy(), _hand()
    left = int((WIDTH - sprite.shape[1]) / 2 * (1 + 0.6 * math.sin(math.pi * t / 2)))
    picture[130 : 130 + sprite.shape[0], left : left + sprite.shape[1]] = sprite
    return picture


SCENES: dict[str, Callable[[float], Pixels]] = {"room": room, "hand": hand}


def picture(scene: str, t: float, ms: int, counter: int) -> Pixels:
    """A scene at `t` seconds with both clocks: `ms` of the system clock and a counter, as in `barcode`."""
    drawn = SCENES[scene](t)
    clock = time.strftime("%H:%M:%S", time.gmtime(ms / 1000)) + f".{ms % 1000:03d} UTC"
    cv2.rectangle(drawn, (WIDTH - 430, HEIGHT - 140), (WIDTH, HEIGHT - 80), INK, -1)
    cv2.putText(drawn, clock, (WIDTH - 410, HEIGHT - 97), cv2.FONT_HERSHEY_SIMPLEX, 1.3, PAPER, 2)
    barcode.draw(drawn, ms, counter)
    return drawn


@lru_cache(maxsize=1)
def _empty_room() -> Pixels:
    """Wall, floor, the face of the clock, a couch and a door."""
    shades = np.linspace(205, 240, HEIGHT)[:, None, None] * np.array([0.92, 0.97, 1.0])
    drawn = np.ascontiguousarray(np.broadcast_to(shades, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    cv2.rectangle(drawn, (0, 520), (WIDTH, HEIGHT), (120, 140, 150), -1)
    cv2.circle(drawn, (320, 210), 70, PAPER, -1)
    cv2.circle(drawn, (320, 210), 70, INK, 5)
    cv2.rectangle(drawn, (560, 430), (980, 500), (170, 130, 90), -1)
    cv2.rectangle(drawn, (580, 500), (600, 590), INK, -1)
    cv2.rectangle(drawn, (940, 500), (960, 590), INK, -1)
    cv2.rectangle(drawn, (1060, 170), (1220, 520), (110, 140, 170), -1)
    cv2.circle(drawn, (1085, 350), 9, INK, -1)
    return drawn


@lru_cache(maxsize=1)
def _no_hand() -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)


@lru_cache(maxsize=1)
def _hand() -> Pixels:
    """A palm, four fingers and a thumb on the ground of the picture, 480 rows by 520 columns."""
    sprite = np.full((480, 520, 3), GROUND, np.uint8)
    for colour, wider in ((SKIN_EDGE, 6), (SKIN, 0)):
        for x, top in ((150, 90), (220, 40), (290, 50), (360, 110)):
            cv2.line(sprite, (x, top), (x, 300), colour, 52 + wider)
        cv2.line(sprite, (430, 250), (340, 390), colour, 56 + wider)
        cv2.ellipse(sprite, (255, 340), (135 + wider // 2, 125 + wider // 2), 0, 0, 360, colour, -1)
    return sprite
