"""Every text of the doctor's page is in both catalogues, is used, and diagnoses nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cabin_agent.wording import LANGUAGES, Language, catalogue

PAGES = Path(__file__).resolve().parent.parent / "cabin_agent" / "web" / "pages"
SOURCES = "".join(
    file.read_text() for file in [PAGES / "doctor.html", *sorted((PAGES / "js" / "doctor").glob("*.js"))]
)
LITERAL = set(re.findall(r"""["'`](doctor\.[\w.-]+)["'`]""", SOURCES))
BEGINNINGS = set(re.findall(r"`(doctor\.[\w.-]*)\$\{", SOURCES))
DIAGNOSES = re.compile(
    r"fibrillation|isch|infarct|hypert|hypoxi|arythmi|arrhythm|normale?s?\b|anormal|abnormal", re.I
)


def own(language: Language) -> set[str]:
    return {key for key in catalogue(language) if key.startswith("doctor.")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_the_page_names_is_there(language: Language) -> None:
    assert LITERAL - own(language) == set()
    assert [each for each in BEGINNINGS if not any(key.startswith(each) for key in own(language))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_is_used(language: Language) -> None:
    parts = tuple(each for each in BEGINNINGS if each != "doctor.")
    assert {
        key for key in own(language) - LITERAL if not key.startswith((*parts, "doctor.site.", "doctor.side."))
    } == set()


def test_the_languages_have_the_same_texts_with_the_same_places() -> None:
    french, english = catalogue("fr"), catalogue("en")
    assert own("fr") == own("en")
    for key in own("fr"):
        assert set(re.findall(r"\{\w+\}", french[key])) == set(re.findall(r"\{\w+\}", english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_page_is_a_diagnosis(language: Language) -> None:
    assert [key for key in own(language) if DIAGNOSES.search(catalogue(language)[key])] == []
