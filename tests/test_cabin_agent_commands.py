"""The command line: help, verbs, one sentence and the right exit code for what cannot be done."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from cabin_agent.__main__ import VERBS, main
from cabin_agent.access import Access, Account
from cabin_agent.runtime import TICKET, kiosk_ticket, publish, withdraw
from sync.keyfile import load_key, load_signers
from sync.keys import RecipientKey, RecipientPublic, SigningPair
from tests.core_bench import prepare

Out = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CABIN_RUNTIME", str(tmp_path / "run"))
    monkeypatch.delenv("CABIN_TOKEN", raising=False)
    prepare(tmp_path)
    return tmp_path


def sentence(out: Out) -> str:
    """The one line on standard error."""
    captured = out.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.rstrip().endswith(".")
    return captured.err


def test_help_names_every_verb(capsys: Out) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in VERBS)
    assert "exit codes: 0 done" in shown


def test_no_verb_is_wrong_use(capsys: Out) -> None:
    assert main([]) == 2
    assert "usage: cabin VERB" in capsys.readouterr().out


def test_an_unknown_verb_names_those_there_are(capsys: Out) -> None:
    assert main(["dance"]) == 2
    assert "there is no verb 'dance'; there are: demo, checkup" in sentence(capsys)


def test_version(capsys: Out) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cabin 0.")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "simulate"])
def test_every_verb_explains_itself(verb: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: cabin {verb}" in capsys.readouterr().out


def test_the_table_of_the_visit_can_be_printed(capsys: Out) -> None:
    assert main(["run", "--states"]) == 0
    assert "exclusions" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["run", "gateway"])
def test_ctrl_c_while_a_verb_is_still_loading_is_one_sentence(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cabin_agent.__main__.importlib.import_module", interrupted)
    assert main([verb]) == 3
    assert sentence(capsys) == f"cabin {verb}: interrupted.\n"


@pytest.mark.parametrize("verb", ["run", "gateway"])
def test_a_missing_configuration_is_one_sentence(verb: str, folder: Path, capsys: Out) -> None:
    assert main([verb, "--config", str(folder / "none.toml")]) == 3
    assert "none.toml" in sentence(capsys)


def test_a_cabin_without_a_record_does_not_start(folder: Path, capsys: Out) -> None:
    assert main(["run", "--config", str(folder / "cabin.toml")]) == 3
    assert "there is no [record]" in sentence(capsys)


def test_a_gateway_without_its_section_does_not_start(folder: Path, capsys: Out) -> None:
    assert main(["gateway", "--config", str(folder / "cabin.toml")]) == 3
    assert "there is no [gateway]" in sentence(capsys)


def test_devices_without_a_cabin(folder: Path, capsys: Out) -> None:
    assert main(["devices"]) == 3
    assert "No cabin is running here" in sentence(capsys)


def test_devices_of_another_user_ask_for_a_token(folder: Path, capsys: Out) -> None:
    assert main(["devices", "--url", "http://127.0.0.1:9"]) == 3
    assert "CABIN_TOKEN" in sentence(capsys)


def test_devices_of_a_core_that_is_gone(folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABIN_TOKEN", "token")
    assert main(["devices", "--url", "http://127.0.0.1:9"]) == 3
    assert "No core answers" in sentence(capsys)


def test_a_checkup_needs_somebody(folder: Path, capsys: Out) -> None:
    assert main(["checkup"]) == 2
    assert "nobody to answer" in sentence(capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--speed", "99"], "from 1 to 60"), (["--json"], "goes with --once")],
)
def test_a_demonstration_used_wrongly(words: list[str], said: str, capsys: Out) -> None:
    assert main(["demo", *words]) == 2
    assert said in sentence(capsys)


def test_technicians_are_granted_and_revoked(folder: Path, capsys: Out) -> None:
    settings = ["--config", str(folder / "cabin.toml")]
    assert main(["access", "grant", "alice", *settings]) == 0
    token = capsys.readouterr().out.splitlines()[0]
    account = Access(folder / "state" / "access.json").who(token)
    assert account is not None
    assert (account.name, account.role) == ("alice", "technician")
    assert main(["access", "list", *settings]) == 0
    assert capsys.readouterr().out == "alice  technician\n"
    assert main(["access", "grant", "nadia", "--role", "nurse", *settings]) == 0
    token, code, *_ = capsys.readouterr().out.splitlines()
    assert Access(folder / "state" / "access.json").who(token) == Account("nadia", "nurse")
    assert re.fullmatch(r"[0-9]{10}", code)
    assert main(["access", "list", *settings]) == 0
    assert capsys.readouterr().out == "alice  technician\nnadia  nurse\n"
    token = Access(folder / "state" / "access.json").grant("alice", "technician").token
    assert main(["access", "revoke", "alice", *settings]) == 0
    assert Access(folder / "state" / "access.json").who(token) is None


@pytest.mark.parametrize("words", [["grant"], ["revoke"], ["list", "alice"], ["kiosk", "alice"]])
def test_access_used_wrongly(words: list[str], capsys: Out) -> None:
    assert main(["access", *words]) == 2
    assert "take a name" in sentence(capsys)


@pytest.mark.parametrize("words", [["list"], ["kiosk"], ["revoke", "alice"]])
def test_a_role_is_only_granted(words: list[str], capsys: Out) -> None:
    assert main(["access", *words, "--role", "nurse"]) == 2
    assert "goes with grant" in sentence(capsys)


def test_revoking_nobody(folder: Path, capsys: Out) -> None:
    assert main(["access", "revoke", "bob", "--config", str(folder / "cabin.toml")]) == 3
    assert "no account of this name" in sentence(capsys)


def test_the_kiosk_gets_a_new_ticket_after_each_launch(folder: Path, capsys: Out) -> None:
    runtime = folder / "run"
    access = Access(folder / "state" / "access.json")
    publish(runtime, "http://127.0.0.1:1", "token")
    access.offer(runtime / TICKET)
    assert main(["access", "kiosk", "--config", str(folder / "cabin.toml")]) == 0
    address, _, first = capsys.readouterr().out.strip().partition("#ticket=")
    assert address == "http://127.0.0.1:1/kiosk/"
    assert (runtime / TICKET).stat().st_mode & 0o777 == 0o600
    assert access.exchange("wrong") is None
    assert kiosk_ticket([runtime]) == first
    assert access.exchange(first) is not None
    assert kiosk_ticket([runtime]) != first
    assert access.exchange(first) is None
    withdraw(runtime)
    assert main(["access", "kiosk", "--config", str(folder / "cabin.toml")]) == 3
    assert "No cabin is running" in sentence(capsys)


def test_keys_of_a_cabin_and_of_the_record_are_made_once(tmp_path: Path, capsys: Out) -> None:
    assert main(["keys", "make", "record", str(tmp_path / "record")]) == 0
    assert main(["keys", "make", "cabin", str(tmp_path / "cabin")]) == 0
    assert "record.public  public: [record] recipient of every cabin" in capsys.readouterr().out
    signing = load_key(tmp_path / "cabin" / "cabin.private", SigningPair)
    assert not signing.demo
    assert load_key(tmp_path / "record" / "record.private", RecipientKey).public == load_key(
        tmp_path / "record" / "record.public", RecipientPublic
    )
    assert load_signers((tmp_path / "cabin").glob("*.json"), demo=False).keys() == {signing.public.kid}
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o700
    assert main(["keys", "make", "cabin", str(tmp_path / "cabin")]) == 3
    assert "already a key" in sentence(capsys)
    (tmp_path / "file").touch()
    assert main(["keys", "make", "cabin", str(tmp_path / "file")]) == 3
    assert sentence(capsys).endswith("cannot be made, read or written (File exists).\n")


def test_a_state_folder_that_cannot_be_used_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    async def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "state")

    monkeypatch.setattr("cabin_agent.app.run_core", refused)
    assert main(["run", "--config", str(folder / "cabin.toml")]) == 3
    assert sentence(capsys) == "cabin run: state cannot be used: Read-only file system; 'cabin check' says more.\n"


def test_a_missing_key_is_named_with_its_path(folder: Path, capsys: Out) -> None:
    keys = "recipient = 'none/record.public'\nsigners = 'none/receipts.public'\nsigning = 'none/cabin.private'\n"
    settings = folder / "cabin.toml"
    record = "[record]\nbroker = 'mqtt://127.0.0.1:1'\nclient = 'test'\n"
    settings.write_text(settings.read_text() + record + keys)
    assert main(["run", "--config", str(settings)]) == 3
    assert "none/cabin.private cannot be read" in capsys.readouterr().err
