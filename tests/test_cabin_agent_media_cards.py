"""Cards are found by name, opened with what they take, and looked for anew only while none is open."""

from __future__ import annotations

import importlib
import threading
import time

import numpy as np
import pytest

from cabin_agent.media import cards
from cabin_agent.media.cards import BLOCK, RATE, Card, Cards, Direction, NoCard
from cabin_agent.media.why import Why
from tests.sound_cards import SoundDevice

BOOTH = (("Jabra SPEAK 510: USB Audio (hw:1,0)", 1, 2), ("HDMI 0", 0, 2), ("Littmann stethoscope", 1, 0))


def looked(module: SoundDevice | None) -> Cards:
    found = Cards(lambda: module)
    found.look()
    return found


@pytest.mark.parametrize(
    ("wanted", "direction", "expected"),
    [
        ("jabra", "input", Card(BOOTH[0][0])),
        ("SPEAK 510", "output", Card(BOOTH[0][0])),
        ("stethoscope", "input", Card(BOOTH[2][0])),
        ("stethoscope", "output", Card(None, Why.NO_CARD)),
        ("HDMI", "input", Card(None, Why.NO_CARD)),
        ("default", "input", Card(BOOTH[0][0])),
        ("default", "output", Card(BOOTH[0][0])),
        ("Bose", "input", Card(None, Why.NO_CARD)),
        ("", "input", Card(None, Why.NOT_NAMED)),
    ],
)
def test_a_card_is_found_by_any_part_of_its_name(wanted: str, direction: Direction, expected: Card) -> None:
    assert looked(SoundDevice(*BOOTH)).find(wanted, direction) == expected


@pytest.mark.parametrize("wanted", ["default", "jabra"])
def test_no_card_at_all_is_told(wanted: str) -> None:
    assert looked(SoundDevice()).find(wanted, "input") == Card(None, Why.NO_CARD)


def test_no_portaudio_is_told() -> None:
    found = looked(None)
    assert found.find("default", "input") == Card(None, Why.NO_PORTAUDIO)
    with pytest.raises(NoCard):
        found.open_input(Card("a"), print)


def test_the_real_module_is_loaded_or_its_library_is_missing() -> None:
    """What this machine has, whatever it is; nothing may be raised."""
    found = Cards()
    found.look()
    card = found.find("default", "input")
    try:
        importlib.import_module("sounddevice")
    except OSError:
        assert card.why is Why.NO_PORTAUDIO
    else:
        assert card.why in (Why.NONE, Why.NO_CARD)


@pytest.mark.parametrize("error", [OSError("PortAudio library not found"), ImportError("no module")])
def test_a_module_that_cannot_be_loaded_is_none(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        assert name == "sounddevice"
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    assert cards.load() is None


def test_a_card_is_opened_as_opus_wants_it() -> None:
    module = SoundDevice(*BOOTH)
    found = looked(module)
    stream = found.open_input(found.find("littmann", "input"), lambda block: None)
    settings = {key: value for key, value in stream.settings.items() if key != "callback"}
    assert settings == {
        "samplerate": RATE,
        "blocksize": BLOCK,
        "device": 2,
        "channels": 1,
        "dtype": "int16",
        "latency": "low",
    }
    assert stream.running
    found.close(stream)
    assert stream.closed


def test_a_card_that_takes_two_channels_only_gives_its_left_one_and_gets_both() -> None:
    module = SoundDevice(*BOOTH)
    module.channels = {2}
    found, heard = looked(module), list[bytes]()
    stream = found.open_input(found.find("jabra", "input"), heard.append)
    stream.speak(np.array([[1, -1], [2, -2], [3, -3]], np.int16).tobytes())
    assert heard == [np.array([1, 2, 3], np.int16).tobytes()]
    found.close(stream)
    stream = found.open_output(
        found.find("jabra", "output"), lambda size: np.arange(size // 2, dtype=np.int16).tobytes()
    )
    assert np.frombuffer(stream.pull(3), np.int16).tolist() == [0, 0, 1, 1, 2, 2]
    found.close(stream)


def test_a_card_that_refuses_is_no_card() -> None:
    module = SoundDevice(*BOOTH)
    module.refuses = True
    found = looked(module)
    card = found.find("jabra", "input")
    with pytest.raises(NoCard):
        found.open_input(card, print)
    with pytest.raises(NoCard):
        found.open_output(card, bytes)
    assert module.streams == []


def test_a_card_plugged_in_later_is_seen_once_none_is_open() -> None:
    module = SoundDevice(*BOOTH[:1])
    found = looked(module)
    stream = found.open_input(found.find("jabra", "input"), print)
    module.devices.append(BOOTH[2])
    assert found.look() is False
    assert found.find("littmann", "input").why is Why.NO_CARD
    found.close(stream)
    assert found.look() is True
    assert found.find("littmann", "input") == Card(BOOTH[2][0])


def test_a_card_found_before_a_look_is_opened_by_its_number_after_it() -> None:
    module = SoundDevice(*BOOTH)
    found = looked(module)
    card = found.find("littmann", "input")
    module.devices = [BOOTH[2], BOOTH[0]]
    found.look()
    stream = found.open_input(card, print)
    assert stream.settings["device"] == 0
    found.close(stream)
    module.devices = [BOOTH[0]]
    found.look()
    with pytest.raises(NoCard):
        found.open_input(card, print)


def test_a_portaudio_that_cannot_begin_anew_has_no_card_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SoundDevice(*BOOTH)
    found = looked(module)
    monkeypatch.setattr(module, "fails", True)
    assert found.look() is True
    assert found.find("jabra", "input").why is Why.NO_CARD
    monkeypatch.setattr(module, "fails", False)
    found.look()
    assert found.find("jabra", "input").why is Why.NONE


def test_a_library_that_is_missing_is_looked_for_once() -> None:
    tries: list[int] = []

    def load() -> None:
        tries.append(1)

    found = Cards(load)
    assert [found.look() for _ in range(3)] == [True] * 3
    assert len(tries) == 1


def test_a_look_does_not_wait_for_ever_for_a_driver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "BUSY_S", 0.1)
    module, let_go = SoundDevice(*BOOTH), threading.Event()
    found = looked(module)
    real = module.RawInputStream
    monkeypatch.setattr(module, "RawInputStream", lambda **settings: (let_go.wait(), real(**settings))[1])
    card = found.find("jabra", "input")
    opening = threading.Thread(target=lambda: found.open_input(card, print))
    opening.start()
    time.sleep(0.05)
    began = time.monotonic()
    found.look()
    assert time.monotonic() - began < 1
    let_go.set()
    opening.join()
