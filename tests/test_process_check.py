"""`cabin check` on a whole cabin: well, with three faults at once, without its core; and where there is none."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from cabin_agent.face import Json
from tests.cabin import PATIENCE_S, Cabin, edit

pytestmark = pytest.mark.processes

SILENT = {"microphone": "", "speaker": ""}
"""A machine of tests has no sound card."""


async def check(cabin: Cabin, *words: str) -> tuple[int, str]:
    """`cabin check` as the same user would type it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", "check", *words,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "CABIN_RUNTIME": str(cabin.site.runtime)},
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def wrong(cabin: Cabin, *words: str) -> tuple[int, dict[str, Json]]:
    """The exit code, and the lines that are wrong by their part."""
    code, said = await check(cabin, "--json", *words)
    answer = json.loads(said)
    found = {line["part"]: line for line in answer["lines"] if line["state"] == "wrong"}
    assert answer["schema"] == "cabin.check/1" and answer["wrong"] == len(found), said
    assert all(bool(line["cure"]) is (line["state"] == "wrong") for line in answer["lines"])
    return code, found


class Whole(Cabin):
    """With its cameras, and without sound cards."""

    async def start_simulators(self) -> None:
        with self.site.cabin_toml.open("a") as file:
            file.write("\n[media]\n")
        edit(self.site.cabin_toml, "media", SILENT)
        await super().start_simulators()

    async def until_filming(self) -> None:
        """Wait until the media process has told the core of its cameras."""
        async with self.watching() as (core, events):
            while not (await core.cabin())["media"].get("cameras"):
                await anext(events)


async def test_three_faults_are_named_with_their_cures_and_nothing_else() -> None:
    async with Whole(1) as cabin:
        await cabin.start_media()
        await cabin.until_filming()
        assert await wrong(cabin) == (0, {})

        await cabin.simulate(fault="unplug", instrument="oximeter")
        await cabin.simulate(fault="silence", instrument="thermometer")
        await cabin.kill("broker")
        await cabin.until_instrument("oximeter", "absent")
        await cabin.until_instrument("thermometer", "stale")
        code, found = await wrong(cabin)
        assert code == 1 and set(found) == {"oximeter", "thermometer", "broker"}
        assert "plug" in found["oximeter"]["cure"].lower()
        assert "silent" in found["thermometer"]["says"] and "cable" in found["thermometer"]["cure"]
        assert str(cabin.broker_port) in found["broker"]["says"] and "broker" in found["broker"]["cure"]
        code, said = await check(cabin)
        assert code == 1 and said.count("WRONG") == 3

        await cabin.kill("core")
        code, found = await wrong(cabin, "--config", str(cabin.site.cabin_toml))
        assert code == 1 and set(found) == {"oximeter", "thermometer", "broker"}, "the instruments were opened here"
        assert "silent" in found["thermometer"]["says"] and "cable" in found["thermometer"]["cure"]


async def test_settings_that_are_wrong_and_a_cabin_that_is_not_there(tmp_path: Path) -> None:
    cabin = Cabin(1)
    try:
        settings = tmp_path / "cabin.toml"
        settings.write_text('[cabin]\nname = "x"\nserial = "y"\nspeed = 7\n')
        code, found = await wrong(cabin, "--config", str(settings))
        assert code == 1 and set(found) == {"settings"} and "speed" in found["settings"]["says"]
        assert (await check(cabin))[0] == 3
        assert (await check(cabin, "--no-such-word"))[0] == 2
    finally:
        cabin.folder.rmdir()
