"""Every code that a measure can give a person or a doctor has its words in both languages.

The codes are read from the source of the conduct and of the quality rules, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import cabin_agent
import cabin_signal
from cabin_agent.measuring.advice import TELLABLE
from cabin_agent.results import WhyNot
from cabin_agent.wording import LANGUAGES, Language, catalogue, phrase
from cabin_signal.plausibility import PressureDoubt
from cabin_signal.rhythm import Verdict
from drivers.events import Trouble, Why
from drivers.keeper import SAID_FOR_IT
from drivers.suntech_frames import ERRORS

AGENT = Path(cabin_agent.__file__).parent
SIGNAL = Path(cabin_signal.__file__).parent
CONDUCT = (
    AGENT / "conductor.py",
    AGENT / "attempts.py",
    AGENT / "directed.py",
    *sorted((AGENT / "measuring").glob("*.py")),
)
QUALITY = (SIGNAL / "ecg_quality.py", SIGNAL / "ppg_quality.py")

DETAIL = {"Unmeasured": 0, "within": 2, "NotMeasured": 2, "say": 0, "_say": 0}
"""Calls whose argument at this place is a code of the family "reason"."""
GRADES = {"good", "usable", "bad"}
NOT_CODES = {"not-now", "bad-value"}
"""Hyphenated words of the conduct that are for a program: codes of `Refusal`."""
HYPHENATED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a file with the last part of the name that is called."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            named = node.func
            yield named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", ""), node


def literals(*nodes: ast.AST) -> set[str]:
    """Every string in what is written there, except what is only compared."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.IfExp):
            found |= literals(node.body, node.orelse)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Starred | ast.BoolOp):
            found |= literals(*ast.iter_child_nodes(node))
    return found - {""}


def details(file: Path) -> set[str]:
    """Codes that a failed attempt gives, or that are shown to the person."""
    return {
        code
        for name, call in calls(file)
        if name in DETAIL and len(call.args) > DETAIL[name]
        for code in literals(call.args[DETAIL[name]])
    }


def keywords(file: Path, keyword: str) -> set[str]:
    """Literals given as this keyword of `evidence` or `computed`."""
    return {
        code
        for name, call in calls(file)
        if name in ("evidence", "computed", "replace")
        for given in call.keywords
        if given.arg == keyword
        for code in literals(given.value)
    }


def hyphenated(file: Path) -> set[str]:
    """Every string of the file that looks like a code, wherever it stands."""
    strings = (
        node.value for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)
    )
    return {text for text in strings if isinstance(text, str) and HYPHENATED.fullmatch(text)} - NOT_CODES  # fmt: skip


def reasons_of_quality(file: Path) -> set[str]:
    """Codes that the rules of a waveform's quality put into a set."""
    nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    found = literals(*(node for node in nodes if isinstance(node, ast.Set)))
    for node in nodes:
        if isinstance(node, ast.SetComp):
            found |= literals(*(generator.iter for generator in node.generators))
    for name, call in calls(file):
        if name == "add":
            found |= literals(*call.args)
    return found


def wordless(family: str, codes: set[str]) -> set[str]:
    return {code for code in codes for language in LANGUAGES if f"{family}.{code}" not in catalogue(language)}


@pytest.mark.parametrize("file", CONDUCT, ids=lambda file: str(file.stem))
def test_what_a_failed_attempt_says_has_words(file: Path) -> None:
    assert wordless("reason", details(file)) == set()


@pytest.mark.parametrize("file", CONDUCT, ids=lambda file: str(file.stem))
def test_how_a_value_was_made_has_words(file: Path) -> None:
    assert wordless("mode", keywords(file, "mode")) == set()


@pytest.mark.parametrize("file", CONDUCT, ids=lambda file: str(file.stem))
def test_what_is_noted_for_the_doctor_has_words(file: Path) -> None:
    assert wordless("note", keywords(file, "notes")) == set()


@pytest.mark.parametrize("file", CONDUCT, ids=lambda file: str(file.stem))
def test_whatever_looks_like_a_code_has_words_somewhere(file: Path) -> None:
    families = ("reason", "note", "mode", "site", "why", "interval")
    lost = [code for code in hyphenated(file) if all(wordless(family, {code}) for family in families)]
    assert lost == []


