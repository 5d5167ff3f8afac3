"""After the receipt nothing of a visit is left in the cabin or at the broker: not readable, and not sealed either."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cabin_agent.demo import processes
from cabin_agent.demo.processes import Processes
from cabin_agent.demo.site import CODE, SUBJECT_SYSTEM, Site
from cabin_agent.face import Json
from tests.cabin import PATIENCE_S, SIZE, Cabin, in_state
from tests.canaries import forms, found, found_in, mapped

pytestmark = pytest.mark.processes

SUBJECT = "2690549588853041"
DESTINATIONS = ("appointments.toml", "ticket.escpos", "record.db")
"""Where things of a visit may lie: they came from there, or were sent there."""
WORDS = (SUBJECT, SUBJECT_SYSTEM, '"resourceType"', "Observation", "valueQuantity", '"exclusions"', '"outcomes"')
"""What the stored visit and its Bundle consist of."""


class Remembered(Cabin):
    """A cabin whose broker writes everything down at once, and one person who is a canary."""

    def expect(self, *, kind: str = "checkup", measures: tuple[str, ...] = ()) -> None:
        lines = [f'code = "{CODE}"', f'kind = "{kind}"', f'subject_system = "{SUBJECT_SYSTEM}"']
        lines += [f'subject = "{SUBJECT}"', f"measures = {json.dumps(list(measures))}"]
        (self.folder / "appointments.toml").write_text("\n".join(["[[appointment]]", *lines, ""]))

    def files(self) -> list[Path]:
        """Everything that the cabin and the broker keep."""
        return [
            file
            for file in sorted(self.folder.rglob("*"))
            if file.is_file() and not file.name.startswith(DESTINATIONS) and "keys" not in file.parts
        ]


async def remembering(started: Processes, site: Site, port: int) -> None:
    """mosquitto that saves at every change, and at its end."""
    program = processes.mosquitto()
    assert program is not None
    store = site.folder / "broker"
    store.mkdir(exist_ok=True)
    config = site.folder / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence true\n"
        f"persistence_location {store}/\nautosave_on_changes true\nautosave_interval 1\n"
    )
    await started.start("broker", "a broker that remembers", [program, "-c", str(config)])
    await processes._listening(started.children[-1], port)


def slices(cabin: Cabin) -> list[bytes]:
    """64 bytes out of several places of each envelope that waits."""
    import sqlite3

    from sync.outbox import Outbox  # noqa: F401  (the schema is the outbox's own)

    path = (cabin.folder / "state" / "outbox.db").as_uri()
    with closing(sqlite3.connect(f"{path}?mode=ro", uri=True)) as db:
        envelopes = [row[0] for row in db.execute("SELECT envelope FROM letter")]
    return [each[at : at + 64] for each in envelopes for at in (200, len(each) // 2, len(each) - 64)]


def values(results: Json) -> list[bytes]:
    """The measured values, as JSON has them."""
    numbers = [number["value"] for each in results["outcomes"] for number in each["values"].values()]
    assert numbers
    return [f'"value":{space}{number}'.encode() for number in numbers for space in ("", " ")]


async def until_found(files: Iterable[Path], canaries: list[bytes]) -> None:
    """Wait until each canary is in one of the files: the broker writes when it likes."""
    async with asyncio.timeout(PATIENCE_S):
        while not all(found_in(files, [each]) for each in canaries):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def retained(port: int) -> dict[str, bytes]:
    """What a newcomer is told by the broker at once."""
    told: dict[str, bytes] = {}
    client = Client(CallbackAPIVersion.VERSION2, client_id="newcomer")
    client.on_message = lambda _client, _data, message: told.update({message.topic: bytes(message.payload)})
    client.connect("127.0.0.1", port)
    client.subscribe("#", qos=0)
    client.publish("end", b"end")
    while "end" not in told:
        client.loop(timeout=1.0)
    client.disconnect()
    return {topic: payload for topic, payload in told.items() if topic != "end"}


@pytest.mark.skipif(processes.mosquitto() is None, reason="apt-get install mosquitto to run this test")
async def test_nothing_of_a_visit_is_left_after_its_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "broker", remembering)
    async with Remembered(measures=SIZE) as cabin:
        await cabin.kill("gateway")
        await cabin.lead(in_state("results"))
        await cabin.tell("show_results")
        async with cabin.client() as core:
            canaries = [word.encode() for word in WORDS] + values(await core.results())
        await cabin.lead(lambda visit: "finish" in visit["may"])
        sealed = slices(cabin)
        assert len(sealed) >= 3

        # Sealed, it is in the outbox and at the broker; readable, it never was anywhere.
        await until_found([*(cabin.folder / "state").glob("outbox.db*")], sealed)
        await until_found([*(cabin.folder / "broker").iterdir()], sealed)
        assert found_in(cabin.files(), canaries) == []
        assert planted(cabin, canaries + sealed)

        await cabin.restart("gateway")
        await cabin.delivered(await cabin.finish())
        canaries += sealed
        core_pid = cabin.child("core").pid
        assert any(file.readlink().name.startswith("outbox.db") for file in mapped(core_pid, cabin.folder))
        assert found_in(mapped(core_pid, cabin.folder), canaries) == []
        assert found_in([file for file in cabin.files() if "broker" not in file.parts], canaries) == []
        kept = await asyncio.to_thread(retained, cabin.broker_port)
        assert {topic: json.loads(payload) for topic, payload in kept.items()} == {
            "cabin/v1/demo-cabin/status": {"online": True}
        }
        for name in ("core", "gateway", "broker"):
            await processes.stop(cabin.child(name).process)
        assert (cabin.folder / "broker" / "mosquitto.db").exists()
        assert found_in(cabin.files(), canaries) == []


def planted(cabin: Remembered, canaries: list[bytes]) -> bool:
    """Whether the same search finds every canary in each form, where somebody had written it down."""
    file = cabin.folder / "state" / "control"
    for canary in canaries:
        for content in (*forms(canary).values(), b"x" + zlib.compress(b"before " + canary), gzip.compress(canary)):
            file.write_bytes(b"something else " + content + b" and more")
            assert found_in([file], [canary]), canary
    assert file in cabin.files()
    file.unlink()
    return True


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_canary_is_found_wherever_it_stands_in_base64(shift: int) -> None:
    text = base64.b64encode(b"x" * shift + SUBJECT.encode() + b"y" * 7)
    assert found(text, [SUBJECT.encode()])
    assert not found(text, [b"2690549588853141"])


def test_a_canary_is_found_in_compressed_text_and_in_wide_letters() -> None:
    assert found(b"\x78\x9c\x00" + gzip.compress(b"so it is: " + SUBJECT.encode()), [SUBJECT.encode()])
    assert found(zlib.compress(SUBJECT.encode() * 3)[:-6], [SUBJECT.encode()])
    assert found(SUBJECT.encode("utf-16"), [SUBJECT.encode()])
