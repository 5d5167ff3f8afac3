"""Strict reading of one table of a TOML file: every error is one sentence that says what is accepted instead."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from cabin_agent import credential

_T = TypeVar("_T")


class ConfigError(Exception):
    """A file of settings cannot be used; the text is one sentence that names the file, the key and the cure."""


def read_toml(file: Path) -> dict[str, object]:
    """The whole of a TOML file; raises `ConfigError` where it is absent, unreadable or not TOML (with the line)."""
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: this file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: byte {error.start + 1} is not UTF-8; save the file as UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: this is not valid TOML: {str(error).rstrip('.')}.") from None


def nearest(word: str, known: Iterable[str]) -> str:
    """The tail of a sentence about an unknown word: the nearest known one, or all of them."""
    options = sorted(known)
    close = difflib.get_close_matches(word.lower(), options, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known are {', '.join(options)}."


class Table:
    """One table whose keys are all known beforehand.

    Each reader takes a key and gives its value, or `default` where the key is absent; a reader whose `default` is
    None and whose answer is not optional raises `ConfigError` for an absent key. A `private` table never shows a
    value, nor a digit of a key, in a message. Relative paths start at the folder of the file.
    """

    def __init__(self, file: Path, name: str, data: object, known: Iterable[str], private: bool = False) -> None:
        if not isinstance(data, Mapping):
            raise ConfigError(f"{file}: {name} has to be a table of its own, written as {name} on a line.")
        self._file = file
        self._name = name
        self._data: Mapping[str, object] = data
        self._private = private
        self.folder = file.parent
        """Where relative paths begin."""
        options = tuple(known)
        for key in self._data:
            if key not in options:
                shown = re.sub(r"[0-9]", "#", key) if private else key
                raise ConfigError(f"{file}: {name} has no key '{shown}'; {nearest(key, options)}")

    def has(self, key: str) -> bool:
        """Whether the file gives this key."""
        return key in self._data

    def error(self, key: str, accepted: str) -> ConfigError:
        """The one sentence about a value that is not accepted, or about a key that is missing."""
        if key not in self._data:
            return ConfigError(f"{self._file}: {self._name} needs the key '{key}': {accepted}.")
        found = "holds a value that is not accepted" if self._private else f"is {_shown(self._data[key])}"
        return ConfigError(f"{self._file}: {self._name} {key} {found}; accepted is {accepted}.")

    def text(self, key: str, accepted: str, default: str | None = None) -> str:
        """A text that is not empty."""
        return self.parsed(key, _filled, accepted, default)

    def parsed(self, key: str, parse: Callable[[str], _T], accepted: str, default: str | None = None) -> _T:
        """A text turned into something else by `parse`, which raises ValueError for what it refuses."""
        value = self._data.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, accepted)
        try:
            return parse(value)
        except ValueError:
            raise self.error(key, accepted) from None

    def matching(self, key: str, pattern: str, accepted: str, default: str | None = None) -> str:
        """A text that matches a regular expression as a whole."""
        value = self._data.get(key, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.error(key, accepted)
        return value

    def choice(self, key: str, options: Iterable[_T], default: _T | None = None) -> _T:
        """One of `options`."""
        allowed = tuple(options)
        value = self._data.get(key, default)
        for option in allowed:
            if type(value) is type(option) and value == option:
                return option
        raise self.error(key, "one of " + ", ".join(_shown(option) for option in allowed))

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """A finite number from `low` to `high`."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, f"a number from {low:g} to {high:g}")
        if not math.isfinite(value) or not low <= value <= high:
            raise self.error(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(key, f"a whole number from {low} to {high}")
        return value

    def path(self, key: str, default: Path | None = None) -> Path:
        """A path, made absolute; nothing is opened."""
        if default is not None and key not in self._data:
            return default
        return self._file.parent / self.text(key, "a path in quotes")

    def key_path(self, key: str, unit: str) -> Path:
        """A path as `path` reads it, or `credential:NAME` of the systemd unit that reads these settings."""
        return self.parsed(key, lambda text: credential.key_file(text, self._file.parent, unit), credential.ACCEPTED)

    def optional_key_path(self, key: str, unit: str) -> Path | None:
        """The same, or None where the key is absent."""
        return self.key_path(key, unit) if self.has(key) else None

    def optional_path(self, key: str) -> Path | None:
        """A path, or None where the key is absent."""
        return self.path(key) if self.has(key) else None

    def day(self, key: str) -> date | None:
        """A calendar day, or None where the key is absent."""
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.error(key, "a day without quotes, such as 2026-03-31")
        return value

    def moment(self, key: str) -> datetime | None:
        """A date with a time, of this machine's time zone where it names none; None where the key is absent."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, datetime):
            raise self.error(key, "a date with a time, without quotes, such as 2026-03-31T14:00:00")
        return value

    def several(self, key: str, options: Iterable[_T], default: tuple[_T, ...] = ()) -> tuple[_T, ...]:
        """A list without repeats of at least one of `options`; `default` where the key is absent."""
        if key not in self._data:
            return default
        allowed = tuple(options)
        values = self._data[key]
        if isinstance(values, list) and values:
            chosen = tuple(
                option for value in values for option in allowed if type(value) is type(option) and value == option
            )
            if len(chosen) == len(values) == len(set(chosen)):
                return chosen
        raise self.error(key, "a list, without repeats, of " + ", ".join(_shown(option) for option in allowed))


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _shown(value: object) -> str:
    """A value as the file would write it, short enough for a sentence and without a password of a URL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = re.sub(r"//[^/@]*@", "//***@", value)
        return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, Mapping) else str(value)
