"""What a Cyton board understands: one-letter commands and a few longer ones, answered by text that ends with `$$$`.

Protocol sheet ecg-cyton, section 2. A longer command must be complete within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

BANNER = "OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\nLIS3DH Device ID: 0x33\nFirmware: v3.1.2\n$$$"
GAINS = (1, 2, 4, 6, 8, 12, 24)
OFF, ON = "12345678", "!@#$%^&*"
LENGTHS: Mapping[str, int] = {"x": 9, "z": 5, "~": 2, "/": 2}
"""Commands of more than one character, whole."""
PATIENCE_S = 1.0
TIMEOUT = "Timeout processing multi byte message - please send all commands at once as of v2$$$"

TEST_SIGNALS: Mapping[str, tuple[int, float]] = {
    "p": (2, 0.0),
    "-": (1, 0.977),
    "=": (1, 1.953),
    "[": (2, 0.977),
    "]": (2, 1.953),
}
"""Height in units of the test level, rate in Hz."""

Source = Literal["electrodes", "nothing", "test"]
_INPUTS: Mapping[str, Source] = {"0": "electrodes", "5": "test"}


@dataclass(frozen=True, slots=True)
class Channel:
    """Setting of one channel; `source` is "nothing" when it is off or its input is shorted."""

    gain: int = 24
    source: Source = "electrodes"


class Board:
    """The board's state; `feed` takes what the host writes and returns the answers."""

    def __init__(self) -> None:
        self._begun = ""
        self._begun_at = 0.0
        self.starts = 0
        self._reset()

    def _reset(self) -> None:
        self.streaming = False
        self.stamped = False
        self.channels = [Channel()] * 8
        self.test_height, self.test_hz = 1, 0.977

    def feed(self, data: bytes, now: float) -> list[str]:
        """Take characters; return the answers of the commands that they complete."""
        answers = self.expire(now)
        for letter in data.decode("latin-1"):
            if not self._begun:
                self._begun_at = now
            self._begun += letter
            if len(self._begun) == LENGTHS.get(self._begun[0], 1):
                said = self._obey(self._begun)
                answers += [] if self.streaming else said
                self._begun = ""
        return answers

    def expire(self, now: float) -> list[str]:
        """Give up a longer command that did not become whole in time."""
        if not self._begun or now - self._begun_at < PATIENCE_S:
            return []
        self._begun = ""
        return [] if self.streaming else [TIMEOUT]

    def _obey(self, command: str) -> list[str]:
        letter = command[0]
        if letter in OFF or letter in ON:
            self._switch(letter)
        elif letter == "0" or letter in TEST_SIGNALS:
            return self._connect(letter)
        elif letter in _SILENT:
            _SILENT[letter](self)
        elif letter in _ANSWERED:
            return [_ANSWERED[letter](self, command)]
        return []

    def _switch(self, letter: str) -> None:
        number = (OFF if letter in OFF else ON).index(letter)
        source: Source = "nothing" if letter in OFF else "electrodes"
        self.channels[number] = replace(self.channels[number], source=source)

    def _connect(self, letter: str) -> list[str]:
        source: Source = "nothing" if letter == "0" else "test"
        self.channels = [replace(channel, source=source) for channel in self.channels]
        self.test_height, self.test_hz = TEST_SIGNALS.get(letter, (1, 0.977))
        return ["Success: Configured internal test signal.$$$"]

    def start(self) -> None:
        """`b`; nothing more while it streams."""
        self.starts += 0 if self.streaming else 1
        self.streaming = True

    def stop(self) -> None:
        """`s`."""
        self.streaming = False

    def reset(self, _command: str) -> str:
        """`v`: everything as after power-up."""
        self._reset()
        return BANNER

    def defaults(self, _command: str) -> str:
        """`d`."""
        self.channels = [Channel()] * 8
        return "updating channel settings to default$$$"

    def stamp(self, command: str) -> str:
        """`<` and `>`."""
        self.stamped = command == "<"
        return f"Time stamp {'ON' if self.stamped else 'OFF'}$$$"

    def registers(self, _command: str) -> str:
        """`?`: the gains, as far as this board has registers."""
        rows = [f"CH{n}SET gain {channel.gain}" for n, channel in enumerate(self.channels, 1)]
        return "\n".join(["Board ADS Registers", *rows, "$$$"])

    def channel(self, command: str) -> str:
        """`x CH POWER GAIN INPUT BIAS SRB2 SRB1 X`."""
        number, power, gain, source = tuple(command[1:5])
        if command[-1] != "X" or number not in OFF or power not in "01" or gain not in "0123456":
            return "Failure: invalid channel setting$$$"
        found = _INPUTS.get(source, "nothing") if power == "0" else "nothing"
        self.channels[OFF.index(number)] = Channel(GAINS[int(gain)], found)
        return f"Success: Channel set for {number}$$$"

    def lead_off(self, command: str) -> str:
        """`z CH P N Z`; the default packet has no place for its result."""
        if command[-1] != "Z" or command[1] not in OFF:
            return "Failure: invalid lead off setting$$$"
        return f"Success: Lead off set for {command[1]}$$$"

    def rate(self, command: str) -> str:
        """`~~` asks, `~6` sets 250 Hz."""
        if command == "~~":
            return "Sample rate is 250Hz$$$"
        return "Success: Sample rate is 250Hz$$$" if command == "~6" else "Failure: Sample rate is 250Hz$$$"

    def mode(self, command: str) -> str:
        """`//` asks, `/0` sets the default mode."""
        return "Success: default$$$" if command in ("//", "/0") else "Failure: board mode stays default$$$"


_SILENT: Mapping[str, Callable[[Board], None]] = {"b": Board.start, "s": Board.stop}
_ANSWERED: Mapping[str, Callable[[Board, str], str]] = {
    "v": Board.reset,
    "V": lambda _board, _command: "v3.1.2$$$",
    "d": Board.defaults,
    "?": Board.registers,
    "<": Board.stamp,
    ">": Board.stamp,
    "x": Board.channel,
    "z": Board.lead_off,
    "~": Board.rate,
    "/": Board.mode,
}
