"""Who may use the local API: tokens and sign-in codes of named accounts, and the kiosk's launch ticket.

Four roles: "kiosk" leads a visit, "nurse" looks after people and cleaning, "technician" after the cabin, "doctor"
leads a consultation. Accounts live in `access.json`, which holds the SHA-256 of each token, for programs, and the
scrypt hash of each code, for people (`codes`); never a token or a code. A token carries 256 bits of chance, so a
plain hash is enough: there is nothing to guess. Sessions of browsers outlive the process (`sessions`), launch tickets
end with it.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from cabin_agent.codes import HASH, NOBODYS, hashed, new_code
from cabin_agent.face import Refusal
from cabin_agent.private_file import AccessError, write_private
from cabin_agent.sessions import Role, Session, Sessions, digest_of
from cabin_agent.sign_in import Claim, SignIn

__all__ = ["PEOPLE", "ROLES", "Access", "AccessError", "Account", "Granted", "Role", "make_accounts"]

ROLES: tuple[Role, ...] = ("kiosk", "nurse", "technician", "doctor")
PEOPLE: tuple[Role, ...] = ("technician", "nurse", "doctor")
"""Roles that a person signs in to."""
SESSION_S = 12 * 3600.0
"""Real seconds after which a person signs in again: one working day."""
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Granted:
    """The secrets of a new account, which cannot be shown again."""

    token: str = field(repr=False)
    """For a program: `Authorization: Bearer ...`."""
    code: str = field(repr=False)
    """Ten digits, for the person."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One account of the file: `code` is the hash of its code, "" where it has none."""

    account: Account
    code: str


