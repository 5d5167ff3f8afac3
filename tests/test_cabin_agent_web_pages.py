"""The pages: what is served where, for how long it may be kept, and what an old page is told."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cabin_agent.web import make_app
from cabin_agent.web.pages import FOR_EVER, PAGES, Pages, imported, installed_pages
from cabin_agent.wording import LANGUAGES, catalogue
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
PROBLEM = CONTRACT["components"]["schemas"]["Problem"]
HTML = '<meta name="cabin-build" content="{build}"><script type="module" src="/static/{build}/js/a.js"></script>'
CONTENTS = {
    "kiosk.html": HTML.encode(),
    "style.css": b"a {}",
    "js/a.js": 'export const word = "été";'.encode(),
    "js/kiosk/b.js": b"",
    "drawings/arm.svg": b"<svg/>",
    "notes.txt": b"not served",
    "js/a.js~": b"not served",
    "texts/fr.json": b"{}",
}


@pytest.fixture
def pages() -> Pages:
    return Pages(CONTENTS)


@pytest.fixture
async def client(pages: Pages) -> AsyncIterator[Client]:
    app = make_app(FakeFace(), FakeAccess(), frozenset({"127.0.0.1"}), pages=pages)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_root_leads_to_the_kiosk(client: Client) -> None:
    for asked in ("/", "/kiosk", "/kiosk/"):
        response = await client.get(asked)
        assert (response.status, response.url.path) == (200, "/kiosk/")


async def test_a_page_names_its_build_and_is_never_kept(client: Client, pages: Pages) -> None:
    response = await client.get("/kiosk/")
    assert response.content_type == "text/html"
    assert response.charset == "utf-8"
    assert await response.text() == HTML.replace("{build}", pages.build)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "kind", "charset"),
    [
        ("style.css", "text/css", "utf-8"),
        ("js/a.js", "text/javascript", "utf-8"),
        ("js/kiosk/b.js", "text/javascript", "utf-8"),
        ("drawings/arm.svg", "image/svg+xml", "utf-8"),
        ("texts/fr.json", "application/json", "utf-8"),
    ],
)
async def test_what_a_page_loads_may_be_kept_for_ever(
    client: Client, pages: Pages, path: str, kind: str, charset: str
) -> None:
    response = await client.get(f"/static/{pages.build}/{path}")
    assert (response.status, response.content_type, response.charset) == (200, kind, charset)
    assert await response.read() == CONTENTS[path]
    assert response.headers["Cache-Control"] == FOR_EVER
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_another_build_is_told_that_it_is_old(client: Client) -> None:
    response = await client.get("/static/0123456789abcdef/js/a.js")
    told = await response.json(content_type=None)
    assert problems_of(told, PROBLEM) == []
    assert (response.status, told["code"], response.headers["Cache-Control"]) == (410, "old-page", "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt", "js/a.js~", "js/none.js", "js/", "kiosk.html", "../pages.py", "..%2fpages.py",
        "%2e%2e/%2e%2e/app.py", "js/..%2f..%2f..%2fapp.py", "/etc/passwd", "%00",
    ],
)  # fmt: skip
async def test_nothing_else_is_served(client: Client, pages: Pages, path: str) -> None:
    response = await client.get(URL(f"/static/{pages.build}/{path}", encoded=True))
    assert response.status in (404, 410)
    assert "not served" not in await response.text()


async def test_a_page_that_is_not_installed_breaks_nothing(client: Client) -> None:
    assert (await client.get("/doctor/")).status == 404
    assert (await client.get("/kiosk/")).status == 200


async def test_a_strange_host_gets_no_page(client: Client) -> None:
    assert (await client.get("/kiosk/", headers={"Host": "evil.example"})).status == 403


async def test_a_browser_that_asks_for_an_icon_finds_no_fault(client: Client) -> None:
    assert (await client.get("/favicon.ico")).status == 204


def test_a_page_asks_at_once_for_every_module_that_it_needs() -> None:
    modules = {
        "js/kiosk/main.js": b'import { a } from "../a.js";\nimport {\n  b,\n} from "./b.js";\nconst no = "./c.js";\n',
        "js/a.js": b'export { x } from "./deep/x.js";\nimport "./kiosk/b.js";\n',
        "js/kiosk/b.js": b'import { a } from "../a.js";\n',
        "js/deep/x.js": b"export const x = 1;\n",
        "js/unused.js": b"",
    }
    wanted = {"js/a.js", "js/kiosk/b.js", "js/deep/x.js"}
    assert imported("js/kiosk/main.js", modules) == wanted
    built = Pages({**modules, "kiosk.html": b"<head></head>"})
    page = built._html["kiosk"].decode()
    assert re.findall(r'modulepreload" href="/static/([^/]+)/([^"]+)"', page) == [
        (built.build, path) for path in sorted(wanted)
    ]


def test_the_build_is_that_of_the_content() -> None:
    assert Pages(CONTENTS).build == Pages(dict(reversed(CONTENTS.items()))).build
    assert len(Pages(CONTENTS).build) == 16


@given(path=st.sampled_from(sorted(CONTENTS)), more=st.binary(min_size=1, max_size=8))
def test_a_change_of_any_file_changes_the_build(path: str, more: bytes) -> None:
    assert Pages({**CONTENTS, path: CONTENTS[path] + more}).build != Pages(CONTENTS).build


def test_content_does_not_pass_for_another_files() -> None:
    assert Pages({"a": b"b", "c": b""}).build != Pages({"a": b"", "c": b"b"}).build
    assert Pages({"ab": b""}).build != Pages({"a": b"b"}).build


async def test_the_installed_pages_and_every_text_are_served() -> None:
    build = installed_pages().build
    app = make_app(FakeFace(), FakeAccess(), frozenset({"127.0.0.1"}))
    async with TestClient(TestServer(app)) as client:
        for name in PAGES:
            page = await (await client.get(f"/{name}/")).text()
            assert f'name="cabin-build" content="{build}"' in page
            assert "{build}" not in page
            preloaded = re.findall(r'modulepreload" href="([^"]+)"', page)
            assert len(preloaded) > 5
            assert {(await client.get(path)).status for path in preloaded} == {200}
        for language in LANGUAGES:
            response = await client.get(f"/static/{build}/texts/{language}.json")
            assert await response.json() == dict(catalogue(language))
        status = await client.get("/api/v1/status", headers={"Authorization": "Bearer nurse"})
        assert (await status.json())["build"] == build
