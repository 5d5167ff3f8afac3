"""What a Cyton's answers say: its dongle alone, a refusal, a rate, the channel that a setting was accepted for."""

from __future__ import annotations

from drivers.cyton_answers import accepts, rate_said
from drivers.cyton_packets import Decoder
from drivers.events import Trouble


def test_a_board_that_is_off_is_trouble() -> None:
    (told,) = Decoder().feed(b"Failure: Communications timeout$$$")
    assert isinstance(told, Trouble) and told.code == "refused" and "switch the board on" in told.detail
    (told,) = Decoder().feed(b"Failure: too few chars$$$")
    assert isinstance(told, Trouble) and told.code == "refused" and "switch" not in told.detail


def test_rates_and_settings_that_answers_state() -> None:
    assert rate_said("Sample rate is 250Hz") == rate_said("Success: Sample rate is 250Hz") == 250
    assert rate_said("Sample rate is 16000 Hz") == 16000
    assert rate_said("v3.1.2") is None
    assert accepts("Success: Channel set for 3", 3)
    assert accepts("Success", 3)
    assert not accepts("Success: Channel set for 4", 3)
    assert not accepts("Failure: Channel set for 3", 3)
