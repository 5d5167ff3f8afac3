"""Another aiortc is refused in one sentence: by its version, and by each name that is used of it."""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aioice.ice
import pytest
from aiortc import RTCSctpTransport

from cabin_agent import media
from cabin_agent.__main__ import main
from cabin_agent.media import aiortc_tuning
from cabin_agent.media.aiortc_names import FIELDS, NAMES, TuningError, check
from tests.media_core import CABIN


def test_the_installed_versions_are_those_that_are_changed() -> None:
    check()


@pytest.mark.parametrize(
    ("package", "found"),
    [("aiortc", "1.15.0"), ("aiortc", "1.17.0rc1"), ("aioice", "0.14.1"), ("av", "16.0.1"), ("av", "19.0.0")],
)
def test_another_version_is_refused_in_one_sentence(package: str, found: str) -> None:
    with pytest.raises(TuningError, match=f"^{package} {found} is installed, but .* install that version[.]$"):
        check(lambda name: found if name == package else version(name))


def test_a_package_that_is_not_installed_is_refused_in_one_sentence() -> None:
    def found(name: str) -> str:
        raise PackageNotFoundError(name)

    with pytest.raises(TuningError, match=r"^aiortc is missing, but .* install that version[.]$"):
        check(found)


@pytest.mark.parametrize(("where", "name"), [(where, name) for where, names in NAMES.items() for name in names])
def test_each_name_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, where: str, name: str) -> None:
    monkeypatch.delattr(pkgutil.resolve_name(where), name)
    with pytest.raises(TuningError, match=rf"^{where.replace(':', '.')}[.]{name} is not there any more: install"):
        check()


@pytest.mark.parametrize(("where", "field"), [(where, field) for where, fields in FIELDS.items() for field in fields])
def test_each_field_that_is_no_longer_set_is_told(monkeypatch: pytest.MonkeyPatch, where: str, field: str) -> None:
    rest = [other for other in FIELDS[where] if other != field]
    made: dict[str, object] = {}
    exec("\n ".join(["def __init__(self):", "pass", *(f"self.{other} = None" for other in rest)]), made)
    monkeypatch.setattr(pkgutil.resolve_name(where), "__init__", made["__init__"])
    with pytest.raises(TuningError, match=f"[.]{field} is not there any more: install"):
        check()


def test_a_module_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiortc.codecs.vpx", None)
    with pytest.raises(TuningError, match=r"^aiortc[.]codecs[.]vpx[.]"):
        check()


@pytest.fixture
def imported_anew() -> Iterator[None]:
    """The module of the changes is not imported yet; at the end it is the one that all others know."""
    del sys.modules[aiortc_tuning.__name__]
    yield
    sys.modules[aiortc_tuning.__name__] = vars(media)["aiortc_tuning"] = aiortc_tuning


@pytest.mark.parametrize(
    ("owner", "name"), [(RTCSctpTransport, "_update_rto"), (aioice.ice.Connection, "get_component_candidates")]
)
def test_without_a_name_the_changes_are_refused_and_not_half_imported(
    monkeypatch: pytest.MonkeyPatch, imported_anew: None, owner: type, name: str
) -> None:
    monkeypatch.delattr(owner, name)
    tuning = importlib.import_module(aiortc_tuning.__name__)
    with pytest.raises(TuningError, match=name):
        tuning.apply([])


def test_the_process_refuses_to_start_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "cabin.toml"
    settings.write_text(CABIN)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(os, "environ", {**os.environ})
    monkeypatch.delattr(RTCSctpTransport, "_update_rto")
    assert main(["media", "--config", str(settings)]) == 3
    told = capsys.readouterr()
    assert told.err.startswith("cabin media: ") and len(told.err.strip().splitlines()) == 1
