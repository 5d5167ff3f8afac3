"""The pictures of the analysis: each is there, each is told, and none holds samples."""

from __future__ import annotations

import ast

import pytest

from bench.signal_cases import ROOT
from bench.signal_pictures import PICTURES, page

FOLDER = ROOT / "docs" / "signal"


def test_the_page_is_what_the_bench_writes() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page()


def test_the_folder_holds_the_pictures_and_the_page_alone() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {"README.md", *(f"{name}.webp" for name in PICTURES)}


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_picture_is_one_and_is_told(name: str) -> None:
    head = (FOLDER / f"{name}.webp").read_bytes()[:12]
    assert head[:4] == b"RIFF" and head[8:] == b"WEBP"
    assert f"({name}.webp)" in page() and PICTURES[name].caption in page()


def test_the_databases_are_named_as_their_licence_asks() -> None:
    text = page()
    assert all(word in text for word in ("Goldberger", "Moody and Mark", "Pimentel", "Attribution Licence"))


def test_every_picture_that_is_told_is_drawn() -> None:
    """The module that draws needs matplotlib, which this environment does not have: its table is read as text."""
    tree = ast.parse((ROOT / "bench" / "signal_plots.py").read_text(encoding="utf-8"))
    tables = [node.value for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    (keys,) = [
        [ast.literal_eval(key) for key in table.keys if key] for table in tables if isinstance(table, ast.Dict)
    ]
    assert keys == list(PICTURES)
