"""The soak on clusters without its clusters: its verdict, its entrance, its page, its child."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sync.envelope import FHIR
from sync.gateway_process import open_store
from sync.outbox import Outbox
from sync.receiver import Receiver
from tests.clusters import NODES, Cluster, ClusterError, Entrance, Nats, Rabbit, listening
from tests.soak_brokers import Verdict, document, judge, report
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS, mid, sealed, sender

GOOD = Verdict("Broker", "1.0", 12, 3, 100, 0, 0, 0, True, load_s=60, drain_s=5, back_s=9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cabin that stored three letters and has a receipt for each; a record that has them."""
    with closing(Outbox(tmp_path / "outbox.db")) as outbox, closing(open_store(tmp_path / "record.db")) as store:
        receiver, out = Receiver(RECIPIENTS, POLICY, RECORD, store), sender(outbox)
        for number in (1, 2, 3):
            out.send(mid(number), FHIR, document(number))
        for letter in outbox.due(1e12, 10):
            filed = receiver.handle("c", letter.envelope)
            assert filed is not None
            outbox.settle(filed.receipt, RECORDS)
    return tmp_path


def test_what_is_whole_is_found_whole(folder: Path) -> None:
    assert judge(folder, [1, 2, 3]) == (0, 0, 0, True)


def test_a_letter_that_never_came_is_missing(folder: Path) -> None:
    assert judge(folder, [1, 2, 3, 4, 5]) == (2, 0, 0, True)


def test_a_letter_that_still_waits_is_missing(folder: Path) -> None:
    with closing(Outbox(folder / "outbox.db")) as outbox:
        sender(outbox).send(mid(4), FHIR, document(4))
    assert judge(folder, [1, 2, 3]) == (1, 0, 0, True)


def test_a_content_under_two_names_is_there_twice(folder: Path) -> None:
    with closing(open_store(folder / "record.db")) as store:
        Receiver(RECIPIENTS, POLICY, RECORD, store).handle("c", sealed(8, body=document(1)).envelope)
    assert judge(folder, [1, 2, 3]) == (0, 1, 0, True)


def test_what_was_refused_is_counted(folder: Path) -> None:
    with closing(open_store(folder / "record.db")) as store:
        Receiver(RECIPIENTS, POLICY, RECORD, store).handle("c", sealed(8).envelope[:-1] + b"x")
    assert judge(folder, [1, 2, 3]) == (0, 0, 1, True)


@pytest.mark.parametrize("bad", [{"missing": 1}, {"twice": 1}, {"refused": 1}, {"integrity": False}, {"stored": 0}])
def test_one_fault_is_enough(bad: dict[str, int]) -> None:
    assert GOOD.good and not replace(GOOD, **bad).good  # type: ignore[arg-type]


def test_each_document_is_another_and_json() -> None:
    hashes = {hashlib.sha256(document(number)).digest() for number in range(50)}
    assert len(hashes) == 50 and 3_000 < len(document(1)) < 3_200 and json.loads(document(7))["total"] == 7


def test_the_page_has_a_row_for_each_broker() -> None:
    page = report([GOOD, replace(GOOD, broker="Other", missing=2, integrity=False)], 7, ' ARGS="--seed 7"')
    assert "| Broker 1.0 | 12 | 3 | 100 | **0** | **0** | 0 | ok | 60 s | 9 s | 5 s |" in page
    assert "| Other 1.0 | 12 | 3 | 100 | **2** | **0** | 0 | broken |" in page
    assert '`make soak-brokers ARGS="--seed 7"`' in page and "seed 7." in page


# --- the entrance and the nodes -----------------------------------------------------------------------------------


class Node:
    """A node that says its name to whoever comes, and then all that it hears."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                with line:
                    line.sendall(self._name)
                    while data := line.recv(100):
                        line.sendall(data)

    def end(self) -> None:
        """Listen no more. A thread that waits in accept() would keep the door open without the first of the two."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._door.close()


def test_the_entrance_goes_to_the_next_node_that_listens() -> None:
    nodes = {node: Node(b"%d" % node) for node in NODES}
    entrance = Entrance({node: each.port for node, each in nodes.items()})

    def met() -> bytes:
        with socket.create_connection(("127.0.0.1", entrance.port), timeout=30) as line:
            if name := line.recv(1):
                line.sendall(b"hello")
                assert line.recv(5) == b"hello"
            return name

    assert [met() for _ in range(4)] == [b"1", b"2", b"3", b"1"]
    nodes[2].end()
    assert {met() for _ in range(4)} == {b"1", b"3"}
    nodes[1].end()
    nodes[3].end()
    assert met() == b"", "nobody is there"
    entrance.close()


class Sleepers(Cluster):
    """Three processes that listen, in place of brokers."""

    name = "sleepers"
    SERVE = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"

    def version(self) -> str:
        return "1"

    def command(self, node: int) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-c", self.SERVE, str(self.mqtt[node])], {}

    def together(self) -> bool:
        return True


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[Sleepers]:
    cluster = Sleepers(tmp_path / "cluster")
    yield cluster
    cluster.stop()


@pytest.mark.processes
def test_nodes_are_killed_and_come_again(sleepers: Sleepers) -> None:
    sleepers.start()
    sleepers.wait()
    sleepers.kill(2)
    assert [listening(port) for port in sleepers.mqtt.values()] == [True, False, True]
    sleepers.start(2)
    sleepers.wait()
    sleepers.kill()
    assert not any(listening(port) for port in sleepers.mqtt.values())


@pytest.mark.processes
def test_a_node_that_ends_by_itself_is_told(sleepers: Sleepers) -> None:
    sleepers.start()
    sleepers.wait()
    sleepers._processes[3].kill()
    sleepers._processes[3].wait()
    with pytest.raises(ClusterError, match="does not come up"):
        sleepers.wait()


def test_nodes_know_each_other_and_nothing_else(tmp_path: Path) -> None:
    if not Rabbit.BIN.is_dir() or shutil.which("nats-server", path="/usr/sbin:/usr/bin") is None:
        for kind in (Rabbit, Nats):
            try:
                kind(tmp_path / kind.__name__)
            except ClusterError as error:
                assert "make soak-brokers" in str(error)
        return
    for kind in (Rabbit, Nats):
        cluster = kind(tmp_path / kind.__name__)
        texts = []
        for node in NODES:
            words, _ = cluster.command(node)
            assert Path(words[0]).is_file()
            texts.append(next(cluster.folder.glob(f"*-{node}.conf")).read_text())
        assert all(str(cluster.mqtt[node]) in text for node, text in zip(NODES, texts, strict=True))
        assert all("0.0.0.0" not in text and "127.0.0.1" in text for text in texts)


@pytest.mark.processes
def test_the_command_says_what_it_takes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak_brokers", "--help"], cwd=Path(__file__).parent.parent,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and "--all-kills" in done.stdout
