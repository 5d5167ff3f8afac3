"""The ticket: its lines, what it must not say, its letters on every printer, and where it is sent."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.results import Outcome, Review, Subject
from cabin_agent.ticket import (
    COLUMNS,
    PrinterError,
    open_printer,
    print_ticket,
    ticket_bytes,
    ticket_text,
    visit_number,
)
from cabin_agent.wording import LANGUAGES, Language, catalogue
from tests.visits import (
    DEMO_NIR,
    LOCAL,
    OXIMETER,
    REAL_NIR,
    evidence,
    missing,
    outcomes,
    simulated_visit,
    single,
    visit,
)

PARIS_IN_WINTER = timezone(timedelta(hours=1))
GOOD_PROFILES = (
    "default",
    "TM-T88V",
    "TM-T20II",
    "TM-T88III",
    "POS-5890",
    "NT-5890K",
    "CT-S651",
    "RP326",
    "Sunmi-V2",
)
"""Printers that have a page with œ."""
POOR_PROFILES = ("simple", "TM-U220", "AF-240", "T-1", "TM-T88IV-SA", "ZJ-5870")


def lines(record: Any = None, language: Language = "fr", show_values: bool = True) -> tuple[str, ...]:
    return ticket_text(record or visit(), language, show_values, zone=PARIS_IN_WINTER)


def decoded(content: bytes, profile: str) -> str:
    """What a printer of `profile` puts on paper: the bytes read with the code page chosen by each `ESC t n`."""
    from escpos.capabilities import get_profile
    from escpos.codepages import CodePages

    pages = {int(slot): name for name, slot in get_profile(profile).get_code_pages().items()}
    commands = re.compile(rb"\x1bt(.)|\x1b@|\x1b[aEGMd\-!{]?.|\x1dV(?:[AB].|.)", re.DOTALL)
    shown, page, at = "", "", 0
    while at < len(content):
        command = commands.match(content, at)
        if command:
            page = pages[command[1][0]] if command[1] is not None else page
            at = command.end()
            continue
        shown += _letter(CodePages.get_encoding(page), content[at])
        at += 1
    return shown


def _letter(encoding: dict[str, Any], code: int) -> str:
    if code < 128:
        return chr(code)
    if "data" in encoding:
        return str("".join(encoding["data"])[code - 128])
    return bytes([code]).decode(encoding["python_encode"])


def body(content: bytes, profile: str) -> list[str]:
    """The printed lines, without the blank ones that feed the paper."""
    return [line.rstrip() for line in decoded(content, profile).split("\n") if line.strip()]


def test_the_ticket_of_a_check_up_line_by_line() -> None:
    assert lines(visit(outcomes=(*outcomes()[:4], *outcomes()[6:]))) == (
        "         BILAN DE SANTÉ",
        "  21/11/2026 10:51  Cabine 07",
        "        Visite 6E7A-5C1D",
        "         Bilan terminé",
        "--------------------------------",
        "Poids                    72,4 kg",
        "Taille                  174,0 cm",
        "IMC                   23,9 kg/m²",
        "Oxygène                     97 %",
        "Température              36,0 °C",
        "Tension (moy.)       128/79 mmHg",
        "Tracé ECG    transmis au médecin",
        "Audition     transmis au médecin",
        "--------------------------------",
        "Mesures seules. Ce n'est pas un",
        "diagnostic.",
        "Malaise ? Appelez le 15 ou le",
        "112.",
        "Aide-mémoire. L'encre s'efface",
        "en quelques mois.",
        "Logiciel 1.4.0",
    )


def test_values_are_printed_only_on_request() -> None:
    shown, hidden = lines(show_values=True), lines(show_values=False)
    assert "Pouls                    72 /min" in shown
    with_value = [line.split("  ")[0] for line in shown if re.search(r"\d (kg|cm|%|/min|°C|mmHg|kg/m²)$", line)]
    assert with_value == ["Poids", "Taille", "IMC", "Oxygène", "Pouls", "Cœur (ECG)", "Température", "Tension (moy.)"]
    for label in with_value:
        (line,) = [line for line in hidden if line.startswith(label)]
        assert line.split() == [*label.split(), "mesuré"]


def test_without_a_mean_every_reading_is_printed() -> None:
    readings = tuple(outcome for outcome in outcomes() if outcome.name == "blood_pressure")
    printed = [line for line in lines(visit(outcomes=readings)) if line.startswith("Tension")]
    assert [line.split()[1] for line in printed] == ["131/82", "128/80", "127/78"]


def test_what_was_not_measured_says_so_and_why() -> None:
    printed = "\n".join(lines(visit(outcomes=missing()), show_values=False))
    assert printed.count("non mesuré (") == len(missing())
    assert "Oxygène\n  non mesuré (doigt retiré du\n  capteur)" in printed
    assert "Poids\n  non mesuré (refusé par la\n  personne)" in printed


def test_a_bad_value_is_not_printed() -> None:
    bad = single("spo2", 83.0, "%", evidence(OXIMETER, quality="bad", reasons=("movement",)))
    printed = "\n".join(lines(visit(outcomes=(bad,))))
    assert "non mesuré (mouvement)" in printed
    assert "83" not in printed


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_simulated_visit_says_so_first_and_last(language: Language) -> None:
    printed = lines(simulated_visit(), language)
    assert printed[0].strip() == printed[-1].strip() == "*** SIMULATION ***"


def test_a_real_visit_does_not_say_simulation() -> None:
    assert "SIMULATION" not in "".join(lines())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("show_values", [True, False])
def test_every_ticket_says_that_it_is_no_diagnosis(language: Language, show_values: bool) -> None:
    printed = " ".join(lines(language=language, show_values=show_values))
    said = {
        "fr": "Mesures seules. Ce n'est pas un diagnostic.",
        "en": "Measurements only. This is not a diagnosis.",
    }
    assert said[language] in printed


def test_english() -> None:
    printed = "\n".join(lines(language="en"))
    assert "2026-11-21 10:51" in printed
    assert "Oxygen                      97 %" in printed
    assert "36.0 °C" in printed


identifiers = st.text(st.sampled_from("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"), min_size=10, max_size=22)


@settings(deadline=None)
@given(identifiers, st.sampled_from(LANGUAGES), st.booleans())
def test_nothing_of_the_person_is_on_the_paper(value: str, language: Language, show_values: bool) -> None:
    record = visit(subject=Subject("https://hr.example/agent", value))
    printed = "".join(lines(record, language, show_values)) + ticket_bytes(record, language, show_values).decode(
        "latin-1"
    )
    assert value not in printed
    assert "hr.example" not in printed


@pytest.mark.parametrize("subject", [REAL_NIR, LOCAL])
def test_the_ticket_does_not_depend_on_the_person(subject: Subject) -> None:
    someone_else = Subject("https://elsewhere.example", "ZZZZZZZZZZZZ")
    assert lines(visit(subject=subject)) == lines(visit(subject=someone_else))


def test_the_visit_goes_by_a_short_number() -> None:
    assert visit_number(visit().visit_id) == "6E7A-5C1D"
    assert visit().visit_id not in "".join(lines())
    assert visit().mid not in lines()


visits = st.lists(st.sampled_from([*outcomes(), *missing()]), max_size=12).map(tuple)


@settings(deadline=None)
@given(visits, st.sampled_from(LANGUAGES), st.booleans(), st.text(max_size=40))
def test_no_line_is_wider_than_the_paper(
    found: tuple[Outcome, ...], language: Language, show_values: bool, name: str
) -> None:
    record = visit(outcomes=found, cabin=replace(visit().cabin, name=f"Cabine {name}"))
    assert all(len(line) <= COLUMNS for line in lines(record, language, show_values))


@pytest.mark.parametrize("profile", GOOD_PROFILES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_good_printer_gets_every_letter(profile: str, language: Language) -> None:
    record = replace(simulated_visit(), outcomes=(*simulated_visit().outcomes, *missing()))
    content = ticket_bytes(record, language, True, zone=PARIS_IN_WINTER, profile=profile)
    assert body(content, profile) == [line.rstrip() for line in lines(record, language)]


def test_the_heart_is_printed_with_its_ligature() -> None:
    content = ticket_bytes(visit(), "fr", True, profile="TM-T88V")
    assert any("Cœur (ECG)" in line for line in body(content, "TM-T88V"))


@pytest.mark.parametrize("profile", POOR_PROFILES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_poor_printer_gets_plainer_letters_and_no_question_mark(profile: str, language: Language) -> None:
    record = visit(outcomes=(*outcomes(), *missing()))
    printed = body(ticket_bytes(record, language, True, zone=PARIS_IN_WINTER, profile=profile), profile)
    asked = "".join(lines(record, language)).count("?")
    assert "".join(printed).count("?") == asked
    assert any(line.startswith(("Coeur (ECG)", "Cœur (ECG)", "Heart (ECG)")) for line in printed)
    assert all(len(line) <= COLUMNS for line in printed)


def test_every_text_of_the_ticket_can_be_printed_without_loss() -> None:
    from escpos.printer import Dummy

    encoder = Dummy(profile="default").magic.encoder
    for language in LANGUAGES:
        for key, pattern in catalogue(language).items():
            if key.startswith(("ticket.", "reason.", "why.", "ended.")):
                letters = set(pattern) - set("\u00a0\u202f’")
                assert all(encoder.find_suitable_encoding(letter) for letter in letters), key


def test_the_printers_buffer_is_emptied_before_and_after() -> None:
    content = ticket_bytes(visit(), "fr", False)
    assert content.startswith(b"\x1b@")
    assert content.endswith(b"\x1b@")
    assert b"\x1dV" in content


def test_importing_the_module_does_not_import_escpos() -> None:
    script = "import sys, cabin_agent.ticket; sys.exit('escpos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("scheme", ["", "file:"])
def test_printing_to_a_file(scheme: str, tmp_path: Path) -> None:
    target = tmp_path / "printer"
    content = ticket_bytes(visit(), "fr", False)
    print_ticket(f"{scheme}{target}", content)
    assert target.read_bytes() == content


def test_printing_to_the_network() -> None:
    content = ticket_bytes(visit(), "fr", False)
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def receive() -> None:
            connection, _ = server.accept()
            with connection:
                while block := connection.recv(4096):
                    received.extend(block)

        reader = threading.Thread(target=receive)
        reader.start()
        print_ticket(f"network:127.0.0.1:{server.getsockname()[1]}", content)
        reader.join(10)
    assert bytes(received) == content


@pytest.mark.parametrize(
    "target",
    [
        "/no/such/folder/printer",
        "network:127.0.0.1:1",
        "network:here",
        "usb:dead:beef",
        "usb:x",
        "serial:/dev/ttyNOPE7",
    ],
)
def test_a_printer_that_is_not_there_is_one_sentence(target: str) -> None:
    with pytest.raises(PrinterError, match="cannot be opened: check") as refused:
        open_printer(target)
    assert "\n" not in str(refused.value)


def test_the_demo_identity_is_not_printed_either() -> None:
    assert DEMO_NIR.value not in "".join(lines(simulated_visit()))


@pytest.mark.parametrize("show_values", [True, False])
def test_what_the_doctor_set_aside_is_not_printed_nor_what_came_from_it(show_values: bool) -> None:
    names = [each.name for each in outcomes()]
    reviews = {names.index("weight"): Review("rejected", "shoes on", "dr-martin")}
    lines = ticket_text(visit(reviews=reviews), "en", show_values)
    told = " ".join(" ".join(lines).split())
    assert told.count("Set aside by the doctor") == told.count("(Set aside by the doctor)") == 2
    assert "72.4" not in told
    assert "23.9" not in told
    assert ("174.0" in told) is show_values
    assert "shoes" not in told
    assert "martin" not in told


def test_what_the_doctor_accepted_is_printed_as_ever() -> None:
    reviews = {number: Review("accepted", "", "dr-martin") for number in range(len(outcomes()))}
    assert ticket_text(visit(reviews=reviews), "fr", True) == ticket_text(visit(), "fr", True)
