"""The house stays as it was laid out: names, imports, file sizes, verbs and locked dependencies."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cabin_agent.__main__ import VERBS, usage

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cabin_agent", "drivers", "signal/cabin_signal", "sync", "simulators")
MODULES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
LONGEST = 400
LOCKS = ("requirements.lock", "requirements-dev.lock")
MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|home)/[\w.]|/tmp/(?:house|fresh|bash_jobs)")
"""A path that exists on somebody's machine and not on the reader's."""


def named(file: Path) -> str:
    """A module as its reader finds it."""
    return file.relative_to(ROOT).as_posix()


def python(code: str, cwd: Path = ROOT) -> str:
    """What a fresh Python prints, with the folders that pytest and the editable install put on the path."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={"PYTHONPATH": f"{cwd}:{cwd / 'signal'}"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tracked() -> list[Path]:
    """Every file of the tree that git would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )  # fmt: skip
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


@cache
def parsed(file: Path) -> ast.Module:
    """A module's tree, which several tests look at."""
    return ast.parse(file.read_text())


def imports(tree: ast.Module, *, whole: bool) -> Iterator[str]:
    """Dotted names that a module imports; without `whole`, only those that importing it carries out."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        if whole or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))


# --- Python's own signal ------------------------------------------------------------------------------------------


def test_the_folder_signal_is_not_a_package() -> None:
    assert [entry.name for entry in (ROOT / "signal").iterdir() if entry.name != "__pycache__"] == ["cabin_signal"]


def test_signal_is_pythons_own_even_from_the_root_of_the_tree() -> None:
    where = python(
        "import asyncio, signal; asyncio.run(asyncio.sleep(0)); signal.getsignal(2); print(signal.__file__)"
    )
    assert not Path(where).resolve().is_relative_to(ROOT / "signal")
    assert "python" in where.lower()


# --- packages and files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").read_bytes() == b""
    assert (ROOT / package / "__init__.py").is_file()


def test_every_package_is_built_and_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert sorted(project["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(PACKAGES)
    assert set(PACKAGES) <= set(project["mypy"]["files"])
    assert sorted(project["importlinter"]["root_packages"]) == sorted(package.split("/")[-1] for package in PACKAGES)


def test_every_module_says_what_it_is() -> None:
    assert [named(file) for file in MODULES if not ast.get_docstring(parsed(file))] == [], "give it a docstring"


def test_every_file_holds_one_idea() -> None:
    lines = {named(file): len(file.read_text().splitlines()) for file in MODULES}
    long = {name: count for name, count in lines.items() if count > LONGEST}
    assert long == {}, "give one of its ideas a file of its own"


def test_no_folder_of_product_code_lacks_its_init() -> None:
    folders = {file.parent for file in MODULES}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_no_file_is_left_over() -> None:
    names = {file.name for file in tracked()}
    assert not {name for name in names if name.startswith(("utils.", "helpers.", "common."))}
    assert not {name for name in names if name.endswith((".orig", ".rej", ".bak", ".tmp", "~"))}


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    found = []
    for file in tracked():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {match.group()}" for match in MACHINE.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["see /wo" + "rk/shared/data", "'/ro" + "ot/.venv'", "in /tm" + "p/house.md"])
def test_a_path_of_one_machine_would_be_seen(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://example.org/work/order", "../shared/data", "{folder}/work/x", "at /work"])
def test_another_path_is_left_alone(text: str) -> None:
    assert not MACHINE.search(text)


# --- who imports whom ---------------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported_with_a_module() -> None:
    heavy = ("scipy.signal.", "fhir.resources.")
    names = [(named(file), name) for file in MODULES for name in imports(parsed(file), whole=False)]
    assert [(file, name) for file, name in names if f"{name}.".startswith(heavy)] == []


def test_a_heavy_import_would_be_seen() -> None:
    tree = ast.parse("try:\n    from scipy import signal\nexcept ImportError: pass\ndef f():\n    import wfdb\n")
    assert list(imports(tree, whole=False)) == ["scipy.signal"]
    assert sorted(imports(tree, whole=True)) == ["scipy.signal", "wfdb"]


def test_the_core_starts_without_anything_heavy() -> None:
    heavy = "{'scipy.signal', 'fhir.resources', 'wfdb', 'pandas', 'matplotlib', 'cv2', 'pytest'}"
    assert python(f"import sys, cabin_agent.app; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_a_simulator_never_decodes_with_the_driver() -> None:
    for file in (ROOT / "simulators").glob("*.py"):
        tree = parsed(file)
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        words |= {name.rpartition(".")[2] for name in imports(tree, whole=True)}
        assert not words & {"Decoder", "DECODERS"}, file.stem


def contracts(tree: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on a tree; its packages, not the installed ones, are read."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tree, env={"PYTHONPATH": f"{tree}:{tree / 'signal'}", "NO_COLOR": "1"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's code, beside the tree, to plant things in."""
    where = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", where)
    return where


