"""The sections [media] and [cameras.NAME]: defaults, everything that is accepted, one sentence for all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cabin_agent.media.address import CameraSettings, SoundSettings
from cabin_agent.media.settings import camera_settings, media_settings
from cabin_agent.toml_table import ConfigError

FILE = Path("/etc/cabin.toml")


def refusal(section: str, data: object) -> str:
    with pytest.raises(ConfigError) as caught:
        (media_settings if section == "media" else camera_settings)(FILE, data)
    sentence = str(caught.value)
    assert sentence.startswith(f"{FILE}: ")
    assert sentence[-1] in ".?"
    return sentence


def test_without_a_section_there_is_loopback_the_systems_cards_and_no_camera() -> None:
    found = media_settings(FILE, {})
    assert found.addresses == ("127.0.0.1",)
    assert found.sound == SoundSettings("default", "default", "")
    assert camera_settings(FILE, {}) == ()


def test_everything_may_be_said() -> None:
    found = media_settings(
        FILE, {"addresses": ["192.0.2.7", "::1"], "microphone": "Jabra", "speaker": "", "stethoscope": "Thinklabs"}
    )
    assert found.addresses == ("192.0.2.7", "::1")
    assert found.sound == SoundSettings("Jabra", "", "Thinklabs")


@pytest.mark.parametrize(
    "addresses", ["127.0.0.1", [], [7], ["everywhere"], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1:80"], [["x"]], None]
)
def test_addresses_are_a_list_of_addresses(addresses: object) -> None:
    assert "addresses" in refusal("media", {"addresses": addresses})


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    assert "microphone" in refusal("media", {"micropone": "x"})
    assert "label" in refusal("cameras", {"room": {"url": "synthetic:room", "lable": "x"}})


def test_cards_are_texts() -> None:
    assert "speaker" in refusal("media", {"speaker": 1})


def test_cameras_keep_their_order_and_have_a_label() -> None:
    found = camera_settings(
        FILE,
        {
            "otoscope": {"url": "/dev/v4l/by-id/usb-o-video-index0", "label": "Otoscope"},
            "room": {"url": "synthetic:room"},
        },
    )
    assert found == (
        CameraSettings("otoscope", "Otoscope", "/dev/v4l/by-id/usb-o-video-index0"),
        CameraSettings("room", "room", "synthetic:room"),
    )
    assert [each.simulated for each in found] == [False, True]


@pytest.mark.parametrize("url", ["", "room", "ftp://x/y", "synthetic:cellar", "http://", "file://", "/srv/film.avi"])
def test_a_camera_that_cannot_be_opened_by_its_url_is_refused(url: str) -> None:
    assert "[cameras.room] url" in refusal("cameras", {"room": {"url": url}})


def test_a_camera_needs_a_url_a_good_name_and_a_table() -> None:
    assert "needs the key 'url'" in refusal("cameras", {"room": {}})
    assert "named" in refusal("cameras", {"Room 1": {"url": "synthetic:room"}})
    assert "table" in refusal("cameras", {"room": 1})
    assert "tables" in refusal("cameras", [])


def test_two_cameras_are_two() -> None:
    twice = {"a": {"url": "/dev/video0"}, "b": {"url": "/dev/video0"}}
    assert "[cameras.a]" in refusal("cameras", twice)
