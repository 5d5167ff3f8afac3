"""The paper that the person may take along: a memo of 32 columns, without any trace of who they are.

Values are printed only when the person asked for them; a measure without a value says so and why. A simulated visit
says so first and last. The code page is never forced: python-escpos switches pages by itself, where a forced CP858
prints "c?ur" without a word; what a poor printer lacks is written in plainer letters ("oe", "A").

A paper left behind is a leak: there is no name, no identifier of the person, and the visit goes by the first half of
its random id. Nothing is spooled; `ESC @` before and after empties the printer's own buffer. Printing blocks: call
`print_ticket` from a thread.
"""

from __future__ import annotations

import socket
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal

from cabin_agent.fhir.entry import is_simulated
from cabin_agent.results import Measure, Outcome, VisitRecord
from cabin_agent.reviewed import review_of
from cabin_agent.wording import Language, amount, number, phrase, text, why_text, withheld

if TYPE_CHECKING:
    from escpos.escpos import Escpos

COLUMNS = 32
"""Characters of a line: what 58 mm paper holds in font A. Wider paper gets margins."""

PROFILE = "default"
"""Printer profile of python-escpos; the default one knows the code pages that most printers have."""

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "’": "'"})
_PLAINER = {"œ": "oe", "Œ": "OE", "€": "EUR", "–": "-", "—": "-", "²": "2", "°": " deg ", "…": "..."}


class PrinterError(Exception):
    """The ticket cannot be printed; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One paragraph of the ticket, before it is cut into lines."""

    style: Literal["centre", "pair", "text", "rule"]
    left: str = ""
    right: str = ""


def ticket_text(
    visit: VisitRecord, language: Language, show_values: bool, *, zone: tzinfo | None = None
) -> tuple[str, ...]:
    """The lines of the ticket as they are printed, each of at most `COLUMNS` characters; for screen and tests."""
    return _laid_out(_rows(visit, language, show_values, zone), lambda words: words)


def ticket_bytes(
    visit: VisitRecord, language: Language, show_values: bool, *, zone: tzinfo | None = None, profile: str = PROFILE
) -> bytes:
    """The ticket as ESC/POS bytes for a printer of `profile`; `zone` None is the cabin's own."""
    from escpos.printer import Dummy

    printer = Dummy(profile=profile)
    encoder = printer.magic.encoder
    plain = _plain_for(lambda letter: encoder.find_suitable_encoding(letter) is not None)
    printer.hw("INIT")
    printer.set(align="center")
    for line in _laid_out(_rows(visit, language, show_values, zone), plain):
        printer.text(f"{line.ljust(COLUMNS)}\n")
    printer.cut()
    printer.hw("INIT")
    return bytes(printer.output)


def open_printer(target: str) -> Escpos:
    """The printer at `target`, opened; raises `PrinterError`.

    `usb:04b8:0e15`, `serial:/dev/ttyS0`, `network:host:9100`, `file:/path` or a bare path (a file or a device).
    """
    from escpos.exceptions import Error

    try:
        return _opened(target)
    except (Error, OSError, ValueError) as error:
        raise PrinterError(
            f"The printer {target} cannot be opened: check its cable, its power and its name."
        ) from error


def print_ticket(target: str, content: bytes) -> None:
    """Sends `content` of `ticket_bytes` to the printer at `target`; raises `PrinterError`."""
    with closing(open_printer(target)) as printer:
        try:
            printer._raw(content)
        except OSError as error:
            raise PrinterError(f"The printer {target} stopped: check its paper and its cover.") from error


def _opened(target: str) -> Escpos:
    from escpos import printer

    scheme, _, place = target.partition(":")
    opened: Escpos
    if scheme == "network":
        host, _, port = place.rpartition(":")
        opened = printer.Network(host)
        # connected here: python-escpos 3.1 leaks the socket of a refused connection and knows IPv4 only
        opened.device = socket.create_connection((host, int(port)), timeout=5)
        return opened
    if scheme == "usb":
        vendor, product = (int(part, 16) for part in place.split(":"))
        opened = printer.Usb(vendor, product, timeout=5000)
    elif scheme == "serial":
        opened = printer.Serial(place, timeout=5)
    else:
        opened = printer.File(place if scheme == "file" else target)
    opened.open()
    return opened


