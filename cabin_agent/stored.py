"""Frozen dataclasses to JSON and back, for what must survive a restart."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, TypeVar

import dacite

from cabin_agent.visit_table import State

T = TypeVar("T")


class Unreadable(Exception):
    """Stored bytes are not what this version writes."""


def to_json(thing: Any) -> bytes:
    """A dataclass (of dataclasses, tuples, dictionaries and plain values) as compact UTF-8 JSON."""
    return json.dumps(_fields(thing), default=_fields, separators=(",", ":"), ensure_ascii=False).encode()


def _fields(thing: Any) -> dict[str, Any]:
    """One level only: `dataclasses.asdict` would copy the ninety thousand numbers of an ECG first."""
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def from_json(kind: type[T], stored: bytes) -> T:
    """The dataclass that `to_json` stored; raises `Unreadable` when the bytes do not fit `kind`."""
    try:
        return dacite.from_dict(kind, json.loads(stored), dacite.Config(cast=[tuple, State], strict=True))
    except (dacite.DaciteError, ValueError, TypeError, AttributeError) as error:
        raise Unreadable(f"The stored {kind.__name__} does not fit this version ({type(error).__name__}).") from error
