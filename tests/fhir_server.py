"""A little FHIR server on a port of this machine: transactions, conditional creates, and all that goes wrong."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]
Fault = Callable[[BaseHTTPRequestHandler], bool]
"""What goes wrong with one request; True where it was answered by that."""


class FhirServer:
    """Holds resources; `faults` are used up one by one, then everything is in order."""

    def __init__(self) -> None:
        self.resources: list[Json] = []
        self.faults: list[Fault] = []
        self.drop_after_commit = 0
        self.seen: list[dict[str, str]] = []
        """Headers of each request."""
        self.changed = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/fhir"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def wait(self, condition: Callable[[], bool], timeout: float = 60.0) -> None:
        """Wait until a request has made `condition` true."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout), (len(self.resources), len(self.seen))

    def commit(self, bundle: Json) -> list[str]:
        """One transaction; the status of each entry."""
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
        statuses = []
        for entry in bundle["entry"]:
            request = entry["request"]
            assert request["method"] == "POST"
            if self._finds(request["url"], request["ifNoneExist"]):
                statuses.append("200 OK")
            else:
                self.resources.append(entry["resource"])
                statuses.append("201 Created")
        return statuses

    def _finds(self, kind: str, search: str) -> bool:
        name, _, token = search.partition("=")
        system, value = (re.sub(r"\\(.)", r"\1", unquote(each)) for each in token.split("|"))
        found = [each for each in self.resources if each["resourceType"] == kind]
        if name == "_tag":
            tags = [tag for each in found for tag in each.get("meta", {}).get("tag", [])]
            return {"system": system, "code": value} in tags
        assert name == "identifier"
        held = [each.get("identifier", []) for each in found]
        listed = [one for each in held for one in ([each] if isinstance(each, dict) else each)]
        return any((one.get("system"), one.get("value")) == (system, value) for one in listed)


def _handler(server: FhirServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with server.changed:
                server.seen.append({**dict(self.headers.items()), "path": self.path})
                fault = server.faults.pop(0) if server.faults else None
                server.changed.notify_all()
            if fault is not None and fault(self):
                return
            with server.changed:
                server.commit(json.loads(body))
                drop = server.drop_after_commit > 0
                server.drop_after_commit -= drop
                server.changed.notify_all()
            if drop:
                cut(self)
            else:
                answer(200)(self)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler


def answer(status: int, **headers: str) -> Fault:
    """Answer with a status and nothing else."""

    def say(request: BaseHTTPRequestHandler) -> bool:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return True

    return say


def cut(request: BaseHTTPRequestHandler) -> bool:
    """End the connection without a word."""
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)
    return True


def cut_in_the_head(request: BaseHTTPRequestHandler) -> bool:
    """A status that says yes, and the end of the connection before the head has ended."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nDate: to")
    return cut(request)


def noise(request: BaseHTTPRequestHandler) -> bool:
    """What is no HTTP."""
    request.wfile.write(b"\0\1\2 what\r\n\r\n")
    request.close_connection = True
    return True


def hang(ended: threading.Event) -> Fault:
    """Say nothing until the other end gives up, which `ended` tells."""

    def wait(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        request.connection.settimeout(60)
        request.connection.recv(1)
        ended.set()
        return True

    return wait


def drip(ended: threading.Event) -> Fault:
    """Begin an answer that never ends, a byte at a time."""

    def trickle(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.05):
                request.wfile.write(b"x")
        except OSError:
            ended.set()
        return True

    return trickle
