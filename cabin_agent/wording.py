"""Every sentence that a person reads, by key, in French and English; and results told as facts.

A catalogue is every file of `texts/<language>/`: `visit` is what Python says too, `kiosk`, `doctor` and `staff` are
of those pages alone, `cures` says what to do about a reason, `facts` what the doctor reads of one. No key is in two
files. Keys:

    title.<state>, state.<state>        heading and one-line instruction of a state of the visit (`visit_table.State`)
    measure.<name>.name                 a measure (`results.MeasureName`)
    measure.<name>.instruction, .doing  what to do before it, and what to do while it runs
    reason.<code>                       why a value is not better, or what happened instead of one ("finger-out")
    why.<code>                          why there is none (`results.WhyNot`)
    note.<code>                         a fact for the doctor
    grade.<grade>, site.<code>, mode.<code>, component.<name>, ended.<how>, kind.<kind>
    consent.<subject>.title, .text, .yes, .no      three different things that are told or asked
    exclusion.<question>, stop.<part>   questions whose yes ends the visit, and what is said then
    satisfaction.<question>, satisfaction.scale.<1..5>
    interval.<code>                     why an interval of a strip has no value (`cabin_signal.intervals`)
    result.<measure>, hearing.<...>, ecg.<...>     a result as a fact, without a diagnosis
    button.<action>, code.<...>, rest.<...>, nurse.<...>, information.<...>, simulated.<...>, problem.<...>
    ticket.<line>, ticket.label.<measure>          the paper
    cure.<code>                         what the person can do about `reason.<code>`, one thing
    fact.<word>, fact.<word>.figures    what the doctor reads of a fact (`cabin_signal.verdict`), with its figures
    verdict.<...>                       the sentences of a verdict (`cabin_agent.verdict_words`)
    kiosk.<...>, doctor.<...>, staff.<...>         words of one page

French is written with its own spaces (no-break before the colon, narrow no-break before ; ? and !) and apostrophe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

from cabin_agent.results import Evidence, Measure, NotMeasured, Outcome, Quantity

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")

PARTS = ("visit", "cures", "facts", "kiosk", "doctor", "staff")
"""Files of a catalogue."""

DECIMALS: Mapping[str, int] = {
    "%": 0,
    "/min": 0,
    "mm[Hg]": 0,
    "Cel": 1,
    "kg": 1,
    "cm": 1,
    "kg/m2": 1,
    "dB": 0,
    "ms": 0,
}
"""Digits after the point that are displayed, by UCUM unit; one for any other."""

UNITS: Mapping[str, str] = {"mm[Hg]": "mmHg", "Cel": "°C", "kg/m2": "kg/m²"}
"""UCUM unit -> as a person writes it; the same elsewhere."""


class MissingText(KeyError):
    """A key that the catalogue of a language does not have: a fault of this software."""


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of one language; read once."""
    texts: dict[str, str] = {}
    for part in PARTS:
        content = files("cabin_agent").joinpath("texts", language, f"{part}.json").read_text(encoding="utf-8")
        texts |= json.loads(content)
    return texts


def text(language: Language, key: str, **values: object) -> str:
    """The text of `key` with its places filled in; raises `MissingText`, or KeyError for a place without a value."""
    pattern = catalogue(language).get(key)
    if pattern is None:
        raise MissingText(f"no text '{key}' in {language}")
    return pattern.format(**values)


def phrase(language: Language, family: str, code: str) -> str:
    """The words of a code that came from elsewhere (an instrument, an analysis), or the code itself if it is new.

    For what must be delivered whatever happens: a word that nobody translated may not cost a record.
    """
    for key in (f"{family}.{code}", f"reason.{code}", f"note.{code}"):
        if key in catalogue(language):
            return catalogue(language)[key]
    return code


def rounded(value: float, places: int) -> Decimal:
    """`value` with `places` decimals, halves away from zero, as a person rounds."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def number(language: Language, quantity: Quantity) -> str:
    """The value as it is displayed, without its unit: decimal comma in French."""
    shown = str(rounded(quantity.value, DECIMALS.get(quantity.unit, 1)))
    return shown.replace(".", ",") if language == "fr" else shown


def amount(language: Language, quantity: Quantity) -> str:
    """The value and its unit, with a no-break space between them."""
    return f"{number(language, quantity)}\u00a0{UNITS.get(quantity.unit, quantity.unit)}"


def why_text(language: Language, outcome: NotMeasured) -> str:
    """Why there is no value: what happened where it is known, else the general reason."""
    if outcome.detail:
        return phrase(language, "reason", outcome.detail)
    return text(language, f"why.{outcome.why}")


def withheld(outcome: Measure) -> bool:
    """True for a number that is too poor to be told; an ECG strip is always told, for the doctor judges it."""
    return outcome.evidence.quality == "bad" and outcome.strip is None


def result_line(language: Language, outcome: Outcome, *, why: bool = True) -> str:
    """One outcome as one factual sentence: the value with its quality and rest, or "not measured" and why.

    Without `why`, the quality of a value that is told is left to the sentence of its verdict.
    """
    if isinstance(outcome, NotMeasured):
        measure = text(language, f"measure.{outcome.name}.name")
        return text(language, "result.not_measured", measure=measure, reason=why_text(language, outcome))
    if withheld(outcome):
        measure = text(language, f"measure.{outcome.name}.name")
        return text(language, "result.kept_back", measure=measure, reason=_reasons(language, outcome.evidence))
    shown = {name: number(language, quantity) for name, quantity in outcome.values.items()}
    shown["readings"] = str(outcome.evidence.readings)
    return text(language, f"result.{outcome.name}", **shown) + _circumstances(language, outcome.evidence, why=why)


def _reasons(language: Language, evidence: Evidence) -> str:
    told = [phrase(language, "reason", code) for code in evidence.reasons]
    return ", ".join(told) or text(language, f"grade.{evidence.quality}")


def _circumstances(language: Language, evidence: Evidence, *, why: bool) -> str:
    """Site, rest and quality, as the person reads them; the notes are for the doctor."""
    told = []
    if evidence.site is not None:
        told.append(phrase(language, "site", evidence.site))
    if evidence.rest_s is not None:
        told.append(text(language, "result.rest", minutes=int(evidence.rest_s // 60)))
    if why and evidence.quality != "good":
        told.append(text(language, f"grade.{evidence.quality}"))
        told += [phrase(language, "reason", code) for code in evidence.reasons]
    return f" ({', '.join(told)})" if told else ""
