"""Who stands on a simulated scale, what each scale answers, and that every fault of its own is seen on its wire."""

from __future__ import annotations

import pytest

from simulators import and_scale, detecto, healthometer_2595kl, mt_sics
from simulators.body import Body
from simulators.device import Device
from simulators.feet import LOCK_S, SHIFT_S, Feet
from simulators.physiology import Physiology
from simulators.rack import MODELS

SCALES = {"healthometer": b"\x1bR\x1bE", "a-and-d": b"Q\r\n", "mt-sics": b"SI\r\n", "detecto": b"\nP\r"}
FAULTS = [(name, fault) for name in (*SCALES, "healthometer-2595kl") for fault in MODELS[name].own_faults]


def on_scale(body: Body, there: bool, at: float) -> None:
    body.change(at, {"on_scale": there})


def test_a_weight_settles_and_is_shifted_now_and_then() -> None:
    feet = Feet(Body(1))
    assert feet.stand(0.0) == "moving"
    assert 40 < feet.kg(0.1) < 70
    assert (feet.stand(LOCK_S), feet.kg(LOCK_S)) == ("still", 72.4)
    assert feet.stand(SHIFT_S + 0.1) == "moving"
    assert feet.stand(SHIFT_S + LOCK_S) == "still"


def test_nobody_weighs_nothing() -> None:
    body = Body(1)
    feet = Feet(body)
    feet.look(0.0)
    on_scale(body, False, 5.0)
    assert (feet.stand(5.0), feet.kg(5.0)) == ("empty", 0.0)
    on_scale(body, True, 10.0)
    assert feet.stand(10.0) == "moving"


def test_a_stuck_scale_ignores_the_world_and_a_tipped_one_has_lost_its_zero() -> None:
    body = Body(1)
    feet = Feet(body)
    feet.look(0.0)
    feet.fail("stuck-weight", True, 5.0)
    body.change(6.0, {"weight": 90.0, "on_scale": False})
    assert (feet.stand(7.0), feet.kg(7.0)) == ("still", 72.4)
    feet.fail("stuck-weight", False, 8.0)
    for _ in range(2):
        feet.fail("tipped", True, 9.0)
    assert feet.kg(9.0) == pytest.approx(3.2)
    feet.zero(10.0)
    assert feet.kg(10.0) == pytest.approx(0.0)


def heard(name: str, device: Device, start: float, end: float) -> list[bytes]:
    """Everything it says, asked twice a second."""
    said: list[bytes] = []
    for tick in range(int(start * 2), int(end * 2)):
        said += device.produce(tick / 2)
        if name in SCALES:
            said += device.receive(SCALES[name], tick / 2)
    return said


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_every_fault_is_seen_on_the_wire_and_ends(name: str, fault: str) -> None:
    bodies = Body(1), Body(1)
    sound, faulty = (MODELS[name](body) for body in bodies)
    for device in (sound, faulty):
        device.opened(0.0)
    assert heard(name, sound, 0, 10) == heard(name, faulty, 0, 10)
    for _ in range(2):
        faulty.fail(fault, True, 10.0)
    for body in bodies:
        body.change(10.0, {"weight": 72.9})
        on_scale(body, fault != "stuck-weight", 10.0)
    assert heard(name, sound, 10, 60) != heard(name, faulty, 10, 60)
    faulty.fail(fault, False, 60.0)
    for body in bodies:
        on_scale(body, True, 60.0)
    assert heard(name, sound, 70, 80)[-1] == heard(name, faulty, 70, 80)[-1] or fault == "garbage-height"


def test_and_answers_stable_weights_when_they_are() -> None:
    scale = and_scale.Scale(Body(1))
    scale.opened(0.0)
    assert scale.receive(b"S\r", 0.5) == []
    assert scale.receive(b"\nQ\r\n", 1.0)[0][:3] == b"US,"
    assert scale.produce(2.5) == [b"ST,+00072.40 kg\r\n"]
    assert scale.receive(b"X\r\n", 3.0) == [b"EC,E01\r\n"]
    assert scale.receive(b"Z\r\nQ\r\n", 3.5) == [b"ST,+00000.00 kg\r\n"]


def test_mt_sics_commands() -> None:
    scale = mt_sics.Scale(Body(1))
    scale.opened(0.0)
    assert scale.receive(b"SI\r\n", 0.5)[0][:4] == b"S D "
    assert scale.receive(b"S\r\n", 1.0) == []
    assert scale.produce(2.5) == [b"S S      72.40 kg\r\n"]
    assert scale.receive(b"@\r\n", 3.0) == [b'I4 A "B012345678"\r\n']
    for command in (b"I0", b"I1", b"I2", b"I3", b"I4", b"I5"):
        assert scale.receive(command + b"\r\n", 3.0)[0].startswith(command + b" A ")
    scale.receive(b"SIR\r\n", 4.0)
    assert len([frame for tick in range(41, 50) for frame in scale.produce(tick / 10)]) == 4
    assert scale.receive(b"T\r\n", 5.0) == [b"T S      72.40 kg\r\n"]
    assert scale.receive(b"SI\r\n", 5.0) == [b"S S       0.00 kg\r\n"]
    assert scale.produce(6.0) == []
    assert scale.receive(b"Z\r\nZI\r\nQ\r\n", 6.0) == [b"Z A\r\n", b"ZI S\r\n", b"ES\r\n"]


def test_detecto_speaks_when_it_is_asked() -> None:
    scale = detecto.Scale(Body(1))
    scale.opened(0.0)
    assert scale.produce(3.0) == []
    assert scale.receive(b"noise\nP", 3.0) == []
    assert scale.receive(b"\r", 3.0) == [b"10:42,11/27/26,23.6,175.0,72.4\r"]


def test_the_short_form_sends_once_a_second_while_locked() -> None:
    scale = healthometer_2595kl.Scale(Body(1, Physiology(weight=123.4)))
    scale.opened(0.0)
    said = [(tick / 10, frame) for tick in range(100) for frame in scale.produce(tick / 10)]
    assert [at for at, _ in said] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert {frame for _, frame in said} == {bytes.fromhex("02 82 d7 e4 31 32 33 2e 34 0d")}
