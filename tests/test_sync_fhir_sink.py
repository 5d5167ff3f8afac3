"""Bundles on their way to a real little FHIR server that fails in every way: each there once, none lost or stuck."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cabin_agent.demo.processes import free_port
from cabin_agent.fhir.bundle import build_bundle
from sync.bundle_rows import Due
from sync.errors import StoreError
from sync.fhir_bundle import TAG, transaction
from sync.fhir_sink import FhirSettings, FhirSink
from sync.receiver import Receiver
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore
from tests.fhir_server import FhirServer, answer, cut, cut_in_the_head, drip, hang, noise
from tests.records import KINDS, NOW, Clock, opener
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, sealed
from tests.visits import visit

Json = dict[str, Any]
Open = Callable[[], SqlStore]


def bundle(number: int) -> bytes:
    """A transaction of an entry with an identifier and of one without."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": f"p,{number}|$"}]}
    provenance = {"resourceType": "Provenance", "recorded": f"2026-01-01T00:00:{number:02}Z"}
    entries = [
        {"fullUrl": f"urn:uuid:{kind}-{number}", "resource": each, "request": {"method": "POST", "url": kind}}
        for kind, each in (("Patient", patient), ("Provenance", provenance))
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


# the Bundle


def test_every_entry_of_a_visit_can_be_found_again_and_the_archive_stays_as_it_is() -> None:
    archived = build_bundle(visit())
    sent, kept = json.loads(transaction(archived)), json.loads(archived)
    searches = [entry["request"]["ifNoneExist"] for entry in sent["entry"]]
    assert len(set(searches)) == len(searches)
    changed = [(one, other) for one, other in zip(sent["entry"], kept["entry"], strict=True) if one != other]
    assert [one["resource"]["resourceType"] for one, _ in changed] == ["Provenance"]
    ((one, other),) = changed
    assert one["resource"].pop("meta")["tag"] == [{"system": TAG, "code": one["fullUrl"]}]
    assert one["request"].pop("ifNoneExist") == f"_tag={TAG}|{one['fullUrl']}"
    assert one == other


def test_separators_in_an_identifier_are_marked() -> None:
    (first, _) = json.loads(transaction(bundle(7)))["entry"]
    search = first["request"]["ifNoneExist"]
    assert search == "identifier=urn:x|p%5C%2C7%5C%7C%5C%24"
    assert unquote(search) == "identifier=urn:x|p\\,7\\|\\$"


def test_tags_that_are_there_stay() -> None:
    entry = {
        "fullUrl": "urn:uuid:1",
        "resource": {"resourceType": "Basic", "meta": {"tag": [{"code": "mine"}], "source": "x"}},
        "request": {"method": "POST", "url": "Basic"},
    }
    made = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    meta = json.loads(transaction(json.dumps(made).encode()))["entry"][0]["resource"]["meta"]
    assert meta == {"tag": [{"code": "mine"}, {"system": TAG, "code": "urn:uuid:1"}], "source": "x"}


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"[]",
        b'{"resourceType": "Bundle", "type": "batch", "entry": []}',
        b'{"resourceType": "Bundle", "type": "transaction", "entry": [{}]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST"},"resource":{}}]}',
    ],
)
def test_what_is_no_such_transaction_is_said_so(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        transaction(content)


# the queue in the record


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
def another(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    yield from opener(request, tmp_path, clock)


def put(store: SqlStore, *numbers: int) -> None:
    receiver = Receiver(RECIPIENTS, POLICY, RECORD, store)
    receiver.receive([("cabin-1", sealed(number, body=bundle(number)).envelope) for number in numbers])


def test_a_claimed_bundle_comes_again_only_after_its_lease(another: Open, clock: Clock) -> None:
    one, two = another(), another()
    put(one, 1, 2)
    put(one, 1)
    claimed = [one.bundle_due(60), two.bundle_due(60), one.bundle_due(60)]
    assert [due and (due.attempts, due.content) for due in claimed] == [(0, bundle(1)), (0, bundle(2)), None]
    assert isinstance(claimed[0], Due)
    one.bundle_done(claimed[0].number)
    clock.now_ms += 60_000
    again = two.bundle_due(60)
    assert again is not None
    assert (again.attempts, again.content) == (1, bundle(2))
    two.bundle_later(again.number, 5.0)
    assert two.bundle_due(60) is None
    assert one.bundles_waiting() == (1, 0)
    clock.now_ms += 5_000
    assert two.bundle_due(60) is not None


def test_what_was_refused_is_an_alarm_until_its_cause_is_mended(another: Open) -> None:
    store = another()
    put(store, 1)
    for round_ in range(2):
        due = store.bundle_due(60)
        assert due is not None
        store.bundle_aside(due.number, "422")
        (alarm,) = store.alarms()
        assert (alarm.kind, alarm.first, alarm.detail, alarm.closed_ms) == ("fhir", 1, "422", None), round_
        assert store.bundle_due(60) is None
        assert store.bundles_waiting() == (0, 1)
        assert store.close_alarm(alarm.alarm)
        assert store.alarms()[0].closed_ms == NOW


# the way to the server


@pytest.fixture
def server() -> Iterator[FhirServer]:
    made = FhirServer()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlStore]:
    """The queue is the same in either database; what goes wrong here lies beyond it."""
    made = SqliteStore(tmp_path / "record.db", clock)
    yield made
    made.close()


def sink(server: FhirServer, store: SqlStore, **more: Any) -> FhirSink:
    fast: dict[str, Any] = {"timeout": 10.0, "backoff_first": 0.01, "backoff_most": 0.05}
    return FhirSink(FhirSettings(server.base, **{**fast, **more}), store)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queue and pauses in hundredths of what they are."""
    later = SqlStore.bundle_later
    monkeypatch.setattr("sync.fhir_sink._IDLE", 0.01)
    monkeypatch.setattr(SqlStore, "bundle_later", lambda store, number, wait_s: later(store, number, 0.0))


def resources(server: FhirServer) -> list[str]:
    return sorted(each["resourceType"] for each in server.resources)


def assert_each_once(server: FhirServer, store: SqlStore, count: int) -> None:
    server.wait(lambda: len(server.resources) >= 2 * count)
    for _ in range(600):
        if store.bundles_waiting() == (0, 0):
            break
        threading.Event().wait(0.05)
    assert store.bundles_waiting() == (0, 0)
    assert resources(server) == ["Patient"] * count + ["Provenance"] * count


@pytest.mark.usefixtures("impatient")
def test_bundles_reach_the_server_once_each(server: FhirServer, store: SqlStore, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    put(store, 1, 2, 3)
    running = sink(server, store, token=tmp_path / "token")
    running.start()
    assert_each_once(server, store, 3)
    running.stop()
    headers = HTTPMessage()
    for name, value in server.seen[0].items():
        headers[name] = value
    assert (headers["path"], headers["Content-Type"]) == ("/fhir", "application/fhir+json")
    assert (headers["Authorization"], headers["Prefer"]) == ("Bearer s3cret", "return=minimal")
    assert (len(server.seen), running.fault) == (3, "")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "fault",
    [
        answer(500),
        answer(503),
        answer(401),
        answer(404),
        answer(405),
        answer(409),
        answer(410),
        answer(302, Location="/x"),
        cut,
        cut_in_the_head,
        noise,
    ],
)
def test_what_passes_is_waited_for(server: FhirServer, store: SqlStore, fault: Any) -> None:
    server.faults = [fault] * 3
    put(store, 1)
    running = sink(server, store)
    running.start()
    assert_each_once(server, store, 1)
    running.stop()
    assert len(server.seen) == 4
    assert store.alarms() == []


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_was_lost_makes_nothing_twice(server: FhirServer, store: SqlStore) -> None:
    server.drop_after_commit = 2
    put(store, 1)
    running = sink(server, store)
    running.start()
    assert_each_once(server, store, 1)
    running.stop()
    assert len(server.seen) == 3


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", [hang, drip])
def test_a_server_that_never_ends_its_answer_is_given_up(server: FhirServer, store: SqlStore, how: Any) -> None:
    ended = threading.Event()
    server.faults = [how(ended)]
    put(store, 1)
    running = sink(server, store, timeout=0.5)
    running.start()
    assert ended.wait(60)
    assert_each_once(server, store, 1)
    running.stop()


@pytest.mark.usefixtures("impatient")
def test_a_refused_bundle_is_put_aside_and_holds_up_no_other(server: FhirServer, store: SqlStore) -> None:
    server.faults = [answer(422)]
    put(store, 1, 2)
    running = sink(server, store)
    running.start()
    server.wait(lambda: len(server.resources) == 2)
    running.stop()
    (alarm,) = (each for each in store.alarms() if each.kind == "fhir")
    assert (alarm.first, alarm.detail) == (1, "422")
    # Mended, it goes.
    store.close_alarm(alarm.alarm)
    again = sink(server, store)
    again.start()
    assert_each_once(server, store, 2)
    again.stop()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_yet_is_waited_for(server: FhirServer, store: SqlStore) -> None:
    port = free_port()
    put(store, 1)
    running = FhirSink(FhirSettings(f"http://127.0.0.1:{port}/fhir", backoff_first=0.01, backoff_most=0.05), store)
    running.start()
    while running.fault != "ConnectionRefusedError":
        threading.Event().wait(0.01)
    assert running.stalled_for() < 30
    running.stop()
    assert store.bundles_waiting() == (1, 0)


def test_the_server_is_left_alone_for_as_long_as_it_asks(server: FhirServer, store: SqlStore) -> None:
    server.faults = [answer(429, Retry_After="7")]
    put(store, 1, 2)
    waited: list[float] = []
    running = sink(server, store)
    waited.append(running._turn())
    assert waited == [7.0]
    assert store.bundles_waiting() == (2, 0)
    assert [running._turn(), len(server.seen)] == [0.0, 2]
    assert store.bundle_due(1) is None


def test_a_store_that_fails_is_waited_for(
    server: FhirServer, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def broken(_lease: float) -> None:
        failed.set()
        raise StoreError("disk")

    put(store, 1)
    monkeypatch.setattr(store, "bundle_due", broken)
    running = sink(server, store)
    running.start()
    assert failed.wait(30)
    monkeypatch.undo()
    assert_each_once(server, store, 1)
    running.stop()


def test_a_content_that_is_no_transaction_is_put_aside(server: FhirServer, store: SqlStore) -> None:
    Receiver(RECIPIENTS, POLICY, RECORD, store).handle("cabin-1", sealed(1, body=b"{}").envelope)
    assert sink(server, store)._turn() == 0.0
    assert [(alarm.kind, alarm.detail) for alarm in store.alarms()] == [("fhir", "not-a-transaction")]
    assert server.seen == []


def test_stopping_does_not_wait_for_a_server_that_hangs(server: FhirServer, store: SqlStore) -> None:
    ended = threading.Event()
    server.faults = [hang(ended)]
    put(store, 1)
    running = sink(server, store, timeout=600.0)
    running.start()
    server.wait(lambda: len(server.seen) == 1)
    running.stop()
    assert not running._thread.is_alive()
    assert ended.wait(30)
    assert store.bundles_waiting() == (1, 0)
