"""Files of this user alone, put in place whole."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class AccessError(Exception):
    """An account cannot be made, found or trusted; the text is one sentence that says what to do."""


def write_private(path: Path, text: str) -> None:
    """Put a whole file of mode 0600 in place at once, on disk when this returns; raises `AccessError`."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise AccessError(f"The file {path} cannot be written: {error.strerror}.") from None
