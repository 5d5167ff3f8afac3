"""The pages of the cabin: read once into memory, named by the hash of their content, served to any browser.

They hold no data and ask for no token. A page is never kept by a browser; what it loads lies under the build's own
address and may be kept for ever, because a change of any file changes the address. A page of another build is told so
(410), and loads itself again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from aiohttp import web

from cabin_agent.web.problems import Problem
from cabin_agent.wording import LANGUAGES, catalogue

PAGES = ("kiosk", "nurse", "technician", "doctor")
FIRST = "/kiosk/"
STATIC = "/static/"
FOR_EVER = "public, max-age=31536000, immutable"

TYPES: Mapping[str, str] = {
    "bin": "application/octet-stream",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "wav": "audio/wav",
    "woff2": "font/woff2",
}
"""By the end of the name; a file that ends otherwise is not served."""
MEASURE = "measure.bin"
MEASURE_BYTES = 1 << 20
"""What a page loads to see how fast the way to the cabin is; no way can compress it."""
_BUILD = b"{build}"
_HEAD_END = b"</head>"
_IMPORT = re.compile(rb'^(?:import|export)\b[^"]*"(\.[^"]+\.js)";', re.MULTILINE)
_TEXTUAL = ("text/", "application/json", "image/svg")


class Pages:
    """The pages made of `contents` (path below the folder -> bytes); `build` is their hash."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.build = _hash(contents)
        self._static = {path: content for path, content in contents.items() if _ending(path) in TYPES}
        self._static[MEASURE] = os.urandom(MEASURE_BYTES)
        self._html = {name: self._filled(name, contents) for name in PAGES if f"{name}.html" in contents}

    def _filled(self, name: str, contents: Mapping[str, bytes]) -> bytes:
        """A page with its build, which asks at once for every module that it is going to need.

        A browser learns of a module's imports when it has the module: without this, each level is one way there and
        back.
        """
        modules = sorted(imported(f"js/{name}/main.js", contents))
        links = [f'<link rel="modulepreload" href="{STATIC}{{build}}/{path}">\n' for path in modules]
        page = contents[f"{name}.html"].replace(_HEAD_END, "".join(links).encode() + _HEAD_END)
        return page.replace(_BUILD, self.build.encode())

    def add_to(self, app: web.Application) -> None:
        """Give the application the addresses of the pages."""
        router = app.router
        router.add_get("/", _first)
        router.add_get("/favicon.ico", _nothing)
        router.add_get(f"{STATIC}{{build}}/{{path:.+}}", self._file)
        for name in PAGES:
            router.add_get(f"/{name}", _with_slash)
            router.add_get(f"/{name}/", self._page)

    async def _page(self, request: web.Request) -> web.Response:
        html = self._html.get(request.path.strip("/"))
        if html is None:
            raise Problem("unknown-route", "This cabin was installed without this page: install it again.")
        return web.Response(
            body=html, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"}
        )

    async def _file(self, request: web.Request) -> web.Response:
        if request.match_info["build"] != self.build:
            raise Problem("old-page", "This page is older than the cabin's software: load it again.")
        path = request.match_info["path"]
        content = self._static.get(path)
        if content is None:
            raise Problem("unknown-route", "No file of the pages is called so: load the page again.")
        kind = TYPES[_ending(path)]
        charset = "utf-8" if kind.startswith(_TEXTUAL) else None
        return web.Response(body=content, content_type=kind, charset=charset, headers={"Cache-Control": FOR_EVER})


@cache
def installed_pages() -> Pages:
    """The pages of this installation and the texts of every language; read once."""
    contents = dict(_tree(files("cabin_agent").joinpath("web", "pages")))
    for language in LANGUAGES:
        contents[f"texts/{language}.json"] = json.dumps(dict(catalogue(language)), ensure_ascii=False).encode()
    return Pages(contents)


def imported(path: str, contents: Mapping[str, bytes]) -> set[str]:
    """Every module that the module at `path` imports by a fixed name, and those that they import in turn."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        for name in _IMPORT.findall(contents.get(here, b"")):
            module = normpath(join(dirname(here), name.decode()))
            if module not in found:
                found.add(module)
                waiting.append(module)
    return found


def _tree(folder: Traversable, at: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file below a folder; none where the folder is missing."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _tree(entry, f"{at}{entry.name}/")
        else:
            yield f"{at}{entry.name}", entry.read_bytes()


def _hash(contents: Mapping[str, bytes]) -> str:
    """The same for the same files, whatever order they were read in."""
    whole = hashlib.sha256()
    for path in sorted(contents):
        whole.update(f"{path}\0{len(contents[path])}\0".encode())
        whole.update(contents[path])
    return whole.hexdigest()[:16]


def _ending(path: str) -> str:
    return path.rpartition(".")[2]


async def _first(_: web.Request) -> web.Response:
    raise web.HTTPFound(FIRST)


async def _with_slash(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"{request.path}/")


async def _nothing(_: web.Request) -> web.Response:
    """Browsers ask for this by themselves; a missing one would stand as an error in their log."""
    return web.Response(status=204)
