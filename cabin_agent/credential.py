"""Private keys from systemd: `credential:NAME` in the settings is a file that the unit was given (LoadCredential=).

systemd.exec(5), "Credentials": the files lie in $CREDENTIALS_DIRECTORY of the service, readable by its account alone.
A command that the same account types beside the running service has no such variable, and looks where systemd puts
them: /run/credentials/UNIT.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

PREFIX = "credential:"
ACCEPTED = "a path in quotes, or credential:NAME for a credential of the unit"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RUN = Path("/run/credentials")


def key_file(text: str, folder: Path, unit: str) -> Path:
    """The file that a setting names: relative to `folder`, or a credential of `unit`.

    Nothing is opened. `ValueError` where the text is empty or the name of the credential is none.
    """
    if not text.strip():
        raise ValueError("nothing is named")
    if not text.startswith(PREFIX):
        return folder / text
    name = text.removeprefix(PREFIX)
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise ValueError("not the name of a credential")
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    return (Path(given) if given else _RUN / unit) / name
