"""Wrong words, wrong files, a second daemon, a missing broker, a full disk: one sentence, the right exit code."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cabin_agent.client import CoreError
from cabin_agent.demo.site import Site, prepare
from cabin_agent.journal import Journal
from tests.bundles import absent, measured, observations
from tests.cabin import PATIENCE_S, SIZE, Cabin, edit, in_state, running

pytestmark = pytest.mark.processes

USED_WRONGLY, COULD_NOT_RUN, FOUND_WRONG = 2, 3, 1


def cabin_says(*words: str, **environment: str) -> tuple[int, str, str]:
    """One `cabin` command, run to its end: exit code, standard output, standard error."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "cabin_agent", *words],
        capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **environment}, timeout=PATIENCE_S,
    )  # fmt: skip
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def assert_sentence(text: str, *parts: str) -> None:
    """One line, ended like a sentence, that names what was wrong; no traceback."""
    assert len(text.strip().splitlines()) == 1 and text.strip()[-1] in ".?)", text
    for part in parts:
        assert part in text


WORDS: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "unknown verb": (("frobnicate",), USED_WRONGLY, ("frobnicate", "devices")),
    "speed": (("demo", "--once", "--speed", "61"), USED_WRONGLY, ("1 to 60",)),
    "json alone": (("demo", "--json"), USED_WRONGLY, ("--once",)),
    "unknown record": (("demo", "--once", "--ecg", "/nowhere/404"), COULD_NOT_RUN, ("/nowhere/404",)),
    "no running cabin": (("devices",), COULD_NOT_RUN, ("cabin run",)),
    "nobody to answer": (("checkup",), USED_WRONGLY, ("--auto",)),
    "unknown fault": (("simulate", "oximeter", "--fault", "boredom"), USED_WRONGLY, ("boredom", "unplug")),
    "unknown address": (("simulate", "oximeter", "--listen", "somewhere"), USED_WRONGLY, ("somewhere", "socket://")),
    "no capture": (("decode", "suntech", "/nowhere/capture"), COULD_NOT_RUN, ("/nowhere/capture",)),
    "no settings": (("run", "--config", "/nowhere/cabin.toml"), COULD_NOT_RUN, ("/nowhere/cabin.toml",)),
    "no settings of the gateway": (("gateway", "--config", "/nowhere/g.toml"), COULD_NOT_RUN, ("/nowhere/g.toml",)),
    "no recording": (("analyze", "ecg", "/nowhere/404"), COULD_NOT_RUN, ("404",)),
}


@pytest.mark.parametrize("case", WORDS)
def test_wrong_words_get_one_sentence(tmp_path: Path, case: str) -> None:
    words, code, parts = WORDS[case]
    found, said, complained = cabin_says(*words, CABIN_RUNTIME=str(tmp_path / "none"), TMPDIR=str(tmp_path))
    assert (found, said) == (code, ""), complained
    assert_sentence(complained, *parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("decode", "morse", "x"), ("run", "--colour"), ("simulate", "toaster")])
def test_unknown_names_are_told_with_what_there_is(words: tuple[str, ...]) -> None:
    code, said, complained = cabin_says(*words)
    assert (code, said) == (USED_WRONGLY, "") and "Traceback" not in complained
    assert "error:" in complained.splitlines()[-1]


