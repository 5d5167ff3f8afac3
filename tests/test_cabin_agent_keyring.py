"""`cabin keys`: rotation, revocation, export, enrolment, inventory, and that no private part is ever told."""

from __future__ import annotations

import io
import json
import shutil
import ssl
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cbor2
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.__main__ import main
from cabin_agent.keyring.certificates import issue_server, make_ca, new_csr
from cabin_agent.keyring.enrolment import clients
from cabin_agent.keyring.request import Request, fingerprint, make_request, read_request
from cabin_agent.record_link import new_sender_id
from sync import cbor
from sync.envelope import FHIR, Policy, open_envelope, seal
from sync.errors import Refused
from sync.keyfile import load_key, load_recipients, save_key
from sync.keys import LEVEL5, RecipientKey, SigningPair, SigningPublic
from sync.outbox import Outbox
from sync.statement import Statement, read_statement
from tests.sync_parties import CABIN, RECIPIENT, RECORD, STAMP, STRANGER, blank_sealer, mid

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with its root and first statement, a cabin, an authority."""
    folder = tmp_path_factory.mktemp("house")
    for whose in ("record", "root", "cabin", "ca"):
        assert main(["keys", "make", whose, str(folder / whose)]) == 0
    assert main(["keys", "statement", str(folder / "record"), "--root", str(folder / "root")]) == 0
    return folder


@pytest.fixture
def house(built: Path, tmp_path: Path) -> Path:
    """A copy of all that, to change."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return tmp_path


def keys(house: Path, *words: str) -> int:
    return main(["keys", *(word.replace("@", f"{house}/") for word in words)])


def stated(house: Path) -> Statement:
    root = load_key(house / "root" / "root.public", SigningPublic)
    return read_statement((house / "record" / "record.statement").read_bytes(), root)


# --- rotation and revocation --------------------------------------------------------------------------------------


def test_the_first_statement_names_the_first_keys(house: Path) -> None:
    told = stated(house)
    assert told.number == 1
    assert [each.key.kid for each in told.recipients] == list(load_recipients(house / "record", demo=False))
    assert [each.kid for each in told.signing] == [load_key(house / "record/receipts.public", SigningPublic).kid]


def test_a_new_recipient_key_lies_beside_the_old_one_and_is_stated(house: Path, capsys: Out) -> None:
    before = stated(house)
    assert keys(house, "rotate", "record", "@record", "--root", "@root") == 0
    said = capsys.readouterr().out
    told = stated(house)
    assert told.number == 2
    assert len(told.recipients) == 2
    assert told.recipients[0] == before.recipients[0]
    assert told.recipient != before.recipient
    assert told.recipient.kid.hex() in said
    assert set(load_recipients(house / "record", demo=False)) == {each.key.kid for each in told.recipients}
    assert told.signing == before.signing
    assert "restart every gateway; give the statement" in said


def test_a_new_pair_for_receipts_leaves_the_recipient(house: Path) -> None:
    assert keys(house, "rotate", "record", "@record", "--root", "@root", "--receipts") == 0
    told = stated(house)
    assert (len(told.recipients), len(told.signing), len(told.signers)) == (1, 2, 2)


def test_a_record_of_level_5_stays_there(tmp_path: Path) -> None:
    assert main(["keys", "make", "root", str(tmp_path / "root")]) == 0
    (tmp_path / "record").mkdir()
    save_key(tmp_path / "record" / "record.private", RecipientKey.generate(LEVEL5))
    save_key(tmp_path / "record" / "receipts.private", SigningPair.generate())
    assert keys(tmp_path, "rotate", "record", "@record", "--root", "@root") == 0
    assert [each.key.suite for each in stated(tmp_path).recipients] == [LEVEL5, LEVEL5]


def test_a_revoked_key_is_stated_with_its_date_and_stays_revoked(house: Path, capsys: Out) -> None:
    kid = load_key(house / "cabin" / "cabin.json", SigningPublic).kid
    assert keys(house, "revoke", kid.hex()[:8], "@record", "--root", "@root", "--allow", "@cabin",
                "--date", "2026-11-01") == 0  # fmt: skip
    assert stated(house).revoked == {kid: 1_793_491_200_000}
    capsys.readouterr()
    assert keys(house, "rotate", "record", "@record", "--root", "@root") == 0
    assert kid in stated(house).revoked
    assert keys(house, "revoke", "zz", "@record", "--root", "@root") == 3
    assert "0 keys have an id that begins with 'zz'" in capsys.readouterr().err


