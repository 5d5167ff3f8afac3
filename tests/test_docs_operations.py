"""docs/operations is tried as written: its commands and files, on brokers and databases of this test alone."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cabin_agent.demo.processes import free_port, mosquitto
from sync.gateway import ECHO
from sync.gateway_process import open_store
from sync.receiver import Receiver
from tests.certified import Client
from tests.documents import Block, Scratch, blocks
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, content, sealed

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "operations"
PAGES = sorted(FOLDER.glob("*.md"))


# --- the pages as text --------------------------------------------------------------------------------------------


def test_blocks_are_commands_files_and_examples() -> None:
    page = "a\n\n```sh\necho 1\n```\n\n`/etc/x`:\n\n```conf\nb = 1\n```\n\n```text\nc\n```\n"
    found = [Block("sh", "echo 1\n", ""), Block("conf", "b = 1\n", "/etc/x"), Block("text", "c\n", "")]
    assert list(blocks(page)) == found


def test_paths_of_the_system_lead_into_the_scratch_folder(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, {"8883": "1"}, {})
    assert (
        scratch.moved("listener 8883 file:/etc/x 'y' /usr/bin/z")
        == f"listener 1 file:{tmp_path}/etc/x 'y' /usr/bin/z"
    )
    assert scratch.moved("dmst/v1/up/var/x ${P}/etc/y") == "dmst/v1/up/var/x ${P}/etc/y"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_topics_as_the_envelope_does(page: Path) -> None:
    topics = re.findall(r"(?:dmst|cabin)/v1/[\w<>%+*/{}-]+", page.read_text())
    kinds = re.compile(r"dmst/v1/(up|down)/[^/]+|dmst/v1/down|cabin/v1/[^/]+/status")
    assert [topic for topic in topics if not kinds.fullmatch(topic)] == []


# --- mosquitto ----------------------------------------------------------------------------------------------------


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def broker(tmp_path: Path, port: int) -> Iterator[Scratch]:
    """What an operator has who carried out the page."""
    program = mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto to run this test")
    etc = tmp_path / "etc" / "mosquitto"
    pid, log = tmp_path / "mosquitto.pid", tmp_path / "var" / "log"
    restart = f"""
case "$*" in
"enable mosquitto") ;;
"restart mosquitto")
    if [ -e {pid} ]; then kill "$(cat {pid})"; while kill -0 "$(cat {pid})" 2>/dev/null; do sleep 0.05; done; fi
    {program} -d -c {etc}/mosquitto.conf
    for i in $(seq 200); do grep -q "running" {log}/mosquitto.log && exit; sleep 0.05; done; exit 1;;
