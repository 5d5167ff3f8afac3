"""Fixtures for all tests: where the real recordings and the makers' byte vectors are."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browser import Screens, chromium, screens_at

ROOT = Path(__file__).resolve().parent.parent


settings.register_profile("quick", max_examples=20)
if profile := os.environ.get("HYPOTHESIS_PROFILE"):
    settings.load_profile(profile)


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
def chromium_endpoint() -> Iterator[str]:
    """The debugging address of this worker's one Chromium."""
    with chromium() as endpoint:
        yield endpoint


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens of this test; whatever a page complains of, and nobody expected, fails it."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads real recordings, and what opens Chromium: `make check` leaves both out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"cabin_data", "maker_vectors"} & fixtures:
            item.add_marker(pytest.mark.recordings)
        if "chromium_endpoint" in fixtures:
            item.add_marker(pytest.mark.processes)