def test_a_stolen_key_is_revoked_from_the_start_for_a_thief_can_write_any_date(house: Path, capsys: Out) -> None:
    pair = load_key(house / "cabin" / "cabin.private", SigningPair)
    assert keys(house, "revoke", pair.public.kid.hex(), "@record", "--root", "@root") == 0
    backdated = seal(
        b"{}", FHIR, recipient=RECIPIENT.public, signer=pair, mid=mid(1), src=bytes(16), seq=1, prev=bytes(32),
        stamp=replace(STAMP, created_ms=0),
    )  # fmt: skip
    policy = Policy({pair.public.kid: pair.public}, revoked=stated(house).revoked)
    with pytest.raises(Refused, match="signature"):
        open_envelope(backdated.envelope, {RECIPIENT.public.kid: RECIPIENT}, policy)


def test_who_revokes_the_pair_of_receipts_is_told_to_sign_with_another_first(house: Path, capsys: Out) -> None:
    kid = stated(house).signing[0].kid
    assert keys(house, "rotate", "record", "@record", "--root", "@root", "--receipts") == 0
    capsys.readouterr()
    assert keys(house, "revoke", kid.hex(), "@record", "--root", "@root") == 0
    said = capsys.readouterr().out
    assert said.index("[gateway] signing") < said.index("cabin post CLIENT --statement")
    assert revoke(house) == 0
    assert "[gateway] signing" not in capsys.readouterr().out


def test_the_last_key_cannot_be_revoked(house: Path, capsys: Out) -> None:
    kid = stated(house).signing[0].kid
    assert keys(house, "revoke", kid.hex(), "@record", "--root", "@root") == 3
    assert "would be left: make a new one" in capsys.readouterr().err
    assert stated(house).number == 1
    assert keys(house, "rotate", "record", "@record", "--root", "@root", "--receipts") == 0
    assert keys(house, "revoke", kid.hex(), "@record", "--root", "@root") == 0
    assert kid not in stated(house).signers


def test_another_root_states_nothing(house: Path, capsys: Out) -> None:
    assert keys(house, "make", "root", "@other") == 0
    assert keys(house, "rotate", "record", "@record", "--root", "@other") == 3
    assert "is refused (signature): use the root that signed it" in capsys.readouterr().err
    assert len(load_recipients(house / "record", demo=False)) == 1, "nothing is made that cannot be stated"
    assert keys(house, "rotate", "record", "@record") == 3
    assert "--root" in capsys.readouterr().err


def test_the_root_is_never_stated_as_a_key_of_the_record(house: Path) -> None:
    root = load_key(house / "root" / "root.private", SigningPair)
    save_key(house / "record" / "root.private", root)
    assert keys(house, "statement", "@record", "--root", "@root") == 0
    assert root.public.kid not in stated(house).signers


def test_keys_of_a_demonstration_are_not_stated_by_a_real_root(house: Path, capsys: Out) -> None:
    save_key(house / "record" / "demo.private", RECIPIENT)
    assert keys(house, "statement", "@record", "--root", "@root") == 3
    assert "not both of a demonstration" in capsys.readouterr().err


def test_a_cabin_rotates_its_pair_and_keeps_the_old_one(house: Path, capsys: Out) -> None:
    old = load_key(house / "cabin" / "cabin.private", SigningPair)
    assert keys(house, "rotate", "cabin", "@cabin") == 0
    (new,) = (house / "cabin").glob("cabin-*.private")
    assert load_key(new, SigningPair).public.kid.hex().startswith(new.stem.partition("-")[2])
    assert load_key(house / "cabin" / "cabin.private", SigningPair) == old
    assert f"--signing {new}" in capsys.readouterr().out
    assert keys(house, "rotate", "cabin", "@root") == 3
    assert "make the first keys" in capsys.readouterr().err