def visit_number(visit_id: str) -> str:
    """The short number of a visit, "A1B2-C3D4": the beginning of its random id, of no meaning outside the record."""
    digits = visit_id.replace("-", "").upper()[:8]
    return f"{digits[:4]}-{digits[4:]}"


def _rows(visit: VisitRecord, language: Language, show_values: bool, zone: tzinfo | None) -> Iterator[Row]:
    banner = [Row("centre", text(language, "ticket.simulation"))] if is_simulated(visit) else []
    yield from banner
    yield Row("centre", text(language, "ticket.title"))
    yield Row("centre", f"{_local_time(visit.ended_ms, language, zone)}  {visit.cabin.name}")
    yield Row("centre", text(language, "ticket.visit", number=visit_number(visit.visit_id)))
    yield Row("centre", text(language, f"ended.{visit.ended_by}"))
    yield Row("rule")
    for position, outcome in _told(visit.outcomes):
        label = text(language, f"ticket.label.{outcome.name}")
        review = review_of(visit, position)
        set_aside = review is not None and review.verdict == "rejected"
        told = _set_aside(language) if set_aside else _outcome(outcome, language, show_values)
        yield Row("pair", label, told)
    yield Row("rule")
    for line in ("disclaimer", "emergency", "memo"):
        yield Row("text", text(language, f"ticket.{line}"))
    yield Row("text", text(language, "ticket.software", version=visit.cabin.software))
    yield from banner


def _told(outcomes: tuple[Outcome, ...]) -> list[tuple[int, Outcome]]:
    """The outcomes worth a line, with their places: where there is a mean pressure, its readings are not repeated."""
    averaged = any(isinstance(outcome, Measure) and outcome.name == "blood_pressure_mean" for outcome in outcomes)
    return [(at, each) for at, each in enumerate(outcomes) if not (averaged and each.name == "blood_pressure")]


def _set_aside(language: Language) -> str:
    return f"{text(language, 'ticket.not-measured')} ({text(language, 'review.rejected')})"


def _outcome(outcome: Outcome, language: Language, show_values: bool) -> str:
    absent = text(language, "ticket.not-measured")
    if not isinstance(outcome, Measure):
        return f"{absent} ({why_text(language, outcome)})"
    if withheld(outcome):
        reasons = outcome.evidence.reasons
        why = phrase(language, "reason", reasons[0]) if reasons else text(language, "grade.bad")
        return f"{absent} ({why})"
    if outcome.name in ("ecg", "hearing"):
        return text(language, "ticket.to-doctor")
    return _value(outcome, language) if show_values else text(language, "ticket.measured")


def _value(measure: Measure, language: Language) -> str:
    values = measure.values
    if {"systolic", "diastolic"} <= set(values):
        return f"{number(language, values['systolic'])}/{amount(language, values['diastolic'])}"
    return ", ".join(amount(language, quantity) for quantity in values.values())


def _local_time(at_ms: int, language: Language, zone: tzinfo | None) -> str:
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)
    return at.strftime("%d/%m/%Y %H:%M" if language == "fr" else "%Y-%m-%d %H:%M")


def _laid_out(rows: Iterator[Row], plain: Callable[[str], str]) -> tuple[str, ...]:
    """The rows cut into lines of `COLUMNS`, their letters first made plain enough for the printer."""
    lines: list[str] = []
    for row in rows:
        left, right = (plain(words.translate(_SPACES)) for words in (row.left, row.right))
        if row.style == "rule":
            lines.append("-" * COLUMNS)
        elif row.style == "pair":
            lines += _pair(left, right)
        else:
            cut = textwrap.wrap(left, COLUMNS)
            lines += [line.center(COLUMNS).rstrip() for line in cut] if row.style == "centre" else cut
    return tuple(lines)


def _pair(label: str, value: str) -> list[str]:
    if len(label) + 1 + len(value) <= COLUMNS:
        return [label + value.rjust(COLUMNS - len(label))]
    return [label[:COLUMNS], *textwrap.wrap(value, COLUMNS, initial_indent="  ", subsequent_indent="  ")]


def _plain_for(can_print: Callable[[str], bool]) -> Callable[[str], str]:
    """A function that keeps the letters that the printer has and replaces the others; never by a question mark."""

    def letter(character: str) -> str:
        if can_print(character):
            return character
        if character in _PLAINER:
            return _PLAINER[character]
        bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        return bare or "."

    return lambda words: "".join(letter(character) for character in words)
