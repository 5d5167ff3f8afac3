"""Clusters of three brokers on the loopback address, of Debian's packages: RabbitMQ and NATS JetStream.

Each has its own folder, ports, names and cookie, touches nothing of an installed service, and runs as whoever calls.
What stands in the files written here is what docs/operations tells an operator, less TLS and names.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from urllib.request import urlopen

from cabin_agent.demo.processes import free_port

NODES = (1, 2, 3)
BOOT_S = 240.0
"""Three nodes of RabbitMQ boot in a minute on two cores that have little else to do."""


class ClusterError(Exception):
    """A cluster cannot be started; one sentence."""


class Cluster(ABC):
    """Three processes that are one broker; each may be killed and started again."""

    name: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mqtt: Mapping[int, int] = {node: free_port() for node in NODES}
        """MQTT port of each node."""
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def version(self) -> str:
        """What is installed."""

    @abstractmethod
    def command(self, node: int) -> tuple[list[str], Mapping[str, str]]:
        """The command of a node and what its environment has beside ours; its files are written."""

    @abstractmethod
    def together(self) -> bool:
        """Whether all nodes have found each other."""

    def start(self, *nodes: int) -> None:
        """Start these nodes, or all, without waiting."""
        for node in nodes or NODES:
            words, more = self.command(node)
            log = (self.folder / f"node-{node}.log").open("ab")
            self._processes[node] = subprocess.Popen(
                words, env={**os.environ, **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            log.close()

    def kill(self, *nodes: int) -> None:
        """SIGKILL these nodes, or all, at once, with what they started."""
        for node in nodes or NODES:
            with suppress(ProcessLookupError):
                os.killpg(self._processes[node].pid, signal.SIGKILL)
        for node in nodes or NODES:
            self._processes.pop(node).wait()

    def wait(self) -> float:
        """Wait until every node takes MQTT and the three are one; the seconds that took."""
        began = time.monotonic()
        while not (all(listening(port) for port in self.mqtt.values()) and self.together()):
            ended = [node for node, process in self._processes.items() if process.poll() is not None]
            if ended or time.monotonic() - began > BOOT_S:
                raise ClusterError(f"{self.name} does not come up: see {self.folder}/node-*.log.")
            time.sleep(0.3)
        return time.monotonic() - began

    def stop(self) -> None:
        """End everything."""
        if self._processes:
            self.kill(*self._processes)


EPMD: Mapping[str, str] = {"ERL_EPMD_RELAXED_COMMAND_CHECK": "true"}
"""Erlang's server of names outlives its nodes, and may be ended at once."""


