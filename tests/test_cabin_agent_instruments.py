"""A cuff that did not confirm that it is open: agent and nurse are told in every state until it is, or is cleaned."""

from __future__ import annotations

from pathlib import Path

import pytest

from cabin_agent.core import Core
from cabin_agent.core_face import CoreFace
from cabin_agent.wording import text
from drivers.errors import DriverError
from drivers.events import Identity, NoValue, PressureResult, Reading, Trouble
from drivers.keeper import Keeper
from tests.consulting import consulting
from tests.core_bench import prepare, running_core, say, until

CODE = "reason.not-deflated"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """No instrument confirms that it stopped, and each still owes it."""

    async def stop(_: Keeper) -> None:
        raise DriverError("The tensiometer did not confirm that it stopped: open the cuff by hand.")

    monkeypatch.setattr(Keeper, "stop", stop)
    monkeypatch.setattr(Keeper, "left_safe", False)


def told(core: Core) -> tuple[bool, bool]:
    """Whether agent and nurse are told, with what to do about it."""
    face = CoreFace(core)
    views = face.visit()["messages"], face.cabin()["warnings"]
    found = [[each["cure"] for each in messages if each["code"] == CODE] for messages in views]
    assert all(cures in ([], [text("fr", "cure.not-deflated")]) for cures in found)
    return bool(found[0]), bool(found[1])


@pytest.mark.usefixtures("tight")
async def test_it_is_said_after_the_consultation_until_the_cabin_is_clean(folder: Path) -> None:
    async with consulting(folder) as call:
        assert told(call.core) == (False, False)
        await call.join()
        await call.ask("start", task="size")
        await call.quiet()
        assert told(call.core) == (True, True)
        await call.ask("end")
        assert call.core.directed is None
        assert told(call.core) == (True, True)
        await say(call.core, {"event": "leave"})
        await until(call.core, lambda: call.core.sealed)
        await say(call.core, {"event": "finish"}, {"event": "tick", "instrument": "scale"})
        assert told(call.core) == (True, True)
        await say(call.core, {"event": "tick", "instrument": "oximeter"})
        assert told(call.core) == (False, False)


@pytest.mark.usefixtures("tight")
async def test_every_screen_looks_again_when_the_instrument_confirms(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(folder) as core:
        with pytest.raises(DriverError):
            await core.bench.stop("scale")
        core.bench._heard("scale", Identity("scale"), 1.0)
        assert told(core) == (True, True), "a sign of life alone confirms nothing"
        monkeypatch.setattr(Keeper, "left_safe", True)
        with core.broadcast.watch(waves=False) as events:
            core.bench._heard("scale", Identity("scale"), 2.0)
            assert (await anext(events)) == {"type": "changed", "state": "ready"}
        assert told(core) == (False, False)


@pytest.mark.usefixtures("tight")
async def test_a_measurement_that_ended_by_itself_with_a_tight_cuff_is_said_too(folder: Path) -> None:
    """Unplugged while inflated, or aborted at its time limit: nobody has to stop it any more."""
    async with running_core(folder) as core:
        core.bench._heard("oximeter", Identity("oximeter"), 1.0)
        assert told(core) == (False, False)
        none = NoValue("device-error")
        lost = PressureResult(none, none, none, none, 0, error="link-lost")
        core.bench._heard("oximeter", lost, 1.0)
        assert (core.bench.unsafe, told(core)) == (("oximeter",), (True, True))


async def test_the_room_is_remembered_between_measures(folder: Path) -> None:
    async with running_core(folder) as core:
        bench = core.bench

        def room(at: float, celsius: float | NoValue) -> tuple[str, ...]:
            bench._heard("oximeter", Reading("ambient_temperature", celsius, "Cel"), at)
            return bench.room()

        assert room(0.0, 20.0) == ()
        assert room(60.0, NoValue("out-of-range")) == ()
        assert room(120.0, 23.0) == ("ambient-changed",)
        assert room(2000.0, 23.0) == ()
        assert room(2000.0, 15.0) == ("ambient-out-of-range", "ambient-changed")


async def test_a_driver_that_breaks_as_it_is_stopped_confirms_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(_: Keeper) -> None:
        raise ZeroDivisionError(f"{70 + 2} mmHg")

    monkeypatch.setattr(Keeper, "stop", stop)
    async with running_core(folder) as core:
        with pytest.raises(DriverError, match="broke as it was stopped") as refused:
            await core.bench.stop("scale")
        assert "72" not in str(refused.value)
        assert core.bench.unsafe == ("scale",)


async def test_what_a_technician_started_is_stopped_when_a_visit_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    async def start(keeper: Keeper) -> None:
        told.append((keeper.name, "start"))

    async def stop(keeper: Keeper) -> None:
        told.append((keeper.name, "stop"))

    monkeypatch.setattr(Keeper, "start", start)
    monkeypatch.setattr(Keeper, "stop", stop)
    async with running_core(folder) as core:
        face = CoreFace(core)
        for name, verb in (("scale", "start"), ("oximeter", "start"), ("oximeter", "stop")):
            await face.command(name, verb)
        told.clear()
        await say(core, {"event": "begin"})
        await until(core, lambda: told == [("scale", "stop")])


async def test_bytes_and_troubles_are_counted_for_the_technician(folder: Path) -> None:
    async with running_core(folder) as core:
        core.bench._heard("scale", Trouble("checksum", count=2), 1.0)
        core.bench._heard("scale", Trouble("unconfirmed", "its baud rate"), 1.0)
        core.bench._traffic["scale"].wire("in", b"12345")
        core.bench._traffic["scale"].wire("out", b"1")
        row = CoreFace(core).instruments()[0]
        assert (row["bytes_in"], row["troubles"]) == (5, {"checksum": 2})
