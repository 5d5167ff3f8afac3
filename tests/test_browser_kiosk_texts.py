"""Every word of the kiosk is in both catalogues and is used, every drawing too: read from the modules, no browser."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from cabin_agent.plan import TASKS
from cabin_agent.visit import EXCLUSIONS, SATISFACTION
from cabin_agent.visit_table import State
from cabin_agent.wording import LANGUAGES, Language, catalogue

PAGES = Path(__file__).resolve().parent.parent / "cabin_agent" / "web" / "pages"
CALL = re.compile(r"""\b(?:t|known)\(\s*(?:[^()"`]*\?\s*)?(["`])([^"`]+)\1(?:\s*:\s*"([^"]+)")?""")
KEY = re.compile(
    r"""["`]((?:kiosk|button|consent|stop|state|title|nurse|problem|result|simulated|rest|code)\.[\w.${}-]+)["`]"""
)
PLACE = re.compile(r"\$\{[^}]*\}")
TASK_DRAWING = r"\b(?:size|oximetry|temperature|ecg|hearing|pressure)"
DRAWING = re.compile(rf'(?:picture\("|two\("|drawing: "|{TASK_DRAWING}: ")(\w+)"')


@cache
def modules() -> str:
    """All of the kiosk's JavaScript."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((PAGES / "js" / "kiosk").glob("*.js")))


@cache
def named() -> frozenset[str]:
    """Every key that a module names, a `*` for what it puts in at run time."""
    keys = {key for match in CALL.finditer(modules()) for key in (match[2], match[3]) if key}
    return frozenset(PLACE.sub("*", key) for key in (*keys, *KEY.findall(modules())))


def fitting(pattern: str, keys: set[str]) -> set[str]:
    """The keys that a named one can mean."""
    wanted = re.compile(re.escape(pattern).replace(r"\*", r"[\w.-]+"))
    return {key for key in keys if wanted.fullmatch(key)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_named_is_there(language: Language) -> None:
    keys = set(catalogue(language))
    assert len(named()) > 100
    assert not [pattern for pattern in named() if not fitting(pattern, keys)]


def test_what_is_put_together_at_run_time_is_there() -> None:
    keys = {
        *(f"title.{state}" for state in State),
        *(f"exclusion.{each}" for each in EXCLUSIONS),
        *(f"satisfaction.{each}" for each in SATISFACTION),
        *(f"satisfaction.scale.{mark}" for mark in range(1, 6)),
        *(f"task.{task}" for task in TASKS),
        *(f"kiosk.state.{each}" for each in ("waiting", "running", "done", "skipped", "failed")),
        *(f"kiosk.link.{each}" for each in ("unreachable", "silent", "forbidden", "busy")),
        *(f"kiosk.wave.{wave}.{each}" for wave in ("pleth", "ecg", "cuff") for each in ("none", "good", "bad")),
        *(f"kiosk.volume.{level}" for level in range(3)),
        *(f"language.{each}" for each in LANGUAGES),
    }
    for language in LANGUAGES:
        assert keys <= set(catalogue(language)), sorted(keys - set(catalogue(language)))


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    french, english = catalogue("fr"), catalogue("en")
    ours = [key for key in {*french, *english} if key.startswith("kiosk.")]
    places = re.compile(r"\{\w+\}")
    for key in ours:
        assert sorted(places.findall(french[key])) == sorted(places.findall(english[key])), key


def test_no_word_is_kept_that_nobody_says() -> None:
    keys = {key for key in catalogue("fr") if key.startswith("kiosk.") and not key.startswith("kiosk.drawing.")}
    used = set().union(*(fitting(pattern, keys) for pattern in named()))
    assert keys == used, sorted(keys - used)


def test_every_drawing_that_is_shown_is_there_and_every_one_is_shown() -> None:
    files = {file.stem for file in (PAGES / "drawings").glob("*.svg")}
    shown = {*DRAWING.findall(modules()), "posture", "cleaning", "out_of_order"} - {"pleth", "ecg"}
    assert shown == files


def test_a_drawing_of_a_measure_says_in_words_what_it_shows() -> None:
    tasks = re.search(r"DRAWING = \{(.*?)\}", modules(), re.DOTALL)
    assert tasks is not None
    drawings = [*re.findall(r'"(\w+)"', tasks[1]), "posture"]
    assert len(drawings) == len(TASKS) + 1
    for language in LANGUAGES:
        assert all(f"kiosk.drawing.{each}" in catalogue(language) for each in drawings)


def test_french_has_its_own_spaces() -> None:
    """No-break before the colon, narrow no-break before ? ! and ;, and no straight apostrophe."""
    wrong = re.compile(r"[^\u00a0]:(?!\S)|[^\u202f\u00a0][?!;]|'")
    texts = {key: words for key, words in catalogue("fr").items() if key.startswith("kiosk.")}
    assert not [key for key, words in texts.items() if not key.endswith(".en") and wrong.search(words)]


def test_no_drawing_moves_for_those_who_asked_for_stillness() -> None:
    """Every animation of a drawing stops when the page addresses it as `#still`."""
    for file in (PAGES / "drawings").glob("*.svg"):
        drawing = file.read_text(encoding="utf-8")
        animated = [line for line in drawing.splitlines() if "animation:" in line]
        assert all(line.startswith("svg:not(:target) ") for line in animated), file.name
        assert not animated or 'id="still"' in drawing
        assert "<animate" not in drawing