def test_the_import_contracts_are_kept(copy: Path) -> None:
    verdict = contracts(copy)
    assert verdict.returncode == 0, verdict.stdout
    assert "0 broken" in verdict.stdout


PLANTED = (
    ("drivers", "import sync.outbox", "Floors"),
    ("sync", "import drivers.events", "Floors"),
    ("signal/cabin_signal", "import drivers.events", "Floors"),
    ("sync", "import cabin_agent.visit", "Floors"),
    ("cabin_agent", "import simulators.body", "Floors"),
    ("simulators", "import cabin_agent.visit", "Floors"),
    ("simulators", "import cabin_signal.filters", "A simulator knows the wire, not the analysis"),
    ("simulators", "import sync.outbox", "A simulator knows the wire, not the analysis"),
    ("signal/cabin_signal", "import asyncio", "The analysis is pure"),
    ("signal/cabin_signal", "import logging", "The analysis is pure"),
)
"""Room, what is planted there, and the contract that it breaks."""


def test_a_planted_import_breaks_its_contract(copy: Path) -> None:
    """All at once, each in a file of its own: reading the tree takes seconds."""
    intruders = [copy / room / f"intruder_{number}.py" for number, (room, *_) in enumerate(PLANTED)]
    for intruder, (_, planted, _) in zip(intruders, PLANTED, strict=True):
        intruder.write_text(f'"""Planted."""\n\n{planted}\n')
    try:
        verdict = contracts(copy)
    finally:
        for intruder in intruders:
            intruder.unlink()
    assert verdict.returncode == 1
    said = verdict.stdout.partition("Broken contracts")[2]
    for number, (room, planted, contract) in enumerate(PLANTED):
        _, _, told = said.partition(f"\n{contract}\n")
        other = [f"\n{each}\n" for _, _, each in PLANTED if each != contract]
        told = told[: min((at for each in other if (at := told.find(each)) >= 0), default=None)]
        line = rf"{room.rpartition('/')[2]}\.intruder_{number} -> {re.escape(planted.removeprefix('import '))}\b"
        assert re.search(line, told), f"{planted} in {room}: {verdict.stdout}"


# --- verbs --------------------------------------------------------------------------------------------------------


def verb_files() -> set[str]:
    """Files of `cabin_agent.commands` with the two functions of a verb."""
    found = set()
    for file in (ROOT / "cabin_agent" / "commands").glob("*.py"):
        functions = {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
        if {"add_arguments", "run"} <= functions:
            found.add(file.stem)
    return found


def test_every_verb_has_its_file_and_every_file_its_verb() -> None:
    # `simulate` is handed to the simulators, which the agent may not import.
    assert set(VERBS) - {"simulate"} == verb_files()
    assert (ROOT / "simulators" / "__main__.py").is_file()


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_the_verb(verb: str) -> None:
    line = next(line for line in usage().splitlines() if line.split()[:1] == [verb])
    assert line.endswith(VERBS[verb])


@pytest.mark.parametrize("verb", VERBS)
def test_the_readme_lists_the_verb(verb: str) -> None:
    table = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{verb}`" in line.split("|")[1] for line in table)


def test_the_installed_command_prints_that_help() -> None:
    cabin = Path(sys.executable).parent / "cabin"
    said = subprocess.run([cabin, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == usage()


# --- dependencies -------------------------------------------------------------------------------------------------


def plain(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    """Distribution -> version of one lock; every entry is pinned and hashed."""
    text = (ROOT / name).read_text()
    entries = re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;]+)[^\\\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)+)", text, re.M
    )
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert len(entries) == len(lines), f"{name} has a line that is not a pinned, hashed distribution"
    return {plain(distribution): version for distribution, version, _ in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_machine_and_no_index(lock: str) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|^\s*-e\b|\bfile:", (ROOT / lock).read_text(), re.M)


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(each for extra in extras for each in project["optional-dependencies"][extra]),
    ]
    names = {plain(re.split(r"[\s<>=!~;\[]", each, maxsplit=1)[0]) for each in asked}
    assert names - set(locked(lock)) == set(), "run 'make lock'"


def test_the_tests_run_with_what_the_cabin_runs_with() -> None:
    run, dev = (locked(lock) for lock in LOCKS)
    assert run.items() <= dev.items()
