"""Fixtures for all tests: where the real recordings and the makers' byte vectors are."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser

from tests.browser import ONE_LOOP, Screens, chromium, connected, screens_of
from tests.postgres import Postgres
from tests.retry import pytest_runtest_protocol as pytest_runtest_protocol
from tests.retry import pytest_terminal_summary as pytest_terminal_summary

ROOT = Path(__file__).resolve().parent.parent


settings.register_profile("quick", max_examples=20)
settings.register_profile("every-push", max_examples=30)
settings.register_profile("long", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "every-push"))


def data_folder() -> Path:
    """The folder of real recordings: CABIN_DATA, else ../shared/data beside the checkout."""
    return Path(os.environ.get("CABIN_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def cabin_data() -> Path:
    """The real recordings; the test is skipped by name where they are absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"real recordings are not at {folder}: set CABIN_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def maker_vectors() -> Path:
    """Captured byte vectors that may not be redistributed; they lie beside the recordings."""
    folder = data_folder().parent / "protocols" / "vectors"
    if not folder.is_dir():
        pytest.skip(f"captured byte vectors are not at {folder}: set CABIN_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """This worker's one PostgreSQL; a test that kills it starts it again."""
    run = tmp_path_factory.getbasetemp()
    server = Postgres((run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "cluster")
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def chromium_endpoint() -> Iterator[str]:
    """The debugging address of this worker's one Chromium."""
    with chromium() as endpoint:
        yield endpoint


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium_driven(chromium_endpoint: str) -> AsyncIterator[Browser]:
    """This worker's one Chromium, through its one driver."""
    async with connected(chromium_endpoint) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def screens(chromium_driven: Browser) -> AsyncIterator[Screens]:
    """Screens of this test; whatever a page complains of, and nobody expected, fails it."""
    async with screens_of(chromium_driven) as screens:
        yield screens


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have each worker import its own share of the tests first: together they compile a fresh tree once."""
    tests = Path(__file__).resolve().parent
    worker, count = (os.environ.get(f"PYTEST_XDIST_WORKER{each}", "") for each in ("", "_COUNT"))
    if not worker or tests not in (Path(each).resolve() for each in session.config.args):
        return
    for file in sorted(tests.glob("test_*.py"))[int(worker.removeprefix("gw")) :: int(count)]:
        # What cannot be imported is told by pytest, when it comes to it.
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(file.stem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Collect no garbage while a failure is told, or a finalizer that complains ends the whole run.

    A traceback is found by parsing its files, and Python before 3.11.8 cannot parse one while another is parsed, by
    a finalizer's own traceback or in a thread that a collection lets in (python/cpython#106905).
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads real recordings, what starts Chromium or PostgreSQL, and what waits for the wall's clock.

    `make check` leaves the first two out. A coroutine waits: for time-outs of a sheet, or the other end of a link.
    """
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.wall_clock)
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"cabin_data", "maker_vectors"} & fixtures:
            item.add_marker(pytest.mark.recordings)
        if {"chromium_endpoint", "postgres"} & fixtures:
            item.add_marker(pytest.mark.processes)
        if "chromium_driven" in fixtures:
            looped = item.get_closest_marker("asyncio")
            if looped is None or looped.kwargs != ONE_LOOP.kwargs:
                raise pytest.UsageError(f"{item.nodeid} opens pages: mark it ONE_LOOP (tests/browser.py).")