*) echo "what is systemctl $*?" >&2; exit 1;;
esac"""
    scratch = Scratch(
        tmp_path,
        {"broker.example.org": "localhost", "listener 8883": f"listener {port} 127.0.0.1"},
        {"systemctl": restart},
    )
    (etc / "conf.d").mkdir(parents=True)
    log.mkdir(parents=True)
    # What Debian's own file says, and that the account need not change.
    (etc / "mosquitto.conf").write_text(
        f"pid_file {pid}\nuser root\nlog_dest file {log}/mosquitto.log\ninclude_dir {etc}/conf.d\n"
    )
    yield scratch
    if pid.exists():
        os.kill(int(pid.read_text()), 15)


@pytest.mark.processes
async def test_mosquitto_as_written(broker: Scratch, port: int) -> None:
    page = FOLDER / "mosquitto.md"
    whole, cut = page.read_text(), broker.folder / page.name
    before, revoked = whole.split("## Shutting a cabin out")
    cut.write_text(before)
    await asyncio.to_thread(broker.carry_out, cut)
    ca = broker.at("/srv/cabin-ca")
    mine = (broker.at("/srv/c-7f3a91.pem"), broker.at("/etc/cabin-agent/keys") / "tls.key")

    def live() -> None:
        cabin = Client(ca, port, "c-7f3a91", mine)
        gateway = Client(ca, port, "record", (ca / "record.pem", ca / "record.key"))
        assert (cabin.reason, gateway.reason) == ("Success", "Success")
        assert gateway.subscribe("dmst/v1/up/+") == cabin.subscribe("dmst/v1/down/c-7f3a91") == "Granted QoS 1"
        assert cabin.publish("dmst/v1/up/c-7f3a91", b"letter") == "Success"
        gateway.until(lambda: ("dmst/v1/up/c-7f3a91", b"letter") in gateway.received)
        assert gateway.publish("dmst/v1/down/c-7f3a91", b"receipt") == "Success"
        cabin.until(lambda: ("dmst/v1/down/c-7f3a91", b"receipt") in cabin.received)
        assert cabin.publish("cabin/v1/c-7f3a91/status") in ("Success", "No matching subscribers")
        # By this a gateway finds out whether the broker shares subscriptions: without it `shared` does not work.
        assert gateway.publish(ECHO) == "Success"
        for foreign in (ECHO, "dmst/v1/up/c-other", "dmst/v1/down/c-7f3a91", "cabin/v1/c-other/status"):
            assert cabin.publish(foreign) == "Not authorized", foreign
        # mosquitto grants a subscription and lets nothing through that may not be read.
        cabin.subscribe("dmst/v1/up/#")
        gateway.publish("dmst/v1/down/c-other", b"not yours")
        cabin.publish("dmst/v1/up/c-7f3a91", b"second")
        gateway.until(lambda: ("dmst/v1/up/c-7f3a91", b"second") in gateway.received)
        assert [payload for _, payload in cabin.received] == [b"receipt"]
        assert Client(ca, port, "nobody", None).reason != "Success"
        cabin.stop()
        gateway.stop()

    await asyncio.to_thread(live)
    cut.write_text(revoked)
    await asyncio.to_thread(broker.carry_out, cut)

    def after() -> None:
        assert Client(ca, port, "c-7f3a91", mine).reason != "Success"
        gateway = Client(ca, port, "record", (ca / "record.pem", ca / "record.key"))
        assert gateway.reason == "Success"
        gateway.stop()

    await asyncio.to_thread(after)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------

URL = "postgresql://cabin-gateway@/record?host={folder}&port={port}"


class Database:
    """The machine of the page: Debian's folders in a scratch one, a server on a port of its own."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            pytest.skip("PostgreSQL is not installed: apt-get install postgresql to run this test")
        self.programs, self.port, self.folder = found[-1], free_port(), folder
        self.log = folder / "postgresql.log"
        self.as_postgres = "setpriv --reuid=postgres --regid=postgres --clear-groups" if os.geteuid() == 0 else ""
        version = self.programs.parent.name
        main, etc = folder / f"var/lib/postgresql/{version}/main", folder / f"etc/postgresql/{version}/main"
        for each in (main, etc / "conf.d"):
            each.mkdir(parents=True)
        options = f"-c hba_file={etc}/pg_hba.conf -c config_file={etc}/postgresql.conf"
        control = f"{self.as_postgres} {self.programs}/pg_ctl -w -t 60 -D {main} -l {self.log}"
        (etc / "postgresql.conf").write_text(
            f"include_dir = '{etc}/conf.d'\nport = {self.port}\nlisten_addresses = ''\n"
            f"unix_socket_directories = '{folder}'\nshared_buffers = 16MB\n"
        )
        systemctl = f"""
case "$*" in
"stop cabin-gateway") kill "$(cat {folder}/gateway.pid)" ;;
"start cabin-gateway")
    cabin gateway --config {folder}/etc/cabin-gateway/gateway.toml >{folder}/gateway.log 2>&1 &
    echo $! >{folder}/gateway.pid
    for i in $(seq 600); do
        psql -tAc "SELECT 1 FROM pg_class WHERE relname = 'bundle_due'" record | grep -q 1 && exit
        kill -0 $! || exit 1
        sleep 0.1
    done
    exit 1 ;;
"stop postgresql@15-main") exec {control} -m fast stop ;;
"start postgresql@15-main") exec {control} -o "{options}" start ;;
"restart postgresql@15-main") exec {control} -o "{options}" start ;;
*) echo "what is systemctl $*?" >&2; exit 1 ;;
esac"""
        owner = "-o postgres -g postgres" if self.as_postgres else ""
        stubs = {
            "systemctl": systemctl,
            "sudo": f'[ "$1 $2" = "-u postgres" ] || exit 1; shift 2; exec {self.as_postgres} "$@"',
            "chown": 'exec /usr/bin/chown "$@"' if self.as_postgres else ":",
            "install": f'/usr/bin/install -d {owner} -m 700 "$(eval echo \\${{$#}})"',
        }
        here = {"host=/run/postgresql": f"host={folder}&port={self.port}"}
        replace = {"/15/": f"/{version}/", "peer\n": "trust\n", **here}
        self.scratch = Scratch(folder, replace, stubs)
        self.control, self._initdb = (
            control,
            f"{self.as_postgres} {self.programs}/initdb -D {main} -U postgres --no-sync",
        )
        if self.as_postgres:
            shutil.chown(folder, "postgres", "postgres")
            subprocess.run(["chown", "-R", "postgres:postgres", folder / "var"], check=True)
            folder.chmod(0o755)

    @property
    def url(self) -> str:
        return URL.format(folder=self.folder, port=self.port)

    def __enter__(self) -> Database:
        subprocess.run(self._initdb.split(), check=True, capture_output=True, cwd=self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, ValueError):
            os.kill(int((self.folder / "gateway.pid").read_text()), signal.SIGTERM)
        subprocess.run([*self.control.split(), "-m", "immediate", "stop"], capture_output=True, cwd=self.folder)

    def carry_out(self, text: str) -> str:
        page = self.folder / "postgresql.md"
        page.write_text(text)
        os.environ.update(PGPORT=str(self.port), PGHOST=str(self.folder), PGUSER="postgres")
        try:
            return self.scratch.carry_out(page)
        finally:
            for name in ("PGPORT", "PGHOST", "PGUSER"):
                os.environ.pop(name)

    def ask(self, query: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        url = self.url.replace("cabin-gateway@", f"{user}@")
        with psycopg.connect(url, autocommit=True) as connection:
            done = connection.execute(query.encode())
            return done.fetchall() if done.description else []


@pytest.mark.processes
def test_postgresql_as_written(short_folder: Path) -> None:
    before, after = (FOLDER / "postgresql.md").read_text().split("## Restore after loss")
    with Database(short_folder) as database:
        database.carry_out(before)
        with closing(open_store(database.url)) as store:
            receiver = Receiver(RECIPIENTS, POLICY, RECORD, store)
            first = sealed(1)
            assert receiver.handle("c-1", first.envelope) is not None
            second = sealed(2, prev=first.prot_hash)
            assert receiver.handle("c-1", second.envelope) is not None
            assert receiver.handle("c-1", sealed(3).envelope[:-1] + b"x") is not None, "one for the quarantine"
            assert receiver.handle("c-1", sealed(9).envelope) is not None, "and one beyond a hole"
        for change in (
            "DELETE FROM content",
            "UPDATE content SET seq = 1",
            "DROP TABLE content",
            "CREATE TABLE x ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.ask(change, "cabin-gateway")
        for wrong in ("SELECT 1 FROM pg_authid",):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.ask(wrong, "cabin-gateway")
        told = database.carry_out(
            "```sh\ncabin gateway --config /etc/cabin-gateway/gateway.toml alarms || [ $? = 1 ]\n```\n"
        )
        assert "hole" in told, told
        questions = re.findall(r"^\| `(SELECT [^`]+)`", after, re.M)
        assert len(questions) == 6 and all(database.ask(question) is not None for question in questions)
        database.ask("SELECT pg_switch_wal()")
        wal = database.scratch.at("/var/backups/record/wal")
        end = time.monotonic() + 60
        while not database.ask(
            "SELECT 1 FROM pg_stat_archiver WHERE archived_count > 0 AND last_archived_wal IS NOT NULL"
            " AND last_archived_time > now() - interval '1 minute'"
        ):
            assert time.monotonic() < end
            time.sleep(0.1)
        archived = len(list(wal.iterdir()))
        assert archived
        database.carry_out("## Restore after loss" + after)
        end = time.monotonic() + 60
        while database.ask("SELECT pg_is_in_recovery()") == [(True,)]:
            assert time.monotonic() < end
            time.sleep(0.1)
        with closing(open_store(database.url)) as store:
            assert [each.seq for each in store.records()] == [1, 2, 9]
            assert len(store.quarantined()) == 1 and {each.kind for each in store.alarms()} >= {"hole"}
            assert Receiver(RECIPIENTS, POLICY, RECORD, store).handle("c-1", first.envelope) is not None
            assert len(store.records()) == 3, "a duplicate, known after the restore"
        log = database.log.read_text()
        assert content(1).decode()[:20] not in log and "INSERT" not in log and "UPDATE content" not in log


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket in it, and open to the account postgres."""
    folder = Path(tempfile.mkdtemp(prefix="ops-"))
    yield folder
    shutil.rmtree(folder)
