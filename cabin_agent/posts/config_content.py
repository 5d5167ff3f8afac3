"""The content `application/vnd.cabin.config+cbor`: settings, a key statement, or both.

    config   = det { 1: 1, 2: number u, ? 3: settings, ? 4: statement bstr }
    settings = { * name tstr => u / tstr }          ; all that are changed from afar; what is absent is as in the file

`number` rises from one config of a cabin to the next. Where 3 is absent, the settings stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from cabin_agent.posts.settings import Posted
from sync import cbor
from sync.postbox import Unfit

VERSION = 1
_MOST = 64
_LIMIT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class ConfigContent:
    """One post of this type; None is absent."""

    number: int
    settings: Posted | None = None
    statement: bytes | None = None


def encode_config(content: ConfigContent) -> bytes:
    """The bytes to seal."""
    fields: dict[int, object] = {1: VERSION, 2: content.number}
    if content.settings is not None:
        fields[3] = dict(content.settings)
    if content.statement is not None:
        fields[4] = content.statement
    return cbor.encode(fields)


def decode_config(data: bytes) -> ConfigContent:
    """The content of a post; raises `Unfit` with "malformed" or "version"."""
    try:
        item = cbor.decode(data, _MOST)
    except cbor.MalformedCbor:
        raise Unfit("malformed") from None
    if not isinstance(item, dict) or not isinstance(item.get(1), int):
        raise Unfit("malformed")
    if item[1] != VERSION:
        raise Unfit("version")
    number, settings, statement = item.get(2), item.get(3), item.get(4)
    if not isinstance(number, int) or not 0 < number < _LIMIT or not item.keys() <= {1, 2, 3, 4}:
        raise Unfit("malformed")
    if not isinstance(statement, bytes | None):
        raise Unfit("malformed")
    return ConfigContent(number, None if settings is None else _settings(settings), statement)


def _settings(item: cbor.Plain) -> Posted:
    if not isinstance(item, dict):
        raise Unfit("malformed")
    found: dict[str, int | str] = {}
    for name, value in item.items():
        if not isinstance(name, str) or not isinstance(value, int | str):
            raise Unfit("malformed")
        found[name] = value
    return found
