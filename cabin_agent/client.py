"""A client of the core's local API, for the command line: every method is one route of `docs/api.yaml`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self

import aiohttp

from cabin_agent.face import Json

ANSWER_S = 10.0
SILENCE_S = 30.0
"""A stream that says nothing for so long is dead: the core sends a heartbeat every few seconds."""


class CoreError(Exception):
    """The core could not be asked, or refused; the text is one sentence, `code` the problem's code or ""."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class CoreClient:
    """The core at `url` ("http://127.0.0.1:8080"), asked with `token`; an async context manager.

    Every method raises `CoreError`.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def status(self) -> Json:
        """Version, readiness, simulated or not, and the delivery."""
        return await self._ask("GET", "status")

    async def visit(self) -> Json:
        """Where the visit stands."""
        return await self._ask("GET", "visit")

    async def tell(self, event: str, **fields: Any) -> Json:
        """One event of the visit; the visit after it."""
        return await self._ask("POST", "visit/events", {"event": event, **fields})

    async def results(self) -> Json:
        """The outcomes of the open visit."""
        return await self._ask("GET", "visit/results")

    async def cabin(self) -> Json:
        """The cabin without its person."""
        return await self._ask("GET", "cabin")

    async def instruments(self) -> list[Json]:
        """Every instrument and its state."""
        return _list(await self._ask("GET", "instruments"), "instruments")

    async def command(self, instrument: str, verb: str) -> Json:
        """Start or stop one instrument."""
        return await self._ask("POST", f"instruments/{_segment(instrument)}/{_segment(verb)}")

    async def deliveries(self, limit: int = 50) -> list[Json]:
        """What was handed to the record, newest first."""
        return _list(await self._ask("GET", f"deliveries?limit={limit}"), "deliveries")

    async def requeue(self, mid: str) -> Json:
        """Send a result again that the record refused; the delivery after it."""
        return await self._ask("POST", f"deliveries/{_segment(mid)}/requeue")

    async def stream(self, waves: bool = False) -> AsyncGenerator[Json | bytes]:
        """Events and, with `waves`, frames for `cabin_agent.frames.decode_frame`; ends when the core stops."""
        try:
            async with self._session().ws_connect(
                self._address(f"stream?waves={int(waves)}"), heartbeat=10.0
            ) as socket:
                while True:
                    message = await socket.receive(timeout=SILENCE_S)
                    if message.type is aiohttp.WSMsgType.BINARY:
                        yield message.data
                    elif message.type is aiohttp.WSMsgType.TEXT:
                        yield json.loads(message.data)
                    else:
                        break
            _check_end(socket.close_code)
        except aiohttp.WSServerHandshakeError as error:
            raise CoreError(_REFUSED.get(error.status, _UNEXPECTED)) from None
        except TimeoutError:
            raise CoreError("The core fell silent: look at its log, then try again.") from None
        except (aiohttp.ClientError, OSError):
            raise CoreError(self._unreachable()) from None

    async def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        try:
            async with self._session().request(method, self._address(path), json=body) as response:
                answer = await response.json(content_type=None)
                status = response.status
        except TimeoutError:
            raise CoreError("The core did not answer in time: look at its log, then try again.") from None
        except (aiohttp.ClientError, OSError):
            raise CoreError(self._unreachable()) from None
        except ValueError:
            raise CoreError(_UNEXPECTED) from None
        if not isinstance(answer, dict):
            raise CoreError(_UNEXPECTED)
        if status >= 400:
            raise CoreError(str(answer.get("detail", _UNEXPECTED)), str(answer.get("code", "")))
        return answer

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("use CoreClient as 'async with CoreClient(url, token) as core'")
        return self._http

    def _address(self, path: str) -> str:
        return f"{self._url}/api/v1/{path}"

    def _unreachable(self) -> str:
        return f"No core answers at {self._url}: start it with 'cabin run'."


_UNEXPECTED = "The answer is not one of a cabin's core: check the address."
_REFUSED = {
    401: "The core refused the token: ask for another one.",
    403: "The core refused: this role may not follow this stream.",
    503: "Too many streams are open: close one, then try again.",
}


def _check_end(code: int | None) -> None:
    """A stream that the core ended on purpose, because it goes down or the reader left, is a good end."""
    if code == aiohttp.WSCloseCode.POLICY_VIOLATION:
        raise CoreError("The core ended the stream: the token is no longer valid.")
    if code not in (aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY):
        raise CoreError("The stream broke off: look at the core's log, then try again.")


def _list(answer: Json, key: str) -> list[Json]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise CoreError(_UNEXPECTED)
    return found


def _segment(name: str) -> str:
    """One segment of a path; a name with a slash would be another address."""
    if not name or not all(c.isalnum() or c in "-_" for c in name):
        raise CoreError("A name has letters, digits, '-' and '_' only: 'cabin devices' lists the instruments.")
    return name
