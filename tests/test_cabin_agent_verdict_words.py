"""The two sentences of a verdict, in both languages: whole for every word that any analysis can say."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import types
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest

import cabin_signal
from cabin_agent.judged import judged
from cabin_agent.results import Measure, MeasureName, NotMeasured, Outcome, Quantity
from cabin_agent.verdict_words import agent_sentence, doctor_sentence, fact_words, verdict_view
from cabin_agent.wording import LANGUAGES, Language, catalogue
from cabin_signal import cuff, cuff_verdict, verdict
from cabin_signal.verdict import RULES, Fact, fuse
from tests.test_cabin_agent_judged import hearing
from tests.test_cabin_agent_measuring_codes import QUALITY, reasons_of_quality
from tests.visits import CUFF, ECG, OXIMETER, THERMOMETER, evidence, missing, outcomes, pressure, single

CAUSES = re.compile(r"Reason|Doubt|Refusal|Unmeasured|WhyNot")
"""Names of the vocabularies in which an analysis says why."""


def modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.iter_modules(cabin_signal.__path__):
        yield importlib.import_module(f"cabin_signal.{found.name}")


def vocabularies() -> dict[str, set[str]]:
    """Every `Literal` of the signal core in which an analysis says why, by its name."""
    return {
        f"{module.__name__}.{name}": {word for word in get_args(alias) if isinstance(word, str)}
        for module in modules()
        for name, alias in vars(module).items()
        if get_origin(alias) is Literal and CAUSES.search(name)
    }


def every_word() -> list[str]:
    return sorted(set(RULES).union(*vocabularies().values(), *map(reasons_of_quality, QUALITY)))


def plain(told: str | None) -> str:
    return re.sub("[\u00a0\u202f]", " ", told or "")


def test_the_walk_finds_the_vocabularies() -> None:
    assert {
        "cabin_signal.cuff.Reason",
        "cabin_signal.plausibility.PressureDoubt",
        "cabin_signal.audiogram.EarReason",
    } <= {*vocabularies()}
    assert {"electrode-off", "saturation", "flat", "mains", "movement", "no-beats", "finger-out"} <= {*every_word()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_on_the_cuffs_reading_has_its_note(language: Language) -> None:
    words = {*get_args(cuff_verdict.Why), *get_args(cuff_verdict.Verdict), *get_args(cuff.Reason)} - {"disagrees"}
    for word in words:
        told = fact_words(language, SHORT, Fact(f"cuff-{word}"))
        assert told and told != f"cuff-{word}", word


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("word", every_word())
def test_every_word_has_its_sentence_for_the_agent_and_for_the_doctor(word: str, language: Language) -> None:
    texts = catalogue(language)
    assert word in RULES
    assert texts[f"reason.{word}"] and texts[f"cure.{word}"] and texts[f"fact.{word}"]
    agent = agent_sentence(language, verdict.refused("ecg", Fact(word)))
    assert agent is not None and "{" not in agent and agent.endswith(".")
    missed = NotMeasured("ecg", "failed", word)
    fused = judged(missed, (missed,))
    assert fused is not None
    told = doctor_sentence(language, missed, fused)
    assert ("{" not in told and word not in told.split()) or word in texts[f"fact.{word}"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "word", [word for word, rule in RULES.items() if rule.figures and rule.figures != ("percent",)]
)
def test_figures_have_their_place_in_the_doctors_sentence(word: str, language: Language) -> None:
    pattern = catalogue(language)[f"fact.{word}.figures"]
    places = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
    assert places <= {*RULES[word].figures} and places
    fact = Fact(word, dict.fromkeys(RULES[word].figures, 2.0))
    assert "2" in fact_words(language, single("weight", 70.0, "kg", evidence(None)), fact)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_fact_is_without_a_rule(language: Language) -> None:
    known = {*every_word()}
    told = {key.split(".")[1] for key in catalogue(language) if key.startswith("fact.")}
    assert told <= known


SPO2 = single(
    "spo2",
    97.0,
    "%",
    evidence(OXIMETER, quality="usable", reasons=("saturation",), figures={"saturation": {"percent": 12.4}}),
)
TEMPERATURE = single("temperature", 36.4, "Cel", evidence(THERMOMETER, readings=3, spread=0.2))
SHORT = pressure(152.0, 94.0, evidence(CUFF, rest_s=191.0, notes=("rest-short",)))
INTERVALS = {"systolic_low": 117.6, "systolic_high": 131.2, "diastolic_low": 70.1, "diastolic_high": 83.9}
CHECKED = pressure(
    152.0,
    94.0,
    evidence(
        CUFF,
        quality="usable",
        reasons=("disagree",),
        notes=("cuff-systolic-outside",),
        figures={"disagree": INTERVALS},
    ),
)
IRREGULAR = Measure("ecg", {}, evidence(ECG, notes=("rhythm-irregular",)))
EXTRA = Measure(
    "ecg",
    {},
    evidence(
        ECG,
        notes=("rhythm-regular", "rhythm-extra-beats", "rhythm-p-wave"),
        figures={"rhythm-extra-beats": {"extra": 3.0}},
    ),
)
HEART = single("heart_rate", 95.4, "/min", evidence(ECG, readings=44))
MEAN = Measure(
    "blood_pressure_mean",
    {"systolic": Quantity(152.0, "mm[Hg]"), "diastolic": Quantity(94.0, "mm[Hg]")},
    evidence(None, readings=3, spread=4.0, rest_s=301.0),
)
WARM = single("temperature", 37.9, "Cel", evidence(THERMOMETER))
FAILED = NotMeasured("spo2", "failed", "finger-out")


@pytest.mark.parametrize(
    ("outcome", "others", "agent", "doctor"),
    [
        (
            SPO2,
            (),
            "Valeur gardée, avec un doute : lumière parasite sur le capteur. "
            "La prochaine fois : couvrez la pince avec votre autre main.",
            "Contrôle de la cabine : retenu avec réserve. "
            "Lumière parasite sur le capteur sur 12 % de l’enregistrement.",
        ),
        (TEMPERATURE, (), "", "Contrôle de la cabine : retenu. 3 mesures, écart 0,2 °C."),
        (
            SHORT,
            (HEART, IRREGULAR),
            "Valeur gardée, avec un doute : repos plus court que prévu. "
            "La prochaine fois : asseyez-vous, dos appuyé, et restez au repos.",
            "Contrôle de la cabine : retenu avec réserve. Repos de 3 min, plus court que prévu ; "
            "pouls 71 /min, cœur 95 /min ; "
            "rythme irrégulier sur l’ECG de la visite, pression à lire avec prudence.",
        ),
        (
            CHECKED,
            (),
            "Valeur gardée, avec un doute : le brassard et notre lecture ne concordent pas. "
            "La prochaine fois : resserrez le brassard sur le bras nu.",
            "Contrôle de la cabine : retenu avec réserve. "
            "Notre lecture de la pression du brassard ne concorde pas : systolique 118 à 131, "
            "diastolique 70 à 84 mmHg ; "
            "systolique de l’instrument hors de l’intervalle tiré de la pression brute.",
        ),
        (
            MEAN,
            (),
            "",
            "Contrôle de la cabine : retenu. 3 mesures, écart 4 mmHg ; au-dessus du repère de 140/90 mmHg.",
        ),
        (WARM, (), "", "Contrôle de la cabine : retenu. Au-dessus du repère de 37,8 °C."),
        (IRREGULAR, (), "", "Contrôle de la cabine : retenu. Rythme irrégulier, tracé à relire."),
        (
            EXTRA,
            (),
            "",
            "Contrôle de la cabine : retenu. Battements supplémentaires d’une autre forme : 3 ; "
            "même onde P avant les battements.",
        ),
        (HEART, (), "", "Contrôle de la cabine : retenu."),
        (
            FAILED,
            (),
            "Valeur non retenue : doigt retiré du capteur. "
            "La prochaine fois : glissez l’index jusqu’au fond de la pince.",
            "Contrôle de la cabine : non retenu. Doigt hors du capteur.",
        ),
    ],
)
def test_what_is_read(outcome: Outcome, others: tuple[Outcome, ...], agent: str, doctor: str) -> None:
    fused = judged(outcome, (outcome, *others))
    assert fused is not None
    assert plain(agent_sentence("fr", fused)) == agent
    assert plain(doctor_sentence("fr", outcome, fused)) == doctor


def test_the_same_in_english() -> None:
    fused = judged(SHORT, (SHORT, HEART))
    assert fused is not None
    assert plain(agent_sentence("en", fused)) == (
        "Kept, with a doubt: rest shorter than planned. Next time: sit down with your back supported, and rest."
    )
    assert plain(doctor_sentence("en", SHORT, fused)) == (
        "Cabin’s check: kept with a doubt. Rest of 3 min, shorter than planned; pulse 71 /min, heart 95 /min."
    )


def test_what_is_to_be_done_again_says_so() -> None:
    fused = fuse("ecg", [Fact("movement")], again=True)
    assert plain(agent_sentence("fr", fused)).startswith("À refaire : mouvement. ")
    assert plain(doctor_sentence("fr", IRREGULAR, fused)) == "Contrôle de la cabine : à refaire. Mouvement."


def test_less_than_a_percent_is_not_nothing() -> None:
    assert "<1" in fact_words("fr", SPO2, Fact("movement", {"percent": 0.4}))


def test_a_grade_is_told_with_its_scale() -> None:
    flat: dict[int, float | None] = dict.fromkeys((500, 1000, 2000, 4000), 35.0)
    measure = hearing({**flat, 8000: None}, {**flat, 4000: 40.0})
    fused = judged(measure, (measure,))
    assert fused is not None
    assert plain(doctor_sentence("fr", measure, fused)) == (
        "Contrôle de la cabine : retenu. Oreille droite, moyenne de 500 à 4000 Hz 36,3 dB HL ; "
        "oreille gauche, moyenne de 500 à 4000 Hz 35,0 dB HL ; "
        "BIAP 02/1 oreille droite 37 dB, degré léger ; BIAP 02/1 oreille gauche 35 dB, degré léger ; "
        "OMS 2021 meilleure oreille, degré modéré."
    )


def test_ears_that_differ_have_a_grade_for_both_and_a_bound_says_so() -> None:
    measure = hearing(dict.fromkeys((500, 1000, 2000, 4000)), dict.fromkeys((500, 1000, 2000, 4000), 10.0))
    fused = judged(measure, (measure,))
    assert fused is not None
    told = plain(doctor_sentence("en", measure, fused))
    assert "left ear, mean of 500 to 4000 Hz ≥ 100.0 dB HL" in told
    assert "BIAP 02/1 both ears, 7 to 3, 43 dB, grade moderate 1" in told
    assert "WHO 2021 better ear, grade below 20 dB" in told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("doctor", [True, False])
def test_every_outcome_of_a_visit_is_told(language: Language, doctor: bool) -> None:
    visit = (*outcomes(), *missing())
    for outcome in visit:
        told = verdict_view(language, outcome, visit, doctor=doctor)
        if told is None:
            assert isinstance(outcome, NotMeasured)
            continue
        said: Any = told["text"]
        assert said is not None if doctor else (said is None) == (told["verdict"] == "accepted")
        assert said is None or "{" not in said


def test_the_signal_core_and_the_results_name_the_same_measures() -> None:
    assert get_args(verdict.MeasureName) == get_args(MeasureName)
