"""docs/operations/rabbitmq.md carried out on one node of this machine, for `make soak-brokers`: who may do what."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from cabin_agent.demo.processes import free_port
from tests.certified import Client, client_pair, server_pair
from tests.clusters import BOOT_S, EPMD, ClusterError, Rabbit, listening
from tests.documents import Scratch

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations" / "rabbitmq.md"
CLIENT = "c-7f3a91"


def try_page(folder: Path) -> None:
    """Carry the page out; `AssertionError` where the broker lets in or keeps out the wrong one."""
    port, dist, epmd = (free_port() for _ in range(3))
    around = {"HOME": str(folder), "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", **EPMD}
    env = {
        "RABBITMQ_NODENAME": "page@localhost",
        "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_CONFIG_FILE": str(folder / "etc/rabbitmq/rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "etc/rabbitmq/enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        **around,
    }
    exported = " ".join(f"{key}='{value}'" for key, value in env.items())
    ask = f"{Rabbit.BIN}/rabbitmqctl -n page@localhost -q await_startup"
    wait = f"for i in $(seq {BOOT_S:.0f}); do {ask} && exit; sleep 1; done"
    stubs = {
        "systemctl": f'[ "$*" = "restart rabbitmq-server" ] || exit 1\nexport {exported}\n'
        f"setsid {Rabbit.BIN}/rabbitmq-server >{folder}/node.log 2>&1 </dev/null &\n{wait}; exit 1",
        "rabbitmqctl": f'export {exported}\nexec {Rabbit.BIN}/rabbitmqctl -n page@localhost -q "$@"',
    }
    # One node in place of three, and a disk that need not have five gigabytes to spare.
    replace = {"8883": f"127.0.0.1:{port}", "rabbit@mq1": "page@localhost", "5GB": "50MB"}
    scratch = Scratch(folder, replace, stubs)
    ca = scratch.at("/srv/cabin-ca")
    server_pair(ca, scratch.at("/srv/broker"))
    scratch.at("/etc/rabbitmq").mkdir(parents=True)
    text = PAGE.read_text().replace("cluster_formation.classic_config.nodes.2 = rabbit@mq2\n", "")
    page = folder / PAGE.name
    page.write_text(text.replace("cluster_formation.classic_config.nodes.3 = rabbit@mq3\n", ""))
    try:
        scratch.carry_out(page)
        end = time.monotonic() + BOOT_S
        while not listening(port):
            if time.monotonic() > end:
                raise ClusterError(f"RabbitMQ of the page takes no MQTT: see {folder}/log.")
            time.sleep(0.2)
        _judge(ca, port)
    finally:
        if (folder / "pid").exists():
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        subprocess.run(["epmd", "-kill"], env={**os.environ, **around}, capture_output=True)


def _judge(ca: Path, port: int) -> None:
    record, cabin, other = (
        Client(ca, port, name, client_pair(ca, name), version=4) for name in ("record", CLIENT, "c-other")
    )
    assert (record.reason, cabin.reason) == ("Success", "Success"), (record.reason, cabin.reason)
    assert other.reason != "Success", "a certificate without an account"
    assert Client(ca, port, "nobody", None, version=4).reason != "Success", "no certificate"
    assert record.subscribe("dmst/v1/up/+") == "Granted QoS 1"
    assert cabin.subscribe(f"dmst/v1/down/{CLIENT}") == "Granted QoS 1"
    cabin.publish(f"dmst/v1/up/{CLIENT}", b"letter")
    record.until(lambda: (f"dmst/v1/up/{CLIENT}", b"letter") in record.received)
    record.publish(f"dmst/v1/down/{CLIENT}", b"receipt")
    cabin.until(lambda: (f"dmst/v1/down/{CLIENT}", b"receipt") in cabin.received)
    for foreign in ("dmst/v1/up/c-other", f"dmst/v1/down/{CLIENT}"):
        intruder = Client(ca, port, CLIENT, client_pair(ca, CLIENT), version=4)
        intruder.send(foreign, b"forged")
        assert intruder.closed.wait(30), f"{foreign} is let through"
        intruder.stop()
    assert all(payload != b"forged" for _, payload in record.received + cabin.received)
    record.stop()
