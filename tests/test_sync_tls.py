"""Mutual TLS 1.3 with a real broker: who is let in, and what a revoked or expired certificate costs."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.link import Down, Link, LinkSettings, Message, Returned, Up
from sync.outbox import Outbox
from sync.tls import Tls
from sync.uplink import Uplink, UplinkSettings
from tests.broker import Broker
from tests.certificates import Authority
from tests.stub_record import StubRecord
from tests.sync_parties import RECORDS, content, mid, sender

pytestmark = pytest.mark.processes
ACL = """\
pattern write dmst/v1/up/%u
pattern read dmst/v1/down/%u
pattern readwrite cabin/v1/%u/status
user record
topic read dmst/v1/up/+
topic write dmst/v1/down/+
"""


@pytest.fixture
def authority() -> Iterator[Authority]:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="tls-"))  # mosquitto leaves root's rights behind
    yield Authority(folder)
    shutil.rmtree(folder)


def start(authority: Authority, tmp_path: Path, host: str = "127.0.0.1") -> Broker:
    """A broker that asks for a certificate, takes its name for the user, and lets nobody write but on own topics."""
    server = authority.issue("broker", host=host)
    acl = authority.folder / "acl"
    acl.write_text(ACL)
    acl.chmod(0o644)
    broker = Broker(
        "mosquitto",
        tmp_path,
        f"cafile {server.ca}\ncertfile {server.certificate}\nkeyfile {server.key}\ntls_version tlsv1.3\n"
        f"crlfile {authority.folder / 'crl.pem'}\nrequire_certificate true\nuse_identity_as_username true\n"
        f"acl_file {acl}\n",
    )
    broker.start()
    return broker


def link(port: int, name: str, tls: Tls, *topics: str, mqtt5: bool = True) -> Link:
    settings = LinkSettings("127.0.0.1", port, name, tls, backoff_first=0.05, backoff_most=0.2, mqtt5=mqtt5)
    return Link(settings, topics)


def first(one: Link, *kinds: type) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for event in one.poll(0.2):
            if isinstance(event, kinds):
                return event
    raise AssertionError(f"none of {kinds}")


def test_only_tls_1_3_is_spoken(authority: Authority) -> None:
    assert authority.issue("cabin-1").context().minimum_version is ssl.TLSVersion.TLSv1_3


def test_who_has_no_good_certificate_is_kept_out(authority: Authority, tmp_path: Path) -> None:
    good, revoked, late = (
        authority.issue("cabin-1"),
        authority.issue("cabin-2"),
        authority.issue("cabin-3", expired=True),
    )
    authority.revoke("cabin-2")
    broker = start(authority, tmp_path)
    try:
        for tls, why in (
            (Tls(authority.root), "accepts no connection"),
            (revoked, "accepts no connection"),
            (late, "certificate has expired"),
        ):
            stranger = link(broker.port, "x", tls)
            assert why in first(stranger, Up, Down).why
            stranger.close()
        inside = link(broker.port, "cabin-1", good, "dmst/v1/down/cabin-1")
        assert isinstance(first(inside, Up, Down), Up)
        inside.close()
    finally:
        broker.kill()


def test_a_broker_of_another_name_or_root_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    broker = start(authority, tmp_path, host="127.0.0.2")
    try:
        one = link(broker.port, "cabin-1", authority.issue("cabin-1"))
        why = first(one, Up, Down).why
        assert "certificate is not accepted" in why
        assert "mismatch" in why
        one.close()
    finally:
        broker.kill()


@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_cabin_cannot_write_in_another_s_name(authority: Authority, tmp_path: Path, mqtt5: bool) -> None:
    broker = start(authority, tmp_path)
    try:
        record = link(broker.port, "record", authority.issue("record"), "dmst/v1/up/+")
        first(record, Up)
        cabin = link(broker.port, "cabin-1", authority.issue("cabin-1"), "dmst/v1/down/cabin-1", mqtt5=mqtt5)
        first(cabin, Up)
        assert cabin.publish("dmst/v1/up/cabin-2", b"forged")
        if mqtt5:
            assert first(cabin, Returned) == Returned("dmst/v1/up/cabin-2", 6, 135)
        # Under 3.1.1 the broker acknowledges what it throws away, or hangs up: no word of it is believed.
        while not cabin.publish("dmst/v1/up/cabin-1", b"own"):
            cabin.poll(0.1)
        cabin.poll(0.1)
        message = first(record, Message)
        assert (message.topic, message.payload) == ("dmst/v1/up/cabin-1", b"own")
        for one in (cabin, record):
            one.close()
    finally:
        broker.kill()


def test_an_expired_certificate_holds_up_a_backlog_and_loses_none_of_it(authority: Authority, tmp_path: Path) -> None:
    broker = start(authority, tmp_path)
    record = StubRecord(broker.port, tls=authority.issue("record"))
    outbox = Outbox(tmp_path / "outbox.db")
    tls = authority.issue("cabin-1", expired=True)
    settings = UplinkSettings("127.0.0.1", broker.port, "cabin-1", tls, backoff_first=0.05, backoff_most=0.2)
    uplink = Uplink(outbox, settings, RECORDS)
    for number in range(5):
        sender(outbox).send(mid(number), "application/fhir+json", content(number))
    uplink.start()
    try:
        until(lambda: "certificate has expired" in uplink.status.fault)
        assert (uplink.status.connected, outbox.counts().pending) == (False, 5)
        authority.issue("cabin-1")  # the same files; nothing is restarted
        until(lambda: outbox.counts().pending == 0)
        assert record.seen == {mid(number): 1 for number in range(5)}
        assert uplink.status.connected
    finally:
        uplink.stop()
        outbox.close()
        record.close()
        broker.kill()


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
