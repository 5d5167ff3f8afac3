"""The headphones' driver with the simulated card and its listener, in virtual time: what is played and told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest

from drivers import virtual_time
from drivers.errors import DriverError, PortError
from drivers.events import ButtonPress, Identity, NoValue, RoomNoise, TonePlayed, ToneRange, Trouble
from drivers.headphone import Audiometer
from drivers.instrument import Presented, TonePlayer
from drivers.pipe import DRIP, LATE, LOSSY, WHOLE, Cable
from simulators.body import Body
from simulators.headphone import Headphones
from simulators.physiology import AT_REST
from tests.phones import Booth, booth

LOUD = Presented("right", 1000, 60, 0.5, 1.0, 2.0)
SURE = Body(1, replace(AT_REST, false_alarm=0.0, lapse=0.0))


def of(room: Booth, kind: type) -> list[Any]:
    return [event for event in room.heard if isinstance(event, kind)]


def downs(room: Booth) -> list[float]:
    return [event.at_s for event in of(room, ButtonPress) if event.down]


def test_it_plays_tones_as_the_protocol_asks() -> None:
    assert isinstance(Audiometer(), TonePlayer)


@pytest.mark.parametrize("cable", [WHOLE, LATE], ids=["whole", "late"])
def test_a_loud_tone_is_played_whole_and_answered_by_the_listener(cable: Cable) -> None:
    async def main() -> None:
        async with booth(body=SURE, cable=cable) as room:
            await room.driver.start()
            played = await room.driver.present(LOUD)
            assert (played.ear, played.hz, played.db) == ("right", 1000, 60)
            assert (played.whole, played.flags) == (True, frozenset())
            assert played.ended_s - played.onset_s == pytest.approx(2.0, abs=1e-6)
            assert of(room, TonePlayed) == [played]
            (pressed,) = downs(room)
            assert 0.25 <= pressed - played.onset_s <= 1.8

    virtual_time.run(main())


@pytest.mark.parametrize("wanted", [replace(LOUD, db=None), replace(LOUD, db=-10)], ids=["silence", "faint"])
def test_what_cannot_be_heard_is_not_answered(wanted: Presented) -> None:
    async def main() -> None:
        async with booth(body=SURE) as room:
            await room.driver.start()
            assert (await room.driver.present(wanted)).whole
            assert downs(room) == []

    virtual_time.run(main())


def test_each_ear_has_its_own_hearing_and_worn_the_wrong_way_round_they_change_places() -> None:
    """Nothing on the wire can tell the latter: that is why the phones have colours and a nurse looks."""
    deaf = Body(1, replace(SURE.physiology, left=(100.0,) * 11))

    async def answered(ear: Literal["left", "right"], *faults: str) -> bool:
        async with booth(*faults, body=deaf) as room:
            await room.driver.start()
            await room.driver.present(replace(LOUD, ear=ear))
            return bool(downs(room))

    async def main() -> None:
        assert not await answered("left")
        assert await answered("right")
        assert await answered("left", "swapped-ears")

    virtual_time.run(main())


def test_the_range_is_told_at_the_start_and_the_phones_by_name() -> None:
    async def main() -> None:
        async with booth() as room:
            assert of(room, Identity) == [Identity("simulated headphones", serial="SIM-0001")]
            assert [each.code for each in of(room, Trouble)] == ["unconfirmed"]
            await room.driver.start()
            (told,) = of(room, ToneRange)
            assert told.calibrated and told.loudest["left", 1000] == 80 and told.attenuation[1000] == 28.5

    virtual_time.run(main())


def test_without_a_calibration_every_tone_says_that_it_is_relative_and_so_does_the_room() -> None:
    async def main() -> None:
        async with booth(calibration=None) as room:
            await room.driver.start()
            assert of(room, Identity) == []
            assert not of(room, ToneRange)[0].calibrated
            assert (await room.driver.present(LOUD)).flags == {"relative"}
            assert all("uncalibrated" in each.flags for each in of(room, RoomNoise))

    virtual_time.run(main())


def test_a_calibrated_microphone_tells_how_loud_the_room_is() -> None:
    async def levels(*faults: str) -> list[Any]:
        async with booth(*faults) as room:
            await asyncio.sleep(2.0)
            return [each.bands[1000] for each in of(room, RoomNoise)]

    async def main() -> None:
        assert all(abs(level - 11) < 5 for level in await levels())
        assert all(level > 60 for level in await levels("noisy-room"))
        assert set(await levels("deaf-microphone")) == {NoValue("missing")}

    virtual_time.run(main())


def test_a_level_that_nobody_may_be_given_is_refused_before_a_sample_is_made() -> None:
    async def main() -> None:
        async with booth() as room:
            await room.driver.start()
            for wanted in (replace(LOUD, db=85), replace(LOUD, hz=8000, db=80), replace(LOUD, hz=1234)):
                with pytest.raises(DriverError, match="do not play"):
                    await room.driver.present(wanted)
            assert of(room, TonePlayed) == []

    virtual_time.run(main())


def test_nothing_is_played_before_a_start_or_after_a_stop() -> None:
    async def main() -> None:
        with pytest.raises(DriverError, match="not connected"):
            await Audiometer().start()
        async with booth() as room:
            with pytest.raises(DriverError, match="stopped"):
                await room.driver.present(LOUD)
            await room.driver.start()
            playing = asyncio.create_task(room.driver.present(LOUD))
            await asyncio.sleep(0.3)
            await room.driver.stop()
            await room.driver.stop()
            with pytest.raises(DriverError, match="stopped"):
                await playing
            assert of(room, TonePlayed) == []

    virtual_time.run(main())


def test_a_card_that_goes_away_ends_what_it_was_playing() -> None:
    async def main() -> None:
        async with booth() as room:
            await room.driver.start()
            playing = asyncio.create_task(room.driver.present(LOUD))
            await asyncio.sleep(0.3)
            room.unplug()
            with pytest.raises(DriverError):
                await playing
            assert of(room, TonePlayed) == []

    virtual_time.run(main())


def test_a_card_that_tells_the_time_and_plays_nothing_does_not_hold_a_test_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Headphones, "receive", lambda *_: [])

    async def main() -> None:
        async with booth() as room:
            await room.driver.start()
            with pytest.raises(DriverError, match="does not play"):
                await room.driver.present(LOUD)
            assert of(room, TonePlayed) == []

    virtual_time.run(main())


def test_an_underrun_is_told_with_the_tone() -> None:
    async def main() -> None:
        async with booth("underrun") as room:
            await room.driver.start()
            whole = [(await room.driver.present(LOUD)).whole for _ in range(6)]
            assert whole == [True, True, False, True, True, False]

    virtual_time.run(main())


@pytest.mark.parametrize("cable", [DRIP, LOSSY], ids=["drip", "lossy"])
def test_a_bad_cable_makes_no_tone_that_counts(cable: Cable) -> None:
    short = replace(LOUD, pause_s=0.05, tone_s=0.1, window_s=0.15)

    async def main() -> None:
        async with booth(cable=cable) as room:
            await room.driver.start()
            for _ in range(3):
                try:
                    played = await room.driver.present(short)
                except DriverError:
                    continue
                assert cable is DRIP or not played.whole

    virtual_time.run(main())


@pytest.mark.parametrize(("fault", "pressed"), [("sleeper", False), ("no-button", False), ("false-presser", True)])
def test_faults_of_the_listener_and_the_button(fault: str, pressed: bool) -> None:
    async def main() -> None:
        async with booth(fault, body=SURE) as room:
            await room.driver.start()
            for _ in range(4):
                await room.driver.present(replace(LOUD, db=None if pressed else 60))
            assert bool(downs(room)) is pressed

    virtual_time.run(main())


def test_the_button_on_the_screen_is_timed_on_the_cards_clock() -> None:
    async def main() -> None:
        async with booth() as room:
            await asyncio.sleep(1.0)
            room.driver.press(True)
            room.driver.press(False)
            told = of(room, ButtonPress)
            assert [each.down for each in told] == [True, False]
            assert all(0.9 <= each.at_s <= 1.1 for each in told)

    virtual_time.run(main())


def test_a_button_before_the_card_has_spoken_is_nothing() -> None:
    Audiometer().press(True)


def test_a_calibration_that_cannot_be_used_fails_the_link(tmp_path: object) -> None:
    async def main() -> None:
        from drivers.pipe import pipe

        here, _ = pipe()
        with pytest.raises(PortError, match="calibration"):
            await Audiometer(f"{tmp_path}/none.toml").run(here, lambda _: None)

    virtual_time.run(main())
