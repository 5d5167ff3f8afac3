"""Who may use the local API: bearer tokens of named accounts, and the kiosk's launch ticket.

Two roles: "kiosk" leads a visit, "technician" looks after the cabin. Accounts live in `access.json`, which holds the
SHA-256 of each token and never a token. A token carries 256 bits of chance, so a plain hash is enough: there is
nothing to guess. Sessions and tickets live in memory and end with the process.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Role = Literal["kiosk", "technician"]
ROLES: tuple[Role, ...] = ("kiosk", "technician")
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")


class AccessError(Exception):
    """An account cannot be made, found or trusted; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks."""

    name: str
    role: Role


class Access:
    """The accounts of `path`, read again whenever the file changes, and the sessions of this process.

    A file that another user owns or may write is refused with `AccessError`: its accounts could be anybody's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, Account] = {}
        self._offer: Path | None = None
        self._ticket: str | None = None
        self._refresh()

    def grant(self, name: str, role: Role) -> str:
        """Make an account and give its token, which cannot be shown again; a known name gets a new token."""
        if not _NAME.fullmatch(name):
            raise AccessError(
                "An account is named with up to 32 small letters, digits, dots, hyphens and underscores."
            )
        if role not in ROLES:
            raise AccessError(f"There is no role '{role}': give one of {', '.join(ROLES)}.")
        token = secrets.token_urlsafe(32)
        self._replace(name, {_digest(token): Account(name, role)})
        return token

    def revoke(self, name: str) -> None:
        """Take an account away, at once for every process that uses this file; raises `AccessError` if unknown."""
        self._refresh()
        if all(account.name != name for account in self._accounts.values()):
            raise AccessError("There is no account of this name: list the accounts to see theirs.")
        self._replace(name, {})

    def accounts(self) -> list[Account]:
        """Every account of the file, by name."""
        self._refresh()
        return sorted(self._accounts.values(), key=lambda account: account.name)

    def who(self, token: str) -> Account | None:
        """The account of a token, or None; as slow for a token that is nearly right as for any other."""
        self._refresh()
        asked, found = _digest(token), None
        for digest, account in (*self._accounts.items(), *self._sessions.items()):
            if hmac.compare_digest(digest, asked):
                found = account
        return found

    def session(self, name: str, role: Role) -> str:
        """A token that lives as long as this process and is written to no file here."""
        token = secrets.token_urlsafe(32)
        self._sessions[_digest(token)] = Account(name, role)
        return token

    def kiosk_ticket(self) -> str:
        """A launch ticket for the kiosk's browser, good for one exchange; it replaces an unused earlier one."""
        ticket = secrets.token_urlsafe(32)
        self._ticket = _digest(ticket)
        return ticket

    def offer(self, path: Path) -> None:
        """Keep a launch ticket in a file of this user alone, a new one after each exchange; raises `AccessError`."""
        self._offer = path
        write_private(path, self.kiosk_ticket() + "\n")

    def exchange(self, ticket: str) -> str | None:
        """The kiosk's session token for a launch ticket, or None if the ticket is unknown or was used."""
        if self._ticket is None or not hmac.compare_digest(self._ticket, _digest(ticket)):
            return None
        self._ticket = None
        if self._offer is not None:
            self.offer(self._offer)
        return self.session("kiosk", "kiosk")

    def _replace(self, name: str, new: Mapping[str, Account]) -> None:
        """Write the accounts anew with `new` in place of the account of this name."""
        self._refresh()
        others = {digest: account for digest, account in self._accounts.items() if account.name != name}
        entries = {a.name: {"role": a.role, "sha256": digest} for digest, a in (others | dict(new)).items()}
        write_private(self._path, json.dumps(entries, indent=1, sort_keys=True) + "\n")
        self._refresh()

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._accounts = None, {}
            return
        except OSError as error:
            raise AccessError(f"The accounts in {self._path} cannot be read: {error.strerror}.") from None
        seen = (status.st_ctime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise AccessError(f"Others may write {self._path}: make it yours alone (chmod 600), then try again.")
            self._accounts = _read(self._path)
            self._seen = seen


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


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, Account]:
    """Digest -> account."""
    try:
        entries = json.loads(path.read_bytes())
        accounts = {str(entry["sha256"]): Account(str(name), entry["role"]) for name, entry in entries.items()}
    except OSError as error:
        raise AccessError(f"The accounts in {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        accounts = {"": Account("", "kiosk")}
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) and a.role in ROLES for digest, a in accounts.items()):
        raise AccessError(f"The accounts in {path} are damaged: remove the file and grant each account anew.")
    return accounts
