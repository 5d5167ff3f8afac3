"""The acceptance of the walking cabin: one command, from instrument bytes to a signed receipt, and nothing left."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle

from cabin_agent.face import Json
from sync.envelope import FHIR
from sync.store_sqlite import SqliteStore
from tests.bundles import (
    COMPONENTS,
    HEARING,
    MEASURES,
    UNITS,
    all_loinc,
    is_test,
    measured,
    quantities,
    resources,
    value,
)
from tests.cabin import processes_of

pytestmark = pytest.mark.processes

LIMIT_S = 90.0
"""Of one check-up at speed 20, by the specification."""


async def demo(*words: str, folder: Path) -> tuple[int, str, str]:
    """`cabin demo` with its temporary folder under `folder`: exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", "demo", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT_S):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode(), complained.decode()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short name: a unix socket's path has 107 characters at most, and pytest's own is long."""
    folder = Path(tempfile.mkdtemp(prefix="cabin-"))
    yield folder
    shutil.rmtree(folder)


def bundles_in(store: Path) -> dict[str, Json]:
    record = SqliteStore(store)
    try:
        return {each.mid.hex(): json.loads(each.content) for each in record.records() if each.content_type == FHIR}
    finally:
        record.close()


def assert_nothing_left(folder: Path) -> None:
    assert processes_of(folder) == []
    assert list(folder.iterdir()) == [], "the demonstration's folder, with its pty links, is still there"


