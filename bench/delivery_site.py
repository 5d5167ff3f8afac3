"""A place to measure deliveries in: a folder on the disk, a broker, processes that are ended with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.cabin import BenchError
from tests.broker import Broker
from tests.certificates import Authority

ROOT = Path(__file__).resolve().parent.parent
MOSQUITTO = "max_inflight_messages 0\nmax_queued_messages 0\n"
"""No limits of the broker's own on what it holds for one reader."""


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder on the disk (not in memory), which mosquitto may read too."""
    with tempfile.TemporaryDirectory(prefix="cabin-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def broker(where: Path, *, tls: bool) -> Iterator[tuple[Broker, str]]:
    """A mosquitto and the folder of its certificates, "-" without TLS."""
    extra, certificates = MOSQUITTO, "-"
    if tls:
        authority = Authority(where)
        server = authority.issue("broker", host="127.0.0.1")
        for name in ("cabin-1", "record"):
            authority.issue(name)
        extra += f"cafile {server.ca}\ncertfile {server.certificate}\nkeyfile {server.key}\ntls_version tlsv1.3\n"
        extra += "require_certificate true\nuse_identity_as_username true\n"
        certificates = str(where)
    made = Broker("mosquitto", where, extra)
    made.start()
    try:
        yield made, certificates
    finally:
        made.kill()


@contextmanager
def party(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of `delivery_parties` that says "ready", and is ended afterwards."""
    process = subprocess.Popen(
        _command(arguments),
        cwd=ROOT,
        env=_env(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise BenchError(f"The {arguments[0]} did not become ready.")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@contextmanager
def parties(all_of_them: list[tuple[object, ...]]) -> Iterator[list[int]]:
    """Several at one time; gives their process ids."""
    with ExitStack() as stack:
        yield [stack.enter_context(party(*arguments)).pid for arguments in all_of_them]


def answer(*arguments: object) -> dict[str, Any]:
    """What a process of `delivery_parties` prints before it ends by itself."""
    done = subprocess.run(_command(arguments), cwd=ROOT, env=_env(), capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"The {arguments[0]} failed: {done.stderr.strip()[-300:]}")
    return dict(json.loads(done.stdout))


def _command(arguments: tuple[object, ...]) -> list[str]:
    """A herd of cabins is a module of its own."""
    name, *rest = map(str, arguments)
    own = ["bench.delivery_herd"] if name == "herd" else ["bench.delivery_parties", name]
    return [sys.executable, "-m", *own, *rest]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "signal")])}
