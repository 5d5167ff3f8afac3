"""`cabin post`: what the record writes is sealed to its cabin, numbered, kept for the gateway, and listed."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.appointments import FOR_EVER
from cabin_agent.posts.appointment_content import decode_appointments
from cabin_agent.posts.config_content import decode_config
from cabin_agent.posts.files import appointments_to_post, settings_to_post
from cabin_agent.toml_table import ConfigError
from sync.envelope import APPOINTMENTS, CONFIG, Opened, Policy, open_envelope
from sync.errors import KeyFileError
from sync.gateway_process import GatewaySettings, open_store, run_gateway
from sync.keyfile import load_key, load_recipients, save_key
from sync.keys import RecipientKey, SigningPair, SigningPublic
from sync.link import LinkSettings
from sync.statement import Recipient, Statement, make_statement
from tests.sync_parties import CABIN, RECIPIENT, RECORD

Out = pytest.CaptureFixture[str]

EXPECTED = """
[[appointment]]
code = "246810"
kind = "checkup"
subject_system = "urn:oid:1.2.3"
subject = "secret-person"
measures = ["spo2"]
day = 2026-11-30

[[appointment]]
code = "135790"
kind = "consultation"
subject_system = "urn:oid:1.2.3"
subject = "other-person"
from = 2026-11-30T08:00:00Z
until = 2026-11-30T09:30:00Z
"""


@pytest.fixture
def record(tmp_path: Path, capsys: Out) -> Path:
    """A record with its keys, which lets in one cabin, and the settings of its gateway."""
    assert main(["keys", "make", "record", str(tmp_path / "record")]) == 0
    assert main(["keys", "make", "cabin", str(tmp_path / "cabin")]) == 0
    (tmp_path / "allow").mkdir()
    for name, public in (("cabin.json", "c-1.json"), ("post.public", "c-1.public")):
        (tmp_path / "cabin" / name).rename(tmp_path / "allow" / public)
    (tmp_path / "gateway.toml").write_text(
        f'[cabin]\nname = "r"\nserial = "r"\nstate_dir = "{tmp_path}/state"\n'
        '[gateway]\nbroker = "mqtt://127.0.0.1:1"\nrecipient = "record/record.private"\n'
        'signing = "record/receipts.private"\nallow = "allow"\n'
    )
    (tmp_path / "expected.toml").write_text(EXPECTED)
    (tmp_path / "settings.toml").write_text("[visit]\nidle_s = 60\n[instruments.scale]\ncalibrated = 2026-05-06\n")
    capsys.readouterr()
    return tmp_path


def post(record: Path, *words: str) -> int:
    return main(
        ["post", *(word.replace("@", f"{record}/") for word in words), "--config", str(record / "gateway.toml")]
    )


def opened(record: Path) -> list[Opened]:
    """What waits for the cabin, as the cabin opens it."""
    keys = load_recipients(record / "cabin" / "post.private", demo=False)
    signer = load_key(record / "record" / "receipts.public", SigningPublic)
    with closing(open_store(record / "state" / "record.db")) as store:
        return [open_envelope(each.envelope, keys, Policy({signer.kid: signer})) for each, _ in store.posts()]


def test_appointments_are_sealed_to_their_cabin(record: Path, capsys: Out) -> None:
    assert post(record, "c-1", "--appointments", "@expected.toml") == 0
    said = capsys.readouterr().out
    (envelope,) = opened(record)
    assert envelope.protected.content_type == APPOINTMENTS
    content = decode_appointments(envelope.content)
    assert [each.subject for each in content.appointments] == ["secret-person", "other-person"]
    assert envelope.header.mid.hex() in said
    for file in (record / "state").iterdir():
        assert b"secret-person" not in file.read_bytes()


def test_settings_and_statements_are_posted_in_order(record: Path, capsys: Out) -> None:
    assert main(["keys", "make", "root", str(record / "root")]) == 0
    assert main(["keys", "statement", str(record / "record"), "--root", str(record / "root")]) == 0
    statement_file = record / "record" / "record.statement"
    (record / "noise").write_bytes(b"signed elsewhere")
    assert post(record, "c-1", "--statement", "@noise") == 3
    assert "is no statement that a cabin takes (malformed)" in capsys.readouterr().err
    assert post(record, "c-1", "--statement", "/dev/null") == 3
    assert "(malformed)" in capsys.readouterr().err
    with (record / "gateway.toml").open("a") as file:
        file.write('root = "root/root.public"\n')
    foreign = Statement(1, 1, (Recipient(RECIPIENT.public, 1),), (RECORD.public,), {})
    (record / "noise").write_bytes(make_statement(foreign, RECORD))
    assert post(record, "c-1", "--statement", "@noise") == 3
    assert "(signature)" in capsys.readouterr().err
    assert post(record, "c-1", "--settings", "@settings.toml", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert post(record, "c-1", "--statement", str(statement_file)) == 0
    settings, statement = opened(record)
    assert {settings.protected.content_type, statement.protected.content_type} == {CONFIG}
    assert (settings.header.seq, statement.header.seq) == (1, 2)
    told = decode_config(settings.content)
    assert told.settings == {"visit.idle_s": 60, "instruments.scale.calibrated": "2026-05-06"}
    assert told.number == first["number"] < decode_config(statement.content).number
    assert decode_config(statement.content).statement == statement_file.read_bytes()
    assert statement.protected.prev == settings.prot_hash


def test_the_list_says_what_waits(record: Path, capsys: Out) -> None:
    post(record, "c-1", "--appointments", "@expected.toml")
    capsys.readouterr()
    assert post(record, "--list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["posts"]
    assert (row["client"], row["status"]) == ("c-1", "waiting")
    assert post(record, "c-2", "--list") == 0
    assert "c-1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--appointments", "@expected.toml"), 2, "Say to which cabin"),
        (("c-2", "--appointments", "@expected.toml"), 3, "c-2.public cannot be read"),
        (("c-1", "--statement", "@none"), 3, "No such file"),
        (("c-1", "--settings", "@gateway.toml"), 3, "which is changed in the file alone"),
        (("c-1", "--appointments", "@gateway.toml"), 3, "has no key"),
    ],
)
def test_what_cannot_be_posted_is_one_sentence(
    record: Path, capsys: Out, words: tuple[str, ...], code: int, said: str
) -> None:
    assert post(record, *words) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_key_of_a_demonstration_posts_nothing_real(record: Path, capsys: Out) -> None:
    (record / "record" / "receipts.private").unlink()
    save_key(record / "record" / "receipts.private", RECORD)
    assert post(record, "c-1", "--appointments", "@expected.toml") == 3
    assert "for demonstration only" in capsys.readouterr().err


def test_hours_are_those_of_the_day_or_as_written(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(EXPECTED)
    day, hours = appointments_to_post(file)
    assert day.from_ms == datetime(2026, 11, 30).astimezone().timestamp() * 1000
    assert day.until_ms - day.from_ms == 24 * 3_600_000
    assert hours.until_ms - hours.from_ms == 5_400_000
    assert hours.from_ms == 1_796_025_600_000
    file.write_text(EXPECTED.replace("day = 2026-11-30\n", ""))
    assert (appointments_to_post(file)[0].from_ms, appointments_to_post(file)[0].until_ms) == (0, FOR_EVER - 1)


@pytest.mark.parametrize(
    "change",
    [
        ("until = 2026-11-30T09:30:00Z", "until = 2026-11-30T07:30:00Z"),
        ("day = 2026-11-30", 'day = "soon"'),
        ("from = 2026-11-30T08:00:00Z", "from = 8"),
        ('code = "135790"', 'code = "1"'),
        ("[[appointment]]", "[appointment]"),
    ],
)
def test_no_error_names_anybody(tmp_path: Path, change: tuple[str, str]) -> None:
    file = tmp_path / "a.toml"
    text = EXPECTED.split("\n\n[[")[1] if change[0] == "[[appointment]]" else EXPECTED
    file.write_text(("[[" + text if text is not EXPECTED else text).replace(*change))
    with pytest.raises(ConfigError) as caught:
        appointments_to_post(file)
    for secret in ("person", "135790", "246810"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[visit]\nidle_s = 1",
        "[visit]\ncode_attempts = 11",
        "[record]\nquota_mb = 1",
        "[record]\nquota_mb = 10\nreserve_mb = 10",
        "idle_s = 1",
        "[visit]\nidle_s = 1.5",
        "[visit]\nidle_s = true",
        "[record]\nsigning = 'x'",
    ],
)
def test_settings_that_are_not_changed_from_afar_are_not_posted(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ConfigError):
        settings_to_post(tmp_path / "s.toml")


# --- what the gateway makes of a statement ------------------------------------------------------------------------


def gateway(folder: Path, **more: object) -> GatewaySettings:
    """The settings of a gateway that would start if its keys were good."""
    save_key(folder / "record.private", RECIPIENT)
    save_key(folder / "receipts.private", RECORD)
    save_key(folder / "root.public", CABIN.public)
    (folder / "allow").mkdir()
    known = {"root": folder / "root.public", "statement": folder / "record.statement", "demo": True, **more}
    link = LinkSettings("127.0.0.1", 1, "record")
    return GatewaySettings(link, folder / "r.db", (folder,), folder / "receipts.private", folder / "allow", **known)  # type: ignore[arg-type]


def test_a_gateway_refuses_a_statement_that_is_none(tmp_path: Path) -> None:
    settings = gateway(tmp_path)
    with pytest.raises(KeyFileError, match="cannot be read"):
        run_gateway(settings)
    told = Statement(1, 1, (Recipient(RECIPIENT.public, 1),), (RECORD.public,), {})
    (tmp_path / "record.statement").write_bytes(make_statement(told, RECORD))
    with pytest.raises(KeyFileError, match="is refused, signature"):
        run_gateway(settings)


def test_a_gateway_opens_with_every_recipient_key_of_its_folder(tmp_path: Path) -> None:
    gateway(tmp_path)
    second = RecipientKey.generate(demo=True)
    save_key(tmp_path / "record-2.private", second)
    assert set(load_recipients(tmp_path, demo=True)) == {RECIPIENT.public.kid, second.public.kid}
    with pytest.raises(KeyFileError, match="for demonstration only"):
        load_recipients(tmp_path, demo=False)
    with pytest.raises(KeyFileError, match="no recipient key"):
        load_recipients(tmp_path / "allow", demo=True)
    save_key(tmp_path / "allow" / "x.private", SigningPair.generate())
    with pytest.raises(KeyFileError, match="no recipient key"):
        load_recipients(tmp_path / "allow", demo=True)
