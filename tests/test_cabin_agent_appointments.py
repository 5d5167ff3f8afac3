"""Appointments: found by code, read again when the file changes, and silent about codes and persons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cabin_agent.appointments import Appointment, Appointments, read_appointments
from cabin_agent.toml_table import ConfigError

SYSTEM = "urn:oid:1.2.250.1.213.1.4.11"
CANARY = "279035121518989"


def entry(code: str, subject: str = CANARY, more: str = "", kind: str = "checkup") -> str:
    return (
        f'[[appointment]]\ncode = "{code}"\nkind = "{kind}"\nsubject_system = "{SYSTEM}"\n'
        f'subject = "{subject}"\n{more}\n'
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "appointments.toml"


def test_a_code_finds_its_appointment(path: Path) -> None:
    path.write_text(entry("246810") + entry("000001", "b", 'measures = ["weight", "spo2"]', "consultation"))
    appointments = Appointments(path)
    assert appointments.find("246810") == Appointment("246810", "checkup", SYSTEM, CANARY, ())
    assert appointments.find("000001") == Appointment("000001", "consultation", SYSTEM, "b", ("weight", "spo2"))


@pytest.mark.parametrize(
    "code", ["", "24681", "2468100", "246811", "1", " 246810", "246810\n", "２４６８１０", "\ud800", "é"]
)
def test_any_other_code_finds_nothing(path: Path, code: str) -> None:
    path.write_text(entry("246810"))
    assert Appointments(path).find(code) is None


def test_a_file_that_is_not_there_holds_no_appointment_until_it_comes(path: Path) -> None:
    appointments = Appointments(path)
    assert appointments.find("246810") is None
    path.write_text(entry("246810"))
    assert appointments.find("246810") is not None
    path.unlink()
    assert appointments.find("246810") is None


def test_a_change_is_seen_even_with_the_same_size_and_time(path: Path, tmp_path: Path) -> None:
    path.write_text(entry("246810"))
    appointments = Appointments(path)
    assert appointments.find("246810") is not None
    before = path.stat()
    fresh = tmp_path / "fresh.toml"
    fresh.write_text(entry("135791"))
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(fresh, path)
    assert path.stat().st_size == before.st_size
    assert appointments.find("246810") is None
    assert appointments.find("135791") is not None


def test_an_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(entry("246810"))
    appointments = Appointments(path)
    appointments.find("246810")
    monkeypatch.setattr("cabin_agent.appointments.read_appointments", lambda _: pytest.fail("read again"))
    assert appointments.find("246810") is not None


def test_a_file_gone_wrong_is_said_each_time_and_not_taken_for_an_empty_one(path: Path) -> None:
    path.write_text(entry("246810"))
    appointments = Appointments(path)
    appointments.find("246810")
    path.write_text(entry("246810") + "[[appointment")
    for _ in range(2):
        with pytest.raises(ConfigError, match="not valid TOML"):
            appointments.find("246810")
    path.write_text(entry("246810"))
    assert appointments.find("246810") is not None


MISTAKES = [
    (entry("246810") * 2, "number 2 has the code of an earlier one"),
    (entry("24681"), "number 1 code holds a value that is not accepted; accepted is six digits in quotes"),
    (entry("24681a"), "six digits"),
    (entry("２４６８１０"), "six digits"),
    ("[[appointment]]\ncode = 246810\n", "six digits in quotes"),
    (entry("246810", kind="surgery"), 'accepted is one of "checkup", "consultation"'),
    (entry("246810", subject=""), "subject"),
    (entry("246810").replace(SYSTEM, "ins"), "subject_system"),
    (entry("246810", more='measures = ["weigth"]'), "measures"),
    (entry("246810", more='measures = ["weight", "weight"]'), "without repeats"),
    (entry("246810", more="measures = []"), "measures"),
    (entry("246810", more=f'{CANARY} = "x"'), "has no key"),
    (entry("246810", more=f"subjet = '{CANARY}'"), "did you mean 'subject'?"),
    (f'"{CANARY}" = 246810\n', "the file has no key"),
    ('appointment = "246810"\n', "written as a table"),
    ("appointment = [246810]\n", "has to be a table"),
    (entry("246810").replace(f'subject = "{CANARY}"', ""), "needs the key 'subject'"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_a_mistake_is_one_sentence_without_code_or_person(path: Path, text: str, said: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_appointments(path)
    sentence = str(caught.value)
    assert said in sentence
    assert "\n" not in sentence
    for secret in (CANARY, "246810", "24681", "２４６８１０"):
        assert secret not in sentence


def test_the_repr_of_an_appointment_names_nobody() -> None:
    shown = repr(Appointment("246810", "checkup", SYSTEM, CANARY))
    assert "246810" not in shown
    assert CANARY not in shown


def test_every_code_is_compared_whichever_matches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an answer does not tell how far a guess was right, nor where it stands in the list."""
    import hmac

    compared: list[bytes] = []
    real = hmac.compare_digest

    def watched(known: bytes, asked: bytes) -> bool:
        compared.append(known)
        return real(known, asked)

    path.write_text("".join(entry(f"{number:06}") for number in range(20)))
    appointments = Appointments(path)
    monkeypatch.setattr(hmac, "compare_digest", watched)
    for code in ("000000", "000019", "999999"):
        compared.clear()
        appointments.find(code)
        assert len(compared) == 20
