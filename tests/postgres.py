"""A throw-away PostgreSQL of this test run: Debian's program, a cluster of its own, durable as by default."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from cabin_agent.demo.processes import free_port

PATIENCE_S = 60.0


class Postgres:
    """One server with one cluster, on a unix socket and a port of this machine; it may be killed and come again."""

    def __init__(self, template: Path) -> None:
        """Begin from the cluster in the folder `template`, which is made if it is not there."""
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        # PostgreSQL refuses to run as root: then it runs as the account that its package made.
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        with Path(f"{template}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._begin(template)

    def _begin(self, template: Path) -> None:
        """To make a cluster takes a second or two of a processor; to copy one, a tenth."""
        data = self._folder / "data"
        if template.exists():
            shutil.copytree(template, data)
            if self._account:
                subprocess.run(["chown", "-R", "postgres:postgres", data], check=True)
            return
        options = ("--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=cabin")
        if self._run("initdb", *options, "-D", str(data)).wait() != 0:
            raise RuntimeError((self._folder / "initdb.log").read_text())
        shutil.copytree(data, template)

    def _run(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{program}.log").open("ab") as log:
            command = [str(self._programs / program), *options]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, env={}, **self._account)

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._folder}
        words = [f"-c{key}={value}" for key, value in {**options, "shared_buffers": "16MB"}.items()]
        self._server = self._run("postgres", "-D", str(self._folder / "data"), *words)
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > end or self._server.poll() is not None:
                    raise RuntimeError((self._folder / "postgres.log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """Every process at once, without a word to anybody."""
        if self._server is not None:
            # The server's children end by themselves when it is gone; a new one waits for them.
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()
            self._server = None

    def url(self, schema: str = "public", *, tcp: bool = False) -> str:
        """The address of the database, in which `schema` holds the tables."""
        place = f"127.0.0.1:{self.port}/postgres?" if tcp else f"/postgres?host={self._folder}&port={self.port}&"
        return f"postgresql://cabin@{place}options={quote(f'-csearch_path={schema}')}"

    def new_schema(self) -> str:
        """The address of an empty record."""
        name = f"record_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(name)

    def close(self) -> None:
        """End it and forget its files."""
        self.kill()
        shutil.rmtree(self._folder)


def _programs() -> Path:
    """Where Debian keeps the server's programs, the newest version of them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql to run this test")
    return found[-1].parent
