"""Deliberate faults: each one of the table is put in, and the tests named there must notice it."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from tests.mutations import MUTATIONS, Mutation, page_table

ROOT = Path(__file__).parents[1]
#: What the tests of the engine need of the repository, besides the data.
_COPIED = ("feeds", "factors", "strategies", "analyzers", "configs", "runs", "tests", "docs")
_IDS = [mutation.name for mutation in MUTATIONS]


def mutated(mutation: Mutation, root: Path = ROOT) -> str:
    """The file of a mutation with the fault in it."""
    text = (root / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.file} has to have this once: {mutation.old}"
    return text.replace(mutation.old, mutation.new)


# The table itself


@pytest.mark.parametrize("mutation", MUTATIONS, ids=_IDS)
def test_a_mutation_still_applies_to_the_code(mutation):
    compile(mutated(mutation), mutation.file, "exec")
    assert mutation.old != mutation.new
    for name in mutation.tests:
        assert (ROOT / "tests" / f"{name}.py").is_file()


def test_there_are_enough_and_no_two_are_the_same():
    assert len(MUTATIONS) >= 40
    assert len({(mutation.file, mutation.old, mutation.new) for mutation in MUTATIONS}) == len(_IDS)
    assert len(set(_IDS)) == len(_IDS)


def test_the_page_lists_every_mutation():
    page = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    assert page_table() in page, "python -m tests.mutations prints the table for docs/proofs.md"


# The faults put in


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository's code in a folder of its own."""
    root = tmp_path_factory.mktemp("mutated") / "repository"
    root.mkdir()
    for name in _COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "data").symlink_to(ROOT / "data")
    # Compiled once, checked by content: what is mutated is compiled again, nothing else.
    compileall.compile_dir(root, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return root


def run_tests(root: Path, names: tuple[str, ...]) -> subprocess.CompletedProcess:
    """The quick tests of some files, up to the first failure."""
    files = [f"tests/{name}.py" for name in names]
    # A bytecode file of the same second and size would be taken for the mutated one's.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-m", "not slow", "--tb=short", *files]
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("mutation", MUTATIONS, ids=_IDS)
def test_a_fault_is_noticed(copy, mutation):
    path = copy / mutation.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(mutated(mutation, copy), encoding="utf-8")
    try:
        done = run_tests(copy, mutation.tests)
    finally:
        path.write_text(sound, encoding="utf-8")
    # 1: a test failed. 0: nobody noticed; 2: the module could not even be imported.
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    for crash in ("NameError", "SyntaxError", "ImportError", "ERROR "):
        assert crash not in done.stdout, "the fault is to be wrong, not broken"


@pytest.mark.exhaustive
def test_without_a_fault_the_copy_passes(copy):
    names = sorted({name for mutation in MUTATIONS for name in mutation.tests})
    done = run_tests(copy, tuple(names))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
