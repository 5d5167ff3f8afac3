"""The numbers below which nothing is taken any more, in a small file beside a database that may be lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sync import cbor
from sync.whole_file import replace_file


class Floor:
    """Numbers by name, at `path`. It may lag behind the database by what was being written when the power failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def numbers(self) -> dict[str, int]:
        """What was kept last; nothing where there is no such file, or a damaged one."""
        try:
            item = cbor.decode(self._path.read_bytes())
        except (OSError, cbor.MalformedCbor):
            return {}
        if not isinstance(item, dict):
            return {}
        return {name: each for name, each in item.items() if isinstance(name, str) and isinstance(each, int)}

    def keep(self, numbers: Mapping[str, int]) -> None:
        """Raise the numbers to these, durably; none ever falls. Raises OSError."""
        before = self.numbers()
        risen = {name: max(number, before.get(name, number)) for name, number in numbers.items()}
        replace_file(self._path, cbor.encode({**before, **risen}))
