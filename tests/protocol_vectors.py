"""Reads the makers' byte vectors beside the recordings: records of `@id`, `@dir`, `@kind`, `@hex`, `@expect`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Vector:
    """One record: bytes that go over a wire, and what they mean."""

    ident: str
    direction: str
    """Who sends: "device->host" or "host->device"."""
    kind: str
    """"captured", "documented", "derived" or "constructed"."""
    data: bytes
    expect: Any
    """What the record says of its bytes; a dictionary with "reject" or "malformed" where they must be refused."""


def read_vectors(file: Path) -> list[Vector]:
    """Every record of one file; raises `ValueError` on a record without its bytes or its meaning."""
    found = []
    for block in file.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(line[1:].partition(" ")[::2] for line in block.splitlines() if line.startswith("@"))
        if fields:
            found.append(_vector(file, fields))
    return found


def _vector(file: Path, fields: dict[str, str]) -> Vector:
    missing = {"id", "dir", "kind", "hex", "expect"} - set(fields)
    if missing:
        raise ValueError(f"{file}: the record {fields.get('id', '?')} lacks {', '.join(sorted(missing))}.")
    data = bytes.fromhex(fields["hex"])
    return Vector(fields["id"], fields["dir"], fields["kind"], data, json.loads(fields["expect"]))
