"""The doctor's way into a call: a token of the core, then one offer and its answer as WHEP shapes them.

WHEP (draft-ietf-wish-whep): `POST` of an SDP offer, `201` with the answer and the session's address, `DELETE` of that
address. The offer is authorised by the single-use token alone; it is passed on unread.
"""

from __future__ import annotations

from aiohttp import web

from cabin_agent.face import Face
from cabin_agent.web.guard import API, account_of, bearer_of
from cabin_agent.web.messages import MOST_BODY, answer, json_body, strangers_body
from cabin_agent.web.problems import Problem
from cabin_agent.wording import LANGUAGES

SDP = "application/sdp"
RESOURCE = f"{API}v1/whep"


class Calls:
    """The handlers of a consultation, over the core's face; `build` is that of the pages that belong to it."""

    def __init__(self, face: Face, build: str) -> None:
        self._face, self._build = face, build

    async def consultation(self, request: web.Request) -> web.Response:
        """Whether somebody waits, and whose the consultation is."""
        return answer({**self._face.consultation(account_of(request).name), "build": self._build})

    async def end(self, request: web.Request) -> web.Response:
        """End the consultation for both sides: the way that is left where there is no call to say it over."""
        await self._face.end(account_of(request).name)
        return answer({"ok": True})

    async def token(self, request: web.Request) -> web.Response:
        """A single-use token for one offer."""
        language = (await json_body(request)).get("language", "fr")
        if language not in LANGUAGES:
            raise Problem("bad-value", f"The language is one of: {', '.join(LANGUAGES)}.")
        return answer(await self._face.join(account_of(request).name, language))

    async def offer(self, request: web.Request) -> web.Response:
        """Redeem the token: the answer to the browser's offer, and the address that ends the call."""
        token = bearer_of(request)
        if not token:
            raise Problem("no-token", "A call needs the token of its consultation: send 'Authorization: Bearer ...'.")
        session, sdp = await self._face.offer(token, await _sdp(request))
        headers = {"Location": f"{RESOURCE}/{session}"}
        return web.Response(status=201, text=sdp, content_type=SDP, headers=headers)

    async def hang_up(self, request: web.Request) -> web.Response:
        """End one call; the consultation goes on."""
        await self._face.hang_up(account_of(request).name, request.match_info["session"])
        return web.Response(status=204)


async def _sdp(request: web.Request) -> str:
    """A body that at least begins as a session description (RFC 8866, section 5.1)."""
    if request.content_type != SDP:
        raise Problem("bad-offer", f"An offer is sent as {SDP}: set the Content-Type.")
    try:
        sdp = (await strangers_body(request, MOST_BODY)).decode("utf-8")
    except UnicodeDecodeError:
        sdp = ""
    if not sdp.startswith(("v=0\r\n", "v=0\n")) or "\0" in sdp:
        raise Problem("bad-offer", "This is no offer of a browser: load the page again.")
    return sdp