@pytest.mark.parametrize("file", QUALITY, ids=lambda file: str(file.stem))
def test_what_spoils_a_waveform_has_words(file: Path) -> None:
    found = reasons_of_quality(file)
    assert found
    assert wordless("reason", found) == set()


def test_codes_that_other_vocabularies_give_have_words() -> None:
    assert wordless("reason", {*ERRORS.values()}) == set()
    assert wordless("note", {f"rhythm-{verdict}" for verdict in get_args(Verdict)}) == set()
    assert wordless("why", {*get_args(WhyNot)}) == set()
    for doubt in get_args(PressureDoubt):
        assert phrase("fr", "reason", doubt) != doubt


def test_the_reading_of_the_source_finds_what_is_there() -> None:
    found = set[str]().union(*map(details, CONDUCT))
    assert {
        "unplugged",
        "silent",
        "timeout",
        "finger-out",
        "no-pulse",
        "instrument-failed",
        "too-few-readings",
    } <= found
    assert {"too-few-beats", "implausible", "missing", "nobody", "too-far"} <= found
    assert not found & GRADES
    modes = set[str]().union(*(keywords(file, "mode") for file in CONDUCT))
    assert {"oscillometric", "mean-of-last-two", "air-conduction"} <= modes
    assert {"mains", "movement", "low-perfusion", "electrode-off"} <= set[str]().union(
        *map(reasons_of_quality, QUALITY)
    )


def test_words_are_words_and_not_the_code_again() -> None:
    for code in set[str]().union(*map(details, CONDUCT)):
        told = {phrase(language, "reason", code) for language in LANGUAGES}
        assert code not in told


# --- cures --------------------------------------------------------------------------------------------------------

NURSE = {"fr": "L’infirmière peut vous aider.", "en": "The nurse can help."}
"""The cure of what is no fault of the agent's and out of the agent's reach."""


def sayable() -> set[str]:
    """Every code that a measure or a driver can say to an agent, while it runs or when it failed."""
    while_running = {code for holds in TELLABLE.values() for code in holds}
    failed = set[str]().union(*map(details, CONDUCT))
    graded = set[str]().union(*map(reasons_of_quality, QUALITY), *(keywords(file, "reasons") for file in CONDUCT))
    drivers = {*ERRORS.values(), *SAID_FOR_IT, *get_args(Why), *get_args(get_type_hints(Trouble)["code"])}
    return while_running | failed | graded | drivers


def test_all_that_can_be_said_to_an_agent_has_a_reason_and_a_cure() -> None:
    found = sayable()
    assert {"electrode-off-v3", "finger-out", "too-far", "loose-cuff", "no-pulse", "mains", "overload"} <= found
    assert {"link-lost", "resync", "not-tested", "transducer"} <= found
    assert wordless("reason", found) == set()
    assert wordless("cure", found) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_cure_and_every_cure_a_reason(language: Language) -> None:
    keys = {*catalogue(language)}
    reasons = {key.removeprefix("reason.") for key in keys if key.startswith("reason.")}
    assert {key.removeprefix("cure.") for key in keys if key.startswith("cure.")} == reasons


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cure_is_one_short_sentence(language: Language) -> None:
    for key, words in catalogue(language).items():
        if key.startswith("cure."):
            assert len(words) <= 70, key
            assert words[0].isupper(), key
            assert words.endswith("."), key
            assert words.count(".") == 1, key
            assert "\n" not in words, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_can_be_told_while_a_measure_runs_is_for_the_agent_to_cure(language: Language) -> None:
    for holds in TELLABLE.values():
        for code in holds:
            assert catalogue(language)[f"cure.{code}"] != NURSE[language], code


@pytest.mark.parametrize("code", ["hardware", "transducer", "memory", "unplugged", "silent", "instrument-failed"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fault_of_the_cabin_is_not_the_agents_to_cure(language: Language, code: str) -> None:
    assert catalogue(language)[f"cure.{code}"] == NURSE[language]


@pytest.mark.parametrize("code", ["not-deflated", "overpressure"])
def test_a_cuff_that_holds_an_arm_is_opened(code: str) -> None:
    assert "Ouvrez le brassard" in catalogue("fr")[f"cure.{code}"]
    assert "Open the cuff" in catalogue("en")[f"cure.{code}"]
