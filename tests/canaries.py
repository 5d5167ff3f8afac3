"""Looks for words and bytes in files in every form in which a program may have written them down."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MOST_INFLATED = 4 << 20
_ZLIB, _GZIP = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), b"\x1f\x8b\x08"


def forms(canary: bytes) -> Mapping[str, bytes]:
    """The canary as it stands, as UTF-16, as hexadecimal digits, and as base64 at each of its three places."""
    made = {"plain": canary, "hex": canary.hex().encode(), "HEX": canary.hex().upper().encode()}
    try:
        text = canary.decode("ascii")
        made |= {"utf-16-le": text.encode("utf-16-le"), "utf-16-be": text.encode("utf-16-be")}
    except UnicodeDecodeError:
        pass
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + canary)
        # A character at either end may also depend on what stands beside the canary.
        made[f"base64+{shift}"] = coded[-(-shift * 8 // 6) : (shift + len(canary)) * 8 // 6]
    return made


def found(data: bytes, canaries: Iterable[bytes]) -> list[str]:
    """The forms of the canaries that are in `data`, also within what is compressed in it."""
    wanted = [(canary, form, needle) for canary in canaries for form, needle in forms(canary).items()]
    layers = [("", data), *(("inflated ", each) for each in inflated(data))]
    hits = [(layer, form, word) for layer, each in layers for word, form, needle in wanted if needle in each]
    return [f"{layer}{form} of {word!r}" for layer, form, word in hits]


def inflated(data: bytes) -> Iterator[bytes]:
    """Whatever in `data` can be inflated, from each place that looks like the begin of a stream."""
    for mark in (*_ZLIB, _GZIP):
        at = data.find(mark)
        while at >= 0:
            stream = zlib.decompressobj(31 if mark == _GZIP else 15)
            try:
                plain = stream.decompress(data[at : at + MOST_INFLATED], MOST_INFLATED)
            except zlib.error:
                plain = b""
            if len(plain) > 8:
                yield plain
            at = data.find(mark, at + 1)


def found_in(files: Iterable[Path], canaries: Iterable[bytes]) -> list[str]:
    """What is found in files, each with the name of its file."""
    canaries = list(canaries)
    return [f"{file.name}: {each}" for file in files for each in found(_read(file), canaries)]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except (FileNotFoundError, PermissionError):
        return b""


def mapped(pid: int, folder: Path) -> list[Path]:
    """The files of a folder that a process has mapped into its memory, also those that were deleted since."""
    places = Path(f"/proc/{pid}/map_files")
    return [place for place in places.iterdir() if str(folder) in str(place.readlink())]