def test_another_pair_begins_a_new_sender_id(tmp_path: Path) -> None:
    outbox, file = Outbox(tmp_path / "outbox.db"), tmp_path / "signed-by"
    first = outbox.src
    outbox.put(mid(1), blank_sealer(1))
    for _ in range(2):
        new_sender_id(file, CABIN.public.kid, outbox)
        assert outbox.src == first
    new_sender_id(file, STRANGER.public.kid, outbox)
    assert outbox.src != first
    second = outbox.src
    new_sender_id(file, STRANGER.public.kid, outbox)
    assert outbox.src == second
    assert outbox.counts().pending == 1, "what is stored keeps its signature and its sender id"
    outbox.close()


# --- show, export, inventory --------------------------------------------------------------------------------------


def secrets_of(house: Path) -> list[str]:
    """Everything that must never be shown."""
    record = load_key(house / "record" / "record.private", RecipientKey)
    pairs = [load_key(house / name, SigningPair) for name in ("root/root.private", "cabin/cabin.private")]
    return [record.secret.hex(), *(seed.hex() for pair in pairs for seed in (pair.ed_seed, pair.ml_seed))]


@pytest.mark.parametrize(
    "words",
    [
        ("show", "@record"),
        ("show", "@cabin", "--json"),
        ("show", "@root"),
        ("export", "@record"),
        ("export", "@cabin"),
        ("inventory", "@record", "@root"),
    ],
)
def test_no_private_part_is_told(house: Path, capsys: Out, words: tuple[str, ...]) -> None:
    assert keys(house, *words) == 0
    said = capsys.readouterr().out
    assert not [secret for secret in secrets_of(house) if secret in said]


def test_show_says_id_kind_age_and_use(house: Path, capsys: Out) -> None:
    assert keys(house, "show", "@record", "--json") == 0
    shown = {each["file"]: each for each in json.loads(capsys.readouterr().out)["keys"]}
    assert set(shown) == {"record.private", "record.public", "receipts.private", "receipts.public"}
    private, public = shown["record.private"], shown["record.public"]
    assert private["kid"] == public["kid"] == stated(house).recipient.kid.hex()
    assert (private["kind"], public["kind"], public["suite"]) == ("recipient", "recipient-public", 1)
    made = datetime.fromisoformat(public["made"])
    assert timedelta(0) <= datetime.now(UTC) - made < timedelta(minutes=10)
    assert "[gateway] recipient" in private["use"]
    assert keys(house, "show", "@ca") == 0
    assert "good until" in capsys.readouterr().out


def test_a_damaged_key_is_shown_as_such(house: Path, capsys: Out) -> None:
    (house / "record" / "record.private").chmod(0o644)
    assert keys(house, "show", "@record", "--json") == 1
    assert "may be read or changed by others" in capsys.readouterr().out


