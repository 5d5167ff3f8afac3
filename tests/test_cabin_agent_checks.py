"""Each part of the self-test by itself: how it looks when it is well, and the one cure when it is not."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.cabin_time import FILE
from cabin_agent.checks import audit, broker, clock, disk, instruments, keys, media, outbox, printer, screen, settings
from cabin_agent.checks.line import Line, told, wrong
from cabin_agent.config import BlackBoxSettings, Broker, Record, load_config
from cabin_agent.face import Json
from cabin_agent.kernel_clock import KernelClock
from cabin_agent.last_time import LastTime, keep_last_time
from sync.audit_log import AuditLog
from sync.audit_reading import segments
from sync.keyfile import save_key
from sync.keys import RecipientKey, SigningPair
from sync.outbox import Outbox
from tests.sysfs_tree import Tree

CABIN = '[cabin]\nname = "South hall"\nserial = "CAB-1"\naccept_simulated = true\n'
NOW_S = 1_800_000_000.0


def only(lines: list[Line], state: str) -> Line:
    """The one line, which is in this state."""
    (line,) = lines
    assert line.state == state, line
    return line


def test_a_line_has_a_cure_if_it_is_wrong_and_only_then() -> None:
    assert wrong("a", "b.", "C.").cure == "C."
    for state, cure in (("ok", "C."), ("unknown", "C."), ("wrong", "")):
        with pytest.raises(ValueError, match="cure"):
            Line("a", state, "b.", cure)  # type: ignore[arg-type]


@pytest.mark.parametrize(("sentence", "says", "cure"), [
    ("Nothing is there: plug it in, or correct it.", "Nothing is there.", "Plug it in, or correct it."),
    ("It speaks X: it looks like Y; plug Z in.", "It speaks X: it looks like Y.", "Plug Z in."),
    ("Nothing answers at socket://a:1: start it.", "Nothing answers at socket://a:1.", "Start it."),
])  # fmt: skip
def test_a_sentence_of_this_house_is_what_happened_and_what_to_do(sentence: str, says: str, cure: str) -> None:
    assert told("a", sentence) == wrong("a", says, cure)


# --- settings


def test_settings_that_are_read(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    config, lines = settings.read(file)
    assert config is None and "cannot be read" in only(lines, "wrong").says
    file.write_text(CABIN)
    config, lines = settings.read(file)
    assert config is not None and "[record]" in only(lines, "wrong").says


def test_two_links_to_one_port_are_found(tmp_path: Path) -> None:
    (tmp_path / "port").touch()
    for name in ("one", "two"):
        (tmp_path / name).symlink_to("port")
    file = tmp_path / "cabin.toml"
    ports = f'[instruments.a]\ndriver = "oximeter"\nurl = "{tmp_path}/one"\n[instruments.b]\ndriver = "scale"\n'
    file.write_text(CABIN + ports + f'url = "{tmp_path}/two"\n')
    (line,) = [line for line in settings.lines(load_config(file)) if "record" not in line.says]
    assert "name one port" in line.says and "the scale" in line.cure


# --- machine


def test_a_disk_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is kept after" in only(disk.lines(tmp_path, 1), "ok").says
    assert list(tmp_path.iterdir()) == []
    assert "cannot be written" in only(disk.lines(tmp_path / "nowhere", 1), "wrong").says
    assert "Make room" in only(disk.lines(tmp_path, 1 << 40), "wrong").cure
    monkeypatch.setattr(disk, "_write", lambda _: 9.0)
    assert "9.0 s" in only(disk.lines(tmp_path, 1), "wrong").says


@pytest.mark.parametrize("shown", ["1970-01-01", "2024-12-31", "2038-01-19"])
def test_a_clock_that_cannot_be_right(shown: str, tmp_path: Path) -> None:
    seconds = datetime.fromisoformat(f"{shown}T03:14:08+00:00").timestamp()
    assert shown in only(clock.lines(seconds, tmp_path / "never"), "wrong").says


@pytest.mark.parametrize(
    ("kernel", "mark", "says"),
    [
        (None, "never", "no time server"),
        (None, "", "a time server was heard"),
        (KernelClock(False, 16_000_000), "", "no time server"),
        (KernelClock(True, 42_000), "never", "a time server is heard, at most 42 ms off"),
    ],
)
def test_a_clock_says_whether_a_time_server_is_heard(
    kernel: KernelClock | None, mark: str, says: str, tmp_path: Path
) -> None:
    assert says in only(clock.lines(NOW_S, tmp_path / mark, kernel=lambda: kernel), "ok").says


def test_a_clock_that_is_behind_what_the_cabin_knew_has_a_dead_battery(tmp_path: Path) -> None:
    keep_last_time(tmp_path / FILE, LastTime(int(NOW_S * 1000) + 3_600_000))
    line = only(clock.lines(NOW_S, tmp_path / "never", tmp_path, lambda: None), "wrong")
    assert "knew 2027-01-15 09:00 UTC already" in line.says
    assert "battery" in line.cure
    only(clock.lines(NOW_S + 3600, tmp_path / "never", tmp_path, lambda: None), "ok")


# --- keys and broker


def record(folder: Path, port: int = 1883, **more: Any) -> Record:
    paths: dict[str, Any] = {name: folder / name for name in ("recipient", "signers", "signing")}
    none: dict[str, Any] = {"ca": None, "cert": None, "key": None, "quota_mb": 64, "reserve_mb": 8}
    return Record(Broker("127.0.0.1", port, more.pop("tls", False)), "c", **paths, **{**none, **more})


def made(folder: Path, *, demo: bool) -> Record:
    save_key(folder / "recipient", RecipientKey.generate(demo=demo).public)
    save_key(folder / "signers", SigningPair.generate(demo=demo).public)
    save_key(folder / "signing", SigningPair.generate(demo=demo))
    return record(folder)


def test_keys_that_fit_and_keys_that_do_not(tmp_path: Path) -> None:
    given = made(tmp_path, demo=False)
    assert "3 keys" in only(keys.lines(given, demo=False), "ok").says
    given.signing.chmod(0o644)
    assert "by others" in only(keys.lines(given, demo=False), "wrong").says
    given.signing.unlink()
    assert "cabin keys make" in only(keys.lines(given, demo=False), "wrong").cure


def test_the_key_of_a_black_box_is_looked_at_where_there_is_one(tmp_path: Path) -> None:
    assert keys.black_box(None) == []
    key = tmp_path / "support.public"
    line = only(keys.black_box(BlackBoxSettings(key, 8, 20)), "wrong")
    assert str(key) in line.says and "cabin keys make support" in line.cure
    save_key(key, RecipientKey.generate().public)
    only(keys.black_box(BlackBoxSettings(key, 8, 20)), "ok")


def test_keys_of_a_demonstration_are_for_a_demonstration(tmp_path: Path) -> None:
    given = made(tmp_path, demo=True)
    only(keys.lines(given, demo=True), "ok")
    assert "demonstration" in only(keys.lines(given, demo=False), "wrong").says


def certificate(path: Path, ends: datetime) -> Path:
    """A certificate of nobody that ends then."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, ends - timedelta(days=365), ends)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