async def test_one_command_leads_a_check_up_to_a_stored_and_valid_record(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    began = asyncio.get_running_loop().time()
    code, said, progress = await demo("--once", "--speed", "20", "--json", "--keep", str(kept), folder=home)
    took = asyncio.get_running_loop().time() - began

    assert code == 0, progress
    result = json.loads(said)
    assert result["simulated"] is True
    assert result["receipt"]["status"] == "stored"
    assert re.fullmatch(r"[0-9a-f]{32}", result["mid"]) and result["record_id"]
    _assert_whole(result["outcomes"])
    bundle = bundles_in(kept / "record.db")[result["mid"]]
    _assert_bundle(bundle)
    for name in ("weight", "spo2", "temperature", "heart_rate"):
        shown = next(each for each in result["outcomes"] if each["measure"] == name)["values"]["value"]["value"]
        assert value(bundle, name) == pytest.approx(shown, abs=0.051), name
    # On a busy machine some steps pass between two looks of whoever prints them.
    assert all(word in progress for word in ("measures:", ": running", ": done", "results:"))
    assert_nothing_left(home)
    with capsys.disabled():
        print(f"\n  one check-up at speed 20: {took:.0f} s of {LIMIT_S:.0f} s")


def _assert_whole(outcomes: list[Json]) -> None:
    names = [each["measure"] for each in outcomes]
    assert set(names) == set(MEASURES)
    assert names.count("blood_pressure") == 3, "the full protocol is three readings"
    for each in outcomes:
        assert each["status"] == "measured", each
        assert each["quality"] in ("good", "usable"), each["measure"]
        evidence = each["evidence"]
        assert evidence["started_ms"] <= evidence["ended_ms"]
        assert all(quantity["unit"] for quantity in each["values"].values())
        assert each["values"] or each["measure"] in ("ecg", "hearing")
        computed = each["measure"] in ("bmi", "blood_pressure_mean")
        assert bool(each["derived_from"]) is computed
        assert computed or (evidence["device"]["model"] and evidence["device"]["simulated"] is True)
    readings = [each for each in outcomes if each["measure"] == "blood_pressure"]
    assert readings[0]["evidence"]["rest_s"] >= 180, "the rest before the first pressure"
    assert next(each for each in outcomes if each["measure"] == "hearing")["thresholds"]


def _assert_bundle(bundle: Json) -> None:
    Bundle.model_validate(bundle)
    assert {*MEASURES.values(), *COMPONENTS, *HEARING} <= all_loinc(bundle)
    assert is_test(bundle) and all(is_test(each["resource"]) for each in bundle["entry"])
    assert all(measured(bundle, name) for name in MEASURES)
    found = quantities(bundle)
    for code, unit in UNITS.items():
        assert {each["code"] for each in found[code]} == {unit}, code
    kinds = {each["resource"]["resourceType"] for each in bundle["entry"]}
    assert {"Patient", "Device", "Observation", "Consent", "QuestionnaireResponse", "Provenance"} <= kinds
    systems = {each["system"] for one in resources(bundle, "Patient") for each in one["identifier"]}
    assert "urn:oid:1.2.250.1.213.1.4.8" not in systems, "the production identity with simulated instruments"


async def test_the_table_for_people_says_that_it_is_simulated(home: Path, tmp_path: Path, cabin_data: Path) -> None:
    """The whole check-up again on recordings, as a table; the pulse is that of the recorded finger."""
    kept = tmp_path / "kept"
    ecg, ppg = str(cabin_data / "mitdb" / "105"), str(cabin_data / "bidmc" / "bidmc01")
    words = ("--once", "--speed", "20", "--ecg", ecg, "--ppg", ppg, "--keep", str(kept))
    code, said, progress = await demo(*words, folder=home)

    assert code == 0, progress
    assert said.splitlines()[0].startswith("SIMULATED")
    rows = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert set(MEASURES) <= set(rows)
    assert re.search(r"\bstored$", rows["receipt"])
    (bundle,) = bundles_in(kept / "record.db").values()
    assert f"{value(bundle, 'heart_rate'):g} /min" in rows["heart_rate"]
    assert not list(kept.rglob("*.key")), "keys are never kept"
    shown = _pulses(cabin_data / "bidmc" / "bidmc01_numerics.csv")
    assert min(shown) <= value(bundle, "pulse_rate") <= max(shown), "the pulse of another finger"
    assert_nothing_left(home)


def _pulses(numerics: Path) -> list[float]:
    """The pulse rates that the recording's own monitor showed in the first three minutes."""
    header, *rows = numerics.read_text().splitlines()
    place = [name.strip().upper() for name in header.split(",")].index("PULSE")
    return [float(row.split(",")[place]) for row in rows[:180] if row.split(",")[place].strip() not in ("", "NaN")]


@asynccontextmanager
async def staying(home: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`cabin demo` in the foreground, up and told; its runtime folder is `home`/run."""
    environment = {**os.environ, "TMPDIR": str(home), "CABIN_RUNTIME": str(home / "run"), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", "demo", "--port", "0", *words,
        stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT_S):
            assert process.stdout is not None
            while b"Ctrl-C ends everything" not in (line := await process.stdout.readline()):
                assert line, "the demonstration ended"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def beside(home: Path, *words: str) -> tuple[int, str]:
    """Another `cabin` command in another terminal of the same user."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "CABIN_RUNTIME": str(home / "run")},
    )  # fmt: skip
    async with asyncio.timeout(LIMIT_S):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_check_up_that_the_demonstration_proposes(home: Path) -> None:
    """`cabin demo`, and beside it what it says to try; Ctrl-C leaves nothing of it."""
    async with staying(home, "--speed", "30") as process:
        code, said = await beside(home, "checkup", "--auto", "--json")
        result = json.loads(said)
        assert code == 0 and result["receipt"]["status"] == "stored"
        assert {each["measure"] for each in result["outcomes"] if each["status"] == "measured"} == set(MEASURES)
        code, said = await beside(home, "devices")
        assert code == 0 and said.count("SIMULATED") == 6
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    shutil.rmtree(home / "run", ignore_errors=True)
    assert_nothing_left(home)


async def test_a_killed_demonstration_takes_its_processes_along(home: Path) -> None:
    async with staying(home) as process:
        async with asyncio.timeout(LIMIT_S):
            # Simulators, broker, gateway, core, media and its worker; a new program is seen a moment later.
            while len(processes_of(home)) < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process.kill()
        await process.wait()
        async with asyncio.timeout(LIMIT_S):
            # They are the children of nobody now: there is no event to wait for.
            while processes_of(home):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
