"""The cache: damage, what it depends on, litter and full disks."""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import feeds.cache as cache
from feeds.store import load_dataset
from feeds.write import write_folder
from tests.cache_case import (
    caches,
    content,
    cut,
    dead_process,
    forks,
    in_child,
    made_cache,
    replace,
)
from tests.little_set import MANIFEST, files


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("truth") / "made"
    write_folder(folder, files(), MANIFEST)
    return content(folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


class TestDamage:
    DAMAGES = {
        "cut in the numbers": lambda path: cut(path / "close.npy", 100),
        "cut by a byte": lambda path: cut(path / "close.npy", -1),
        "cut in the head": lambda path: cut(path / "close.npy", 9),
        "empty": lambda path: cut(path / "volume.npy", 0),
        "longer": lambda path: replace(path / "close.npy", lambda old: old + b"\0"),
        "another shape": lambda path: np.save(path / "close.npy", np.zeros((3, 7))),
        "another type": lambda path: np.save(path / "close.npy", np.zeros((7, 3), np.float32)),
        "objects": lambda path: np.save(path / "close.npy", np.array([None]), allow_pickle=True),
        "an array gone": lambda path: (path / "tradable.npy").unlink(),
        "no description": lambda path: (path / "meta.json").unlink(),
        "description cut": lambda path: cut(path / "meta.json", -5),
        "description edited": lambda path: replace(
            path / "meta.json", lambda old: old.replace(b"NA", b"NB")
        ),
        "description a list": lambda path: sealed(path, []),
        "description empty": lambda path: sealed(path, {}),
        "garbage": lambda path: replace(path / "meta.json", lambda old: b"\xff\xfe" * 99),
        "nothing inside": lambda path: [item.unlink() for item in list(path.iterdir())],
        "a file in its place": lambda path: (shutil.rmtree(path), path.write_bytes(b"x")),
    }

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_it_is_noticed_and_built_again(self, folder, truth, damage):
        path = made_cache(folder)
        self.DAMAGES[damage](path)
        assert cache.load_cached(folder, path.name) is None
        assert content(folder) == truth
        if path.is_dir():
            assert cache.load_cached(folder, path.name) is not None
            assert caches(folder) == [path.name]
        assert content(folder) == truth


def sealed(path: Path, meta: object) -> None:
    """A description that is whole and says something else."""
    text = json.dumps(meta).encode()
    seal = hashlib.sha256(text).hexdigest().encode()
    (path / "meta.json").write_bytes(seal + b"\n" + text)


class TestWhatItDependsOn:
    def test_calendars_have_their_own(self, folder):
        load_dataset(folder)
        load_dataset(folder, calendar="24/7")
        one, two = caches(folder)
        assert one.split("-")[0] == two.split("-")[0]

    @pytest.mark.parametrize("name", ["folding.py", "fundamentals.py", "us_holidays.py"])
    def test_other_code_or_holidays_make_another(self, folder, truth, name, tmp_path, monkeypatch):
        old = made_cache(folder).name
        paths = cache._definitions()
        (place,) = (n for n, path in enumerate(paths) if path.name == name)
        paths[place] = tmp_path / name
        paths[place].write_text("# changed")
        monkeypatch.setattr(cache, "_definitions", lambda: paths)
        assert content(folder) == truth
        (new,) = caches(folder)
        assert new != old

    def test_all_code_that_makes_the_arrays_counts(self):
        # What reading and aligning import of the package, and so on down.
        reached, waiting = set(), ["blocks", "price_files", "set_tables"]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                tree = ast.parse(Path(f"feeds/{name.replace('.', '/')}.py").read_text())
                found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
                waiting += [
                    node.module[6:] for node in found if str(node.module).startswith("feeds.")
                ]
        # These hold arrays, or say what is wrong; they make no numbers.
        others = {"atomic", "cache", "errors", "last_bars", "panel", "sources.request"}
        others |= {"suggestions"}
        here = Path(cache.__file__).parent
        own = [path for path in cache._definitions() if path.is_relative_to(here)]
        counted = {".".join(path.relative_to(here).with_suffix("").parts) for path in own}
        assert counted == reached - others
        assert all(path.is_file() for path in cache._definitions())

    def test_the_key_is_the_same_in_another_process(self, folder):
        # Hash seeds and the time zone have no say.
        import subprocess

        load_dataset(folder)
        code = f"from feeds.store import load_dataset; load_dataset({str(folder)!r})"
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            assert len(caches(folder)) == 1

    def test_readers_of_an_old_cache_keep_it(self, folder, truth):
        load_dataset(folder)
        old = load_dataset(folder).panel
        before = old.close.copy()
        rewrite(folder, "prices_crypto.csv", lambda text: text.replace(",26,", ",27,"))
        new = load_dataset(folder).panel
        assert len(caches(folder)) == 1
        assert new.close[6, 2] == 27.0
        np.testing.assert_array_equal(old.close, before)
        assert np.ascontiguousarray(old.volume).tobytes() == truth["volume"]


def rewrite(folder: Path, name: str, change: Callable[[str], str]) -> None:
    (folder / name).write_text(change((folder / name).read_text()))
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest["files"][name]["sha256"] = digest
    (folder / "manifest.json").write_text(json.dumps(manifest))


class TestLitter:
    def test_what_a_killed_process_left_is_removed(self, folder):
        (folder / ".cache" / f"building-{dead_process()}-0").mkdir(parents=True)
        (folder / ".cache" / "building-strange").mkdir()
        # In a container, the next process has the number of the one before.
        for number in range(3):
            (folder / ".cache" / f"building-{os.getpid()}-{number}").mkdir()
        made_cache(folder)

    def test_what_a_running_process_builds_is_left_alone(self, folder):
        own = folder / ".cache" / f"building-{os.getppid()}-0"
        own.mkdir(parents=True)
        load_dataset(folder)
        assert own.is_dir() and len(caches(folder)) == 2


class TestNoRoom:
    @pytest.mark.parametrize("step", ["_write_full", "rename", "fsync", "save", "write_bytes"])
    @pytest.mark.parametrize("call", [1, 3])
    def test_a_full_disk_costs_the_cache_and_nothing_else(
        self, folder, truth, step, call, monkeypatch
    ):
        owner = {"save": np, "write_bytes": Path, "_write_full": cache}.get(step, os)
        whole, calls = getattr(owner, step), []

        def full(*arguments, **options):
            calls.append(step)
            if len(calls) >= call:
                raise OSError(errno.ENOSPC, "No space left on device")
            return whole(*arguments, **options)

        monkeypatch.setattr(owner, step, full)
        assert content(folder) == truth
        if len(calls) >= call:
            assert caches(folder) == []
        monkeypatch.undo()
        assert content(folder) == truth
        assert len(caches(folder)) == 1

    def test_memory_is_given_back_without_a_loss(self, folder, truth, monkeypatch):
        monkeypatch.setattr(cache, "_RESIDENT", 0)
        monkeypatch.setattr(cache, "_PIECE", 16)
        assert content(folder) == truth
        assert len(caches(folder)) == 1

    @forks
    def test_files_that_may_not_grow(self, folder, truth):
        resource = pytest.importorskip("resource")

        def small() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
            assert content(folder) == truth

        assert in_child(small) == 0
        assert caches(folder) == []
