"""PostgreSQL under the record: killed, refused, colliding; what was said to be filed is there, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sync.database import Rows
from sync.errors import StoreError
from sync.receiver import Receiver
from sync.store_postgres import PostgresStore
from tests.postgres import Postgres
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, mid, sealed

pytestmark = pytest.mark.processes


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_schema()


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    made = PostgresStore(url)
    yield made
    made.close()


def handle(store: PostgresStore, number: int) -> str | None:
    answer = Receiver(RECIPIENTS, POLICY, RECORD, store).handle("cabin-1", sealed(number).envelope)
    return None if answer is None else answer.status


def test_what_was_filed_survives_a_server_that_was_killed(store: PostgresStore, postgres: Postgres) -> None:
    assert handle(store, 1) == "stored"
    postgres.kill()
    with pytest.raises(StoreError, match="check PostgreSQL"):
        handle(store, 2)
    with pytest.raises(StoreError):
        store.alarms()
    postgres.start()
    assert [handle(store, number) for number in (1, 2)] == ["duplicate", "stored"]
    assert [record.mid for record in store.records()] == [mid(1), mid(2)]


def test_a_connection_that_was_ended_is_made_anew(store: PostgresStore, postgres: Postgres) -> None:
    handle(store, 1)
    with psycopg.connect(postgres.url(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cabin-gateway'"
        )
    with pytest.raises(StoreError):
        handle(store, 2)
    assert handle(store, 2) == "stored"


def test_a_server_that_is_not_there_is_one_sentence(postgres: Postgres) -> None:
    with pytest.raises(StoreError, match="cannot be reached or written: check PostgreSQL"):
        PostgresStore("postgresql://cabin@127.0.0.1:1/postgres")


def test_a_server_that_does_not_write_through_is_refused(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.store_postgres._FSYNC", "SELECT 'off'")
    with pytest.raises(StoreError, match="set fsync = on"):
        PostgresStore(url)


def test_commits_are_waited_for_whatever_the_account_is_set_to(url: str) -> None:
    store = PostgresStore(f"{url}%20-csynchronous_commit%3Doff")
    assert store._read(lambda rows: rows.all("SHOW synchronous_commit")) == [("on",)]
    store.close()


def test_settings_of_the_url_come_first(url: str) -> None:
    store = PostgresStore(f"{url}&application_name=mine")
    assert store._read(lambda rows: rows.all("SHOW application_name")) == [("mine",)]
    store.close()


@pytest.mark.parametrize("error", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
def test_a_collision_is_carried_out_again(store: PostgresStore, error: type[psycopg.Error]) -> None:
    attempts = 0

    def work(rows: Rows) -> int:
        nonlocal attempts
        attempts += 1
        rows.do("INSERT INTO gap VALUES (?, ?, ?)", b"x", attempts, attempts)
        if attempts < 3:
            raise error("collision")
        return attempts

    assert store._write(work) == 3
    assert store._read(lambda rows: rows.all("SELECT first FROM gap")) == [(3,)]


def test_collisions_without_end_are_told(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.store_postgres.time.sleep", lambda _seconds: None)

    def work(_rows: Rows) -> None:
        raise psycopg.errors.DeadlockDetected("collision")

    with pytest.raises(StoreError, match="too busy"):
        store._write(work)


def test_a_lock_that_another_holds_is_given_up_and_the_connection_with_it(store: PostgresStore, url: str) -> None:
    handle(store, 1)
    store._read(lambda rows: rows.all("SELECT set_config('lock_timeout', '50ms', false)"))
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM sender FOR UPDATE")
        with pytest.raises(StoreError):
            handle(store, 2)
    assert handle(store, 2) == "stored"


def test_the_tables_are_made_once_by_many_at_once(postgres: Postgres) -> None:
    url = postgres.new_schema()
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: PostgresStore(url), range(6)))
    assert {handle(store, 1) for store in stores} == {"stored", "duplicate"}
    for store in stores:
        store.close()
