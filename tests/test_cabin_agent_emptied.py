"""A scale that was never empty between two persons: its weight is nobody's, until it shows that they have left."""

from __future__ import annotations

import pytest

from cabin_agent.care import Care
from cabin_agent.emptied import SILENCE_S, Emptied
from cabin_agent.inventory import Inventory
from drivers import DECODERS
from drivers.events import NoValue, Reading
from simulators.body import Body
from simulators.rack import MODELS
from tests.test_cabin_agent_care import NOW_MS, settings
from tests.test_cabin_agent_measuring_size import REQUESTS

LOCKED = Reading("weight", 72.4, "kg", frozenset({"locked"}))


def weighed() -> Emptied:
    """Somebody was weighed, and another visit began; the scale has been saying the same every second."""
    watch = Emptied()
    watch.heard(LOCKED, 1.0)
    watch.weighed()
    watch.visit()
    watch.visit()
    watch.heard(LOCKED, 2.0)
    return watch


def test_nobody_was_weighed_before() -> None:
    watch = Emptied()
    watch.visit()
    watch.heard(LOCKED, 1.0)
    assert not watch.doubtful


def test_in_the_same_visit_it_may_weigh_again() -> None:
    watch = Emptied()
    watch.weighed()
    watch.heard(LOCKED, 1.0)
    assert not watch.doubtful


def test_the_weight_of_the_visit_before_is_doubtful_and_stays_so() -> None:
    watch = weighed()
    assert watch.doubtful
    watch.heard(Reading("weight", NoValue("device-error"), "kg", frozenset({"stuck"})), 3.0)
    watch.heard(LOCKED, 4.0)
    assert watch.doubtful


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (Reading("weight", NoValue("missing"), "kg"), 3.0),
        (Reading("weight", 70.1, "kg", frozenset({"settling"})), 3.0),
        (Reading("weight", 64.2, "kg", frozenset({"locked"})), 3.0),
        (LOCKED, 2.0 + SILENCE_S + 0.1),
    ],
)
def test_whoever_left_is_seen(said: Reading, at: float) -> None:
    watch = weighed()
    watch.heard(said, at)
    assert not watch.doubtful
    watch.visit()
    assert not watch.doubtful


def test_who_left_before_the_visit_ended_is_remembered_to_have_left() -> None:
    watch = Emptied()
    watch.weighed()
    watch.heard(Reading("weight", NoValue("missing"), "kg"), 1.0)
    watch.visit()
    assert not watch.doubtful


class Weighing:
    """A simulated scale that is asked twice a second, and the care of it."""

    def __init__(self, protocol: str) -> None:
        self.now = 0.0
        self.body = Body(1)
        self.device, self._decoder = MODELS[protocol](self.body), DECODERS[protocol]()
        self._request = REQUESTS[protocol]
        wall = lambda: NOW_MS + int(self.now * 1000)  # noqa: E731
        self.care = Care(settings(protocol=protocol), Inventory(None), wall, comparable=True)
        self.device.opened(0.0)

    def until(self, end: float) -> list[str | None]:
        """How each weight that is locked was judged."""
        judged: list[str | None] = []
        while self.now < end:
            self.now += 0.5
            frames = [*self.device.produce(self.now), *self.device.receive(self._request, self.now)]
            for event in self._decoder.feed(b"".join(frames)):
                old = self.care.heard(event)
                if isinstance(event, Reading) and "locked" in event.flags and event.quantity == "weight":
                    judged.append(old)
        return judged


@pytest.mark.parametrize("protocol", REQUESTS)
def test_every_scale_that_repeats_the_weight_of_the_visit_before(protocol: str) -> None:
    scale = Weighing(protocol)
    scale.care.visit(NOW_MS)
    assert set(scale.until(10.0)) == {None}
    scale.care.ended(measured=True)
    scale.device.fail("stuck-weight", True, 10.0)
    for began in (None, NOW_MS + 15_000):
        scale.care.visit(began)
        assert set(scale.until(scale.now + 5.0)) == {"not-emptied"}
    scale.device.fail("stuck-weight", False, scale.now)
    scale.body.change(scale.now, {"on_scale": False})
    scale.until(scale.now + 5.0)
    scale.body.change(scale.now, {"on_scale": True})
    assert set(scale.until(scale.now + 10.0)) == {None}
    assert not scale.care.not_emptied
