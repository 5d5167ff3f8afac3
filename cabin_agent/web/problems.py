"""Every error of the local API as `application/problem+json` (RFC 9457), with a stable code and one sentence.

A problem says what is wrong with the request, never what the request or the visit contained. An unexpected exception
is logged by its type and place alone, because its text may hold a measured value.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from cabin_agent.face import Refusal

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "application/problem+json"

KINDS: Mapping[str, tuple[int, str, str]] = {
    "malformed": (400, "Malformed request", "Requête mal formée"),
    "no-token": (401, "Not signed in", "Non identifié"),
    "bad-token": (401, "Sign-in refused", "Identification refusée"),
    "bad-ticket": (401, "Launch ticket refused", "Ticket de lancement refusé"),
    "wrong-code": (401, "Wrong name or code", "Nom ou code incorrect"),
    "bad-host": (403, "Wrong host name", "Nom d'hôte refusé"),
    "bad-origin": (403, "Wrong origin", "Origine refusée"),
    "forbidden": (403, "Not allowed for this role", "Interdit à ce rôle"),
    "unknown-route": (404, "No such address", "Adresse inconnue"),
    "unknown-instrument": (404, "No such instrument", "Instrument inconnu"),
    "bad-method": (405, "Method not allowed", "Méthode refusée"),
    "slow-request": (408, "Request too slow", "Requête trop lente"),
    "not-now": (409, "Not possible now", "Impossible maintenant"),
    "busy": (409, "Busy", "Occupé"),
    "not-ready": (409, "Not ready", "Pas encore prêt"),
    "taken": (409, "Another doctor is there", "Un autre médecin est là"),
    "old-page": (410, "Old page", "Page dépassée"),
    "too-large": (413, "Request too large", "Requête trop grande"),
    "not-json": (415, "Not JSON", "Pas du JSON"),
    "bad-value": (422, "Unacceptable value", "Valeur refusée"),
    "unknown-event": (422, "Unknown event", "Évènement inconnu"),
    "bad-offer": (422, "Call refused", "Appel refusé"),
    "not-websocket": (426, "WebSocket expected", "WebSocket attendu"),
    "locked": (429, "Too many wrong codes", "Trop de codes faux"),
    "internal": (500, "Internal error", "Erreur interne"),
    "no-voice": (501, "No voice", "Pas de voix"),
    "media-down": (503, "No picture and sound now", "Ni image ni son pour l'instant"),
    "crowded": (503, "Too many at once", "Trop de demandes à la fois"),
    "too-many-streams": (503, "Too many streams", "Trop de flux ouverts"),
}
"""Code -> HTTP status, English title, French title."""

_OF_SERVER: Mapping[int, tuple[str, str]] = {
    404: ("unknown-route", "There is nothing at this address; docs/api.yaml lists what there is."),
    405: ("bad-method", "This address does not know this method; docs/api.yaml lists what it knows."),
    413: ("too-large", "The request is larger than 64 kB: send less."),
}


class Problem(Exception):
    """A request that the API refuses by itself; `code` is a key of `KINDS`, the text is one sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def problem_response(code: str, sentence: str) -> web.Response:
    """The answer for this code; a code that is not in `KINDS` is answered as 409."""
    status, title, title_fr = KINDS.get(code, KINDS["not-now"])
    body = {
        "type": f"urn:cabin:problem:{code}",
        "code": code,
        "status": status,
        "title": title,
        "title_fr": title_fr,
        "detail": sentence,
    }
    response = web.Response(status=status, text=json.dumps(body, ensure_ascii=False), content_type=CONTENT_TYPE)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 426:
        response.headers["Upgrade"] = "websocket"
    return response


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem; redirections pass."""
    try:
        return await handler(request)
    except (Problem, Refusal) as problem:
        return problem_response(problem.code, str(problem))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of_server(error)
    except Exception as error:
        log.error("%s %s failed: %s", request.method, _place(request), where(error))
        return problem_response(
            "internal", "The cabin failed to answer: see the journal of the core, then try again."
        )


def where(error: BaseException) -> str:
    """Type and place of an exception, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{last}"


def _of_server(error: web.HTTPException) -> web.Response:
    code, sentence = _OF_SERVER.get(error.status, ("malformed", "The request is malformed: see docs/api.yaml."))
    response = problem_response(code, sentence)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _place(request: web.Request) -> str:
    """The route's pattern, never the address that was asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(no route)"