def test_a_truncated_capture(tmp_path: Path) -> None:
    """What is whole is decoded, and the missing end is told; the frame is that of the thermometer's sheet."""
    frame = bytes([0x5A, 0x5A, 0x45, 0x04, 0x0E, 0x24, 0x09, 0xC4])
    whole = frame + bytes([sum(frame) & 0xFF])
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "cut").write_bytes(whole + whole[:6])
    assert cabin_says("decode", "gymcu90614", str(tmp_path / "whole"))[0] == 0
    code, said, complained = cabin_says("decode", "gymcu90614", str(tmp_path / "cut"))
    assert code == FOUND_WRONG and '"value":36.2,' in said
    assert_sentence(complained, "cut short", "6 bytes")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Everything that a core needs, written and not started."""
    found = Site(tmp_path, tmp_path / "run")
    prepare(found, 1, 1.0)
    return found


BROKEN: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "malformed": ("[cabin]", "[cabin", ("line",)),
    "unknown section": ("[visit]", "[visits]", ("[visits]", "'visit'")),
    "unknown key": ("accept_simulated", "accept_simulatd", ("accept_simulatd", "accept_simulated")),
    "out of range": ("speed = 1.0", "speed = 600", ("speed", "600", "60")),
    "unknown driver": ('driver = "ecg"', 'driver = "eeg"', ("eeg", "ecg")),
    "unknown port": ('url = "/', 'url = "com3:/', ("url", "com3", "socket://")),
    "broker elsewhere without TLS": ("mqtt://127.0.0.1", "mqtt://192.0.2.1", ("broker", "mqtts://")),
    "no key": ("cabin.private", "nobody.key", ("nobody.key",)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_wrong_settings_name_the_key_and_what_is_accepted(site: Site, case: str) -> None:
    old, new, parts = BROKEN[case]
    text = site.cabin_toml.read_text()
    assert old in text
    site.cabin_toml.write_text(text.replace(old, new, 1))
    code, said, complained = cabin_says("run", "--config", str(site.cabin_toml))
    assert (code, said) == (COULD_NOT_RUN, ""), complained
    assert_sentence(complained, *parts)


def test_a_port_that_somebody_else_has(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        edit(site.cabin_toml, "api", {})
        site.cabin_toml.write_text(site.cabin_toml.read_text().replace("port = 0", f"port = {number}"))
        code, _, complained = cabin_says("run", "--config", str(site.cabin_toml))
    assert code == COULD_NOT_RUN
    assert_sentence(complained, str(number), "port")


async def test_an_instrument_at_a_port_that_does_not_exist() -> None:
    """It is absent and says so; the others are measured."""
    async with Cabin(measures=(*SIZE, "temperature")) as cabin:
        await cabin.kill("core")
        text = cabin.site.cabin_toml.read_text()
        cabin.site.cabin_toml.write_text(text.replace(str(cabin.site.instruments / "thermometer"), "/dev/nothing"))
        await cabin.restart("core")
        await cabin.until_seen(but=("thermometer",))
        away = await cabin.until_instrument("thermometer", "absent")
        assert away["url"] == "/dev/nothing" and away["reason"].endswith(".")
        bundle = await cabin.delivered(await cabin.finish())
    assert measured(bundle, "weight") and absent(bundle, "temperature")[0] == "not-performed"


async def test_a_second_daemon_on_the_same_state() -> None:
    """It says one sentence and goes; the first, in the middle of a visit, does not notice."""
    async with Cabin(20, measures=(*SIZE, "hearing")) as cabin:
        await cabin.lead(running("hearing"))
        words = ("run", "--config", str(cabin.site.cabin_toml))
        code, said, complained = await asyncio.to_thread(cabin_says, *words)
        assert (code, said) == (COULD_NOT_RUN, "")
        assert_sentence(complained, "state", "running")
        assert cabin.child("core").process.returncode is None and cabin.found().url == cabin.url
        bundle = await cabin.delivered(await cabin.finish())
    assert measured(bundle, "hearing") and measured(bundle, "weight")


async def test_a_core_that_starts_without_its_broker() -> None:
    """Visits go on, results wait, and are delivered once the broker is there."""
    async with Cabin(measures=SIZE) as cabin:
        await cabin.kill("core")
        await cabin.kill("broker")
        await cabin.restart("core")
        mid = await cabin.finish()
        async with cabin.client() as core:
            delivery = (await core.status())["delivery"]
        assert delivery["connected"] is False and delivery["pending"] == 1
        await cabin.broker_back()
        assert measured(await cabin.delivered(mid), "weight")


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own for a cabin's state, inside a folder that is removed with it."""
    folder = Path(tempfile.mkdtemp(prefix="cabin-test-"))
    state = folder / "state"
    state.mkdir(mode=0o700)
    size = f"size={megabytes}m,mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(state)], capture_output=True)
    if mounted.returncode:
        shutil.rmtree(folder)
        pytest.skip("a small disk cannot be mounted: run as root, with the right to mount, to test a full disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(state)], check=True)
        shutil.rmtree(folder)


def fill(state: Path) -> Path:
    """Take every byte that is left."""
    stuffing = state / "stuffing"
    with stuffing.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    assert os.statvfs(state).f_bavail == 0
    return stuffing


async def test_a_disk_that_is_full_during_the_measures() -> None:
    """What was measured waits in memory, nobody is thrown out, and it is stored when there is room again."""
    with small_disk(32) as folder:
        async with Cabin(20, measures=(*SIZE, "spo2", "pulse_rate"), folder=folder, reserve_mb=1) as cabin:
            await cabin.lead(running("oximetry"))
            stuffing = fill(folder / "state")
            await cabin.logged("core", "There is no room to keep this part of the visit")
            assert (await cabin.view())["state"] == "measures"
            stuffing.unlink()
            bundle = await cabin.delivered(await cabin.finish())
    for name in (*SIZE, "spo2", "pulse_rate"):
        assert len(measured(bundle, name)) == len(observations(bundle, name)) == 1, name


async def test_a_disk_that_is_full_refuses_the_next_visit_and_keeps_the_last() -> None:
    with small_disk(32) as folder:
        async with Cabin(measures=SIZE, folder=folder, reserve_mb=1) as cabin:
            await cabin.kill("gateway")
            first = await cabin.finish()
            stuffing = fill(folder / "state")
            with pytest.raises(CoreError, match=r"technician|room") as refused:
                await cabin.tell("begin")
            assert_sentence(str(refused.value))
            await cabin.restart("gateway")
            assert measured(await cabin.delivered(first), "weight"), "erasing goes on where nothing can be added"
            stuffing.unlink()
            second = await cabin.finish()
            assert measured(await cabin.delivered(second), "weight")


async def test_a_disk_that_is_full_when_the_visit_is_sealed() -> None:
    """The good-bye waits for the seal: nothing is forgotten before it is safe."""
    with small_disk(32) as folder:
        async with Cabin(12, measures=("ecg", "heart_rate"), folder=folder, reserve_mb=1) as cabin:
            await cabin.lead(in_state("satisfaction"))
            await cabin.tell("satisfaction", answers={})
            stuffing = fill(folder / "state")
            await cabin.logged("core", "The disk is full")
            assert "finish" not in (await cabin.view())["may"]
            await cabin.kill("core")
            stuffing.unlink()
            await cabin.restart("core")
            bundle = await cabin.delivered(await cabin.finish())
    assert len(measured(bundle, "ecg")) == 1


def test_a_disk_that_is_full_when_the_core_starts(site: Site) -> None:
    with small_disk(2) as folder:
        state = folder / "state"
        fill(state)
        text = site.cabin_toml.read_text()
        site.cabin_toml.write_text(text.replace(str(site.folder / "state"), str(state)))
        code, said, complained = cabin_says("run", "--config", str(site.cabin_toml))
        (state / "stuffing").unlink()
        with Journal(state) as journal:
            assert not journal.is_open() and journal.damage is None
    assert (code, said) == (COULD_NOT_RUN, "")
    assert_sentence(complained, "disk")
    assert not re.search(r"Traceback|Errno", complained)
