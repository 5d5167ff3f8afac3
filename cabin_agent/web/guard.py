"""Who may ask what: Host, Origin, token and role of every request, the WebSocket handshake included.

The loopback address is no proof of anything: every page open in a browser on this machine can reach it. `Host` stops
DNS rebinding, `Origin` stops requests and WebSockets of other sites, the token says who asks, and the route's table
says which role may. What lies outside `/api/` (the pages, which hold no data) needs no token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from cabin_agent.web.problems import Handler, Problem

API = "/api/"
ROLE_HEADER = "Cabin-Role"
ROLE_QUERY = "as"

KIOSK = "kiosk"
NURSE = "nurse"
TECHNICIAN = "technician"
DOCTOR = "doctor"
PEOPLE = frozenset({NURSE, TECHNICIAN, DOCTOR})
"""Roles to which a person signs in."""
EVERYONE = PEOPLE | {KIOSK}
ANYONE: frozenset[str] = frozenset()
"""No token needed."""

Roles = Mapping[tuple[str, str], frozenset[str]]
"""(method, path pattern) -> the roles that may ask."""


class Account(Protocol):
    """Who asks."""

    @property
    def name(self) -> str:
        """The account's name."""
        ...

    @property
    def role(self) -> str:
        """One of `EVERYONE`."""
        ...


_ACCOUNT: web.RequestKey[Account] = web.RequestKey("account", Account)


class Access(Protocol):
    """The keeper of tokens and launch tickets (`cabin_agent.access`)."""

    def who(self, token: str) -> Account | None:
        """The account of a token, or None."""
        ...

    def exchange(self, ticket: str) -> str | None:
        """The session token for a single-use launch ticket, or None."""
        ...

    async def sign_in(self, name: str, code: str, role: str) -> str:
        """The session token of a person; raises `Refusal` "wrong-code" or "locked"."""
        ...

    def sign_out(self, token: str) -> None:
        """End one session of a person."""
        ...


def guard(access: Access, allowed_hosts: frozenset[str], roles: Roles) -> Middleware:
    """The middleware. An entry of `allowed_hosts` is a name ("localhost") or a name and port ("localhost:8080")."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_host(request, allowed_hosts)
        _check_origin(request)
        needed = ANYONE if request.match_info.http_exception is not None else _needed(request, roles)
        if needed:
            request[_ACCOUNT] = _account(request, access, needed)
        return await handler(request)

    return check


def account_of(request: web.Request) -> Account:
    """The account that the guard let pass; only for routes that need one."""
    return request[_ACCOUNT]


def token_of(request: web.Request) -> str:
    """The token of a request: the bearer's if there is an Authorization header, else that of the session it means.

    A browser may hold a session of each role: the request names one, in a header or, where a page cannot set headers,
    in the query. One that names none means the only session that there is.
    """
    if "Authorization" in request.headers:
        return bearer_of(request)
    role = named_role(request)
    held = [request.cookies[cookie_of(each)] for each in sorted(EVERYONE) if cookie_of(each) in request.cookies]
    if role is None:
        return held[0] if len(held) == 1 else ""
    return request.cookies.get(cookie_of(role), "")


def bearer_of(request: web.Request) -> str:
    """The token of the Authorization header, or ""."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def named_role(request: web.Request) -> str | None:
    """The role that a request says it speaks for; None where it says none that exists."""
    role = request.headers.get(ROLE_HEADER) or request.query.get(ROLE_QUERY)
    return role if role in EVERYONE else None


def cookie_of(role: str) -> str:
    """The name of a role's session cookie."""
    return f"cabin_{role}"


def _check_host(request: web.Request, allowed: frozenset[str]) -> None:
    host = request.headers.get("Host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if host not in allowed and name not in allowed:
        raise Problem("bad-host", "The cabin does not answer to this host name: use the address that it was given.")


def _check_origin(request: web.Request) -> None:
    """A page of ours comes from the scheme, name and port that it asks; any other, "null" too, is a stranger."""
    origins = request.headers.getall("Origin", [])
    strange = any(origin.lower() != f"{request.scheme}://{request.headers['Host'].lower()}" for origin in origins)
    # A browser sends no Origin with a plain GET; what it says of itself instead (Fetch Metadata) no page can change.
    fetched_by = request.headers.get("Sec-Fetch-Site", "same-origin")
    if strange or (request.path.startswith(API) and fetched_by not in ("same-origin", "none")):
        raise Problem("bad-origin", "Pages of other sites may not speak to the cabin: open the cabin's own page.")


def _needed(request: web.Request, roles: Roles) -> frozenset[str]:
    """Roles of the route; a route under /api/ that no one gave a role is nobody's."""
    resource = request.match_info.route.resource
    pattern = resource.canonical if resource is not None else request.path
    if not pattern.startswith(API):
        return ANYONE
    if (request.method, pattern) not in roles:
        raise Problem("forbidden", "This address is open to no role: declare it in the table of routes.")
    return roles[request.method, pattern]


def _account(request: web.Request, access: Access, needed: frozenset[str]) -> Account:
    token = token_of(request)
    if not token:
        raise Problem(
            "no-token", "Send a token: 'Authorization: Bearer ...', or sign in and say with which role you ask."
        )
    account = access.who(token)
    if account is None:
        raise Problem("bad-token", "This token is unknown or has expired: ask for another one.")
    if account.role not in needed:
        raise Problem("forbidden", f"The role '{account.role}' may not do this: {_who(needed)} may.")
    return account


def _who(roles: frozenset[str]) -> str:
    return " or ".join(f"'{role}'" for role in sorted(roles))