def test_the_settings_name_their_keys_and_what_is_in_force(house: Path, capsys: Out) -> None:
    (house / "cabin.toml").write_text(
        f'[cabin]\nname = "a"\nserial = "b"\nstate_dir = "{house}/state"\n[record]\nbroker = "mqtt://127.0.0.1:1"\n'
        'client = "c-1"\nsigning = "cabin/cabin.private"\npost = "cabin/post.private"\nroot = "root/root.public"\n'
        'statement = "record/record.statement"\n'
    )
    assert keys(house, "show", "--config", "@cabin.toml", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["in_force"] == {
        "statement": 1,
        "sealed_to": stated(house).recipient.kid.hex(),
        "believed": stated(house).signing[0].kid.hex(),
        "posted_settings": 0,
    }
    assert {Path(each["folder"]).name for each in told["keys"]} == {"cabin", "root"}
    assert not (house / "state").exists(), "to show is not to keep"


def test_export_holds_the_public_parts_alone(house: Path, capsys: Out) -> None:
    assert keys(house, "export", "@record", "--out", "@public.json") == 0
    files = json.loads((house / "public.json").read_text())["files"]
    assert set(files) == {"record.public", "receipts.public", "record.statement"}
    assert files["record.public"] == (house / "record" / "record.public").read_text()
    assert bytes.fromhex(files["record.statement"]) == (house / "record" / "record.statement").read_bytes()


def test_the_inventory_names_algorithms_libraries_and_keys(house: Path, capsys: Out) -> None:
    assert keys(house, "inventory", "@record", "@ca") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    parts = {each["name"]: each for each in told["components"]}
    said = {
        name: {each["name"]: each["value"] for each in part.get("properties", [])} for name, part in parts.items()
    }
    assert {name for name, about in said.items() if about.get("cabin:postQuantum") == "no"} >= {
        "TLS", "Ed25519", "ECDSA-P256-SHA256", str(house / "ca" / "ca.pem")}  # fmt: skip
    assert said["ML-DSA-65"]["cabin:postQuantum"] == said["MLKEM768-X25519"]["cabin:postQuantum"] == "yes"
    key = parts[str(house / "record" / "record.private")]["cryptoProperties"]["relatedCryptoMaterialProperties"]
    assert (key["type"], key["id"]) == ("private-key", stated(house).recipient.kid.hex())
    assert "OpenSSL" in parts["cryptography"]["version"]


# --- enrolment ----------------------------------------------------------------------------------------------------


def enrolled(house: Path, capsys: Out, *words: str) -> str:
    """The cabin's request, made; its fingerprint."""
    capsys.readouterr()
    assert keys(house, "enrol", "@cabin", "--out", "@request", *words) == 0
    return capsys.readouterr().out.splitlines()[0].removeprefix("fingerprint  ")


def accept(house: Path, *words: str, statement: bool = True) -> int:
    looked_up = ("--statement", "@record/record.statement", "--root", "@root/root.public") if statement else ()
    return keys(house, "accept", "@request", "--ca", "@ca", "--allow", "@allow", *looked_up, *words)


def revoke(house: Path, *words: str) -> int:
    kid = load_key(house / "cabin" / "cabin.private", SigningPair).public.kid
    return keys(house, "revoke", kid.hex(), "@record", "--root", "@root", *words)


def test_a_revoked_pair_lets_nobody_in(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    certificate, files = (house / "c-1.pem").read_bytes(), sorted((house / "allow").iterdir())
    assert revoke(house) == 0
    keys(house, "rotate", "cabin", "@cabin")
    (new,) = (house / "cabin").glob("cabin-*.private")
    capsys.readouterr()
    enrolled(house, capsys)
    assert accept(house) == 3
    assert "is revoked" in capsys.readouterr().err
    enrolled(house, capsys, "--signing", str(new))
    assert accept(house, "--fingerprint", "0000") == 1
    assert "vouches" not in capsys.readouterr().out
    assert (house / "c-1.pem").read_bytes() == certificate
    assert sorted((house / "allow").iterdir()) == files


def test_a_pair_in_use_renews_after_the_one_before_was_retired(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    keys(house, "rotate", "cabin", "@cabin")
    (new,) = (house / "cabin").glob("cabin-*.private")
    capsys.readouterr()
    for retired in (False, True):
        if retired:
            assert revoke(house, "--date", "2026-11-01") == 0
            capsys.readouterr()
        enrolled(house, capsys, "--signing", str(new))
        assert accept(house) == 0
        assert "c-1 vouches for it" in capsys.readouterr().out
    assert len(clients(house / "allow")) == 2


def test_a_known_pair_does_not_vouch_unless_revocations_were_looked_up(
    house: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    enrolled(house, capsys)
    monkeypatch.setattr("builtins.input", lambda _prompt: "no")
    assert accept(house, statement=False) == 1
    assert "vouches" not in capsys.readouterr().out
    assert accept(house, "--root", "@root/root.public", statement=False) == 3
    assert "give both" in capsys.readouterr().err
    (house / "record/record.statement").write_bytes(b"noise")
    assert accept(house) == 3
    assert "is refused (malformed)" in capsys.readouterr().err


def test_a_fingerprint_that_is_given_has_to_fit_for_a_known_cabin_too(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    mark = enrolled(house, capsys)
    assert accept(house, "--fingerprint", "0000") == 1
    assert accept(house, "--fingerprint", mark) == 0


def test_an_old_request_is_not_accepted_again(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    old = (house / "request").read_bytes()
    time.sleep(0.002)  # a request is dated to the millisecond
    enrolled(house, capsys)
    assert accept(house) == 0
    assert accept(house) == 0, "the last one may be accepted once more, where its certificate was lost"
    (house / "request").write_bytes(old)
    capsys.readouterr()
    assert accept(house, "--fingerprint", fingerprint(old)) == 3
    assert "is older than the last that was accepted of c-1" in capsys.readouterr().err


def test_without_anybody_to_ask_a_sentence_says_so(house: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled(house, capsys)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert accept(house) == 3
    assert "give it with --fingerprint" in capsys.readouterr().err


def test_enrol_names_the_key_that_belongs_to_the_request(house: Path, capsys: Out) -> None:
    enrolled(house, capsys)
    keys(house, "enrol", "@cabin", "--out", "@request")
    (second,) = (house / "cabin").glob("tls-*.key")
    assert f"{second}  private: [record] key" in capsys.readouterr().out


def test_a_cabin_is_let_in_by_the_fingerprint_that_was_read_out(house: Path, capsys: Out) -> None:
    mark = enrolled(house, capsys)
    assert mark == fingerprint((house / "request").read_bytes())
    assert accept(house, "--fingerprint", mark.upper(), "--client", "c-1") == 0
    assert mark in capsys.readouterr().out
    signing = load_key(house / "allow" / "c-1.json", SigningPublic)
    assert signing == load_key(house / "cabin" / "cabin.private", SigningPair).public
    post = load_key(house / "cabin" / "post.private", RecipientKey)
    assert (house / "allow" / "c-1.public").read_text().count(post.public.raw.hex()) == 1
    certificate = x509.load_pem_x509_certificate((house / "c-1.pem").read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "c-1"
    assert len(list(certificate.subject)) == 1
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert timedelta(days=90) <= life < timedelta(days=91)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((house / "ca" / "ca.pem").read_bytes()))
    assert (house / "cabin" / "tls.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [("--fingerprint", "0000 0000 0000 0000 0000"), ()])
def test_another_fingerprint_lets_nobody_in(
    house: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _prompt: "no")
    enrolled(house, capsys)
    assert accept(house, *words) == 1
    assert list((house / "allow").iterdir()) == []
    assert "nothing was written" in capsys.readouterr().err


def test_a_person_may_say_yes_and_a_client_gets_an_opaque_name(
    house: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _prompt: "yes")
    enrolled(house, capsys)
    assert accept(house) == 0
    (client,) = clients(house / "allow")
    assert client.startswith("c-")
    assert len(client) == 10
    assert f'client = "{client}"' in capsys.readouterr().out


def test_a_known_cabin_renews_its_certificate_without_a_voice(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    first = (house / "c-1.pem").read_bytes()
    enrolled(house, capsys)
    assert accept(house) == 0
    said = capsys.readouterr().out
    assert "c-1 vouches for it" in said
    assert "~" not in said, "no file is named that was not written"
    assert (house / "c-1.pem").read_bytes() != first
    assert len(list((house / "cabin").glob("tls*.key"))) == 2, "the old key works until the new one is there"
    assert list(clients(house / "allow")) == ["c-1"]
    assert accept(house, "--client", "c-2") == 3


def test_a_rotated_pair_is_vouched_for_by_the_old_one(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    keys(house, "rotate", "cabin", "@cabin")
    (new,) = (house / "cabin").glob("cabin-*.private")
    capsys.readouterr()
    enrolled(house, capsys, "--signing", str(new))
    assert accept(house) == 0
    known = clients(house / "allow")
    assert len(known) == 2
    assert {key.kid for key in known.values()} == {
        load_key(path, SigningPair).public.kid for path in (new, house / "cabin" / "cabin.private")
    }
    (house / "cabin" / "cabin.private").unlink()
    new.rename(house / "cabin" / "cabin.private")
    enrolled(house, capsys)
    assert accept(house) == 0
    assert "c-1 vouches for it" in capsys.readouterr().out


def test_a_second_cabin_of_the_same_name_is_refused(house: Path, capsys: Out) -> None:
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    assert keys(house, "make", "cabin", "@other") == 0
    assert keys(house, "enrol", "@other", "--out", "@request") == 0
    capsys.readouterr()
    mark = fingerprint((house / "request").read_bytes())
    assert accept(house, "--client", "c-1", "--fingerprint", mark) == 3
    assert "There is a cabin c-1 already" in capsys.readouterr().err
    assert accept(house, "--client", "c/1", "--fingerprint", mark) == 3


def test_a_broker_and_a_cabin_meet_over_tls_with_these_certificates(house: Path, capsys: Out) -> None:
    assert keys(house, "make", "broker", "@broker", "--ca", "@ca", "--host", "localhost", "--host", "127.0.0.1") == 0
    capsys.readouterr()
    accept(house, "--client", "c-1", "--fingerprint", enrolled(house, capsys))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(house / "broker/broker.pem", house / "broker/broker.key")
    server.load_verify_locations(house / "ca/ca.pem")
    client = ssl.create_default_context(cafile=str(house / "ca/ca.pem"))
    client.load_cert_chain(house / "c-1.pem", house / "cabin/tls.key")
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(one, other, server_side=True), client.wrap_bio(other, one, server_hostname="127.0.0.1")]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    subject = ends[0].getpeercert()
    assert subject is not None
    assert subject["subject"] == ((("commonName", "c-1"),),)
    assert ends[1].version() == "TLSv1.3"


def test_openssl_accepts_the_chain(house: Path, capsys: Out) -> None:
    issue_server(house / "ca", house, ("localhost",), 30)
    checked = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", house / "ca/ca.pem", house / "broker.pem"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.stdout.strip().endswith("OK"), checked.stderr


def test_an_authority_is_made_once(house: Path, capsys: Out) -> None:
    assert keys(house, "make", "ca", "@ca") == 3
    assert "already a key" in capsys.readouterr().err
    assert keys(house, "make", "broker", "@broker") == 3
    assert "--ca FOLDER and at least one --host" in capsys.readouterr().err
    assert keys(house, "make", "broker", "@broker", "--ca", "@cabin", "--host", "b") == 3
    assert "holds no certificate authority" in capsys.readouterr().err


PAIR, NEXT = RECORD, STRANGER


@pytest.fixture(scope="module")
def request_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    csr = new_csr(tmp_path_factory.mktemp("csr") / "tls.key")
    return make_request(Request(csr, PAIR.public, RECIPIENT.public, 1), (PAIR,))


def test_a_request_comes_back(request_file: bytes) -> None:
    request, vouched = read_request(request_file, {})
    assert (request.signing.kid, request.post.kid, vouched) == (PAIR.public.kid, RECIPIENT.public.kid, None)
    assert read_request(request_file, {PAIR.public.kid: PAIR.public})[1] == PAIR.public.kid


@pytest.mark.parametrize("pairs", [(), (NEXT,), (CABIN, NEXT)])
def test_a_request_proves_possession(request_file: bytes, pairs: tuple[SigningPair, ...]) -> None:
    request, _ = read_request(request_file, {})
    with pytest.raises(Refused, match="signature"):
        read_request(make_request(request, pairs), {})


def test_a_bad_voucher_spoils_a_request(request_file: bytes) -> None:
    request, _ = read_request(request_file, {})
    req, signatures = cbor2.loads(make_request(request, (PAIR, NEXT)))
    kept = [one for one in signatures if one[:2] != [NEXT.public.kid, -49]]
    with pytest.raises(Refused, match="signature"):
        read_request(cbor.encode([req, kept]), {NEXT.public.kid: NEXT.public})


@given(data=st.data())
def test_an_altered_request_is_refused_and_nothing_else_escapes(request_file: bytes, data: st.DataObject) -> None:
    at, flip = data.draw(st.integers(0, len(request_file) - 1)), data.draw(st.integers(1, 255))
    altered = request_file[:at] + bytes([request_file[at] ^ flip]) + request_file[at + 1 :]
    with pytest.raises(Refused):
        read_request(altered, {})
    assert fingerprint(altered) != fingerprint(request_file)


def test_a_request_for_another_kind_of_certificate_is_refused(house: Path, capsys: Out) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ed25519.Ed25519PrivateKey.generate()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    for der, said in ((csr.public_bytes(Encoding.DER), "proves no P-256 key"), (b"no csr", "is damaged")):
        (house / "request").write_bytes(make_request(Request(der, PAIR.public, RECIPIENT.public, 1), (PAIR,)))
        assert accept(house, "--fingerprint", fingerprint((house / "request").read_bytes())) == 3
        assert said in capsys.readouterr().err
    (house / "request").write_bytes(b"noise")
    assert accept(house) == 3
    assert "is refused (malformed)" in capsys.readouterr().err


def test_a_second_authority_in_python_is_refused_too(tmp_path: Path) -> None:
    from cabin_agent.keyring.error import KeyringError

    make_ca(tmp_path, "a")
    with pytest.raises(KeyringError, match="already a key"):
        make_ca(tmp_path, "b")
