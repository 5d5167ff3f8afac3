"""Sessions of browsers: who signed in, until when; they outlive a restart of the core, so that nobody signs in again.

The file holds the SHA-256 of each session's token and never a token. It is a convenience: where it is damaged,
missing or could be anybody's, people sign in anew. Sessions of this process's own programs are in no file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from cabin_agent.private_file import AccessError, write_private

Role = Literal["kiosk", "nurse", "technician", "doctor"]

log = logging.getLogger(__name__)

MOST_OF_PEOPLE = 64
"""Sessions of people at the same time; the oldest ends first."""
MOST_OF_KIOSKS = 4
"""Sessions of kiosks: one browser, relaunched."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in."""

    name: str
    role: Role
    behind: str = ""
    """Digest of the account's token; "" where no account of the file stands behind it."""
    until: float | None = None
    """Unix time in seconds at which it ends; None: with the kiosk's browser, or with this process."""
    kept: bool = True
    """Whether it outlives this process."""

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self.until is not None and time.time() >= self.until


class Sessions:
    """The sessions of one core, kept in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = _read(path)

    def open(self, session: Session) -> str:
        """The token of a new session."""
        token = secrets.token_urlsafe(32)
        self._open = {digest: each for digest, each in self._open.items() if not each.ended}
        if session.kept:
            self._make_room(of_people=bool(session.behind))
        self._open[digest_of(token)] = session
        self._keep()
        return token

    def of(self, token: str) -> Session | None:
        """The session of a token, or None; as slow for a token that is nearly right as for any other."""
        asked, found = digest_of(token), None
        for digest, session in self._open.items():
            if hmac.compare_digest(digest, asked) and not session.ended:
                found = session
        return found

    def end(self, token: str) -> None:
        """End the session of a person; any other stays."""
        digest = digest_of(token)
        if digest in self._open and self._open[digest].behind:
            del self._open[digest]
            self._keep()

    def another(self, session: Session) -> bool:
        """Whether the same person has another session open, with the same account behind it."""
        same = (session.name, session.role, session.behind)
        return any((each.name, each.role, each.behind) == same and not each.ended for each in self._open.values())

    def _make_room(self, *, of_people: bool) -> None:
        alike = [digest for digest, each in self._open.items() if each.kept and bool(each.behind) is of_people]
        most = MOST_OF_PEOPLE if of_people else MOST_OF_KIOSKS
        for digest in alike[: max(0, len(alike) + 1 - most)]:
            del self._open[digest]

    def _keep(self) -> None:
        kept = {digest: asdict(session) for digest, session in self._open.items() if session.kept}
        try:
            write_private(self._path, json.dumps(kept, indent=1) + "\n")
        except AccessError as error:
            log.error("after a restart everybody signs in again: %s", error)


def digest_of(token: str) -> str:
    """The SHA-256 of a token, in hex."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, Session]:
    """Digest -> session; none where the file cannot be trusted."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise ValueError("others may write it")
            sessions = {str(digest): Session(**each) for digest, each in json.load(file).items()}
        if not all(_sound(session) for session in sessions.values()):
            raise ValueError("not sessions")
        return sessions
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        log.warning("the sessions in %s cannot be used: everybody signs in again", path)
        return {}


def _sound(session: Session) -> bool:
    named = isinstance(session.name, str) and isinstance(session.behind, str) and session.role in get_args(Role)
    # A person's session has an account behind it and an end; without either it would be a kiosk's.
    of_a_person = bool(session.behind) and isinstance(session.until, float)
    return named and session.kept is True and (of_a_person or session.role == "kiosk")
