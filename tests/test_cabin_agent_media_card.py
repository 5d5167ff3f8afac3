"""The card in place of a picture: it says why in the doctor's language, fits every size, and carries the words."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cabin_agent.media.card import GROUND, card
from cabin_agent.media.mark import AMBER
from cabin_agent.media.picture import Pixels
from cabin_agent.media.why import WORDS, Why, sentence

SIZES = [(1280, 720), (640, 480), (640, 360), (320, 240), (320, 180)]
REASONS = [why for why in Why if why is not Why.NONE]


def bgr(i420: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), np.uint8)


def inked(picture: Pixels) -> Pixels:
    """Where something is written."""
    return np.asarray((np.abs(picture.astype(int) - np.array(GROUND)) > 40).any(axis=2), np.uint8)


@pytest.mark.parametrize("why", REASONS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sentence_fits_every_size(why: Why, language: str) -> None:
    for width, height in SIZES:
        ink = inked(bgr(card(width, height, why, language, False)))
        assert ink.sum() > width * height / 100
        assert not ink[:, :2].any() and not ink[:, -2:].any(), "cut off at the side"
        assert not ink[: height // 12].any() and not ink[-2:].any(), "cut off above or below"


def test_each_reason_and_each_language_looks_different() -> None:
    cards = {card(640, 480, why, language, False).tobytes() for why in REASONS for language in ("fr", "en")}
    assert len(cards) == 2 * len(REASONS)


def test_another_language_is_english() -> None:
    assert np.array_equal(card(320, 240, Why.LOST, "de", False), card(320, 240, Why.LOST, "en", False))


@pytest.mark.parametrize("size", SIZES)
def test_the_words_of_simulation_are_on_it_when_they_should(size: tuple[int, int]) -> None:
    def amber(simulated: bool) -> int:
        difference = np.abs(bgr(card(*size, Why.STALLED, "fr", simulated)).astype(int) - np.array(AMBER))
        return int((difference < 30).all(axis=2).sum())

    assert amber(False) == 0 and amber(True) > size[0] * size[1] / 50


def test_every_reason_has_words_in_both_languages_that_are_one_or_two_clauses_and_end() -> None:
    assert set(WORDS) == set(Why)
    for why in REASONS:
        french, english = sentence(why, "fr"), sentence(why, "en")
        assert french != english and french.endswith(".") and english.endswith(".")
        assert french.count(".") == english.count(".") == 1
    assert sentence(Why.NONE, "fr") == sentence(Why.NONE, "en") == ""