def test_a_certificate_that_ends(tmp_path: Path) -> None:
    made(tmp_path, demo=False)
    ends = datetime(2030, 6, 1, tzinfo=UTC)
    given = record(tmp_path, cert=certificate(tmp_path / "cert", ends), key=tmp_path / "key")
    for days, state in ((200, "ok"), (29, "wrong"), (-1, "wrong")):
        _, line = keys.lines(given, demo=False, now=ends - timedelta(days=days))
        assert line.state == state and "2030-06-01" in line.says
    (tmp_path / "cert").write_text("not one")
    assert keys.lines(given, demo=False)[1].state == "wrong"


async def test_a_broker_that_answers_and_one_that_does_not(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    only(await broker.lines(record(tmp_path, port)), "ok")
    only(await broker.lines(record(tmp_path, port, tls=True)), "wrong")
    server.close()
    await server.wait_closed()
    line = only(await broker.lines(record(tmp_path, port)), "wrong")
    assert str(port) in line.says and "Start the broker" in line.cure
    line = only(await broker.lines(record(tmp_path, port, tls=True, ca=tmp_path / "none")), "wrong")
    assert "ca, cert and key" in line.cure


# --- what waits


def test_an_outbox(tmp_path: Path) -> None:
    only(outbox.lines(tmp_path, 64, 8), "unknown")
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    assert "0 wait" in only(outbox.lines(tmp_path, 64, 8), "ok").says
    with sqlite3.connect(path) as db:
        letter = "INSERT INTO letter VALUES (NULL, ?, 'src', ?, ?, '', ?, ?, 'hash', 'envelope')"
        db.execute(letter, ("a", 1, "pending", int(NOW_S * 1000), 3 << 20))
    assert "1 wait, 3 of 64 MB" in only(outbox.lines(tmp_path, 64, 8, NOW_S + 3600), "ok").says
    assert "for 4 days" in only(outbox.lines(tmp_path, 64, 8, NOW_S + 4 * 86400), "wrong").says
    assert "too full" in only(outbox.lines(tmp_path, 10, 8, NOW_S), "wrong").says
    with sqlite3.connect(path) as db:
        db.execute(letter, ("b", 2, "quarantined", 0, 1))
    assert "refused 1" in only(outbox.lines(tmp_path, 64, 8, NOW_S), "wrong").says
    db.close()
    aside = path.with_name("outbox.db.damaged-1")
    aside.touch()
    line = outbox.lines(tmp_path, 64, 8, NOW_S)[-1]
    assert line.state == "wrong" and "moved aside as outbox.db.damaged-1" in line.says
    aside.unlink()
    path.write_bytes(b"no database at all" * 100)
    assert "cannot be read" in only(outbox.lines(tmp_path, 64, 8, NOW_S), "wrong").says


def test_an_audit_log(tmp_path: Path) -> None:
    only(audit.lines(tmp_path), "unknown")
    pair = SigningPair.generate()
    log = AuditLog(tmp_path / "audit", pair)
    log.add("tick")
    log.close()
    assert "1 entries, whole; signed up to 1" in only(audit.lines(tmp_path), "ok").says
    (path,) = segments(tmp_path / "audit")
    path.write_bytes(path.read_bytes().replace(b"tick", b"tock"))
    assert "broken after entry 0" in only(audit.lines(tmp_path), "wrong").says
    AuditLog(tmp_path / "audit", pair).close()
    assert "moved aside as audit.damaged-1" in only(audit.lines(tmp_path), "wrong").says


# --- instruments


def view(**more: object) -> Json:
    return {
        "name": "finger", "kind": "oximeter", "protocol": "nonin-df7", "state": "ready", "reason": "", "model": "M",
        "calibrated": "2026-01-31", "calibration_due": "2027-02-01", "self_test": None, "unconfirmed": None,
        "simulated": False, **more,
    }  # fmt: skip


TODAY = date(2026, 6, 1)


def test_an_instrument_that_is_well() -> None:
    link, calibration = instruments.lines([view()], TODAY)
    assert (link.state, calibration.state) == ("ok", "ok") and "nonin-df7" in link.says


@pytest.mark.parametrize("state", ["absent", "opening", "probing", "stale", "failed"])
def test_an_instrument_that_is_not(state: str) -> None:
    line, _ = instruments.lines([view(state=state, reason="It was unplugged: plug it in again.")], TODAY)
    assert line.state == "wrong" and line.cure[0].isupper() and line.cure.endswith(".")
    assert instruments.lines([view(state=state, reason="Strange.")], TODAY)[0].cure


def test_a_calibration_that_is_over_or_unknown() -> None:
    late = instruments.lines([view()], date(2027, 2, 2))[1]
    assert late.state == "wrong" and "2027-02-01" in late.says
    assert instruments.lines([view()], date(2027, 2, 1))[1].state == "ok"
    assert instruments.lines([view(calibrated=None)], TODAY)[1].state == "wrong"
    assert len(instruments.lines([view(calibrated=None, simulated=True)], TODAY)) == 1


def test_what_nobody_has_confirmed_is_said_of_an_instrument_that_is_well() -> None:
    link, _ = instruments.lines([view(unconfirmed="its scale")], TODAY)
    assert link.state == "ok" and link.says.endswith("Not confirmed on hardware: its scale.")


def test_a_self_test_that_was_not_passed_is_a_line_of_its_own() -> None:
    _, line, _ = instruments.lines([view(self_test="failed")], TODAY)
    assert line.state == "wrong" and "self-test" in line.says
    assert len(instruments.lines([view(self_test="passed")], TODAY)) == 2


async def test_an_instrument_that_is_being_opened_is_waited_for() -> None:
    told_of = iter([view(state="opening"), view(state="probing"), view(state="ready")])

    class Core:
        async def instruments(self) -> list[Json]:
            return [next(told_of)]

    (found,) = await instruments.beside(Core())  # type: ignore[arg-type]
    assert found["state"] == "ready"


# --- media, screen, printer


def test_cameras_and_sound_of_a_running_cabin(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(CABIN + '[cameras.room]\nurl = "synthetic:room"\n[media]\nspeaker = ""\n')
    config = load_config(file)
    assert "Start cabin-media" in only(media.beside({"up": False}, config), "wrong").cure
    camera = {"name": "room", "label": "Room", "state": "live", "reason": "", "simulated": True}
    said: Json = {"up": True, "cameras": [camera], "sound": {"microphone": "USB", "speaker": None}}
    assert [line.state for line in media.beside(said, config)] == ["ok", "ok"]
    said = {"up": True, "cameras": [{**camera, "state": "lost"}], "sound": {"microphone": None}}
    assert [line.part for line in media.beside(said, config) if line.state == "wrong"] == [
        "camera room",
        "microphone",
    ]
    assert [line.state for line in media.alone(config)] == ["unknown", "unknown"]


def test_a_cabin_without_cameras_needs_no_media_process(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(CABIN + '[media]\nmicrophone = ""\nspeaker = ""\n')
    assert media.beside({"up": False}, load_config(file)) == media.alone(load_config(file)) == []


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(CABIN + '[cameras.room]\nurl = "/dev/v4l/by-id/none"\n[cameras.null]\nurl = "/dev/null"\n')
    assert [line.state for line in media.alone(load_config(file))][:2] == ["wrong", "ok"]


async def test_a_screen_that_is_not_served() -> None:
    status: Json = {"ready": False, "version": "1", "simulated": True, "delivery": {"connected": False}}
    assert "not ready" in only(await screen.lines("http://127.0.0.1:9", status), "wrong").says
    assert "not served" in only(await screen.lines("http://127.0.0.1:9", {**status, "ready": True}), "wrong").says
    only(screen.without_core(), "unknown")
    assert "logged in" in only(screen.delivery(status, broker_answers=True), "wrong").says
    assert screen.delivery(status, broker_answers=False) == []
    assert screen.delivery({"delivery": {"connected": True}}, broker_answers=True) == []


async def test_a_printer_of_each_kind(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree")
    tree.usb("1-1", "04b8:0e15")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for target in ("", f"file:{tmp_path}/ticket", "usb:04B8:0E15", "serial:/dev/null", f"network:127.0.0.1:{port}"):
        only(await printer.lines(target, tree.sysfs), "ok")
    server.close()
    await server.wait_closed()
    for target in ("file:/none/x", "usb:04b8:0e16", f"serial:{tmp_path}/tty", f"network:127.0.0.1:{port}"):
        assert "cable" in only(await printer.lines(target, tree.sysfs), "wrong").cure
    assert not (tmp_path / "ticket").exists()