class Rabbit(Cluster):
    """RabbitMQ with quorum queues for MQTT sessions."""

    name = "RabbitMQ"
    BIN = Path("/usr/lib/rabbitmq/bin")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._dist = {node: free_port() for node in NODES}
        self._epmd = free_port()
        if not self.BIN.is_dir():
            raise ClusterError("RabbitMQ is not installed: apt-get install rabbitmq-server, or 'make soak-brokers'.")
        cookie = folder / ".erlang.cookie"
        cookie.write_text("cabin-soak-on-loopback")
        cookie.chmod(0o400)
        (folder / "plugins").write_text("[rabbitmq_mqtt].\n")

    def version(self) -> str:
        package = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"], capture_output=True, text=True
        )  # fmt: skip
        return package.stdout

    def _settings(self, node: int) -> str:
        names = [f"cluster_formation.classic_config.nodes.{each} = cabin{each}@localhost" for each in NODES]
        return "\n".join(
            [
                "listeners.tcp = none",
                f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt[node]}",
                "mqtt.allow_anonymous = true",
                "mqtt.durable_queue_type = quorum",
                "loopback_users = none",
                "cluster_formation.peer_discovery_backend = classic_config",
                *names,
                "cluster_partition_handling = pause_minority",
                "",
            ]
        )

    def command(self, node: int) -> tuple[list[str], Mapping[str, str]]:
        (self.folder / f"rabbitmq-{node}.conf").write_text(self._settings(node))
        return [str(self.BIN / "rabbitmq-server")], {
            "RABBITMQ_NODENAME": f"cabin{node}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist[node]),
            "RABBITMQ_CONFIG_FILE": str(self.folder / f"rabbitmq-{node}.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / f"pid-{node}"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            **self._around(),
        }

    def _around(self) -> Mapping[str, str]:
        return {"HOME": str(self.folder), "ERL_EPMD_PORT": str(self._epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", **EPMD}

    def together(self) -> bool:
        status = self.control(1, "cluster_status", "--formatter", "json")
        running = json.loads(status.stdout)["running_nodes"] if status.returncode == 0 else []
        return set(running) == {f"cabin{node}@localhost" for node in NODES}

    def control(self, node: int, *words: str) -> subprocess.CompletedProcess[str]:
        """`rabbitmqctl` for one node."""
        command = [str(self.BIN / "rabbitmqctl"), "-n", f"cabin{node}@localhost", "-q", *words]
        return subprocess.run(
            command, env={**os.environ, **self._around(), "RABBITMQ_CONF_ENV_FILE": "/dev/null"},
            capture_output=True, text=True, timeout=90,
        )  # fmt: skip

    def stop(self) -> None:
        super().stop()
        # The nodes share a name server, which outlives them.
        env = {**os.environ, **self._around()}
        subprocess.run(["epmd", "-kill"], env=env, capture_output=True)


class Nats(Cluster):
    """NATS JetStream with three replicas of every MQTT session."""

    name = "NATS JetStream"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._client, self._route = ({node: free_port() for node in NODES} for _ in range(2))
        self._monitor = {node: free_port() for node in NODES}
        self._program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
        if self._program is None:
            raise ClusterError("NATS is not installed: apt-get install nats-server, or 'make soak-brokers'.")

    def version(self) -> str:
        said = subprocess.run([str(self._program), "-v"], capture_output=True, text=True).stdout
        return said.rpartition("v")[2].strip()

    def command(self, node: int) -> tuple[list[str], Mapping[str, str]]:
        routes = ", ".join(f"nats://127.0.0.1:{self._route[each]}" for each in NODES if each != node)
        settings = self.folder / f"nats-{node}.conf"
        settings.write_text(
            f"""server_name: cabin{node}
listen: 127.0.0.1:{self._client[node]}
http: 127.0.0.1:{self._monitor[node]}
jetstream {{ store_dir: "{self.folder}/store-{node}" }}
cluster {{ name: cabins, listen: 127.0.0.1:{self._route[node]}, routes: [{routes}] }}
mqtt {{ listen: 127.0.0.1:{self.mqtt[node]}, stream_replicas: 3 }}
"""
        )
        return [str(self._program), "-c", str(settings)], {}

    def together(self) -> bool:
        with suppress(OSError, ValueError), urlopen(f"http://127.0.0.1:{self._monitor[1]}/jsz", timeout=5) as answer:
            meta = json.load(answer).get("meta_cluster", {})
            return bool(meta.get("leader")) and meta.get("cluster_size") == len(NODES)
        return False


CLUSTERS: Mapping[str, type[Cluster]] = {"rabbitmq": Rabbit, "nats": Nats}


def listening(port: int) -> bool:
    """Whether somebody accepts connections on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


class Entrance:
    """One address for three nodes, as a load balancer gives: each connection goes to the next node that listens."""

    def __init__(self, ports: Mapping[int, int]) -> None:
        self._turns: Iterator[int] = itertools.cycle(ports.values())
        self._count = len(ports)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, name="entrance", daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more; who is in stays."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """One connection to its end, both ways."""
        with near:
            far = self._next()
            if far is None:
                return
            with far:
                back = threading.Thread(target=_pass, args=(far, near), daemon=True)
                back.start()
                _pass(near, far)
                back.join()

    def _next(self) -> socket.socket | None:
        for _ in range(self._count):
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", next(self._turns)), timeout=2)
        return None


def _pass(source: socket.socket, sink: socket.socket) -> None:
    """One way, until either end is closed; then both are."""
    source.settimeout(None)
    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
