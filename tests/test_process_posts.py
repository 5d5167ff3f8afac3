"""The road down, with a whole cabin: what the record posts while the cabin is away arrives, and is in force.

A broker is killed with a visit sealed behind it, the record's key is rotated, and both what was sealed to the old key
and what is sealed to the new one are in the record at the end.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest

from cabin_agent.demo import processes
from cabin_agent.demo.processes import python
from cabin_agent.demo.site import CLIENT, SUBJECT_SYSTEM
from cabin_agent.person import SimulatedPerson
from sync.envelope import RECEIPT
from sync.keyfile import load_key
from sync.keys import RecipientPublic
from sync.store_sqlite import SqliteStore
from tests.bundles import measured
from tests.cabin import SIZE, Cabin

pytestmark = pytest.mark.processes
POSTED = "864209"
"""A code that only the record knows, and posts."""


@pytest.fixture(autouse=True)
def mosquitto() -> None:
    if processes.mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto to run this test")


async def cabin_says(*words: str) -> str:
    """What a command prints; it has to be done well."""
    process = await asyncio.create_subprocess_exec(
        *python("cabin_agent", *words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    return said.decode()


async def posted(cabin: Cabin, *words: str) -> str:
    """Post something to the demonstration's cabin; its message id."""
    config = str(cabin.site.gateway_toml)
    return str(json.loads(await cabin_says("post", CLIENT, *words, "--config", config, "--json"))["mid"])


async def answered(cabin: Cabin, mids: list[str]) -> dict[str, str]:
    """Wait until the cabin has said its word on each of these posts; the word."""
    async with cabin.watching() as (_, events):
        while True:
            with closing(SqliteStore(cabin.site.record)) as store:
                said = {post.mid.hex(): word for post, word in store.posts()}
            if all(said[each] for each in mids):
                return {each: said[each] for each in mids}
            await anext(events)


def expect(folder: Path) -> str:
    """A file of one appointment with the posted code."""
    lines = [f'code = "{POSTED}"', 'kind = "checkup"', f'subject_system = "{SUBJECT_SYSTEM}"', 'subject = "190022"']
    (folder / "posted.toml").write_text("\n".join(["[[appointment]]", *lines, f"measures = {json.dumps(SIZE)}", ""]))
    return str(folder / "posted.toml")


async def test_posts_and_a_rotation_while_broker_and_cabin_were_dead() -> None:
    async with Cabin(measures=SIZE) as cabin:
        keys = cabin.folder / "keys"
        await cabin.kill("broker")
        before = await cabin.finish()
        assert cabin.outbox() == [("pending", 1)]

        await cabin.kill("core")
        await cabin_says("keys", "rotate", "record", str(keys / "record"), "--root", str(keys / "root"))
        (new,) = (keys / "record").glob("record-*.public")
        settings = cabin.folder / "posted-settings.toml"
        settings.write_text("[visit]\ncode_attempts = 5\n[instruments.scale]\ncalibrated = 2026-05-06\n")
        mids = [
            await posted(cabin, "--appointments", expect(cabin.folder)),
            await posted(cabin, "--statement", str(keys / "record" / "record.statement")),
            await posted(cabin, "--settings", str(settings)),
        ]
        await cabin.kill("gateway")
        write_recipient(cabin, keys / "record")
        for name in ("broker", "gateway", "core"):
            await cabin.restart(name)
        assert set((await answered(cabin, mids)).values()) == {"stored"}
        assert measured(await cabin.delivered(before), "weight"), "what was sealed to the old key"

        await cabin.bounce("core")
        await cabin.until_seen()
        shown = json.loads(await cabin_says("keys", "show", "--config", str(cabin.site.cabin_toml), "--json"))
        assert shown["in_force"]["statement"] == 2
        assert shown["in_force"]["sealed_to"] == load_key(new, RecipientPublic).kid.hex()
        assert shown["in_force"]["posted_settings"] > 0
        async with cabin.client() as core:
            scale = next(each for each in await core.instruments() if each["kind"] == "scale")
        assert scale["calibrated"] == "2026-05-06"

        await cabin.kill("gateway")
        write_recipient(cabin, new.with_suffix(".private"))
        await cabin.start_gateway()
        after = await cabin.finish(SimulatedPerson(POSTED))
        await cabin.delivered(after)
        kinds = [each.content_type for each in cabin.records()]
        assert (len(cabin.bundles()), kinds.count(RECEIPT)) == (2, 3)
        no_identity_outside(cabin.folder)


def write_recipient(cabin: Cabin, path: Path) -> None:
    """Let the gateway open with this key, or with every key of this folder."""
    lines = cabin.site.gateway_toml.read_text().splitlines()
    kept = [f'recipient = "{path}"' if line.startswith("recipient") else line for line in lines]
    cabin.site.gateway_toml.write_text("\n".join(kept) + "\n")


def no_identity_outside(folder: Path) -> None:
    """The posted person and code stand in no file of the cabin and in no log; the record's own files hold them."""
    for file in [*(folder / "state").rglob("*"), *folder.glob("*.log")]:
        if file.is_file() and not file.is_socket():
            content = file.read_bytes()
            assert b"190022" not in content, file.name
            assert POSTED.encode() not in content, file.name
