"""The catalogues: complete in both languages, well written, and without a diagnosis; results told as facts."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.instrument_settings import SITES
from cabin_agent.results import Measure, MeasureName, NotMeasured, Quantity, WhyNot
from cabin_agent.visit import EXCLUSIONS, SATISFACTION
from cabin_agent.visit_table import State
from cabin_agent.wording import (
    LANGUAGES,
    Language,
    MissingText,
    amount,
    catalogue,
    number,
    phrase,
    result_line,
    rounded,
    text,
    why_text,
)
from cabin_signal import cuff
from drivers import suntech_frames
from drivers.events import Why
from tests.visits import CUFF, ECG, OXIMETER, evidence, outcomes, pressure, single, strip

FORBIDDEN = (
    "normal", "anormal", "rassur", "reassur", "fibrillation", "isch", "hypertension", "hypotension", "tachycard",
    "bradycard", "arythmi", "arrhythm", "fièvre", "fever", "infarct", "maladie", "disease", "patholog", "malade",
    "souffrez", "suffer", "atteint", "diagnos", "tout va bien", "healthy", "en bonne santé", "vous êtes", "surdité",
    "deaf", "obes", "obés", "surpoids", "overweight", "surdose", "guéri",
)  # fmt: skip
"""Words that judge or name a disease; clinical wording keeps to measured facts."""

DENIALS = ("Ce n’est pas un diagnostic.", "This is not a diagnosis.")

MEASURES = get_args(MeasureName)
TAKEN = [name for name in MEASURES if name not in ("bmi", "blood_pressure_mean")]


def fields(pattern: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert set(catalogue("fr")) == set(catalogue("en"))


def test_both_languages_fill_the_same_places() -> None:
    for key in catalogue("fr"):
        assert fields(catalogue("fr")[key]) == fields(catalogue("en")[key]), key


def needed() -> list[str]:
    """Keys that follow from the vocabularies of the other rooms."""
    keys = [f"{family}.{state.value}" for state in State for family in ("title", "state")]
    keys += [f"measure.{name}.name" for name in MEASURES]
    keys += [f"measure.{name}.{part}" for name in TAKEN for part in ("instruction", "doing")]
    keys += [f"{family}.{name}" for name in MEASURES for family in ("result", "ticket.label")]
    keys += [f"why.{why}" for why in get_args(WhyNot)]
    keys += [f"reason.{why}" for why in get_args(Why)]
    keys += [f"reason.{word}" for word in (*suntech_frames.ERRORS.values(), *get_args(cuff.Reason))]
    keys += [f"site.{site}" for sites in SITES.values() for site in sites]
    keys += [f"exclusion.{question}" for question in (*EXCLUSIONS, "malaise")]
    keys += [f"satisfaction.{question}" for question in SATISFACTION]
    keys += [f"satisfaction.scale.{step}" for step in range(1, 6)]
    keys += [f"grade.{grade}" for grade in ("good", "usable", "bad")]
    keys += [f"ended.{how}" for how in ("completed", "refused", "left", "stopped")]
    subjects = ("information", "measures", "remote-act")
    keys += [f"consent.{subject}.{part}" for subject in subjects for part in ("title", "text", "yes", "no")]
    keys += [f"hearing.threshold.{ear}" for ear in ("left", "right")]
    return [*keys, "stop.title", "stop.message", "stop.emergency", "result.disclaimer", "note.pulse-heart-differ"]


@pytest.mark.parametrize("key", needed())
def test_every_word_of_the_other_rooms_has_a_text(key: str) -> None:
    assert all(catalogue(language)[key].strip() for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_judges_or_names_a_disease(language: Language) -> None:
    for key, pattern in catalogue(language).items():
        told = pattern
        for denial in DENIALS:
            told = told.replace(denial, "")
        found = [word for word in FORBIDDEN if word in told.casefold()]
        assert not found, (key, found)


def test_french_has_its_own_spaces_and_apostrophe() -> None:
    for key, pattern in catalogue("fr").items():
        assert "'" not in pattern, key
        assert not re.search(r"[^\u202f][;?!]", pattern), key
        assert not re.search(r"[^\u00a0]:", pattern), key
        assert not re.search(r"[\d}] (%|kg|cm|mmHg|/min|°C)", pattern), key


def test_no_text_is_blank_or_has_loose_ends() -> None:
    for language in LANGUAGES:
        for key, pattern in catalogue(language).items():
            assert pattern == pattern.strip() != "", key
            assert "  " not in pattern, key


def test_an_instruction_is_one_line_of_the_screen() -> None:
    for language in LANGUAGES:
        for key, pattern in catalogue(language).items():
            if key.startswith("state.") or key.endswith((".instruction", ".doing")):
                assert len(pattern) <= 80, key


def test_the_stop_message_calls_the_nurse_and_gives_both_numbers() -> None:
    assert "infirmière" in text("fr", "stop.message")
    assert "nurse" in text("en", "stop.message")
    for language in LANGUAGES:
        assert {"15", "112"} <= set(re.findall(r"\d+", text(language, "stop.emergency")))


def test_three_agreements_are_three_different_texts() -> None:
    for language in LANGUAGES:
        subjects = ("information", "measures", "remote-act")
        assert len({text(language, f"consent.{subject}.text") for subject in subjects}) == 3


def test_a_missing_key_is_an_error_and_a_missing_value_too() -> None:
    with pytest.raises(MissingText, match=r"result\.horoscope"):
        text("fr", "result.horoscope")
    with pytest.raises(KeyError):
        text("fr", "result.spo2")


def test_a_text_is_filled_in() -> None:
    assert text("en", "ticket.visit", number="AB12-CD34") == "Visit AB12-CD34"


def test_a_code_from_an_instrument_is_told_in_words_or_as_it_is() -> None:
    assert phrase("fr", "reason", "finger-out") == "doigt retiré du capteur"
    assert phrase("fr", "note", "movement") == "mouvement"
    assert phrase("en", "reason", "pulse-heart-differ") == "pulse and heart rate differ"
    assert phrase("fr", "reason", "{odd}") == "{odd}"


def test_numbers_are_written_as_people_write_them() -> None:
    assert number("fr", Quantity(36.84, "Cel")) == "36,8"
    assert number("en", Quantity(36.0, "Cel")) == "36.0"
    assert amount("fr", Quantity(97.0, "%")) == "97\u00a0%"
    assert amount("en", Quantity(128.5, "mm[Hg]")) == "129\u00a0mmHg"
    assert amount("fr", Quantity(23.913, "kg/m2")) == "23,9\u00a0kg/m²"


@given(st.floats(-1e6, 1e6), st.integers(0, 3))
def test_rounding_is_never_off_by_more_than_half_a_step(value: float, places: int) -> None:
    assert abs(float(rounded(value, places)) - value) <= 0.5 * 10**-places + 1e-9


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (outcomes()[0], "Poids mesuré : 72,4 kg"),
        (outcomes()[3], "Saturation en oxygène mesurée : 97 % (doigt de la main gauche)"),
        (
            pressure(152, 94, evidence(CUFF, rest_s=301.0, site="right-arm")),
            "Pression artérielle mesurée : 152/94 mmHg (bras droit, repos 5 min)",
        ),
        (outcomes()[10], "Pression artérielle, moyenne des 2 dernières mesures sur 2 : 128/79 mmHg (repos 5 min)"),
        (
            Measure("ecg", {}, evidence(ECG, quality="bad", reasons=("mains",)), strip=strip()),
            "ECG enregistré, tracé transmis pour relecture médicale "
            "(qualité insuffisante, parasites du secteur électrique)",
        ),
        (
            single("spo2", 83.0, "%", evidence(OXIMETER, quality="bad", reasons=("movement",))),
            "Saturation en oxygène : signal insuffisant, mesure non retenue (mouvement)",
        ),
        (NotMeasured("temperature", "refused"), "Température : non mesuré (refusé par la personne)"),
        (NotMeasured("spo2", "failed", "finger-out"), "Saturation en oxygène : non mesuré (doigt retiré du capteur)"),
    ],
)
def test_a_result_is_told_as_a_fact(outcome: Measure | NotMeasured, line: str) -> None:
    assert re.sub("[\u00a0\u202f]", " ", result_line("fr", outcome)) == line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_of_a_full_visit_has_a_line(language: Language) -> None:
    lines = [result_line(language, outcome) for outcome in outcomes()]
    assert all(lines)
    assert not any("{" in line for line in lines)


@pytest.mark.parametrize("why", get_args(WhyNot))
def test_every_reason_not_to_have_a_value_is_told(why: WhyNot) -> None:
    assert why_text("fr", NotMeasured("ecg", why)) != why_text("en", NotMeasured("ecg", why))
