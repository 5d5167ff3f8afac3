"""A recording that cannot be read."""

from __future__ import annotations

from typing import Literal


class RecordingError(Exception):
    """A recording cannot be read; the text is one sentence, `code` the exit code of a command that meets it.

    3: it is not there, or of a kind that is not read here; 2: another channel has to be named; 1: it is damaged.
    """

    def __init__(self, sentence: str, code: Literal[1, 2, 3]) -> None:
        super().__init__(sentence)
        self.code = code
