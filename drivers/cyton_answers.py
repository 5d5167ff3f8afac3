"""OpenBCI Cyton board: what its answers say, pure; each is text that ended with `$$$`.

Source: protocol sheet "OpenBCI Cyton", section 2.
"""

from __future__ import annotations

import re

from drivers.events import Event, Identity, Trouble

_FIRMWARE = re.compile(r"v\d+\.\d+\.\d+")
_RATE = re.compile(r"Sample rate is (\d+) ?Hz")
_CHANNEL = re.compile(r"[Cc]hannel set for (\d)")


def said(text: str) -> list[Event]:
    """What an answer of the board tells: its firmware, a failure, or nothing."""
    if board_is_off(text):
        return [Trouble("refused", "the radio dongle answers, but the ECG board does not: switch the board on")]
    if "Failure" in text:
        return [Trouble("refused", "the ECG board did not accept a command")]
    firmware = _FIRMWARE.search(text)
    return [Identity("OpenBCI Cyton", firmware=firmware.group())] if firmware else []


def board_is_off(text: str) -> bool:
    """Whether the dongle says that it does not reach its board."""
    return "Failure" in text and "ommunications" in text


def rate_said(text: str) -> int | None:
    """Samples a second that an answer states; None where it states none."""
    found = _RATE.search(text)
    return int(found.group(1)) if found else None


def accepts(text: str, channel: int) -> bool:
    """Whether an answer accepts the setting of `channel`: one that names another channel does not."""
    found = _CHANNEL.search(text)
    return "Success" in text and (found is None or found.group(1) == str(channel))
