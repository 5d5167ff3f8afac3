"""How a browser signs in and out: the kiosk with its launch ticket, a person with name, code and role."""

from __future__ import annotations

from aiohttp import web

from cabin_agent.web.guard import API, KIOSK, NURSE, PEOPLE, TECHNICIAN, Access, cookie_of, named_role, token_of
from cabin_agent.web.messages import strangers_json, string
from cabin_agent.web.problems import Problem

PATH = f"{API}v1"
BESIDE = (NURSE, TECHNICIAN)
"""Roles whose sessions do not outlive a launch of the kiosk in their browser: they sign in on its screen too."""


class Sessions:
    """The handlers of sessions, over the keeper of accounts."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def launch(self, request: web.Request) -> web.Response:
        """A session cookie for the kiosk's single-use launch ticket; the staff's sessions in its browser end."""
        body = await strangers_json(request)
        ticket = string(body, "ticket", "A session is opened with a launch ticket: send {'ticket': '...'}.")
        token = self._access.exchange(ticket)
        if token is None:
            raise Problem("bad-ticket", "This launch ticket is unknown or already used: restart the kiosk.")
        response = _signed_in(KIOSK, token)
        for role in BESIDE:
            if cookie_of(role) in request.cookies:
                self._access.sign_out(request.cookies[cookie_of(role)])
                _forget(response, role)
        return response

    async def sign_in(self, request: web.Request) -> web.Response:
        """A session cookie for a person."""
        body = await strangers_json(request)
        wanted = "Sign in with name, code and role: send {'name': '...', 'code': '...', 'role': '...'}."
        name, code, role = (string(body, key, wanted) for key in ("name", "code", "role"))
        if role not in PEOPLE:
            raise Problem("bad-value", f"A person signs in as one of: {', '.join(sorted(PEOPLE))}.")
        return _signed_in(role, await self._access.sign_in(name, code, role))

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session that the request names; the same answer where there is none."""
        self._access.sign_out(token_of(request))
        response = web.Response(status=204)
        role = named_role(request)
        if role is not None:
            _forget(response, role)
        return response


def _signed_in(role: str, token: str) -> web.Response:
    response = web.Response(status=204)
    response.set_cookie(cookie_of(role), token, path=PATH, httponly=True, samesite="Strict")
    return response


def _forget(response: web.Response, role: str) -> None:
    response.del_cookie(cookie_of(role), path=PATH, httponly=True, samesite="Strict")