class Access:
    """The accounts of `path`, read again whenever the file changes, and the sessions of this process.

    A file that another user owns or may write is refused with `AccessError`: its accounts could be anybody's.
    """

    def __init__(self, path: Path, gate: SignIn | None = None) -> None:
        self._path = path
        self._gate = gate or SignIn()
        self._seen: tuple[int, int, int] | None = None
        self._entries: dict[str, _Entry] = {}
        self._sessions = Sessions(path.with_name("sessions.json"))
        self.on_leave: Callable[[str, Role], None] = lambda _name, _role: None
        """Told the name and role of a person who signed out and has no other session open."""
        self.on_sign_in: Callable[[Role, bool], None] = lambda _role, _admitted: None
        """Told the role that somebody signed in to, or was refused."""
        self.on_change: Callable[[int], None] = lambda _count: None
        """Told how many accounts there are, when the file was changed while this process ran."""
        self._offer: Path | None = None
        self._ticket: str | None = None
        self._refresh()

    def grant(self, name: str, role: Role) -> Granted:
        """Make an account; a known name gets a new token, a new code and this role, and is signed out."""
        if not _NAME.fullmatch(name):
            raise AccessError(
                "An account is named with up to 32 small letters, digits, dots, hyphens and underscores."
            )
        if role not in ROLES:
            raise AccessError(f"There is no role '{role}': give one of {', '.join(ROLES)}.")
        granted = Granted(secrets.token_urlsafe(32), new_code())
        self._replace(name, {digest_of(granted.token): _Entry(Account(name, role), hashed(granted.code))})
        return granted

    def revoke(self, name: str) -> None:
        """Take an account away, at once for every process that uses this file; raises `AccessError` if unknown."""
        self._refresh()
        if all(account.name != name for account in self.accounts()):
            raise AccessError("There is no account of this name: list the accounts to see theirs.")
        self._replace(name, {})

    def accounts(self) -> list[Account]:
        """Every account of the file, by name."""
        self._refresh()
        return sorted((entry.account for entry in self._entries.values()), key=lambda account: account.name)

    def who(self, token: str) -> Account | None:
        """The account of a token, or None; as slow for a token that is nearly right as for any other."""
        self._refresh()
        asked, found = digest_of(token), None
        for digest, entry in self._entries.items():
            if hmac.compare_digest(digest, asked):
                found = entry.account
        session = self._sessions.of(token)
        # A person's session ends with the account as it was when the person signed in.
        if session is not None and (not session.behind or session.behind in self._entries):
            found = Account(session.name, session.role)
        return found

    def session(self, name: str, role: Role) -> str:
        """A token that lives as long as this process and is written to no file here."""
        return self._sessions.open(Session(name, role, kept=False))

    async def sign_in(self, name: str, code: str, role: str) -> str:
        """The session token of a person with this name, code and role, for `SESSION_S`.

        Raises `Refusal` "wrong-code" or "locked", after the same time for a name that does not exist.
        """
        self._refresh()
        digest, entry = self._person(name, role)
        try:
            await self._gate.check(Claim(name, code), entry.code)
        except Refusal:
            self.on_sign_in(cast(Role, role), False)
            raise
        self.on_sign_in(entry.account.role, True)
        return self._sessions.open(Session(name, entry.account.role, digest, time.time() + SESSION_S))

    def _person(self, name: str, role: str) -> tuple[str, _Entry]:
        """The account with this name and role; where there is none, one whose code nobody knows."""
        for digest, entry in self._entries.items():
            if (entry.account.name, entry.account.role) == (name, role) and role in PEOPLE and entry.code:
                return digest, entry
        return "", _Entry(Account(name, "kiosk"), NOBODYS)

    def sign_out(self, token: str) -> None:
        """End one session of a person; any other token is left as it is."""
        session = self._sessions.of(token)
        self._sessions.end(token)
        if session is not None and session.behind and not self._sessions.another(session):
            self.on_leave(session.name, session.role)

    def mark(self, name: str, role: Role) -> str | None:
        """What tells the account of this name and role from one that is made anew; None where there is none."""
        self._refresh()
        return next((mark for mark, entry in self._entries.items() if entry.account == Account(name, role)), None)

    def kiosk_ticket(self) -> str:
        """A launch ticket for the kiosk's browser, good for one exchange; it replaces an unused earlier one."""
        ticket = secrets.token_urlsafe(32)
        self._ticket = digest_of(ticket)
        return ticket

    def offer(self, path: Path) -> None:
        """Keep a launch ticket in a file of this user alone, a new one after each exchange; raises `AccessError`."""
        self._offer = path
        write_private(path, self.kiosk_ticket() + "\n")

    def exchange(self, ticket: str) -> str | None:
        """The kiosk's session token for a launch ticket, or None if the ticket is unknown or was used."""
        if self._ticket is None or not hmac.compare_digest(self._ticket, digest_of(ticket)):
            return None
        self._ticket = None
        if self._offer is not None:
            self.offer(self._offer)
        self.on_sign_in("kiosk", True)
        return self._sessions.open(Session("kiosk", "kiosk"))

    def _replace(self, name: str, new: Mapping[str, _Entry]) -> None:
        """Write the accounts anew with `new` in place of the account of this name."""
        self._refresh()
        others = {digest: entry for digest, entry in self._entries.items() if entry.account.name != name}
        written = {e.account.name: _written(digest, e) for digest, e in (others | dict(new)).items()}
        write_private(self._path, json.dumps(written, indent=1, sort_keys=True) + "\n")
        self._refresh()

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._entries = None, {}
            return
        except OSError as error:
            raise AccessError(f"The accounts in {self._path} cannot be read: {error.strerror}.") from None
        seen = (status.st_ctime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise AccessError(f"Others may write {self._path}: make it yours alone (chmod 600), then try again.")
            self._entries, first = _read(self._path), self._seen is None
            self._seen = seen
            if not first:
                self.on_change(len(self._entries))


def make_accounts(state_dir: Path, wanted: Mapping[str, Role]) -> dict[str, str]:
    """Make the accounts `wanted` (name -> role) in the folder of a core that may not run yet; name -> code.

    Raises `AccessError`.
    """
    access = Access(state_dir / "access.json")
    return {name: access.grant(name, role).code for name, role in wanted.items()}


def _written(digest: str, entry: _Entry) -> dict[str, str]:
    code = {"code": entry.code} if entry.code else {}
    return {"role": entry.account.role, "sha256": digest, **code}


def _read(path: Path) -> dict[str, _Entry]:
    """Digest -> account; an account of an earlier version has no code."""
    try:
        written = json.loads(path.read_bytes())
        entries = {
            str(each["sha256"]): _Entry(Account(str(name), each["role"]), str(each.get("code", "")))
            for name, each in written.items()
        }
    except OSError as error:
        raise AccessError(f"The accounts in {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        entries = {"": _Entry(Account("", "kiosk"), "")}
    if not all(_sound(digest, entry) for digest, entry in entries.items()):
        raise AccessError(f"The accounts in {path} are damaged: remove the file and grant each account anew.")
    return entries


def _sound(digest: str, entry: _Entry) -> bool:
    code = not entry.code or HASH.fullmatch(entry.code) is not None
    return code and entry.account.role in ROLES and re.fullmatch(r"[0-9a-f]{64}", digest) is not None
