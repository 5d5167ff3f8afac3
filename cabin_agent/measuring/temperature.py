"""The temperature at one site: three readings a moment apart, two more where they spread; mode and site are kept."""

from __future__ import annotations

from cabin_agent.measuring.advice import FOREHEAD, forehead_wrong
from cabin_agent.measuring.bedside import Bedside, Unmeasured, evidence, heard, within
from cabin_agent.results import Measure, Outcome, Quantity
from cabin_signal.plausibility import judge
from cabin_signal.spot import Spot, next_temperature
from cabin_signal.temperature import Place, temperature_at
from drivers.events import NoValue, Reading

LIMIT_S = 40.0
IN_CONTACT = ("armpit", "body", "mouth", "rectum")
"""Where a clinical thermometer stays until it has settled, and then says so once (clinical reference 4)."""
UNSTATED = "unstated"
"""Where the instrument does not tell at what part of the body it was held."""
APART_S = 2.5
"""Between two readings, long enough for the head to have moved if it moves."""


async def measure(bedside: Bedside, _: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Read until the protocol is satisfied; raises `Unmeasured` when nobody is in front of the sensor.

    A clinical thermometer that stays in contact settles by itself: its one value is the temperature.
    """
    started, clock = bedside.clock.wall_ms(), bedside.clock
    readings: list[tuple[Place, float]] = []
    ambient = finished = False
    due = clock.now() + APART_S
    hand = bedside.by_hand("thermometer")
    coach, told_at = bedside.coach({} if hand else FOREHEAD), clock.now()
    with bedside.instruments.listen("thermometer") as ear:
        await bedside.instruments.start("thermometer")
        async with within(bedside, bedside.longest("thermometer", LIMIT_S), "nothing-sent" if hand else "too-far"):
            async for reading in heard(ear, Reading):
                if reading.quantity == "ambient_temperature":
                    ambient = ambient or "ambient-out-of-range" in reading.flags
                    continue
                now = clock.now()
                kept = [celsius for _, celsius in readings]
                coach.hear(forehead_wrong(_seen(reading), kept, reading.flags), now - told_at)
                told_at = now
                place = Place(str(reading.detail["site"]), str(reading.detail["mode"]))
                finished = _is_finished(reading, place)
                if (
                    (finished or hand or clock.now() >= due)
                    and not isinstance(reading.value, NoValue)
                    and _somebody(reading.value)
                ):
                    due = clock.now() + APART_S
                    readings.append((place, reading.value))
                    if finished or next_temperature([*kept, reading.value]) == "done":
                        break
                    if hand:
                        bedside.say("press-again")
    place = readings[-1][0]
    spot = Spot(readings[-1][1], 1, 0.0) if finished else temperature_at(place, readings)
    if not isinstance(spot, Spot):
        raise Unmeasured("unstable" if spot.why == "too-few" else spot.why, "unstable")
    reasons: tuple[str, ...] = bedside.instruments.room() or (("ambient",) if ambient else ())
    proof = evidence(
        bedside,
        "thermometer",
        started,
        "usable" if reasons else "good",
        *reasons,
        notes=("surface-temperature", "reference-hardware") if place.mode == "object" else (),
        readings=spot.n,
        spread=round(spot.spread, 2),
        mode=place.mode,
        site=None if place.site == UNSTATED else place.site,
    )
    return (Measure("temperature", {"value": Quantity(round(spot.value, 2), "Cel")}, proof),)


def _seen(reading: Reading) -> float | None:
    """What the sensor looks at, where that can be a person."""
    there = not isinstance(reading.value, NoValue) and _somebody(reading.value)
    return reading.value if there and not isinstance(reading.value, NoValue) else None


def _is_finished(reading: Reading, place: Place) -> bool:
    """Whether the instrument itself has waited until its probe had settled: one such value is the temperature."""
    return place.mode == "adjusted" and place.site in IN_CONTACT and "settling" not in reading.flags


def _somebody(celsius: float) -> bool:
    """Whether what the sensor looks at can be a person."""
    return judge("temperature", celsius) != "implausible"
